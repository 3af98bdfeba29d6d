"""Other ways to write a query, which are answered alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from sentinel.errors import Span
from sentinel.query import tree
from sentinel.query.print_expressions import literal
from sentinel.query.printer import print_query

_NOWHERE = Span(0, 0)


def rewritten(node: Any, change: Callable[[Any], Any]) -> Any:
    """A tree with what `change` gives for each node; below a changed node it is not asked again."""
    changed = change(node)
    if changed is not node:
        return changed
    if isinstance(node, tuple):
        return tuple(rewritten(one, change) for one in node)
    if not is_dataclass(node) or isinstance(node, type):
        return node
    inner = {
        one.name: rewritten(getattr(node, one.name), change) for one in fields(node) if one.name != "span"
    }
    return replace(node, **inner)


def literals(node: Any) -> list[tree.Literal]:
    """The constants below a node, in the order of the text."""
    found: list[tree.Literal] = []
    rewritten(node, lambda one: found.append(one) if isinstance(one, tree.Literal) else one)
    return found


def with_lets(query: tree.Query) -> Iterator[str]:
    """The query with each of its constants, one at a time, in a `let`."""
    for constant in literals(query.pipeline):
        if constant.value is not None:
            let = tree.Let(constant.span, "constant_", tree.Pipeline(constant.span, constant, ()))
            body = _replaced(query.pipeline, {id(constant): tree.Name(constant.span, "constant_")})
            yield print_query(replace(query, lets=(*query.lets, let), pipeline=body))


def _replaced(node: Any, names: Mapping[int, tree.Name]) -> Any:
    return rewritten(node, lambda one: names.get(id(one), one))


def printed_from_columns(query: tree.Query) -> tuple[str, str] | None:
    """`print f(1)` and `datatable(a:long)[1] | project f(a)`; none if the query prints nothing that is constant."""
    source = query.pipeline.source
    if not isinstance(source, tree.Print) or query.lets or query.declared:
        return None
    values = tuple(replace(one, names=(f"value{at}",)) for at, one in enumerate(source.values))
    constants = literals(values)
    if not constants or any(isinstance(one.value, tree.Pipeline) for one in values):
        return None
    names = {id(one): tree.Name(one.span, f"constant{at}") for at, one in enumerate(constants)}
    columns = ", ".join(f"{names[id(one)].text}: {one.type}" for one in constants)
    table = f"datatable({columns})[{', '.join(map(literal, constants))}]"
    project = tree.Project(_NOWHERE, _replaced(values, names))
    from_columns = tree.Pipeline(_NOWHERE, tree.Name(_NOWHERE, "table_"), (project,))
    printed = tree.Pipeline(_NOWHERE, tree.Print(_NOWHERE, values), ())
    return (
        print_query(replace(query, pipeline=printed)),
        f"let table_ = {table}; {print_query(replace(query, pipeline=from_columns))}",
    )
