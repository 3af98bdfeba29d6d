"""Makes the `kql_` functions known to a connection."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

import apsw
import apsw.ext

from sentinel.model.tables import KqlType
from sentinel.query.catalogue import scalars
from sentinel.query.functions_aggregate import NAN, aggregates
from sentinel.query.functions_parse import parse_functions
from sentinel.query.functions_windows import windows
from sentinel.query.scalar import Scalar, Wide
from sentinel.query.values import dump_json, format_decimal, load_json

_MOST_ROWS: Final = 1_000_000_000


def _real_in(value: Any) -> float:
    return math.nan if value == NAN else float(value)


def _real_out(value: float) -> float | bytes:
    return NAN if value != value else value  # noqa: PLR0124 - only NaN differs from itself


_IN: Final[dict[Any, Callable[[Any], Any]]] = {
    KqlType.REAL: _real_in,
    KqlType.DYNAMIC: load_json,
    Wide.JSON: load_json,
    KqlType.DECIMAL: Decimal,
}
_OUT: Final[dict[KqlType, Callable[[Any], Any]]] = {
    KqlType.REAL: _real_out,
    KqlType.DYNAMIC: lambda found: found if isinstance(found, bytes) else dump_json(found),
    KqlType.DECIMAL: format_decimal,
    KqlType.BOOL: int,
}


def adapt(form: Scalar) -> Callable[..., Any]:
    """The function as SQLite calls it: values in and out as the store keeps them."""
    run, strict = form.run, form.strict
    readers = [_IN.get(kind) for kind in form.takes]
    last = readers[-1] if readers else None
    write = _OUT.get(form.gives)
    null = "" if form.gives is KqlType.STRING else None

    def call(*args: Any) -> Any:
        if strict and None in args:
            return null
        values = []
        for at, arg in enumerate(args):
            read = readers[at] if at < len(readers) else last
            values.append(arg if read is None or arg is None else read(arg))
        try:
            found = run(*values)
        except (ValueError, ArithmeticError):
            return null
        if found is None:
            return null
        return write(found) if write is not None else found

    def plain(*args: Any) -> Any:
        if None in args:
            return null
        try:
            found = run(*args)
        except (ValueError, ArithmeticError):
            return null
        return null if found is None else found

    return plain if strict and write is None and not any(readers) else call


def _elements(text: str | None, bag_as_array: Any) -> list[str | None]:
    if text is None:
        return [None]
    value = load_json(text)
    if isinstance(value, list):
        return [None if one is None else dump_json(one) for one in value]
    if isinstance(value, dict):
        if bag_as_array:
            return [dump_json([key, one]) for key, one in value.items()]
        return [dump_json({key: one}) for key, one in value.items()]
    return [text]


def each(
    bag_as_array: int, a: Any, b: Any = -1, c: Any = -1, d: Any = -1, e: Any = -1, f: Any = -1
) -> Iterator[tuple[Any, ...]]:
    """The elements of up to six dynamics, side by side, with their count from 0."""
    lists = [[] if one == -1 else _elements(one, bag_as_array) for one in (a, b, c, d, e, f)]
    for index in range(max(map(len, lists))):
        yield (index, *(one[index] if index < len(one) else None for one in lists))


def numbers(start: Any, stop: Any, step: Any) -> Iterator[tuple[Any, int]]:
    """The numbers from `start` to `stop`, both included, with their count from 0."""
    if not all(isinstance(x, int | float) for x in (start, stop, step)) or not step:
        return
    for index in range(_MOST_ROWS):
        value = start + index * step
        if (value > stop) if step > 0 else (value < stop):
            return
        yield (value, index)


def _tables() -> tuple[tuple[str, Any, tuple[str, ...]], ...]:
    return (
        ("kql_each", each, ("idx", "v0", "v1", "v2", "v3", "v4", "v5")),
        ("kql_numbers", numbers, ("value", "idx")),
    )


TABLE_FUNCTIONS: Final = frozenset(name for name, _, _ in _tables())


def all_forms() -> tuple[Scalar, ...]:
    """Every form of every function that is registered."""
    return (*(form for forms in scalars().values() for form in forms), *parse_functions())


def prepare(connection: apsw.Connection) -> None:
    """Register every `kql_` function on a connection."""
    for form in all_forms():
        connection.create_scalar_function(form.sql_name, adapt(form), deterministic=True)
    for name, (start, step, final) in aggregates().items():
        connection.create_aggregate_function(name, _factory(start, step, final))
    for name, parts in windows().items():
        connection.create_window_function(name, _window_factory(*parts))
    for name, rows, columns in _tables():
        rows.columns = columns
        rows.column_access = apsw.ext.VTColumnAccess.By_Index
        apsw.ext.make_virtual_module(connection, name, rows)


def _window_factory(
    start: Any, step: Any, value: Any, inverse: Any
) -> Callable[[], tuple[Any, Any, Any, Any, Any]]:
    return lambda: (start(), step, value, value, inverse)


def _factory(start: Any, step: Any, final: Any) -> Callable[[], tuple[Any, Any, Any]]:
    return lambda: (start(), step, final)
