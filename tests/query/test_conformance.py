"""The answers of other engines, where their files are at hand; none of them is in the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.query.conformance import run

FOLDER = Path(os.environ.get("SENTINEL_CONFORMANCE", "../shared/conformance"))
FLOORS = {"kql-engine": 0.95, "kql-loco": 0.85, "kql-docs": 0.40}
"""The least share of right answers, by the beginning of a file's name."""

DISPUTED = {
    "loco-BinOp_Modulo1-34a604e5": "the engine's % is never negative",
    "loco-BuiltIns_Log2-4c44b908": "the engine's logarithms are null below zero",
    "loco-BuiltIns_substring_Scalar-81cc4332": "the engine counts a negative start from the end",
}
"""Cases checked by hand elsewhere that contradict recorded answers of the engine itself."""


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_nothing_is_wrong_and_enough_is_right(path: Path) -> None:
    verdicts = {case["id"]: verdict for case, verdict in run(path)}

    bad = {
        name: v.reason
        for name, v in verdicts.items()
        if v.kind in {"wrong", "crashed"} and name not in DISPUTED
    }
    right = sum(v.kind == "right" for v in verdicts.values())
    floor = next((share for start, share in FLOORS.items() if path.stem.startswith(start)), 0.0)
    assert bad == {}
    assert right >= floor * len(verdicts)
