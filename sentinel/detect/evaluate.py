"""What a symptom finds right now, and its measure for one target, healthy or not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from sentinel.clock import from_ticks
from sentinel.detect.bind import one_query, parameter_types
from sentinel.model.finding import Evaluation, Finding, Measurement
from sentinel.model.plain import plain_row
from sentinel.model.rule import Symptom
from sentinel.model.target import COLUMNS, PARAMETERS, Target

if TYPE_CHECKING:
    from sentinel.query.engine import Engine, Parameter

_MEASURE: Final = "Measure_"
_SAMPLE: Final = "Sample_"
HOLDS: Final = "Holds_"
"""The column that says whether the threshold is reached."""
_ADDED: Final = (_MEASURE, _SAMPLE, HOLDS)


class Evaluator(Protocol):
    """One way to find out for which targets a symptom holds."""

    def evaluate(self, symptom: Symptom, now: datetime) -> Evaluation:
        """The targets for which the symptom holds at `now`, in the order of their names.

        Raises:
            QueryError: The symptom's query was refused or ran out of a limit.
        """

    def measure(self, symptom: Symptom, target: Target, since: datetime, now: datetime) -> Measurement | None:
        """The symptom's measure for one target from `since` to `now`, or None when no row names the target.

        Raises:
            QueryError: The symptom's query was refused or ran out of a limit.
        """


class Newest(Protocol):
    """What knows how new the telemetry is, such as a `TelemetryStore`."""

    def newest(self, table: str) -> int | None:
        """The ticks of the newest `TimeGenerated` of a table, `None` if it has no rows."""


def measured_query(symptom: Symptom) -> str:
    """The symptom's query with its measure, sample and threshold as columns of every row."""
    return with_measures(one_query(symptom.query), symptom)


def with_measures(query: str, symptom: Symptom) -> str:
    """A query for the rows of a symptom, with the measure, the sample and the threshold added."""
    return (
        f"{query}\n| extend {_MEASURE} = todouble(\n{symptom.measure}\n)"
        f", {_SAMPLE} = tolong(\n{symptom.sample}\n), {HOLDS} = (\n{symptom.threshold}\n)"
    )


class WindowEvaluator:
    """Asks the whole window of the store at every evaluation."""

    def __init__(self, engine: Engine, store: Newest) -> None:
        self._engine = engine
        self._store = store

    def evaluate(self, symptom: Symptom, now: datetime) -> Evaluation:
        """The targets for which the symptom holds at `now`, in the order of their names.

        Raises:
            QueryError: The symptom's query was refused or ran out of a limit.
        """
        parameters: dict[str, Parameter] = {"window": symptom.window, "since": now - symptom.window}
        query = f"{measured_query(symptom)}\n| where {HOLDS}"
        answer = self._engine.query(query, now=now, parameters=parameters).records()
        findings = [finding_of(symptom, row, now) for row in answer]
        findings.sort(key=lambda finding: finding.target)
        return Evaluation(symptom.id, now, tuple(findings), self._newest(symptom))

    def measure(self, symptom: Symptom, target: Target, since: datetime, now: datetime) -> Measurement | None:
        """The symptom's measure for one target from `since` to `now`, or None when no row names the target.

        Raises:
            QueryError: The symptom's query was refused or ran out of a limit.
        """
        pairs = zip(COLUMNS[target.kind], PARAMETERS[target.kind], strict=True)
        named = " and ".join(f"{column} == {parameter}" for column, parameter in pairs)
        parameters: dict[str, Parameter] = {"window": now - since, "since": since, **target.parameters}
        query = f"{measured_query(symptom)}\n| where {named}"
        answer = self._engine.query(query, now=now, parameters=parameters).records()
        if not answer:
            return None
        row = answer[0]
        return Measurement(target, since, now, _real(row[_MEASURE]), int(row[_SAMPLE] or 0), bool(row[HOLDS]))

    def _newest(self, symptom: Symptom) -> datetime | None:
        tables = self._engine.tables_of(symptom.query, parameters=parameter_types(None))
        ticks = [newest for newest in map(self._store.newest, tables) if newest is not None]
        return from_ticks(max(ticks)) if ticks else None


def finding_of(symptom: Symptom, row: Mapping[str, Any], now: datetime) -> Finding:
    """A row for which a symptom holds, as a finding."""
    return Finding(
        symptom=symptom.id,
        target=Target.of_row(symptom.target, row),
        at=now,
        row=plain_row({name: value for name, value in row.items() if name not in _ADDED}),
        measure=_real(row[_MEASURE]),
        sample=int(row[_SAMPLE] or 0),
    )


def _real(value: float | None) -> float:
    """A measure that has no value (nothing to divide by) counts as none of the pain."""
    return 0.0 if value is None or value != value else float(value)  # noqa: PLR0124
