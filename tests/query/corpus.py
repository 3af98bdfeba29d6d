"""Query texts to try things on: those of this repository, and public ones where their files are at hand."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from sentinel.model.tables import KqlType

ROOT: Final = Path(__file__).parents[2]
CASES: Final = ROOT / "../shared/conformance"
SAMPLES: Final = ROOT / "../shared/reference/sample-queries.json"
PARAMETERS: Final = {
    "window": KqlType.TIMESPAN,
    "step": KqlType.TIMESPAN,
    "since": KqlType.DATETIME,
    "endpoint": KqlType.STRING,
    "deployment": KqlType.STRING,
    "job": KqlType.STRING,
    "cluster": KqlType.STRING,
}
"""What rules and dashboards may use."""
_QUERY: Final = re.compile(r"^\s*(?:print|range|datatable|let|union|search|find)\b|\|\s*[a-z][a-z-]*(?:\s|$)")
_LET: Final = re.compile(r"^let (\w+)", re.MULTILINE)
_WORD: Final = re.compile(r"\w+")
_OURS: Final = ("tests/query", "tests/store", "tests/web", "tests/cli", "sentinel/report", "sentinel/demo")


def _strings(path: Path) -> Iterator[str]:
    """The texts in a file that look like queries; the pieces of a formatted text are none."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    pieces = {id(piece) for node in nodes if isinstance(node, ast.JoinedStr) for piece in node.values}
    for node in nodes:
        text = node.value if isinstance(node, ast.Constant) and id(node) not in pieces else None
        if isinstance(text, str) and _QUERY.search(text):
            yield text


def _queries(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "query" and isinstance(inner, str):
                yield inner
            else:
                yield from _queries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _queries(inner)


def _defined(query: str) -> str:
    """A query of a rule behind the definitions it uses."""
    texts = [path.read_text("utf-8") for path in sorted((ROOT / "rules/definitions").glob("*.kql"))]
    used: list[str] = []
    for _ in texts:
        words = set(_WORD.findall("".join([*used, query])))
        used = [text for text in texts if text in used or words & set(_LET.findall(text))]
    return "".join([*used, query])


@cache
def own_texts() -> tuple[str, ...]:
    """The queries of rules and dashboards, and every text in our code that looks like one."""
    found: list[str] = []
    for path in sorted((ROOT / "dashboards").rglob("*.yaml")):
        found.extend(_queries(yaml.safe_load(path.read_text("utf-8"))))
    for path in sorted((ROOT / "rules").rglob("*.yaml")):
        found.extend(_defined(query) for query in _queries(yaml.safe_load(path.read_text("utf-8"))))
    for folder in _OURS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found.extend(_strings(path))
    return tuple(dict.fromkeys(found))


def samples() -> tuple[str, ...]:
    """The public sample queries, none where their file is not at hand."""
    if not SAMPLES.exists():
        return ()
    listed = json.loads(SAMPLES.read_text("utf-8"))["queries"]
    return tuple(
        q["query"].replace("'start time'", "2026-01-01").replace("'end time'", "2026-01-02") for q in listed
    )


@cache
def public_texts() -> tuple[str, ...]:
    """The sample queries and the conformance cases, none where their files are not at hand."""
    cases = [
        case["query"] for path in sorted(CASES.glob("*.json")) for case in json.loads(path.read_text("utf-8"))
    ]
    return tuple(dict.fromkeys([*samples(), *cases]))
