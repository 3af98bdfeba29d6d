"""Whether a query answers row by row, so that its answers about portions of the telemetry add up to the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from sentinel.errors import QuerySemanticError
from sentinel.query import tree
from sentinel.query.parser import parse

_OVER_MANY_ROWS: Final[dict[type[tree.Node], str]] = {
    tree.Summarize: "summarize",
    tree.Count: "count",
    tree.MakeSeries: "make-series",
    tree.Take: "take",
    tree.Distinct: "distinct",
    tree.SampleDistinct: "sample-distinct",
    tree.TopNested: "top-nested",
    tree.Partition: "partition",
    tree.Scan: "scan",
    tree.GetSchema: "getschema",
}
_WINDOW_FUNCTIONS: Final = frozenset(
    {
        "next",
        "prev",
        "row_cumsum",
        "row_number",
        "row_rank_dense",
        "row_rank_min",
        "row_window_session",
    }
)
_PLUGIN_OF_ONE_ROW: Final = "bag_unpack"


def must_answer_row_by_row(text: str) -> None:
    """Refuse a query in which an answer needs more than one row.

    Raises:
        QuerySyntaxError: The text is not KQL.
        QuerySemanticError: An operator or a function looks at several rows.
    """
    for node in _nodes(parse(text)):
        what = _over_many_rows(node)
        if what:
            raise QuerySemanticError(
                f"--follow asks about each new portion by itself, and `{what}` needs all rows",
                node.span,
                text,
                "leave --follow out, or ask for the rows themselves",
            )


def _over_many_rows(node: tree.Node) -> str:
    """What was written that needs several rows; nothing if `node` is answered by one."""
    match node:
        case tree.Sort(limit=limit) if limit is not None:
            return "top"
        case tree.Join(lookup=lookup, right=right) if not (lookup and _is_constant(right)):
            return "lookup" if lookup else "join"
        case tree.Evaluate(call=call) if call.name != _PLUGIN_OF_ONE_ROW:
            return f"evaluate {call.name}"
        case tree.Call(name=name) if name in _WINDOW_FUNCTIONS:
            return name
        case _:
            return _OVER_MANY_ROWS.get(type(node), "")


def _is_constant(right: tree.Pipeline) -> bool:
    return isinstance(right.source, tree.DataTable)


def _nodes(node: tree.Node) -> Iterator[tree.Node]:
    """A node and what lies below it; the body of `mv-apply` sees the items of one row and is left out."""
    yield node
    for one in fields(node):
        if not (isinstance(node, tree.MvExpand) and one.name == "body"):
            yield from _nodes_in(getattr(node, one.name))


def _nodes_in(value: object) -> Iterator[tree.Node]:
    if isinstance(value, tree.Node):
        yield from _nodes(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes_in(item)
