"""Learning from rows what a query's columns will be, where only the rows can tell.

`evaluate bag_unpack(d)` has a column for every key there is. Such a query is bound in two steps: what feeds the
plugin is answered first, then the whole is bound with what was learnt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sentinel.errors import QueryUnsupported
from sentinel.query import ir
from sentinel.query.ir_order import expressions_of, in_order

MOST_LEARNT: Final = 1000
"""How many columns may be learnt from rows."""


class ColumnsUnknown(QueryUnsupported):
    """The columns of a query are known only once it is asked of rows."""


Probe = Callable[[ir.Rows], list[tuple[Any, ...]]]
"""Answers what feeds a plugin; raises `ColumnsUnknown` where there are no rows to ask."""


def is_settled(rows: ir.Rows) -> bool:
    """Whether rows are the same whenever they are asked for: no table, no parameter, no clock."""
    for plan in in_order(rows.plan):
        if isinstance(plan, ir.ScanTable):
            return False
        inner = (one for value in expressions_of(plan) for one in ir.walk(value))
        if any(isinstance(one, ir.Input) for one in inner):
            return False
    return True


def constant_rows(rows: ir.Rows) -> list[tuple[Any, ...]]:
    """The answer of a plan that reads nothing.

    Raises:
        ColumnsUnknown: It reads a table, a parameter or the clock.
    """
    if not is_settled(rows):
        raise ColumnsUnknown("columns that only rows can tell are not supported here")
    from contextlib import closing

    import apsw

    from sentinel.query.emit_sqlite import emit
    from sentinel.query.registration import prepare

    sql = emit(ir.Bound(rows, None, ()))
    with closing(apsw.Connection(":memory:")) as connection:
        prepare(connection)
        return list(connection.execute(f"WITH {', '.join(sql.steps)} {sql.select}", dict(sql.constants)))
