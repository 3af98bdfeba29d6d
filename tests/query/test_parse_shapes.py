"""`parse` finds what the plainest pattern finds, however it is matched."""

from __future__ import annotations

import json
import re

from hypothesis import given, settings, strategies as st

from sentinel.query.functions_parse import parse_text

PIECES: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.sampled_from(["a", "b", "ab", "1", " "]).map(lambda text: {"text": text}),
    st.sampled_from(["string", "string", "long"]).map(lambda kind: {"type": kind}),
    st.just({}),
)


def plainly(pieces: list[dict[str, str]], text: str) -> list[str | int] | None:
    """The columns by one pattern that tries everything in order."""
    shapes = {"string": "(.*?)", "long": r"(\s*[-+]?\d+)"}
    pattern = "".join(
        re.escape(one["text"]) if "text" in one else shapes[one["type"]] if "type" in one else "(?:.*?)"
        for one in pieces
    )
    found = re.fullmatch(pattern, text, re.DOTALL)
    kinds = [one["type"] for one in pieces if "type" in one]
    if found is None:
        return None
    return [
        int(value) if kind == "long" else value for kind, value in zip(kinds, found.groups(), strict=True)
    ]


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.lists(PIECES, min_size=1, max_size=6), st.text("ab1 ", max_size=9))
def test_parse_finds_what_the_plainest_pattern_finds(pieces: list[dict[str, str]], text: str) -> None:
    spec = json.dumps({"kind": "simple", "flags": "", "pieces": pieces})

    assert parse_text(spec, text) == plainly(pieces, text)
