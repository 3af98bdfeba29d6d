"""Microsoft's own KQL parser and binder, where npm's package `@kusto/language-service-next` is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sentinel.model.tables import tables
from tests.query.corpus import PARAMETERS, ROOT

NODE: Final = shutil.which("node")
PACKAGE: Final = ROOT / "build/node/node_modules/@kusto/language-service-next"
MISSING: Final = NODE is None or not PACKAGE.is_dir()
_DECLARED: Final = ", ".join(f"{name}:{kind}" for name, kind in PARAMETERS.items())
_PREFIX: Final = f"declare query_parameters({_DECLARED}); "


@dataclass(frozen=True, slots=True)
class Opinion:
    """What Microsoft's service says of a text: its complaints, and the columns of the answer."""

    syntax: tuple[str, ...]
    semantic: tuple[str, ...]
    columns: tuple[tuple[str, str], ...] | None


@dataclass(frozen=True, slots=True)
class Opinions:
    """What it says of many texts, and the functions and plugins it knows."""

    functions: frozenset[str]
    plugins: frozenset[str]
    by_text: dict[str, Opinion]


def ask(texts: Sequence[str]) -> Opinions:
    """Ask about texts that may use our tables and the parameters of rules."""
    schemas = {
        name: "(" + ", ".join(f"['{c.name}']:{c.type}" for c in table.columns) + ")"
        for name, table in tables().items()
    }
    answered = subprocess.run(
        [str(NODE), str(Path(__file__).with_name("kusto_parser.js")), str(PACKAGE)],
        input=json.dumps({"tables": schemas, "texts": [_PREFIX + text for text in texts]}),
        capture_output=True,
        check=True,
        encoding="utf-8",
        timeout=300,
    )
    answer = json.loads(answered.stdout)
    return Opinions(
        frozenset(name for name in answer["functions"] if not name.startswith("__")),
        frozenset(answer["plugins"]),
        {text: _opinion(one) for text, one in zip(texts, answer["answers"], strict=True)},
    )


def _opinion(said: dict[str, Any]) -> Opinion:
    columns = said["columns"]
    return Opinion(
        tuple(message for _, message, _ in said["syntax"]),
        tuple(message for _, message, _ in said["semantic"]),
        None if columns is None else tuple((name, kind) for name, kind in columns),
    )
