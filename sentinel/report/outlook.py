"""The simulated outcome of a plan, in lines."""

from __future__ import annotations

from collections.abc import Iterator

from sentinel.model.outlook import Outcome, Outlook, Price


def outlook_lines(outlook: Outlook) -> Iterator[str]:
    """Whether the simulation is calibrated, and what every weighed change would have done."""
    if not outlook.calibrated:
        yield outlook.note
        return
    if outlook.now is not None:
        yield f"as it is: {outcome_text(outlook.now)}"
    for one in outlook.candidates:
        chosen = ", chosen" if one.outcome == outlook.after else ""
        enough = "suffices" if one.sufficient else "does not suffice"
        yield f"{one.change}: {outcome_text(one.outcome)} ({enough}{chosen})"
    extra = outlook.extra_replicas
    if extra is not None:
        yield f"cost: {cost_text(extra, outlook.price)}"
    yield f"calibrated: {outlook.note}"


def cost_text(extra: float, price: Price | None) -> str:
    """What so many replica-hours more in an hour are, in money too where a replica-hour has a price."""
    hours = f"{extra:+.2f} replica-hours an hour"
    if price is None:
        return hours
    return f"{hours}, {extra * price.amount:+.2f} {price.currency} an hour"


def outcome_text(outcome: Outcome) -> str:
    """The outcome in one line."""
    return (
        f"{outcome.refused_share:.1%} refused, {outcome.timed_out_share:.1%} timed out, "
        f"p95 {outcome.p95_ms:.0f} ms, {outcome.replica_hours:.2f} replica-hours"
    )
