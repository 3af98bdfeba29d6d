"""KQL's operators that join, parse, expand and combine tables."""

from __future__ import annotations

from typing import Final

from sentinel.model.tables import KqlType
from sentinel.query import tree
from sentinel.query.parse_operators import OperatorParser
from sentinel.query.tokens import Kind

JOIN_KINDS: Final = frozenset(
    [
        "innerunique",
        "inner",
        "leftouter",
        "rightouter",
        "fullouter",
        "leftsemi",
        "rightsemi",
        "leftanti",
        "anti",
        "leftantisemi",
        "rightanti",
        "rightantisemi",
    ]
)
"""What can stand behind `join kind=`."""
_OLD_LIMIT = 128
_FLAGS = frozenset("imsU")
_BAG_KINDS = ("bag", "array")
_SEARCH_KINDS = ("default", "case_insensitive", "case_sensitive")


class ReshapeParser(OperatorParser):
    """Parses one operator behind a pipe; `start` is where its name began."""

    def join(self, start: int) -> tree.Operator:
        """`join kind=... (right) on conditions`."""
        kind = self._join_kind("innerunique")
        right = self._right_side()
        kind = self._join_kind(kind)
        conditions = self._conditions()
        return tree.Join(self.since(start), kind, right, conditions)

    def lookup(self, start: int) -> tree.Operator:
        """`lookup kind=... (right) on conditions`."""
        kind = self._join_kind("leftouter")
        if kind not in {"leftouter", "inner"}:
            self.fail("kind=leftouter or kind=inner")
        right = self._right_side()
        conditions = self._conditions()
        return tree.Join(self.since(start), kind, right, conditions, lookup=True)

    def _join_kind(self, default: str) -> str:
        token = self.here
        kind = self.hints(kind=()).get("kind", default)
        if kind not in JOIN_KINDS:
            self.fail(f"a kind of join, one of {', '.join(sorted(JOIN_KINDS))}", token)
        if self.is_name(self.here) and self.ahead(1).text == "=":
            self.unsupported(f"'{self.here.text}=' in a join", self.here.span)
        return kind

    def _right_side(self) -> tree.Pipeline:
        value = self._primary_table()
        if isinstance(value, tree.Pipeline):
            return value
        return tree.Pipeline(value.span, value, ())

    def _primary_table(self) -> tree.Expression:
        token = self.here
        if self.sees("("):
            return self._brackets()
        if self.is_name(token):
            value = self._name_or_call()
            while isinstance(value, tree.Call | tree.Member) and self.accept("."):
                name = self.name("a table").text
                if self.sees("("):
                    self.unsupported("a table of another cluster", self.since(token.span.start))
                value = tree.Member(self.since(token.span.start), value, name)
            return value
        return self.fail("a table or a query in brackets")

    def _conditions(self) -> tuple[tree.Expression, ...]:
        if not self.accept("on"):
            self.fail("'on' and the columns to join on")
        conditions = [self.expression()]
        while self.accept(","):
            conditions.append(self.expression())
        return tuple(conditions)

    def union_operator(self, start: int) -> tree.Operator:
        """`union tables` behind a pipe."""
        return self.union(start)

    def union(self, start: int) -> tree.Union:
        """`union kind=... withsource=... tables`."""
        options = self.hints(kind=(), withsource=(), isfuzzy=("true", "false"))
        tables = [self._table_argument()]
        while self.accept(","):
            tables.append(self._table_argument())
        kind = options.get("kind", "outer")
        if kind not in {"outer", "inner"}:
            self.fail("kind=outer or kind=inner", self.tokens[self.at - 1])
        return tree.Union(
            self.since(start),
            tuple(tables),
            kind,
            options.get("withsource", ""),
            options.get("isfuzzy", "false").lower() == "true",
        )

    def _table_argument(self) -> tree.TableArgument:
        start = self.here.span.start
        if self.sees("*") or (
            self.is_name(self.here)
            and self.ahead(1).text == "*"
            and self.ahead(1).span.start == self.here.span.end
        ):
            pattern = self.pattern("a table")
            return tree.TableArgument(self.since(start), pattern, None)
        value = self._primary_table()
        pipeline = value if isinstance(value, tree.Pipeline) else tree.Pipeline(value.span, value, ())
        return tree.TableArgument(self.since(start), "", pipeline)

    def search(self, start: int) -> tree.Search:
        """`search kind=... in (tables) predicate`."""
        options = self.hints(kind=_SEARCH_KINDS)
        tables = self._among_tables()
        options |= self.hints(kind=_SEARCH_KINDS)
        predicate = self._search_predicate()
        cased = options.get("kind", "default") == "case_sensitive"
        return tree.Search(self.since(start), tables, predicate, cased)

    def find(self, start: int) -> tree.Find:
        """`find withsource=name in (tables) where predicate project columns`."""
        source = self.hints(withsource=()).get("withsource", "source_")
        tables = self._among_tables()
        if not self.accept("where") and tables:
            self.fail("'where' and what to find")
        predicate = self._search_predicate()
        columns: list[tree.FoundColumn] | None = None
        packs = False
        if self.accept("project"):
            if self.accept("-"):
                self.expect("smart")
                return tree.Find(self.since(start), tables, predicate, source)
            columns = []
            while not packs:
                packs = self._packs()
                if not packs:
                    columns.append(self._found_column())
                if not self.accept(","):
                    break
        shown = None if columns is None else tuple(columns)
        return tree.Find(self.since(start), tables, predicate, source, shown, packs)

    def _packs(self) -> bool:
        """`pack(*)`, which the documentation writes `pack_all()`; Kusto's own parser takes only the first."""
        if self.here.text == "pack_all" and self.ahead(1).text == "(":
            self.unsupported("pack_all() in find", self.here.span, "write pack(*)")
        if self.here.text != "pack" or self.ahead(1).text != "(":
            return False
        self.take()
        for text in "(*)":
            self.expect(text)
        return True

    def _found_column(self) -> tree.FoundColumn:
        token = self.name("a column")
        kind = self.column_type() if self.accept(":") else None
        return tree.FoundColumn(self.since(token.span.start), token.text, kind)

    def _among_tables(self) -> tuple[tree.TableArgument, ...]:
        """`in (tables)`, where it is said."""
        tables: list[tree.TableArgument] = []
        if self.accept("in"):
            self.expect("(")
            tables.append(self._table_argument())
            while self.accept(","):
                tables.append(self._table_argument())
            self.expect(")")
        return tuple(tables)

    def _search_predicate(self) -> tree.Expression:
        self.searching = True
        predicate = self.expression()
        self.searching = False
        return predicate

    def parse(self, start: int) -> tree.Operator:
        """`parse kind=... of with pieces`."""
        return self._parse(start, filters=False)

    def parse_where(self, start: int) -> tree.Operator:
        """`parse-where kind=... of with pieces`."""
        return self._parse(start, filters=True)

    def _parse(self, start: int, *, filters: bool) -> tree.Operator:
        options = self.hints(kind=(), flags=())
        of = self.expression()
        self.expect("with")
        pieces: list[tree.ParsePiece] = []
        while self.here.kind is Kind.STRING or self.sees("*") or self.is_name(self.here):
            pieces.append(self._parse_piece())
        if not pieces:
            self.fail("a text, '*' or a column")
        kind = options.get("kind", "simple")
        if kind not in {"simple", "regex", "relaxed"}:
            self.fail("kind=simple, kind=regex or kind=relaxed", self.tokens[self.at - 1])
        flags = options.get("flags", "")
        if flags and kind != "regex":
            self.unsupported("parse with flags and no kind=regex", self.since(start))
        if not _FLAGS.issuperset(flags):
            self.unsupported(f"flags={flags}", self.since(start), "i, m, s and U are flags of parse")
        last = pieces[-1].column
        if "U" in flags and last is not None and last.type is KqlType.STRING:
            self.unsupported("flags=U with a text at the end", self.since(start), "put '*' behind it")
        return tree.Parse(self.since(start), of, tuple(pieces), kind, flags, filters)

    def _parse_piece(self) -> tree.ParsePiece:
        token = self.here
        if token.kind is Kind.STRING:
            text = self._text()
            return tree.ParsePiece(text.span, text=str(text.value))
        if self.accept("*"):
            return tree.ParsePiece(token.span)
        name = self.name("a column")
        kind = KqlType.STRING
        if self.accept(":"):
            kind = self.column_type()
        span = self.since(name.span.start)
        return tree.ParsePiece(span, column=tree.ColumnDeclaration(span, name.text, kind))

    def parse_kv(self, start: int) -> tree.Operator:
        """`parse-kv of as (columns) with (options)`."""
        of = self.expression()
        self.expect("as")
        columns = self.column_declarations()
        options: list[tuple[str, str]] = []
        if self.accept("with"):
            self.expect("(")
            while not self.sees(")"):
                name = self.name("an option").text
                self.expect("=")
                token = self.take()
                options.append((name, token.text))
                if not self.accept(","):
                    break
            self.expect(")")
        return tree.ParseKv(self.since(start), of, columns, tuple(options))

    def mvexpand(self, start: int) -> tree.Operator:
        """`mvexpand`, the old spelling, which gives at most 128 rows for each unless told otherwise."""
        found = self.mv_expand(start)
        if isinstance(found, tree.MvExpand) and found.limit is None:
            limit = tree.Literal(found.span, KqlType.LONG, _OLD_LIMIT)
            return tree.MvExpand(
                found.span, found.items, found.index_name, limit, bag_as_array=found.bag_as_array
            )
        return found

    def mv_expand(self, start: int) -> tree.Operator:
        """`mv-expand items to typeof(type) limit count`."""
        options = self.hints(kind=_BAG_KINDS, bagexpansion=_BAG_KINDS, with_itemindex=())
        items, limit = self._expand_items()
        return tree.MvExpand(
            self.since(start),
            items,
            options.get("with_itemindex", ""),
            limit,
            bag_as_array=options.get("bagexpansion", options.get("kind", "bag")) == "array",
        )

    def mv_apply(self, start: int) -> tree.Operator:
        """`mv-apply items on (operators)`."""
        options = self.hints(kind=_BAG_KINDS, bagexpansion=_BAG_KINDS, with_itemindex=())
        if options.get("bagexpansion", options.get("kind", "bag")) != "bag":
            hint = "mv-expand kind=array gives the pairs of a bag"
            self.unsupported("mv-apply of bags as arrays", self.since(start), hint)
        items, limit = self._expand_items()
        self.expect("on")
        self.expect("(")
        body = self.operators(first_without_pipe=True)
        self.expect(")")
        return tree.MvExpand(
            self.since(start), items, options.get("with_itemindex", ""), limit, bag_as_array=False, body=body
        )

    def _expand_items(self) -> tuple[tuple[tree.ExpandItem, ...], tree.Expression | None]:
        items = [self._expand_item()]
        while self.accept(","):
            items.append(self._expand_item())
        limit = self.expression() if self.accept("limit") else None
        return tuple(items), limit

    def _expand_item(self) -> tree.ExpandItem:
        start = self.here.span.start
        named = self.named()
        kind: KqlType | None = None
        if self.accept("to"):
            of = self._name_or_call()
            if not isinstance(of, tree.TypeOf):
                self.fail("typeof(...)", self.tokens[self.at - 1])
            kind = of.type
        name = named.names[0] if named.names else ""
        return tree.ExpandItem(self.since(start), name, named.value, kind)

    def make_series(self, start: int) -> tree.Operator:
        """`make-series aggregates on axis from start to stop step step by keys`."""
        nonempty = bool(self.hints(kind=("nonempty",)))
        aggregates = [self._series_aggregate()]
        while self.accept(","):
            aggregates.append(self._series_aggregate())
        self.expect("on")
        if self.is_name(self.here) and self.ahead(1).text == "in":
            self.unsupported("make-series with 'in range(...)'", self.here.span, "from ... to ... step ...")
        axis = self.named()
        low = self.expression() if self.accept("from") else None
        high = self.expression() if self.accept("to") else None
        self.expect("step")
        step = self.expression()
        keys = self.named_list() if self.accept("by") else ()
        return tree.MakeSeries(self.since(start), tuple(aggregates), axis, low, high, step, keys, nonempty)

    def _series_aggregate(self) -> tree.SeriesAggregate:
        start = self.here.span.start
        value = self.named()
        default: tree.Expression | None = None
        if self.accept("default"):
            self.expect("=")
            default = self.expression()
        return tree.SeriesAggregate(self.since(start), value, default)

    def operators(self, *, first_without_pipe: bool = False) -> tuple[tree.Operator, ...]:
        """The operators of a pipeline; provided by the whole parser."""
        raise NotImplementedError
