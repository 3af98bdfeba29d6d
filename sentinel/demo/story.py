"""The time line of an act, drawn while it happens and left standing when it is over."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sentinel.demo.forecast import Forecast, forecast_lines
from sentinel.model.diagnosis import ClauseRole, Diagnosis, Evidence, Outcome
from sentinel.model.incident import IncidentState as At
from sentinel.report.charts import sparkline
from sentinel.report.incidents import IncidentDetail, timeline
from sentinel.report.measures import before_after
from sentinel.report.text import cut, row_text

_ROW_WIDTH: Final = 110
_FORETOLD: Final = ("Foretold", "Measured", "Together")
_CHART_WIDTH: Final = 38
"""So that a chart and its latest value fit into 80 columns."""
_LOOKS: Final = {
    At.OPEN: ("▲", "bold red"),
    At.DIAGNOSED: ("◆", "yellow"),
    At.PLANNED: ("◇", "cyan"),
    At.WAITING: ("?", "bold magenta"),
    At.APPLYING: ("▶", "cyan"),
    At.SETTLING: ("▶", "cyan"),
    At.CONFIRMED: ("✔", "bold green"),
    At.UNDOING: ("◀", "magenta"),
    At.UNDONE: ("◀", "magenta"),
    At.ESCALATED: ("☎", "bold magenta"),
    At.RESOLVED: ("✔", "bold green"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the time line."""

    at: datetime
    mark: str
    name: str
    sentence: str
    style: str


@dataclass(frozen=True, slots=True)
class Glance:
    """What the endpoint looked like at one moment: answers of the last second, replicas, the maximum."""

    answers: Counter[int]
    ready: int
    replicas: int
    maximum: int


class Story:
    """Collects what is done to a deployment and what Sentinel does about it."""

    def __init__(self, began: datetime) -> None:
        self._began = began
        self._notes: list[Line] = []
        self._glances: deque[Glance] = deque(maxlen=240)

    def note(self, at: datetime, name: str, sentence: str) -> None:
        """Add something the demo itself did."""
        self._notes.append(Line(at, "●", name, sentence, "bold blue"))

    def glance(self, glance: Glance) -> None:
        """Add how things look now."""
        self._glances.append(glance)

    def drawn(self, incidents: Sequence[IncidentDetail]) -> RenderableType:
        """The time line so far, and the endpoint's charts."""
        table = Table.grid(padding=(0, 1))
        table.add_column(justify="right", style="dim", min_width=5)
        table.add_column(width=1)
        table.add_column(min_width=9)
        table.add_column(ratio=1)
        lines = [*self._notes, *(line for detail in incidents for line in lines_of(detail))]
        for line in sorted(lines, key=lambda line: line.at):
            seconds = (line.at - self._began).total_seconds()
            mark, name = Text(line.mark, line.style), Text(line.name, line.style)
            table.add_row(f"{seconds:.0f}s", mark, name, Text(line.sentence))
        return Group(table, Text(), *self._charts())

    def _charts(self) -> Iterator[Text]:
        glances = list(self._glances)
        if not glances:
            return
        now = glances[-1]
        shown = (
            ("answered 200", [glance.answers[200] for glance in glances], "green", f"{now.answers[200]}/s"),
            ("refused  503", [glance.answers[503] for glance in glances], "red", f"{now.answers[503]}/s"),
            ("too slow 504", [glance.answers[504] for glance in glances], "magenta", f"{now.answers[504]}/s"),
            (
                "ready replicas",
                [glance.ready for glance in glances],
                "cyan",
                f"{now.ready} of {now.replicas}, at most {now.maximum}",
            ),
        )
        top = max(max(values) for _, values, _, _ in shown[:3])
        for name, values, style, latest in shown:
            scale = top if name[-1].isdecimal() else None
            chart = sparkline(values, _CHART_WIDTH, top=scale)
            yield Text.assemble((f"  {name:>14}  ", "dim"), (chart, style), ("  " + latest, "dim"))


def lines_of(detail: IncidentDetail) -> Iterator[Line]:
    """The steps of an incident."""
    for entry in timeline(detail):
        mark, style = _LOOKS[entry.state]
        yield Line(entry.at, mark, entry.state.value, entry.sentence, style)


def reasons(detail: IncidentDetail, forecast: Forecast | str = "") -> RenderableType:
    """Why Sentinel did what it did: verdict, evidence, what was ruled out, size, effect, and what was foretold."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold", min_width=11)
    table.add_column(ratio=1)
    foretold = forecast_lines(forecast) if forecast else ()
    for title, sentence in (*_reasons(detail), *zip(_FORETOLD, foretold, strict=False)):
        says, _, row = sentence.partition("\n")
        table.add_row(title, Group(Text(says), Padding(Text(row), (0, 0, 0, 4))) if row else Text(says))
    return table


def _reasons(detail: IncidentDetail) -> Iterator[tuple[str, str]]:
    diagnosis = detail.diagnosis
    if diagnosis is not None:
        yield from _verdict(diagnosis)
    if detail.plan is not None:
        yield "Size", detail.plan.formula.workings
    for action in detail.actions:
        yield "Change", f"{', '.join(map(str, action.changes))} ({action.state})"
    if not detail.actions:
        yield "Change", "none: " + detail.incident.why
    if detail.verification is not None:
        verified = detail.verification
        yield "Effect", f"{before_after(verified)} of the requests; {verified.effect}: {verified.reason}"


def _verdict(diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    if diagnosis.top is None:
        yield "Verdict", "the cause is unknown"
        return
    yield "Verdict", diagnosis.top.title
    yield "", diagnosis.top.reason
    held = [one for one in diagnosis.top.evidence if one.held and one.role is not ClauseRole.EXCLUDES]
    for title, one in zip(["Evidence", *[""] * len(held)], held, strict=False):
        yield title, f"+ {one.says}{_first_row(one)}"
    refuted = [cause for cause in diagnosis.others if cause.outcome is Outcome.RULED_OUT]
    for head, cause in zip(["Ruled out", *[""] * len(refuted)], refuted, strict=False):
        yield head, f"− {cause.title}: {cause.reason.removeprefix(f'{cause.outcome}: ')}"
    unseen = sum(cause.outcome is Outcome.NOT_SHOWN for cause in diagnosis.others)
    if unseen:
        yield (
            "Not shown",
            f"{unseen} other causes, each for want of its evidence (sentinel explain lists them)",
        )


def _first_row(one: Evidence) -> str:
    return f"\n{cut(row_text(one.rows[0]), _ROW_WIDTH)}" if one.rows else ""
