"""The answers of other engines, where their files are at hand; none of them is in the repository."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.query.conformance import FOLDER
from tests.query.conformance_page import page
from tests.query.corpus import ROOT
from tests.query.judging import DISPUTED, Verdict, run

FLOORS = {"kql-engine": 0.95, "kql-loco": 0.85, "kql-docs": 0.40}
"""The least share of right answers, by the beginning of a file's name."""
PUBLIC = ("kql-docs-public.json", "kql-engine-public.json", "kql-loco-public.json")
MISSING = [name for name in PUBLIC if not (FOLDER / name).exists()]


@cache
def judged(path: Path) -> list[tuple[dict[str, Any], Verdict]]:
    return list(run(path))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_nothing_is_wrong_and_enough_is_right(path: Path) -> None:
    verdicts = {case["id"]: verdict for case, verdict in judged(path)}

    bad = {
        name: v.reason
        for name, v in verdicts.items()
        if v.kind in {"wrong", "crashed"} and name not in DISPUTED
    }
    right = sum(v.kind == "right" for v in verdicts.values())
    floor = next((share for start, share in FLOORS.items() if path.stem.startswith(start)), 0.0)
    assert bad == {}
    assert right >= floor * len(verdicts)


@pytest.mark.skipif(bool(MISSING), reason=f"the case files are not at hand: {', '.join(MISSING)}")
def test_the_page_lists_every_case_that_is_not_answered_right() -> None:
    written = (ROOT / "docs/kql-conformance.md").read_text("utf-8")

    current = page({name: judged(FOLDER / name) for name in PUBLIC})
    assert written == current, "make conformance PAGE=docs/kql-conformance.md"
