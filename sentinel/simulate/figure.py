"""A small SVG of simulated courses: the load, and the replicas with each of some settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 760
_HEIGHT: Final = 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 48, 34, 14, 40
_MOST_POINTS: Final = 400
_COLORS: Final = ("#7a7a7a", "#1f6fb4", "#d1602a", "#2d8a4e", "#8a4ea8")


@dataclass(frozen=True, slots=True)
class Course:
    """A named line: values by the second."""

    name: str
    points: Sequence[tuple[float, float]]


def figure(title: str, courses: Sequence[Course]) -> str:
    """The courses over time as one SVG document; of every stretch the highest value is drawn."""
    last = max((one.points[-1][0] for one in courses if one.points), default=0.0) or 1.0
    highest = max((value for one in courses for _, value in one.points), default=0.0) or 1.0
    across, up = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    base = _HEIGHT - _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"',
        '  role="img" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="16" font-weight="bold">{escape(title)}</text>',
    ]
    for part in range(5):
        y, value = base - up * part / 4, highest * part / 4
        lines.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#dddddd"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
        x = _LEFT + across * part / 4
        lines.append(
            f'<text x="{x:.1f}" y="{base + 16}" text-anchor="middle">{last * part / 4 / 60:.1f} min</text>'
        )
    for number, one in enumerate(courses):
        color = _COLORS[number % len(_COLORS)]
        path = "L".join(
            f"{_LEFT + across * at / last:.1f} {base - up * value / highest:.1f}"
            for at, value in _thinned(one)
        )
        if path:
            lines.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        x = _LEFT + number * across / max(1, len(courses))
        lines.append(f'<text x="{x:.1f}" y="{_HEIGHT - 8}" fill="{color}">{escape(one.name)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _thinned(course: Course) -> list[tuple[float, float]]:
    """At most `_MOST_POINTS` points, the highest of each stretch."""
    step = max(1, -(-len(course.points) // _MOST_POINTS))
    stretches = (course.points[begin : begin + step] for begin in range(0, len(course.points), step))
    return [max(stretch, key=lambda point: point[1]) for stretch in stretches]
