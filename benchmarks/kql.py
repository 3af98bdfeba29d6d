"""How long it takes to compile a query: text to SQL, nothing cached.

Run as `python benchmarks/kql.py [SAMPLES.json]`; without a file the shapes of the tests are compiled. Where
duckdb-kql is installed, its translation of the same texts is measured beside ours and the ratio is printed.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sentinel.errors import QueryError
from sentinel.model.tables import tables
from sentinel.query.engine import compile_query
from tests.query.test_samples import SHAPES

ROUNDS = 20


def _texts(arguments: list[str]) -> list[str]:
    if not arguments:
        return list(SHAPES)
    listed = json.loads(Path(arguments[0]).read_text("utf-8"))["queries"]
    texts = [
        q["query"].replace("'start time'", "2026-01-01").replace("'end time'", "2026-01-02") for q in listed
    ]
    return [text for text in texts if _accepted(text)]


def _accepted(text: str) -> bool:
    try:
        compile_query(text, {}, tables())
    except QueryError:
        return False
    return True


def _milliseconds(run: Callable[[str], object], text: str) -> list[float]:
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run(text)
        found.append((time.perf_counter() - start) * 1000)
    return found


def _other() -> Callable[[str], object] | None:
    try:
        translate: Callable[[str], object] = importlib.import_module("duckdb_kql").translate
    except (ImportError, AttributeError):
        return None
    return translate


def main(arguments: list[str]) -> None:
    catalogue = tables()
    texts = _texts(arguments)
    ours = {text: _milliseconds(lambda t: compile_query(t, {}, catalogue), text) for text in texts}
    every = sorted(one for times in ours.values() for one in times)
    print(f"compile: {len(texts)} queries, median {statistics.median(every):.2f} ms, ", end="")
    print(f"p95 {every[int(len(every) * 0.95)]:.2f} ms")
    translate = _other()
    if translate is None:
        print("duckdb-kql is not installed: no ratio")
        return
    both = []
    for text in texts:
        try:
            theirs = _milliseconds(translate, text)
        except Exception:  # noqa: BLE001 - what it refuses is left out
            continue
        both.append(statistics.median(theirs) / statistics.median(ours[text]))
    if not both:
        print("duckdb-kql accepts none of these queries: no ratio")
        return
    print(
        f"duckdb-kql takes {statistics.median(both):.1f} times as long on the {len(both)} queries both accept"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
