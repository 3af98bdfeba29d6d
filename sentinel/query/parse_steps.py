"""KQL's operators that look at several rows or groups of rows at a time."""

from __future__ import annotations

from sentinel.query import tree
from sentinel.query.parse_reshape import ReshapeParser
from sentinel.query.tree_steps import NestedLevel, ScanColumn, ScanStep


class StepParser(ReshapeParser):
    """Parses one operator behind a pipe; `start` is where its name began."""

    def scan(self, start: int) -> tree.Operator:
        """`scan with_match_id=name declare (columns) with (steps)`."""
        options = self.hints(with_match_id=())
        columns: list[ScanColumn] = []
        if self.accept("declare"):
            self.expect("(")
            while not self.sees(")"):
                columns.append(self._scan_column())
                if not self.accept(","):
                    break
            self.expect(")")
        options |= self.hints(with_match_id=())
        self.expect("with")
        self.expect("(")
        steps: list[ScanStep] = []
        while self.sees("step"):
            steps.append(self._step())
        if not steps:
            self.fail("'step'")
        self.expect(")")
        return tree.Scan(self.since(start), options.get("with_match_id", ""), tuple(columns), tuple(steps))

    def _scan_column(self) -> ScanColumn:
        declaration = self.column_declaration()
        default = self.expression() if self.accept("=") else None
        return ScanColumn(self.since(declaration.span.start), declaration, default)

    def _step(self) -> ScanStep:
        start = self.take().span.start
        name = self.name("the name of a step").text
        output = "all"
        if self.accept("output"):
            self.expect("=")
            token = self.name("all, last or none")
            output = token.text
            if output not in {"all", "last", "none"}:
                self.fail("all, last or none", token)
        self.expect(":")
        condition = self.expression()
        assignments = self.named_list() if self.accept("=>") else ()
        span = self.since(start)
        if not self.accept(";") and not self.sees(")"):
            self.fail("';' behind the step")
        return ScanStep(span, name, output, condition, assignments)

    def top_nested(self, start: int) -> tree.Operator:
        """`top-nested count of value by aggregate, top-nested ...`."""
        levels = [self._level(start)]
        while self.accept(","):
            token = self.here
            for part in ("top", "-", "nested"):
                self.expect(part)
            levels.append(self._level(token.span.start))
        return tree.TopNested(self.since(start), tuple(levels))

    def _level(self, start: int) -> NestedLevel:
        count = None if self.sees("of") else self.expression()
        self.expect("of")
        of = self.named()
        if self.sees("with"):
            hint = "union the rest yourself"
            self.unsupported("top-nested with others", self.here.span, hint)
        self.expect("by")
        by = self.named()
        descending = not self.accept("asc")
        self.accept("desc")
        return NestedLevel(self.since(start), count, of, by, descending)

    def partition(self, start: int) -> tree.Operator:
        """`partition by column (operators)`."""
        self.hints()
        self.expect("by")
        token = self.name("a column")
        by = tree.Name(token.span, token.text)
        self.hints()
        if self.sees("{"):
            self.unsupported(
                "partition over a source of its own", self.here.span, "partition by column (operators)"
            )
        self.expect("(")
        body = self.operators(first_without_pipe=True)
        self.expect(")")
        return tree.Partition(self.since(start), by, body)

    def project_by_names(self, start: int) -> tree.Operator:
        """`project-by-names names, patterns`."""
        names = [self.expression()]
        while self.accept(","):
            names.append(self.expression())
        return tree.ProjectByNames(self.since(start), tuple(names))

    def sample(self, start: int) -> tree.Operator:
        """`sample count`: any rows, so as good as the first."""
        count = self.expression()
        return tree.Take(self.since(start), count)

    def sample_distinct(self, start: int) -> tree.Operator:
        """`sample-distinct count of value`."""
        count = self.expression()
        self.expect("of")
        of = self.named()
        return tree.SampleDistinct(self.since(start), count, of)
