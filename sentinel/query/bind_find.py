"""Binding `find`: rows of several tables that a predicate holds for.

https://learn.microsoft.com/kusto/query/find-operator; the order of the columns is what Microsoft's language service
says. What neither of them settles is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import ir, tree
from sentinel.query.bind_context import FunctionLet, Place
from sentinel.query.bind_expressions import call_form, registered, truth
from sentinel.query.bind_series import SeriesBinder

_TEXT, _DYNAMIC, _BOOL = KqlType.STRING, KqlType.DYNAMIC, KqlType.BOOL
_FALSE: Final = ir.Const(_BOOL, 0)
_HOLDS_FOR_SOMETHING: Final = frozenset(
    {
        *("==", "=~", "<", "<=", ">", ">=", ":", "in", "in~", "has_any", "has_all"),
        *(
            "has",
            "has_cs",
            "hasprefix",
            "hasprefix_cs",
            "hassuffix",
            "hassuffix_cs",
            "contains",
            "contains_cs",
        ),
        *("startswith", "startswith_cs", "endswith", "endswith_cs"),
    }
)
"""What never holds for a value that is missing, if it is asked for a constant that is not empty."""


class FindBinder(SeriesBinder):
    """Binds one operator: rows in, rows out."""

    def find(self, node: tree.Find, place: Place) -> ir.Rows:
        """`find in (tables) where predicate project columns`."""
        named = list(dict.fromkeys(_names(node.predicate)))
        parts = self._found_tables(node, place, named)
        found: list[tuple[str, ir.Rows]] = []
        for source, rows in parts:
            self._lacking = {name for name in named if rows.find(name) is None} & self._known_columns(parts)
            condition = self._holds(node.predicate, Place(rows.columns, place.names))
            found.append((source, ir.Rows(ir.Filter(rows.plan, condition), rows.columns)))
        if node.columns is None:
            return self._smart(node, found, named)
        return self._projected(node, found)

    def _known_columns(self, parts: Iterable[tuple[str, ir.Rows]]) -> set[str]:
        return {column.name for _, rows in parts for column in rows.columns}

    def _found_tables(self, node: tree.Find, place: Place, named: list[str]) -> list[tuple[str, ir.Rows]]:
        """The tables looked into: those that have a column the predicate names, or all if it looks for a term."""
        parts: list[tuple[str, ir.Rows]] = []
        for table in node.tables or (tree.TableArgument(node.span, "*", None),):
            if table.pipeline is None:
                parts.extend(self.matching_tables(table, place))
                continue
            source = table.pipeline.source
            named_table = isinstance(source, tree.Name) and not table.pipeline.operators
            if not named_table or not isinstance(source, tree.Name):
                self.unsupported("find in a query", table.span, "name tables, or use search in (...)")
            if not isinstance(place.names.find(source.text), FunctionLet | None):
                hint = f"let {source.text} = view () {{ ... }} has a name that find can show"
                self.unsupported("find in a let that is no view", table.span, hint)
            parts.append((source.text, self.pipeline(table.pipeline, Place((), place.names))))
        known = self._known_columns(parts)
        asked = [name for name in named if name in known]
        if asked and not _looks_everywhere(node.predicate):
            parts = [(source, rows) for source, rows in parts if any(rows.find(name) for name in asked)]
        return parts

    def _holds(self, node: tree.Expression, place: Place) -> ir.Expr:
        """The predicate in one table; a column the table lacks is equal to nothing."""
        match node:
            case tree.Binary(operator="and" | "or" as operator, left=left, right=right):
                return truth(operator, self._holds(left, place), self._holds(right, place))
            case tree.Literal(type=KqlType.STRING, value=str(text)):
                if "*" in text or not text:
                    self.unsupported(f"find of {text!r}", node.span, "search takes patterns")
                return self._term(text, place, node, cased=False)
        if not self._lacking.intersection(_names(node)):
            if isinstance(node, tree.Binary) and node.operator == ":":
                return self._predicate(node, place, cased=False)
            return self.condition(node, place)
        if not _is_of_one_column(node):
            lacking = ", ".join(sorted(self._lacking.intersection(_names(node))))
            self.unsupported(
                f"find with this test where a table lacks {lacking}",
                node.span,
                "column == constant and its kin are, or name the tables: find in (...)",
            )
        return _FALSE

    def _smart(self, node: tree.Find, parts: list[tuple[str, ir.Rows]], named: list[str]) -> ir.Rows:
        """The columns all tables have, then the others the predicate names, and the rest in a bag."""
        first = parts[0][1].columns
        common = [c.name for c in first if all(rows.find(c.name) for _, rows in parts)]
        known = self._known_columns(parts)
        shown = [*common, *(name for name in named if name in known and name not in common)]
        packs = len(parts) > 1 and any(c.name not in shown for _, rows in parts for c in rows.columns)
        columns = [(name, self._kind(node, name, parts, None)) for name in shown]
        return self._together(node, parts, columns, set(shown) if packs else None)

    def _projected(self, node: tree.Find, parts: list[tuple[str, ir.Rows]]) -> ir.Rows:
        columns: list[tuple[str, KqlType]] = []
        known = self._known_columns(parts)
        for wanted in node.columns or ():
            if wanted.name not in known:
                self.unknown("column", wanted.name, known, wanted.span)
            if wanted.name in dict(columns):
                self.fail(f"there are two columns named {wanted.name!r}", wanted.span)
            columns.append((wanted.name, self._kind(node, wanted.name, parts, wanted.type)))
        if node.packs and columns:
            self.unsupported("find that projects columns and packs the others", node.span, "leave one out")
        return self._together(node, parts, columns, set() if node.packs else None)

    def _kind(
        self, node: tree.Find, name: str, parts: list[tuple[str, ir.Rows]], wanted: KqlType | None
    ) -> KqlType:
        kinds = dict.fromkeys(c.type for _, rows in parts for c in rows.columns if c.name == name)
        if wanted is not None:
            return wanted
        if len(kinds) > 1:
            hint = f"project {name}:{next(iter(kinds))}, or name the tables: find in (...)"
            self.unsupported(f"find where {name!r} is {' and '.join(kinds)}", node.span, hint)
        return next(iter(kinds))

    def _together(
        self,
        node: tree.Find,
        parts: list[tuple[str, ir.Rows]],
        columns: list[tuple[str, KqlType]],
        unpacked: set[str] | None,
    ) -> ir.Rows:
        """The rows of all tables; with `unpacked` all columns but these go into the bag `pack_`."""
        outputs = [self.new_column(node.source_column, _TEXT)]
        outputs += [self.new_column(name, kind, wild=kind is KqlType.REAL) for name, kind in columns]
        if unpacked is not None:
            outputs.append(self.new_column("pack_", _DYNAMIC))
        values: list[tuple[ir.Expr, ...]] = []
        for source, rows in parts:
            cells: list[ir.Expr] = [ir.Const(_TEXT, source)]
            cells += [self._cell_of(node, rows.find(name), kind) for name, kind in columns]
            if unpacked is not None:
                rest = [column for column in rows.columns if column.name not in unpacked]
                if not rest:
                    self.unsupported(f"find in {source}, of which nothing is left to pack", node.span)
                cells.append(self._bag(rest))
            values.append(tuple(cells))
        plan = ir.Union(tuple(rows.plan for _, rows in parts), tuple(outputs), tuple(values))
        return ir.Rows(plan, tuple(outputs))

    def _cell_of(self, node: tree.Find, column: ir.Col | None, kind: KqlType) -> ir.Expr:
        if column is None:
            return ir.Const(kind, "" if kind is _TEXT else None)
        if column.type is kind:
            return ir.Ref(column)
        if kind is _TEXT:
            return self.as_text(ir.Ref(column))
        call = tree.Call(node.span, {KqlType.REAL: "todouble"}.get(kind, f"to{kind}"), ())
        return self.resolve(call, call.name, (ir.Ref(column),))

    def _bag(self, columns: list[ir.Col]) -> ir.Expr:
        pairs = [part for c in columns for part in (ir.Const(_TEXT, c.name), ir.Ref(c))]
        return call_form(registered("bag_pack"), tuple(map(self.as_json, pairs)))

    _lacking: frozenset[str] | set[str] = frozenset()
    """The columns the predicate names that the table at hand lacks, and another table has."""


def _names(node: object) -> Iterator[str]:
    """The names in an expression, also those of bags."""
    if isinstance(node, tree.Name):
        yield node.text
    elif isinstance(node, tree.Node):
        for name in node.__dataclass_fields__:
            yield from _names(getattr(node, name))
    elif isinstance(node, tuple):
        for one in node:
            yield from _names(one)


def _looks_everywhere(node: tree.Expression) -> bool:
    """Whether a term is looked for in every column."""
    match node:
        case tree.Literal(type=KqlType.STRING) | tree.Star():
            return True
        case tree.Binary(operator="and" | "or", left=left, right=right):
            return _looks_everywhere(left) or _looks_everywhere(right)
        case tree.Binary(left=tree.Star()) | tree.Among(of=tree.Star()):
            return True
        case _:
            return False


def _is_of_one_column(node: tree.Expression) -> bool:
    """Whether this compares a column with constants that are not empty, so that it fails where there is none."""
    match node:
        case tree.Binary(operator=operator, left=tree.Name(), right=tree.Literal(value=value)):
            return operator in _HOLDS_FOR_SOMETHING and value not in {None, ""}
        case tree.Among(operator=operator, of=tree.Name(), items=items):
            return operator in _HOLDS_FOR_SOMETHING and all(
                isinstance(item, tree.Literal) and item.value not in {None, ""} for item in items
            )
        case tree.Between(of=tree.Name(), negated=False):
            return True
        case _:
            return False
