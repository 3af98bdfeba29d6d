"""The typed plan of a query as text, for people who wonder what a query became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from sentinel.model.tables import KqlType, Table
from sentinel.query import ir
from sentinel.query.binder import bind
from sentinel.query.parser import parse

_WIDEST: Final = 160


def plan_text(
    text: str, catalogue: Mapping[str, Table], parameters: Mapping[str, KqlType] | None = None
) -> str:
    """The steps of a query, each above those it takes its rows from.

    Raises:
        QueryError: The query is refused.
    """
    return "\n".join(_steps(bind(parse(text), text, catalogue, dict(parameters or {})).rows.plan, 0))


def _steps(plan: ir.Plan, depth: int) -> Iterator[str]:
    inputs = ir.inputs_of(plan)
    details = ", ".join(
        f"{field.name}={_shown(value)}"
        for field in fields(plan)
        if (value := getattr(plan, field.name)) not in (None, (), "") and not _holds(value, inputs)
    )
    line = f"{'  ' * depth}{type(plan).__name__} {details}".rstrip()
    yield line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"
    for one in inputs:
        yield from _steps(one, depth + 1)


def _holds(value: Any, inputs: tuple[ir.Plan, ...]) -> bool:
    return any(value is one for one in inputs) or (bool(inputs) and value == inputs)


def _shown(value: Any) -> str:
    match value:
        case ir.Col(name=name, id=number, type=kind):
            return f"{name}#{number}:{kind}"
        case ir.Ref(col=col):
            return f"{col.name}#{col.id}"
        case ir.Const(value=constant):
            return repr(constant)
        case tuple():
            return "[" + ", ".join(map(_shown, value)) + "]"
        case _ if is_dataclass(value):
            inside = (
                getattr(value, field.name)
                for field in fields(value)
                if field.name not in {"type", "nullable"}
            )
            return f"{type(value).__name__}({', '.join(map(_shown, inside))})"
        case _:
            return str(value)
