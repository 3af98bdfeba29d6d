"""How long it takes to compile a query: text to SQL, nothing cached, in CPU time.

Run as `python benchmarks/kql.py [SAMPLES.json]`; without a file the shapes of the tests are compiled. With
`--other PYTHON`, a Python that has duckdb-kql (`pip install duckdb-kql` in an environment of its own), its translation
of the same texts is measured too and the ratio is printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from sentinel.errors import QueryError
from sentinel.model.tables import tables
from sentinel.query.engine import compile_query
from tests.query.test_samples import SHAPES

ROUNDS = 20
THEIRS = f"""
import json, sys, time
from duckdb_kql import to_sql
found = {{}}
for text in json.load(sys.stdin):
    try:
        to_sql(text)
    except Exception:
        continue
    found[text] = []
    for _ in range({ROUNDS}):
        begun = time.process_time()
        to_sql(text)
        found[text].append((time.process_time() - begun) * 1000)
json.dump(found, sys.stdout)
"""


def samples(path: Path | None) -> list[str]:
    """The texts that are accepted here."""
    if path is None:
        return list(SHAPES)
    listed = json.loads(path.read_text("utf-8"))["queries"]
    texts = [
        q["query"].replace("'start time'", "2026-01-01").replace("'end time'", "2026-01-02") for q in listed
    ]
    return [text for text in texts if accepted(text)]


def accepted(text: str) -> bool:
    """Whether a text compiles; once before it is measured, so that everything is imported."""
    try:
        compile_query(text, {}, tables())
    except QueryError:
        return False
    return True


def milliseconds(run: Callable[[str], object], text: str) -> list[float]:
    """The CPU time of each of some runs."""
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        run(text)
        found.append((time.process_time() - begun) * 1000)
    return found


def ratio(python: str, ours: dict[str, list[float]]) -> str:
    """How much longer duckdb-kql takes, where both accept a text."""
    ran = subprocess.run(
        [python, "-c", THEIRS],
        input=json.dumps(list(ours)),
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    theirs: dict[str, list[float]] = json.loads(ran.stdout)
    if not theirs:
        return "duckdb-kql accepts none of these queries: no ratio"
    both = [statistics.median(times) / statistics.median(ours[text]) for text, times in theirs.items()]
    return (
        f"duckdb-kql takes {statistics.median(both):.1f} times as long on the {len(both)} queries both accept"
        f" (from {min(both):.1f} to {max(both):.1f})"
    )


def spread(times: list[float]) -> str:
    """The median and the 95th percentile, with what they should be."""
    highest = sorted(times)[int(len(times) * 0.95)]
    return f"median {statistics.median(times):.2f} ms (below 3), p95 {highest:.2f} ms (below 10)"


def main() -> None:
    """Print the median, the 95th percentile and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="?", type=Path)
    parser.add_argument("--other", metavar="PYTHON", help="a Python that has duckdb-kql")
    options = parser.parse_args()
    catalogue = tables()
    ours = {
        text: milliseconds(lambda t: compile_query(t, {}, catalogue), text)
        for text in samples(options.samples)
        if accepted(text)
    }
    print(f"compile: {len(ours)} queries, {spread([one for times in ours.values() for one in times])}")
    print(f"the fastest run of each, as on a core of its own: {spread(list(map(min, ours.values())))}")
    print(ratio(options.other, ours) if options.other else "without --other PYTHON: no ratio to duckdb-kql")


if __name__ == "__main__":
    main()
