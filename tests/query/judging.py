"""Judges conformance cases: queries with the answers another engine gave.

A refusal is an honest answer, a wrong answer is not. `conformance.py` beside this file is the command.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import apsw

from sentinel.errors import QueryError
from sentinel.model.tables import Column, KqlType
from sentinel.query.engine import REFUSALS, Engine
from sentinel.query.functions_convert import text_to_real
from sentinel.query.result import Limits, Result
from sentinel.query.values import dump_json, format_datetime_iso, format_real, format_timespan, parse_datetime
from sentinel.store.scan import Scan

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOLERANCE = 1e-9
LOOSE = 0.03
_SAME = {KqlType.INT: "long", KqlType.DECIMAL: "real"}


class EmptyReader:
    """A reader of tables without rows."""

    def __init__(self) -> None:
        self.connection = apsw.Connection(":memory:")

    def scan_sql(self, scan: Scan) -> str:
        """No rows, with the columns asked for."""
        return "SELECT " + ", ".join(f'NULL AS "{name}"' for name in scan.columns) + " WHERE 0"

    def hold(self) -> None:
        """Nothing changes."""

    def may_hold(self, scan: Scan) -> bool:  # noqa: ARG002 - the port names it
        """It may."""
        return True

    def release(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


class EmptyStore:
    """A store without rows."""

    def reader(self) -> EmptyReader:
        """A new reader."""
        return EmptyReader()


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one case went."""

    kind: str
    reason: str = ""


def same_number(wanted: float, found: float, tolerance: float) -> bool:
    """Whether two numbers are equal but for the last digits; NaN equals NaN."""
    if math.isnan(wanted) or math.isnan(found):
        return math.isnan(wanted) and math.isnan(found)
    if math.isinf(wanted) or math.isinf(found):
        return wanted == found
    return abs(wanted - found) <= tolerance * max(abs(wanted), abs(found))


def same_dynamic(wanted: Any, found: Any, *, unordered: bool) -> bool:
    """Whether two dynamics are equal."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return same_number(float(wanted), float(found), TOLERANCE)
    if isinstance(wanted, list) and isinstance(found, list):
        if unordered:
            wanted, found = sorted(wanted, key=dump_json), sorted(found, key=dump_json)
        return len(wanted) == len(found) and all(
            same_dynamic(a, b, unordered=unordered) for a, b in zip(wanted, found, strict=True)
        )
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(
            same_dynamic(value, found[key], unordered=unordered) for key, value in wanted.items()
        )
    return bool(wanted == found)


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        special = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
        return special.get(value) if value in special else text_to_real(value)
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def same_cell(wanted: Any, found: Any, kind: KqlType, flags: frozenset[str]) -> bool:
    """Whether a cell holds what it should."""
    if wanted is None or found is None:
        return wanted is found
    match kind:
        case KqlType.DATETIME:
            return bool(parse_datetime(str(wanted)) == found)
        case KqlType.TIMESPAN:
            return str(wanted) == format_timespan(int(found))
        case KqlType.BOOL:
            return bool(wanted is found)
        case KqlType.DYNAMIC:
            return same_dynamic(wanted, found, unordered="set_order" in flags)
        case KqlType.INT | KqlType.LONG if "approx" not in flags:
            return isinstance(wanted, int) and not isinstance(wanted, bool) and wanted == found
        case KqlType.REAL | KqlType.DECIMAL | KqlType.INT | KqlType.LONG:
            number = _number(wanted)
            return number is not None and same_number(
                number, float(found), LOOSE if "approx" in flags else TOLERANCE
            )
        case _:
            return bool(wanted == found)


def _shown(value: Any, kind: KqlType) -> str:
    if value is None:
        return ""
    shows: dict[KqlType, Callable[[Any], str]] = {
        KqlType.DATETIME: format_datetime_iso,
        KqlType.TIMESPAN: format_timespan,
        KqlType.REAL: format_real,
        KqlType.DYNAMIC: lambda v: v if isinstance(v, str) else dump_json(v),
    }
    return str(shows.get(kind, str)(value))


def same_text(wanted: Any, found: Any, kind: KqlType, flags: frozenset[str]) -> bool:
    """Whether a cell is shown as it should, where the expected value is only known as displayed text."""
    text = "" if wanted in {None, "null", "<null>"} else str(wanted).replace("\xa0", " ")
    shown = _shown(found, kind).replace("\xa0", " ")
    if "whitespace_squashed" in flags:
        text, shown = re.sub(r"\s+", "", text), re.sub(r"\s+", "", shown)
    if text == shown or text.strip().lower() == shown.strip().lower():
        return True
    if kind is KqlType.DATETIME:
        return bool(parse_datetime(text) == found)
    if kind is KqlType.TIMESPAN:
        return text.rstrip("0").rstrip(".") == shown.rstrip("0").rstrip(".")
    if kind is KqlType.DYNAMIC:
        try:
            return same_dynamic(json.loads(text), found, unordered=False)
        except ValueError:
            return False
    try:
        return same_number(float(text), float(shown), 1e-6)
    except ValueError:
        return False


def same_row(
    wanted: list[Any], found: tuple[Any, ...], columns: tuple[Column, ...], flags: frozenset[str]
) -> bool:
    """Whether a row holds what it should."""
    same = same_text if flags & {"display_string", "docs"} else same_cell
    return len(wanted) == len(found) and all(
        same(a, b, c.type, flags) for a, b, c in zip(wanted, found, columns, strict=True)
    )


def _unmatched(wanted: list[list[Any]], result: Result, flags: frozenset[str]) -> str:
    left = list(result.rows)
    for row in wanted:
        at = next((i for i, one in enumerate(left) if same_row(row, one, result.columns, flags)), None)
        if at is None:
            return f"no row like {row} in {left[:4]}"
        del left[at]
    return ""


def difference(case: dict[str, Any], result: Result) -> str:
    """What is wrong with an answer, nothing if it is right."""
    expected, flags = (
        case["expected"],
        frozenset(case["flags"]) | ({"docs"} if case["oracle"] == "docs" else set()),
    )
    names = [c.name for c in result.columns]
    squash = "whitespace_squashed" in flags
    wanted_names = [re.sub(r"\s+", "", n) if squash else n for n in expected["columns"]]
    if names != wanted_names:
        return f"columns {names}, not {wanted_names}"
    kinds = [_SAME.get(c.type, c.type.value) for c in result.columns]
    wanted_kinds = [
        _SAME.get(KqlType(k), k) if k in set(KqlType) else k for k in expected.get("types") or kinds
    ]
    if kinds != wanted_kinds:
        return f"types {kinds}, not {wanted_kinds}"
    wanted = expected["rows"]
    if "innerunique_pick" in flags:
        return ""
    if len(wanted) != len(result.rows):
        return f"{len(result.rows)} rows, not {len(wanted)}"
    if "take" in flags:
        return ""
    if case["ordered"]:
        for at, (row, found) in enumerate(zip(wanted, result.rows, strict=True)):
            if not same_row(row, found, result.columns, flags):
                return f"row {at}: {found}, not {row}"
        return ""
    return _unmatched(wanted, result, flags)


def judge(engine: Engine, case: dict[str, Any]) -> Verdict:
    """Run one case."""
    try:
        result = engine.query(case["query"], now=NOW, limits=Limits(seconds=20))
    except REFUSALS as error:
        return Verdict("refused", f"{type(error).__name__}: {error.message}")
    except QueryError as error:
        return Verdict("crashed", str(error.__cause__ or error))
    except Exception as error:  # noqa: BLE001 - whatever escapes is what this looks for
        return Verdict("crashed", f"{type(error).__name__}: {error}")
    reason = difference(case, result)
    return Verdict("wrong", reason) if reason else Verdict("right")


def run(path: Path) -> Iterator[tuple[dict[str, Any], Verdict]]:
    """Run all cases of a file."""
    engine = Engine(EmptyStore())
    try:
        for case in json.loads(path.read_text("utf-8")):
            yield case, judge(engine, case)
    finally:
        engine.close()


OUT_OF_REACH: Final = frozenset({"geo", "graph", "sketch", "plugin-ml-or-activity"})
"""Families of the documentation that are refused by name, and all of them."""

DISPUTED: Final = {
    "loco-BinOp_Modulo1-34a604e5": (
        "wants -1 % 4 = -1; the engine's % is never negative, as it answered kts-type-casts-coercion-498bd4714c"
    ),
    "loco-BuiltIns_Log2-4c44b908": (
        "wants log2(-1.0) = NaN; log2-function.md says null, as the engine answered for log(-1.0) in"
        " kts-type-casts-coercion-93898bdbce"
    ),
    "loco-BuiltIns_substring_Scalar-81cc4332": (
        "wants a negative start to be 0; the engine counts it from the end, as it answered"
        " kts-string-ops-8fc0d256d5"
    ),
}
"""Cases checked by hand elsewhere that contradict recorded answers of the engine itself."""


def family(case: dict[str, Any]) -> str:
    """The group a case is counted in."""
    return str(case.get("category") or case["operator_or_function"])
