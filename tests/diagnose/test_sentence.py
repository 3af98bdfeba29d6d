from __future__ import annotations

import pytest

from sentinel.model.sentence import fields_of, fill


def test_names_are_filled_in_with_their_formats_on_one_line() -> None:
    said = fill(
        "{endpoint} had {rps:.1f}/s\n  and {share:.0%}", {"endpoint": "chat", "rps": 7.96, "share": 0.256}
    )

    assert said == "chat had 8.0/s and 26%"


@pytest.mark.parametrize("values", [{}, {"rps": None}, {"rps": ""}])
def test_a_number_nobody_gave_is_unknown(values: dict[str, object]) -> None:
    assert fill("{rps:.1f} requests/s", values) == "unknown requests/s"


def test_a_format_that_does_not_fit_the_value_does_not_fail() -> None:
    assert fill("{rps:.1f}", {"rps": "many"}) == "many"


def test_a_bare_real_is_shown_short() -> None:
    assert fill("{share}", {"share": 1 / 3}) == "0.333333"


def test_values_are_not_templates() -> None:
    assert fill("{error}", {"error": "{rps.__class__}"}) == "{rps.__class__}"


@pytest.mark.parametrize("text", ["{a.b}", "{a[0]}", "{}", "{0}", "{a!r}", "{a:{b}}", "{a:999}", "{a", "a}"])
def test_anything_but_plain_names_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        fields_of(text)
