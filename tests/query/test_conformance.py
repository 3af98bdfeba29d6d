"""The answers of other engines, where their files are at hand; none of them is in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.query.conformance import FOLDER
from tests.query.judging import DISPUTED, run

FLOORS = {"kql-engine": 0.95, "kql-loco": 0.85, "kql-docs": 0.40}
"""The least share of right answers, by the beginning of a file's name."""


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
