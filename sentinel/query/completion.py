"""What an editor needs to complete a query: everything that can be named, and what fits at a place of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sentinel.errors import QueryError
from sentinel.model.tables import KqlType, Table
from sentinel.query.engine import compile_query
from sentinel.query.parse_reshape import JOIN_KINDS
from sentinel.query.parser import operator_names
from sentinel.query.signatures import Signatures, aggregate_signatures, plugin_signatures, scalar_signatures

_KEYWORDS: Final = """
and asc between bin by contains contains_cs datetime desc dynamic endswith endswith_cs false from has has_all has_any
has_cs hasprefix hassuffix hint in in~ kind let matches regex nulls first last of on or startswith startswith_cs step
timespan to true typeof with withsource !between !contains !endswith !has !in !in~ !startswith
"""
_SOURCES: Final = ("datatable", "find", "let", "print", "range", "search", "union")
"""What can begin a query beside a table."""
_WORD: Final = re.compile(r"(?:!?[A-Za-z_][\w~-]*|!)?\Z")
_QUOTED: Final = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|//[^\n]*")
_LET: Final = re.compile(r"\blet\s+(\w+)\s*=")
_BEGINS: Final = re.compile(
    r"(?:^|;|\blet\s+\w+\s*=|\bunion|"
    r"\b(?:join|lookup|union|kind\s*=\s*\w+|in|materialize|toscalar|view)\s*\()\Z"
)
"""Where a query or a query within it begins."""


@dataclass(frozen=True, slots=True)
class Completions:
    """The words that fit, in the order to offer them, and where the word they complete begins in the text."""

    start: int
    words: tuple[str, ...]


def schema_document(catalogue: Mapping[str, Table]) -> dict[str, Any]:
    """Everything that can be named in a query, as plain values that fit into JSON."""
    return {
        "tables": [
            {
                "name": table.name,
                "description": table.description,
                "columns": [{"name": column.name, "type": column.type.value} for column in table.columns],
            }
            for _, table in sorted(catalogue.items())
        ],
        "operators": sorted(operator_names()),
        "functions": _functions(scalar_signatures()),
        "aggregates": _functions(aggregate_signatures()),
        "plugins": _functions(plugin_signatures()),
        "join_kinds": sorted(JOIN_KINDS),
        "keywords": sorted(_KEYWORDS.split()),
        "types": [kind.value for kind in KqlType],
    }


def _functions(signatures: Signatures) -> list[dict[str, Any]]:
    return [{"name": name, "signatures": list(each)} for name, each in sorted(signatures.items())]


def completions(
    text: str, catalogue: Mapping[str, Table], parameters: Mapping[str, KqlType] | None = None
) -> Completions:
    """What can stand at the end of a text, the part of a query before the cursor.

    Behind a pipe these are operators, where a query begins tables, behind `evaluate` plugins, elsewhere the columns
    there are at that place, then functions and keywords. Nothing is offered inside of a text or a comment.
    """
    masked = _QUOTED.sub(lambda found: " " * (len(found[0]) - 1) + "\0", text)
    if masked.endswith("\0"):
        return Completions(len(text), ())
    found = _WORD.search(masked)
    start = found.start() if found else len(text)
    before = masked[:start].rstrip()
    words = _fitting(before, text[:start], catalogue, parameters or {})
    typed = text[start:].lower()
    fits = [word for word in dict.fromkeys(words) if word.lower().startswith(typed) and word != text[start:]]
    return Completions(start, tuple(fits))


def _fitting(
    before: str, text: str, catalogue: Mapping[str, Table], parameters: Mapping[str, KqlType]
) -> Iterable[str]:
    names = _LET.findall(before)
    if _BEGINS.search(before):
        scalar = scalar_signatures() if before.endswith("=") else ()
        return [*names, *sorted(catalogue), *_SOURCES, *sorted(scalar)]
    if before.endswith("|"):
        return sorted(operator_names())
    step = before.rpartition("|")[2].split()
    if step[:1] == ["evaluate"] and len(step) == 1:
        return sorted(plugin_signatures())
    if step[:1] == ["join"] and before.endswith("="):
        return sorted(JOIN_KINDS)
    functions = [*aggregate_signatures()] if step[:1] in (["summarize"], ["make-series"]) else []
    columns = _columns(text[: before.rfind("|")] if "|" in before else "", before, catalogue, parameters)
    return [
        *columns,
        *names,
        *parameters,
        *functions,
        *sorted(scalar_signatures()),
        *sorted(_KEYWORDS.split()),
    ]


def _columns(
    earlier: str, before: str, catalogue: Mapping[str, Table], parameters: Mapping[str, KqlType]
) -> list[str]:
    """The columns behind the operators before this one; those of all tables named if that is not a query."""
    if earlier:
        try:
            return [column.name for column in compile_query(earlier, parameters, catalogue).columns]
        except QueryError:
            pass
    named = [catalogue[name] for name in re.findall(r"\w+", before) if name in catalogue]
    return [column.name for table in named for column in table.columns]
