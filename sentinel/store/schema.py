"""The history of `state.db`, one named step after the other; an old step is never edited."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

migrations = Migrations("sentinel")


@migrations()
def m001_incidents(db: Database) -> None:
    """Incidents and every change of their state; at most one that is not closed a target and symptom."""
    db.table("incidents").create(
        {
            "id": str,
            "symptom": str,
            "target": str,
            "state": str,
            "opened": int,
            "due": int,
            "closed": int,
            "version": int,
            "body": str,
        },
        pk="id",
        not_null={"symptom", "target", "state", "opened", "due", "version", "body"},
    )
    db.execute("CREATE UNIQUE INDEX one_open_incident ON incidents(target, symptom) WHERE closed IS NULL")
    db.execute("CREATE INDEX incidents_due ON incidents(due) WHERE closed IS NULL")
    db.table("transitions").create(
        {"incident": str, "sequence": int, "at": int, "before": str, "after": str, "why": str},
        pk=("incident", "sequence"),
        foreign_keys=[("incident", "incidents", "id")],
    )


@migrations()
def m002_actions(db: Database) -> None:
    """What was claimed and done; a plan is applied once and undone once."""
    db.table("actions").create(
        {
            "id": str,
            "plan": str,
            "incident": str,
            "target": str,
            "kind": str,
            "state": str,
            "knobs": str,
            "claimed": int,
            "finished": int,
            "body": str,
        },
        pk="id",
        not_null={"plan", "incident", "target", "kind", "state", "knobs", "claimed", "body"},
    )
    db.execute("CREATE UNIQUE INDEX one_action_a_plan_and_kind ON actions(plan, kind)")
    db.execute("CREATE INDEX actions_claimed ON actions(claimed)")


@migrations()
def m003_rule_state(db: Database) -> None:
    """Since when a symptom holds for a target, and when each symptom was last evaluated."""
    db.table("pending").create(
        {"symptom": str, "target": str, "since": int, "last_seen": int}, pk=("symptom", "target")
    )
    db.table("evaluations").create(
        {"symptom": str, "at": int, "newest": int, "findings": int, "problem": str}, pk="symptom"
    )


@migrations()
def m004_outbox(db: Database) -> None:
    """What is still to be told to whom; one row for each notice and channel."""
    db.table("outbox").create(
        {
            "key": str,
            "channel": str,
            "created": int,
            "due": int,
            "attempts": int,
            "delivered": int,
            "dead": int,
            "problem": str,
            "body": str,
        },
        pk=("key", "channel"),
        not_null={"created", "due", "attempts", "body"},
    )
    db.execute("CREATE INDEX outbox_due ON outbox(due) WHERE delivered IS NULL AND dead IS NULL")


@migrations()
def m005_audit(db: Database) -> None:
    """What was decided, refused and done; rows are added, never changed and never removed."""
    db.table("audit").create(
        {
            "sequence": int,
            "at": int,
            "kind": str,
            "incident": str,
            "target": str,
            "body": str,
            "previous": str,
            "hash": str,
        },
        pk="sequence",
        not_null={"at", "kind", "incident", "target", "body", "previous", "hash"},
    )
    db.execute("CREATE INDEX audit_of_incident ON audit(incident, sequence)")
    db.execute("CREATE INDEX audit_of_target ON audit(target, at)")
    for change in ("UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER audit_forbids_{change.lower()} BEFORE {change} ON audit"
            " BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END"
        )


@migrations()
def m006_outcomes(db: Database) -> None:
    """What verification said of an applied change, so that failures can be counted."""
    db.table("actions").add_column("outcome", str, not_null_default="")


@migrations()
def m007_clock(db: Database) -> None:
    """The latest time seen, and until when a clock that stepped back is not trusted."""
    db.table("clock").create(
        {"id": int, "latest": int, "frozen_until": int}, pk="id", not_null={"latest", "frozen_until"}
    )


STEPS = frozenset(name for name in list(globals()) if name[:1] == "m" and name[1:4].isdigit())
"""The names of all steps this Sentinel knows."""
