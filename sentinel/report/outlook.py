"""The simulated outcome of a plan: a table of what every weighed change would have done, and a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from sentinel.clock import format_span
from sentinel.model.outlook import Candidate, Course, Outcome, Outlook, Price
from sentinel.report.charts import columns, stretched
from sentinel.report.text import number

_HEAD: Final[tuple[str, ...]] = ("", "refused", "timed out", "p95", "replica-hours", "")
_HEIGHT: Final = 4
"""Lines of each chart."""
_WIDEST: Final = 60
_NARROWEST: Final = 12


def outlook_lines(outlook: Outlook, width: int = 100) -> Iterator[str]:
    """Whether the simulation is calibrated, what every weighed change would have done, and the chosen one over time."""
    if not outlook.calibrated:
        yield outlook.note
        return
    yield from _table(outlook)
    extra = outlook.extra_replicas
    if extra is not None:
        yield f"cost: {cost_text(extra, outlook.price)}"
    yield f"calibrated: {outlook.note}"
    yield from figure_lines(outlook.courses, width)


def _table(outlook: Outlook) -> Iterator[str]:
    """The changes below each other, so that their outcomes can be compared."""
    rows: list[tuple[str, ...]] = [_HEAD]
    if outlook.now is not None:
        rows.append(("as it is", *_cells(outlook.now), ""))
    rows += [(one.change, *_cells(one.outcome), _standing(one, outlook)) for one in outlook.candidates]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEAD))]
    for name, *cells, standing in rows:
        shown = "  ".join(f"{cell:>{wide}}" for cell, wide in zip(cells, widths[1:-1], strict=True))
        yield f"{name:<{widths[0]}}  {shown}  {standing}".rstrip()


def _standing(candidate: Candidate, outlook: Outlook) -> str:
    enough = "enough" if candidate.sufficient else "not enough"
    return f"{enough}, chosen" if candidate.outcome == outlook.after else enough


def _cells(outcome: Outcome) -> tuple[str, ...]:
    return (
        f"{outcome.refused_share:.1%}",
        f"{outcome.timed_out_share:.1%}",
        f"{outcome.p95_ms:.0f} ms",
        f"{outcome.replica_hours:.2f}",
    )


def figure_lines(courses: Sequence[Course], width: int) -> Iterator[str]:
    """The courses over time: of each what arrived, was refused and timed out, and the ready replicas, on one scale."""
    if not courses or not any(one.served for one in courses):
        return
    most = max(max(one.arrived) / one.seconds for one in courses)
    top = max(max(one.ready) for one in courses)
    for course in courses:
        yield ""
        yield f"{course.name}, requests a second and replicas over {_span(course)}"
        failed = [(one + other) for one, other in zip(course.refused, course.timed_out, strict=True)]
        shown = [
            ("arrived", [count / course.seconds for count in course.arrived], most, 1),
            ("served", [count / course.seconds for count in course.served], most, 1),
            ("refused or timed out", [count / course.seconds for count in failed], most, _HEIGHT),
            (f"ready, at most {course.maximum}", list(map(float, course.ready)), float(top), _HEIGHT),
        ]
        for name, values, scale, height in shown:
            yield from _chart(name, values, scale, height, width)


def _chart(name: str, values: list[float], top: float, height: int, width: int) -> Iterator[str]:
    named = 20
    room = max(_NARROWEST, min(_WIDEST, width - named - 12))
    drawn = columns(stretched(values, room), room, height, top=top)
    for place, line in enumerate(drawn):
        label = name if place == len(drawn) - 1 else ""
        peak = f"max {number(round(max(values), 1))}" if place == len(drawn) - 1 else ""
        yield f"{label:>{named}} ┤{line:<{room}} {peak}".rstrip()


def _span(course: Course) -> str:
    return format_span(timedelta(seconds=course.seconds * len(course.served)))


def cost_text(extra: float, price: Price | None) -> str:
    """What so many replica-hours more in an hour are, in money too where a replica-hour has a price."""
    hours = f"{extra:+.2f} replica-hours an hour"
    if price is None:
        return hours
    return f"{hours}, {extra * price.amount:+.2f} {price.currency} an hour"
