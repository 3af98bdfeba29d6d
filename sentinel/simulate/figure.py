"""A figure of simulated courses as SVG or PNG: requests by what became of them above, replicas below.

Drawn by Matplotlib, which is an extra (`plot`): it is large and takes most of a second to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sentinel.errors import FigureError
from sentinel.model.outlook import Course

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS: Final = (".svg", ".png")
_SERVED, _REFUSED, _TIMED_OUT, _REPLICAS = "#4c9f70", "#d1495b", "#edae49", "#30638e"
_WIDTH: Final = 5.4
"""Inches of each course."""
_HEIGHT: Final = 5.6
_HIGH: Final = 1.25
"""Room above the highest value."""


def check(path: Path) -> None:
    """Make sure that a figure can be drawn into a file of that name.

    Raises:
        FigureError: The ending is no known one, or Matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise FigureError(f"{path.name} ends in neither {' nor '.join(FORMATS)}, so its format is not known")
    if find_spec("matplotlib") is None:
        raise FigureError(
            "figures are drawn by Matplotlib; install it with: pip install 'sentinel-aml[plot]'"
        )


def write_figure(path: Path, title: str, courses: Sequence[Course]) -> None:
    """Draw the courses side by side, on the same scales, and write them as the name's ending says.

    The same courses give the same bytes with the same Matplotlib.

    Raises:
        FigureError: As `check`.
        OSError: The file cannot be written.
    """
    check(path)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH * max(1, len(courses)), _HEIGHT), layout="constrained")
    figure.suptitle(title, fontweight="bold")
    grid = figure.subplots(
        2, max(1, len(courses)), sharex=True, sharey="row", squeeze=False, height_ratios=(3, 2)
    )
    for number, course in enumerate(courses):
        _draw_requests(grid[0][number], course)
        _draw_replicas(grid[1][number], course)
    grid[0][0].set_ylabel("requests a second")
    grid[1][0].set_ylabel("replicas")
    most = max((max(one.arrived, default=0) / one.seconds for one in courses), default=0.0)
    grid[0][0].set_ylim(0, (most or 1) * _HIGH)
    top = max((max(*one.ready, one.maximum) for one in courses if one.ready), default=1)
    grid[1][0].set_ylim(0, top * _HIGH)
    with mpl.rc_context({"svg.hashsalt": "sentinel", "svg.fonttype": "none"}):
        figure.savefig(path, format=path.suffix.lower()[1:], dpi=120, metadata=_metadata(path))


def _metadata(path: Path) -> dict[str, str | None]:
    """No date and no version, so that the same courses give the same bytes."""
    return {"Date": None, "Creator": None} if path.suffix.lower() == ".svg" else {"Software": None}


def _draw_requests(axes: Axes, course: Course) -> None:
    edges = [part * course.seconds / 60 for part in range(len(course.served) + 1)]
    below = [0.0] * len(course.served)
    shown = ((course.served, _SERVED, "served"), (course.timed_out, _TIMED_OUT, "504 timed out"))
    for counts, color, label in (*shown, (course.refused, _REFUSED, "503 refused")):
        above = [low + count / course.seconds for low, count in zip(below, counts, strict=True)]
        axes.stairs(above, edges, baseline=below, fill=True, color=color, label=label)
        below = above
    axes.stairs(below, edges, baseline=None, color="black", linewidth=0.8, label="arrived")
    total = sum(course.arrived) or 1
    failed = f"{sum(course.refused) / total:.1%} refused, {sum(course.timed_out) / total:.1%} timed out"
    axes.set_title(f"{course.name}: {failed}", fontsize="medium")
    axes.legend(loc="upper left", fontsize="small", ncols=4, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_replicas(axes: Axes, course: Course) -> None:
    edges = [part * course.seconds / 60 for part in range(len(course.ready) + 1)]
    axes.stairs(course.ready, edges, fill=True, color=_REPLICAS, label="ready")
    axes.axhline(
        course.maximum, color="black", linewidth=0.8, linestyle="--", label=f"maximum {course.maximum}"
    )
    axes.set_xlabel("minutes")
    axes.legend(loc="upper left", fontsize="small", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
