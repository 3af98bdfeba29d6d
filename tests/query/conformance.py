"""Runs conformance cases and counts how they went.

Run as `python tests/query/conformance.py FILE...`; ends with one line a file, after a line for each family of cases:
`FILE: right R wrong W refused F crashed C of N`. `--show wrong` prints the cases, `--page FILE` writes the page that
lists every case not answered right.
"""

from __future__ import annotations

import argparse
import collections
import os
import sys
from pathlib import Path
from typing import Any

from tests.query.conformance_page import page
from tests.query.judging import OUT_OF_REACH, Verdict, family, run

FOLDER = Path(os.environ.get("SENTINEL_CONFORMANCE", "../shared/conformance"))
Judged = list[tuple[dict[str, Any], Verdict]]


def _line(name: str, verdicts: list[Verdict]) -> str:
    counts = collections.Counter(verdict.kind for verdict in verdicts)
    each = " ".join(f"{kind} {counts[kind]}" for kind in ("right", "wrong", "refused", "crashed"))
    return f"{name}: {each} of {len(verdicts)}\n"


def _families(judged: Judged) -> str:
    groups = collections.defaultdict(list)
    for case, verdict in judged:
        groups[family(case)].append(verdict)
    lines = [_line(f"  {name}", groups[name]) for name in sorted(groups)]
    if OUT_OF_REACH & groups.keys():
        core = [verdict for case, verdict in judged if family(case) not in OUT_OF_REACH]
        lines.append(_line("  core categories", core))
    return "".join(lines)


def main(arguments: list[str]) -> int:
    """Run files and print how they went; with `--strict` 1 if anything was wrong or crashed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help=f"default: those in {FOLDER}")
    parser.add_argument(
        "--show", action="append", default=[], choices=["right", "wrong", "refused", "crashed"]
    )
    parser.add_argument("--category", action="append", default=[], metavar="FAMILY")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the page of what is not right")
    parser.add_argument("--strict", action="store_true", help="fail if anything was wrong or crashed")
    options = parser.parse_args(arguments)
    files = options.files or sorted(FOLDER.glob("*.json"))
    if not files:
        parser.error(f"no files given, and none in {FOLDER}")
    judged: dict[str, Judged] = {}
    for path in files:
        judged[path.name] = [
            (case, verdict)
            for case, verdict in run(path)
            if not options.category or family(case) in options.category
        ]
        for case, verdict in judged[path.name]:
            if verdict.kind in options.show:
                sys.stdout.write(f"{verdict.kind} {case['id']}: {verdict.reason}\n    {case['query']}\n")
    if options.page:
        options.page.write_text(page(judged), "utf-8")
    for name, cases in judged.items():
        sys.stdout.write(f"{name} by family\n{_families(cases)}")
    for name, cases in judged.items():
        sys.stdout.write(_line(name, [verdict for _, verdict in cases]))
    bad = any(v.kind in {"wrong", "crashed"} for cases in judged.values() for _, v in cases)
    return int(bad and options.strict)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
