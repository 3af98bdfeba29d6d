from __future__ import annotations

import csv
from importlib import resources

import pytest

from sentinel.simulate.replay import Demand


@pytest.fixture(scope="session")
def conversations() -> Demand:
    """The sample of real arrivals that comes with the demo, 0.1 s and 10 ms a generated token each."""
    text = resources.files("sentinel.demo").joinpath("arrivals.csv").read_text("utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    return Demand(
        [float(row["seconds"]) for row in rows],
        [0.1 + 0.01 * float(row["generated_tokens"]) for row in rows],
    )
