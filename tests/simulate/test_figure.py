from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sentinel.errors import FigureError
from sentinel.model.outlook import Course
from sentinel.model.settings import Settings
from sentinel.simulate import figure as drawing
from sentinel.simulate.course import course_of
from sentinel.simulate.figure import check, write_figure
from sentinel.simulate.replay import Demand, Replay, Timing

NOW = Course("now", 60.0, (60, 60, 60), (0, 60, 120), (0, 0, 6), (1, 1, 1), 1)
CANDIDATE = Course("candidate", 60.0, (60, 120, 186), (0, 0, 0), (0, 0, 0), (1, 2, 4), 4)
PNG = b"\x89PNG\r\n\x1a\n"


def test_an_svg_names_each_course_with_what_fails_and_every_kind_of_line(tmp_path: Path) -> None:
    path = tmp_path / "figure.svg"

    write_figure(path, "chat/blue <1 h>", [NOW, CANDIDATE])

    texts = {one.text for one in ET.fromstring(path.read_text()).iter() if one.tag.endswith("text")}
    assert {"chat/blue <1 h>", "candidate: 0.0% refused, 0.0% timed out"} <= texts
    assert {"now: 49.2% refused, 1.6% timed out", "maximum 1", "maximum 4"} <= texts
    assert {"served", "504 timed out", "503 refused", "arrived", "ready", "minutes"} <= texts


def test_a_png_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "figure.PNG"

    write_figure(path, "chat/blue", [NOW, CANDIDATE])

    assert path.read_bytes().startswith(PNG)


@pytest.mark.parametrize("name", ["one.svg", "one.png"])
def test_the_same_courses_give_the_same_bytes(tmp_path: Path, name: str) -> None:
    first, second = tmp_path / name, tmp_path / f"again-{name}"

    write_figure(first, "chat/blue", [NOW])
    write_figure(second, "chat/blue", [NOW])

    assert first.read_bytes() == second.read_bytes()


def test_a_course_without_requests_is_drawn_too(tmp_path: Path) -> None:
    path = tmp_path / "figure.svg"

    write_figure(path, "empty", [Course("now", 60.0, (0,), (0,), (0,), (0,), 1)])

    assert "now: 0.0% refused" in path.read_text()


def test_another_ending_is_refused_by_name() -> None:
    with pytest.raises(FigureError, match=r"figure\.pdf ends in neither \.svg nor \.png"):
        check(Path("figure.pdf"))


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "find_spec", lambda _name: None)

    with pytest.raises(FigureError, match=r"pip install 'sentinel-aml\[plot\]'"):
        check(Path("figure.svg"))


def test_a_course_counts_every_request_where_it_arrived_and_the_replicas_at_the_end_of_each_part() -> None:
    demand = Demand([float(second) for second in range(60)], [2.0] * 60)
    replay = Replay(demand, Settings(max_replicas=3), Timing(start=10), watch=True)
    replay.finish()

    course = course_of("now", replay, demand, 6)

    assert course.arrived == (10, 10, 10, 10, 10, 9 + 1)
    assert course.refused[0] > 0
    assert course.refused[-1] == 0
    assert course.ready[0] == 1
    assert (course.ready[-1], course.maximum) == (2, 3)
