from __future__ import annotations

from xml.etree import ElementTree as ET

from sentinel.simulate.figure import Course, figure


def test_a_figure_is_one_svg_with_a_line_for_each_course() -> None:
    rising = Course("now", [(float(at), at / 10) for at in range(1000)])

    drawn = ET.fromstring(figure("chat/blue <1 h>", [rising, Course("candidate", [(0, 1), (999, 5)])]))

    lines = [one for one in drawn.iter() if one.tag.endswith("path") and one.get("fill") == "none"]
    texts = [one.text for one in drawn.iter() if one.tag.endswith("text")]
    assert len(lines) == 2
    assert {"chat/blue <1 h>", "now", "candidate"} <= set(texts)
    assert (lines[0].get("d") or "").count("L") < 400


def test_a_figure_of_nothing_is_a_figure() -> None:
    assert figure("empty", [Course("now", [])]).startswith("<svg")
