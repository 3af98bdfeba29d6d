from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sentinel.errors import StoreError
from sentinel.model.incident import IncidentState, Transition
from sentinel.model.notice import Notice
from sentinel.model.plan import ActionKind, ActionState, Effect
from sentinel.model.rule import Severity
from sentinel.model.target import deployment
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.outbox import Outbox
from sentinel.store.rule_state import LastEvaluation, RuleState
from sentinel.store.state import State
from tests.builders import CHAT_BLUE, NOON, a_diagnosis, a_plan, an_incident


@pytest.fixture
def state() -> Iterator[State]:
    opened = State.open(None)
    yield opened
    opened.close()


class TestIncidents:
    def test_an_incident_comes_back_as_it_was_stored(self, state: State) -> None:
        incident = an_incident(diagnosis=a_diagnosis(), plan=a_plan(), tried=("a#0",))

        Incidents(state).create(incident)

        stored = Incidents(state).get("inc-1")
        assert stored is not None
        assert stored.incident == incident

    def test_a_second_open_incident_of_the_same_symptom_and_target_is_refused(self, state: State) -> None:
        Incidents(state).create(an_incident())

        with pytest.raises(sqlite3.IntegrityError):
            Incidents(state).create(an_incident(id="inc-2"))

    def test_a_closed_incident_makes_room_for_the_next(self, state: State) -> None:
        Incidents(state).create(an_incident(state=IncidentState.RESOLVED, closed=NOON))

        Incidents(state).create(an_incident(id="inc-2"))

        found = Incidents(state).open_for("requests-refused", CHAT_BLUE)
        assert found is not None
        assert found.incident.id == "inc-2"

    def test_a_change_to_a_version_that_is_gone_is_refused(self, state: State) -> None:
        incidents = Incidents(state)
        incidents.create(an_incident())
        stored = incidents.get("inc-1")
        assert stored is not None
        incidents.save(stored, replace(stored.incident, state=IncidentState.DIAGNOSED))

        late = incidents.save(stored, replace(stored.incident, state=IncidentState.ESCALATED))

        assert late is None
        assert [t.after for t in incidents.transitions("inc-1")] == [
            IncidentState.OPEN,
            IncidentState.DIAGNOSED,
        ]

    def test_only_due_incidents_are_due(self, state: State) -> None:
        incidents = Incidents(state)
        incidents.create(an_incident())
        incidents.create(an_incident(id="inc-2", target=deployment("chat", "green"), due=NOON + timedelta(1)))

        assert [s.incident.id for s in incidents.due(NOON)] == ["inc-1"]

    def test_the_beginning_of_an_id_is_enough_unless_two_share_it(self, state: State) -> None:
        incidents = Incidents(state)
        incidents.create(an_incident(id="inc-ab"))
        incidents.create(an_incident(id="inc-ac", target=deployment("chat", "green")))

        assert incidents.get("inc-ab") is not None
        assert incidents.get("inc-a") is None


class TestActions:
    def test_a_plan_is_claimed_once_for_each_kind(self, state: State) -> None:
        actions = Actions(state)
        actions.claim(a_plan().action(ActionKind.APPLY, "r1", NOON))

        with pytest.raises(sqlite3.IntegrityError):
            actions.claim(replace(a_plan().action(ActionKind.APPLY, "r1", NOON), id="other"))

    def test_a_claim_is_in_flight_until_it_is_finished(self, state: State) -> None:
        actions = Actions(state)
        action = a_plan().action(ActionKind.APPLY, "r1", NOON)
        actions.claim(action)
        before = actions.history(CHAT_BLUE, frozenset({"max_replicas"}), NOON, per=timedelta(hours=1))

        actions.finish(replace(action, state=ActionState.APPLIED, finished=NOON))
        after = actions.history(CHAT_BLUE, frozenset({"max_replicas"}), NOON, per=timedelta(hours=1))

        assert before.in_flight == ("plan-1-apply",)
        assert after.in_flight == ()
        assert (after.on_target, after.overall, after.last_on_knob) == (1, 1, NOON)

    def test_a_void_action_is_not_counted(self, state: State) -> None:
        actions = Actions(state)
        action = a_plan().action(ActionKind.APPLY, "r1", NOON)
        actions.claim(action)
        actions.finish(replace(action, state=ActionState.VOID, finished=NOON))

        history = actions.history(CHAT_BLUE, frozenset({"max_replicas"}), NOON, per=timedelta(hours=1))

        assert (history.on_target, history.overall, history.last_on_knob) == (0, 0, None)

    def test_a_change_of_another_target_counts_as_made_lately_until_it_is_finished(
        self, state: State
    ) -> None:
        actions, later = Actions(state), NOON + timedelta(minutes=5)
        action = a_plan(target=deployment("chat", "green")).action(ActionKind.APPLY, "r1", NOON)
        minute = timedelta(minutes=1)
        actions.claim(action)
        begun = actions.history(CHAT_BLUE, frozenset(), later, per=minute)

        actions.finish(replace(action, state=ActionState.APPLIED, finished=later))
        finished = actions.history(CHAT_BLUE, frozenset(), later, per=minute)
        past = actions.history(CHAT_BLUE, frozenset(), later + minute, per=minute)

        assert (begun.others, finished.others, past.others) == (1, 1, 0)

    def test_what_was_done_while_the_clock_was_behind_still_counts_when_it_is_right_again(
        self, state: State
    ) -> None:
        actions, behind = Actions(state), NOON - timedelta(hours=2)
        actions.claim(a_plan().action(ActionKind.APPLY, "r1", NOON))
        actions.claim(a_plan().action(ActionKind.UNDO, "r2", behind))

        history = actions.history(CHAT_BLUE, frozenset(), NOON + timedelta(minutes=5), per=timedelta(hours=1))

        assert (history.on_target, history.overall) == (2, 2)
        assert [one.kind for one in actions.listed()] == [ActionKind.UNDO, ActionKind.APPLY]

    @pytest.mark.parametrize(
        ("outcome", "undone", "on_trial"),
        [
            ("", None, "plan-1-apply"),
            (Effect.WORKED, None, ""),
            (Effect.HELPED, None, ""),
            (Effect.NO_EFFECT, None, "plan-1-apply"),
            (Effect.NO_EFFECT, ActionState.CLAIMED, "plan-1-apply"),
            (Effect.NO_EFFECT, ActionState.APPLIED, ""),
            (Effect.NO_EFFECT, ActionState.FAILED, ""),
        ],
    )
    def test_a_change_is_on_trial_until_it_is_kept_or_taken_back(
        self, outcome: str, undone: ActionState | None, on_trial: str, state: State
    ) -> None:
        actions = Actions(state)
        action = a_plan().action(ActionKind.APPLY, "r1", NOON)
        actions.claim(action)
        actions.finish(replace(action, state=ActionState.APPLIED, finished=NOON))
        if outcome:
            actions.conclude("plan-1", outcome, NOON)
        if undone is not None:
            actions.claim(replace(a_plan().action(ActionKind.UNDO, "r2", NOON), state=undone))

        history = actions.history(CHAT_BLUE, frozenset(), NOON, per=timedelta(hours=1))

        assert history.on_trial == on_trial

    def test_another_knob_does_not_cool_this_one_down(self, state: State) -> None:
        actions = Actions(state)
        actions.claim(a_plan().action(ActionKind.APPLY, "r1", NOON))

        history = actions.history(CHAT_BLUE, frozenset({"request_timeout_ms"}), NOON, per=timedelta(hours=1))

        assert history.last_on_knob is None


class TestRuleState:
    def test_since_when_a_symptom_holds_is_remembered(self, state: State) -> None:
        rules = RuleState(state)
        rules.seen("requests-refused", CHAT_BLUE, NOON)

        since = rules.seen("requests-refused", CHAT_BLUE, NOON + timedelta(seconds=10))

        assert since == NOON

    def test_a_break_starts_it_anew(self, state: State) -> None:
        rules = RuleState(state)
        rules.seen("requests-refused", CHAT_BLUE, NOON)
        rules.forget_unseen("requests-refused", NOON + timedelta(seconds=10))

        since = rules.seen("requests-refused", CHAT_BLUE, NOON + timedelta(seconds=20))

        assert since == NOON + timedelta(seconds=20)

    def test_the_last_evaluation_of_each_symptom_is_kept(self, state: State) -> None:
        rules = RuleState(state)
        rules.evaluated(LastEvaluation("a", NOON, None, 0, ""))

        rules.evaluated(LastEvaluation("a", NOON + timedelta(1), NOON, 2, ""))

        assert rules.evaluations() == {"a": LastEvaluation("a", NOON + timedelta(1), NOON, 2, "")}


class TestOutbox:
    @staticmethod
    def notice() -> Notice:
        transition = Transition("inc-1", 1, NOON, "open", IncidentState.DIAGNOSED, "because")
        return Notice("inc-1/1", "Requests are refused", Severity.ERROR, an_incident(), transition)

    def test_a_notice_put_twice_is_one_letter_a_channel(self, state: State) -> None:
        outbox = Outbox(state)
        outbox.put(self.notice(), ("pager", "chat"), NOON)

        outbox.put(self.notice(), ("pager", "chat"), NOON)

        assert [letter.channel for letter in outbox.due(NOON)] == ["chat", "pager"]

    def test_a_failed_letter_is_due_again_later(self, state: State) -> None:
        outbox = Outbox(state)
        outbox.put(self.notice(), ("pager",), NOON)

        outbox.failed(outbox.due(NOON)[0], "refused", NOON + timedelta(seconds=5))

        assert outbox.due(NOON) == []
        assert outbox.due(NOON + timedelta(seconds=5))[0].attempts == 1

    def test_delivered_and_dead_letters_are_not_due(self, state: State) -> None:
        outbox = Outbox(state)
        outbox.put(self.notice(), ("pager", "chat"), NOON)
        chat, pager = outbox.due(NOON)

        outbox.delivered(chat, NOON)
        outbox.dead(pager, "gone", NOON)

        assert outbox.due(NOON) == []
        assert outbox.counts() == {"waiting": 0, "delivered": 1, "dead": 1}
        assert [letter.channel for letter in outbox.dead_letters()] == ["pager"]


class TestState:
    def test_a_failed_transaction_leaves_nothing(self, state: State) -> None:
        def fail_half_way() -> None:
            with state.transaction():
                Incidents(state).create(an_incident())
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail_half_way()

        assert Incidents(state).get("inc-1") is None

    def test_a_database_of_a_newer_sentinel_is_refused(self, tmp_path: Path) -> None:
        newer = State.open(tmp_path / "state.db")
        newer.database.execute(
            "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES ('sentinel', 'm999_future', '')"
        )
        newer.close()

        with pytest.raises(StoreError, match="newer Sentinel"):
            State.open(tmp_path / "state.db")

    def test_it_is_opened_again_without_change(self, tmp_path: Path) -> None:
        first = State.open(tmp_path / "state.db")
        Incidents(first).create(an_incident())
        first.close()

        second = State.open(tmp_path / "state.db")

        assert Incidents(second).get("inc-1") is not None
        second.close()

    def test_a_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "state.db").write_text("not a database, but long enough to be mistaken for one" * 50)

        with pytest.raises(StoreError, match="cannot open the state database"):
            State.open(tmp_path / "state.db")
