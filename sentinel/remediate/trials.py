"""The verdict on a change that is in force: a remedy must help, and what is put back must not hurt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sentinel.deploy.adapters import Adapters
from sentinel.model.finding import Measurement
from sentinel.model.incident import Incident
from sentinel.model.plan import ActionKind, Plan, Verification
from sentinel.model.rule import Symptom
from sentinel.model.target import Target
from sentinel.remediate.relaxed import stayed_away
from sentinel.remediate.verify import Trial, examine, unchanged_siblings
from sentinel.store.actions import Actions
from sentinel.store.incidents import Incidents
from sentinel.store.state import State

MeasureOf = Callable[[Symptom, Target, datetime, datetime], Measurement | None]
"""A symptom's measure of a target between two instants."""


class Trials:
    """Judges changes with what is stored beside them."""

    def __init__(self, state: State, adapters: Adapters, lag: timedelta, measure: MeasureOf) -> None:
        self._actions = Actions(state)
        self._incidents = Incidents(state)
        self._adapters = adapters
        self._lag = lag
        self._measure = measure

    def verdict(
        self, incident: Incident, plan: Plan, symptom: Symptom, now: datetime
    ) -> tuple[Trial, Verification]:
        """The trial of the change of an incident's plan, and what is to be said of it now."""
        applied = self._actions.of_plan(plan.id, ActionKind.APPLY)
        trial = Trial.of(plan, symptom, self._lag, applied)
        measure = partial(self._measure, symptom)
        if plan.relaxes:
            beside = self._incidents.beside(incident.target, incident.id)
            return trial, stayed_away(incident, plan, trial, now, measure, beside)
        siblings = unchanged_siblings(plan, self._adapters, self._actions)
        return trial, examine(incident.finding, symptom, trial, now, measure, siblings)
