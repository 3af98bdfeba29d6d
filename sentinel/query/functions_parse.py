"""The operators `parse` and `parse-kv`: one text in, several values out.

https://learn.microsoft.com/kusto/query/parse-operator
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from sentinel.query.functions_convert import _INT, text_to_bool, text_to_long, text_to_real
from sentinel.query.functions_pairs import pairs
from sentinel.query.functions_plugins import plugin_functions
from sentinel.query.regexes import Regex, python_regex, regex
from sentinel.query.scalar import B, D, G, I, L, N, P, R, S, Scalar, T
from sentinel.query.values import parse_datetime, parse_timespan, read_json


def _int(text: str) -> int | None:
    value = text_to_long(text)
    return value if value is not None and -_INT <= value < _INT else None


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "string": str,
    "long": text_to_long,
    "int": _int,
    "real": text_to_real,
    "bool": text_to_bool,
    "datetime": parse_datetime,
    "timespan": parse_timespan,
    "decimal": lambda text: text.strip() if text_to_real(text) is not None else None,
    "guid": lambda text: text.strip().lower() if re.fullmatch(r"[0-9a-fA-F-]{32,36}", text.strip()) else None,
    "dynamic": read_json,
}


_WHOLE: Final = r"\s*[-+]?\d+"
_WHOLE_TYPES: Final = frozenset(["int", "long"])


_QUANTIFIER: Final = re.compile(r"(\\.|\[(?:\\.|[^\]])*\])|([*+?]|\{\d+(?:,\d*)?\})(\??)")


def _swapped(pattern: str) -> str:
    """A regular expression whose greedy parts are lazy and the other way round: the flag `U`."""
    return _QUANTIFIER.sub(
        lambda m: m[1] or (m[2] if m[3] else f"{m[2]}?"), pattern.replace("(?:", "\0")
    ).replace("\0", "(?:")


@lru_cache(maxsize=256)
def _compiled(spec: str) -> tuple[Regex, tuple[str, ...], bool]:
    """The pattern of a specification, the types of its columns, and whether a bad value spares the others."""
    described = json.loads(spec)
    pieces = described["pieces"]
    types = tuple(piece["type"] for piece in pieces if "type" in piece)
    if described["kind"] != "regex":
        return python_regex(_pieces(pieces, described["kind"])), types, described["kind"] == "relaxed"
    flags = re.NOFLAG
    for letter in described["flags"]:
        flags |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}.get(letter, re.NOFLAG)
    return regex(_raw_pieces(pieces, lazy="U" in described["flags"]), flags), types, False


def _raw_pieces(pieces: list[dict[str, str]], *, lazy: bool) -> str:
    """The pattern where the texts between the columns are regular expressions."""
    shaped: list[str] = []
    columns = 0
    for at, piece in enumerate(pieces):
        if "text" in piece:
            shaped.append(f"(?:{_swapped(piece['text']) if lazy else piece['text']})")
        elif "type" in piece:
            shape = _WHOLE if piece["type"] in _WHOLE_TYPES else ".*?" if lazy else ".*"
            shaped.append(f"(?P<kql_{columns}>{shape})")
            columns += 1
        else:
            shaped.append(".*" if lazy or at == len(pieces) - 1 else ".*?")
    return "".join(shaped)


def _pieces(pieces: list[dict[str, str]], kind: str) -> str:
    """The pattern, in Python's language, where the texts between the columns are just texts.

    What takes anything takes as little as it can: before another such column nothing, and otherwise up to what comes
    next. If anything may follow that in turn, a second place need not be tried, so most patterns never go back.
    """
    loose = ["text" not in piece and piece.get("type") not in _WHOLE_TYPES for piece in pieces]
    settled: list[str] = []
    since: list[tuple[str, str]] = []
    columns = 0
    for at, piece in enumerate(pieces):
        if loose[at] and since:
            settled.append(_settled(since) if kind != "relaxed" else "".join(shape for shape, _ in since))
            since = []
        if "text" in piece:
            since.append((re.escape(piece["text"]), piece["text"]))
            continue
        last = at == len(pieces) - 1
        shape = "" if loose[at] and not last and loose[at + 1] else ".*" if last else ".*?"
        if not loose[at]:
            shape = f"{_WHOLE}|{shape}" if kind == "relaxed" else _WHOLE
        named = f"(?P<kql_{columns}>{shape})" if "type" in piece else shape
        since.append((named, "" if loose[at] else _WHOLE))
        columns += "type" in piece
    return "".join((*settled, *(shape for shape, _ in since), r"\Z"))


def _settled(parts: list[tuple[str, str]]) -> str:
    """What stands before something that takes anything, tried at its first place alone.

    A number may have to leave some of its digits to what follows it: where that is sure to be no digit, it does not.
    """
    whole = "".join(shape for shape, _ in parts)
    if any(
        what == _WHOLE and (then == _WHOLE or then[:1].isdigit()) for (_, what), (_, then) in pairwise(parts)
    ):
        return whole
    number = parts[-1][0] if parts[-1][1] == _WHOLE else ""
    return f"(?>{whole.removesuffix(number)}(?={_WHOLE})){number}" if number else f"(?>{whole})"


def _read(kind: str, text: str) -> Any:
    try:
        return _READERS[kind](text)
    except ValueError:
        return None


def parse_text(spec: str, text: str) -> Any:
    """The values of the columns, `None` where the text does not match."""
    pattern, types, relaxed = _compiled(spec)
    match = pattern.match(text)
    if match is None:
        return None
    values = [_read(kind, match[f"kql_{at}"]) for at, kind in enumerate(types)]
    if not relaxed and any(value is None for value in values):
        return None
    return values


def parse_pairs(spec: str, text: str) -> Any:
    """The values of the keys of `parse-kv`, in the order of the columns; of a repeated key the first."""
    found = pairs(spec, text)
    return [
        _read(kind, found[name]) if name in found else ("" if kind == "string" else None)
        for name, kind in json.loads(spec)["columns"]
    ]


def _piece(values: Any, at: int) -> Any:
    return values[at] if isinstance(values, list) and at < len(values) else None


def parse_functions() -> tuple[Scalar, ...]:
    """What the two operators are made of."""
    kinds = {"string": S, "long": L, "int": I, "real": R, "bool": B, "datetime": T, "timespan": P, "guid": G}
    return (
        *plugin_functions(),
        Scalar("op_parse", (S, S), D, parse_text),
        Scalar("op_parse_kv", (S, S), D, parse_pairs),
        Scalar("op_piece", (D, L), N, _decimal_piece, suffix="decimal"),
        Scalar("op_piece", (D, L), D, _piece, suffix="dynamic"),
        *(Scalar("op_piece", (D, L), kind, _piece, suffix=name) for name, kind in kinds.items()),
    )


def _decimal_piece(values: Any, at: int) -> Any:
    from decimal import Decimal

    found = _piece(values, at)
    return None if found is None else Decimal(found)
