"""KQL's operators that keep, drop, order and compute columns and rows."""

from __future__ import annotations

from sentinel.query import tree
from sentinel.query.parse_expressions import ExpressionParser
from sentinel.query.reserved import RESERVED_NAMES
from sentinel.query.tokens import Kind


class OperatorParser(ExpressionParser):
    """Parses one operator behind a pipe; `start` is where its name began."""

    def where(self, start: int) -> tree.Operator:
        """`where condition`."""
        condition = self.expression()
        return tree.Where(self.since(start), condition)

    def project(self, start: int) -> tree.Operator:
        """`project columns`."""
        columns = self.named_list() if not self._ends() else ()
        return tree.Project(self.since(start), columns)

    def extend(self, start: int) -> tree.Operator:
        """`extend columns`."""
        columns = self.named_list()
        return tree.Extend(self.since(start), columns)

    def serialize(self, start: int) -> tree.Operator:
        """`serialize columns`."""
        columns = self.named_list() if not self._ends() else ()
        return tree.Extend(self.since(start), columns, serialized=True)

    def project_away(self, start: int) -> tree.Operator:
        """`project-away patterns`."""
        patterns = self.column_patterns()
        return tree.ProjectColumns(self.since(start), "away", patterns)

    def project_keep(self, start: int) -> tree.Operator:
        """`project-keep patterns`."""
        patterns = self.column_patterns()
        return tree.ProjectColumns(self.since(start), "keep", patterns)

    def project_reorder(self, start: int) -> tree.Operator:
        """`project-reorder patterns`."""
        patterns = self.column_patterns()
        return tree.ProjectColumns(self.since(start), "reorder", patterns)

    def project_rename(self, start: int) -> tree.Operator:
        """`project-rename new = old`."""
        columns = self.named_list()
        return tree.ProjectRename(self.since(start), columns)

    def summarize(self, start: int) -> tree.Operator:
        """`summarize aggregates by keys`."""
        self.hints()
        aggregates = self.named_list() if not (self.sees("by") or self._ends()) else ()
        keys = self.named_list() if self.accept("by") else ()
        return tree.Summarize(self.since(start), aggregates, keys)

    def sort(self, start: int) -> tree.Operator:
        """`sort by keys`."""
        self.hints()
        self.expect("by")
        keys = self.sort_keys()
        return tree.Sort(self.since(start), keys)

    def top(self, start: int) -> tree.Operator:
        """`top count by keys`."""
        limit = self.expression()
        self.expect("by")
        keys = self.sort_keys()
        return tree.Sort(self.since(start), keys, limit)

    def take_rows(self, start: int) -> tree.Operator:
        """`take count`."""
        count = self.expression()
        return tree.Take(self.since(start), count)

    def distinct(self, start: int) -> tree.Operator:
        """`distinct columns`."""
        self.hints()
        columns = self.named_list()
        return tree.Distinct(self.since(start), columns)

    def count(self, start: int) -> tree.Operator:
        """`count`."""
        if self.accept("as"):
            name = self.name().text
            column = tree.Named(self.since(start), (name,), tree.Call(self.since(start), "count", ()))
            return tree.Summarize(self.since(start), (column,), ())
        return tree.Count(self.since(start))

    def render(self, start: int) -> tree.Operator:
        """`render visualization with (...)`: everything but the name is for a chart."""
        visualization = self.name("a visualization").text
        depth = 0
        while depth or not self._ends():
            if self.here.kind is Kind.END:
                self.fail("')'")
            depth += {"(": 1, ")": -1}.get(self.take().text, 0)
        return tree.Render(self.since(start), visualization)

    def as_name(self, start: int) -> tree.Operator:
        """`as name`."""
        self.hints()
        name = self.name().text
        return tree.As(self.since(start), name)

    def getschema(self, start: int) -> tree.Operator:
        """`getschema`."""
        return tree.GetSchema(self.since(start))

    def call(self) -> tree.Call:
        """`name(arguments)`."""
        name = self.name("a function")
        arguments = self.arguments()
        return tree.Call(self.since(name.span.start), name.text, arguments)

    def invoke(self, start: int) -> tree.Operator:
        """`invoke function(arguments)`."""
        call = self.call()
        return tree.Invoke(self.since(start), call)

    def evaluate(self, start: int) -> tree.Operator:
        """`evaluate plugin(arguments)`."""
        self.hints()
        call = self.call()
        columns: tuple[tree.ColumnDeclaration, ...] = ()
        keeps = False
        if self.accept(":"):
            keeps = self.sees("(") and self.ahead(1).text == "*"
            columns = self.column_declarations(starred=keeps)
        return tree.Evaluate(self.since(start), call, columns, keeps)

    def sort_keys(self) -> tuple[tree.SortKey, ...]:
        """`a asc nulls first, b desc`."""
        keys = [self._sort_key()]
        while self.accept(","):
            keys.append(self._sort_key())
        return tuple(keys)

    def _sort_key(self) -> tree.SortKey:
        start = self.here.span.start
        named = self.named()
        descending = True
        if self.accept("asc"):
            descending = False
        else:
            self.accept("desc")
        nulls_first: bool | None = None
        if self.accept("nulls"):
            nulls_first = self.sees("first")
            if not self.accept("first", "last"):
                self.fail("'first' or 'last'")
        return tree.SortKey(self.since(start), named.value, descending, nulls_first)

    def column_patterns(self) -> tuple[tree.ColumnPattern, ...]:
        """Column names, possibly with `*`."""
        patterns = [self._column_pattern()]
        while self.accept(","):
            patterns.append(self._column_pattern())
        return tuple(patterns)

    def _column_pattern(self) -> tree.ColumnPattern:
        start = self.here.span.start
        pattern = self.pattern("a column")
        order = ""
        if self.sees("granny") and self.ahead(1).text == "-":
            self.take()
            self.take()
            order = "granny-"
        if self.sees("asc", "desc"):
            order += self.take().text
        return tree.ColumnPattern(self.since(start), pattern, order)

    def pattern(self, what: str) -> str:
        """A name with `*` anywhere in it, without blanks."""
        parts: list[str] = []
        end = self.here.span.start
        while self.here.span.start == end:
            number = "*" in parts and self.here.kind is Kind.LONG
            if not (self.is_name(self.here) or self.sees("*") or number):
                break
            parts.append(self.here.text)
            end = self.take().span.end
        if not parts:
            self.fail(what)
        return "".join(parts)

    def column_declarations(self, *, starred: bool = False) -> tuple[tree.ColumnDeclaration, ...]:
        """`(a: long, b: string)`, with `starred` behind `*`."""
        self.expect("(")
        if starred:
            self.expect("*")
            self.accept(",")
        columns: list[tree.ColumnDeclaration] = []
        while not self.sees(")"):
            columns.append(self.column_declaration())
            if not self.accept(","):
                break
        self.expect(")")
        return tuple(columns)

    def column_declaration(self) -> tree.ColumnDeclaration:
        """`a: long`."""
        if self.here.kind is Kind.STRING:
            token = self.take()
        elif self.sees("["):
            self.take()
            token = self.take()
            self.expect("]")
        else:
            token = self.name("a column")
            self.bracketed(token, RESERVED_NAMES)
        self.expect(":")
        kind = self.column_type()
        return tree.ColumnDeclaration(self.since(token.span.start), token.text, kind)

    def hints(self, **options: tuple[str, ...]) -> dict[str, str]:
        """Take `hint.strategy=shuffle` and such, and give the options; those without values may have any."""
        found: dict[str, str] = {}
        while self.is_name(self.here):
            name = self.here.text
            if name == "hint" and self.ahead(1).text == ".":
                self.take()
                self.take()
                self.name()
                self.expect("=")
                self.take()
            elif name in options and self.ahead(1).text == "=":
                self.take()
                self.take()
                token = self.here
                found[name] = self._option_value()
                if options[name] and found[name] not in options[name]:
                    self.fail(" or ".join(f"{name}={value}" for value in options[name]), token)
            else:
                break
        return found

    def _option_value(self) -> str:
        value = self.take().text
        while value.endswith("-") or (
            self.sees("-") and self.here.span.start == self.tokens[self.at - 1].span.end
        ):
            value += self.take().text
        return value

    def _ends(self) -> bool:
        return self.here.kind is Kind.END or self.sees("|", ")", ";", "}")
