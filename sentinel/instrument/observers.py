"""Observers of the pipeline: metrics, and several as one."""

from __future__ import annotations

from sentinel.instrument.metrics import Metrics
from sentinel.model.incident import Incident, Transition
from sentinel.model.observer import Observer
from sentinel.model.plan import Action


class MetricsObserver:
    """Counts and times what the pipeline does."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def evaluated(self, symptom: str, seconds: float, findings: int, problem: str) -> None:
        """Count an evaluation, its findings and its problem."""
        self._metrics.rule_evaluations.labels(symptom).observe(seconds)
        self._metrics.findings.labels(symptom).inc(findings)
        if problem:
            self._metrics.rule_problems.labels(symptom).inc()

    def stepped(self, incident: Incident, seconds: float) -> None:
        """Count a step by the state it started from."""
        self._metrics.steps.labels(incident.state.value).observe(seconds)

    def moved(self, transition: Transition, incident: Incident) -> None:
        """Count a transition by the state it led to."""
        _ = incident
        self._metrics.transitions.labels(transition.after.value).inc()

    def acted(self, action: Action) -> None:
        """Nothing: actions are counted from the database at every scrape, so that a restart forgets none."""


class Everyone:
    """Several observers, told in the order given."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def evaluated(self, symptom: str, seconds: float, findings: int, problem: str) -> None:
        """Tell all of them of an evaluation."""
        for observer in self._observers:
            observer.evaluated(symptom, seconds, findings, problem)

    def stepped(self, incident: Incident, seconds: float) -> None:
        """Tell all of them of a step."""
        for observer in self._observers:
            observer.stepped(incident, seconds)

    def moved(self, transition: Transition, incident: Incident) -> None:
        """Tell all of them of a transition."""
        for observer in self._observers:
            observer.moved(transition, incident)

    def acted(self, action: Action) -> None:
        """Tell all of them of an action."""
        for observer in self._observers:
            observer.acted(action)
