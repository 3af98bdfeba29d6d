"""The plugins of `evaluate`, whose columns may be known only from the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.errors import QueryUnsupported
from sentinel.query.engine import Engine
from tests.query.conftest import NOW

Ask = Callable[[str], list[tuple[Any, ...]]]
BAGS = "datatable(d: dynamic, n: long)[dynamic({'b': 1, 'a': 'x'}), 7, dynamic({'b': 2, 'c': [3]}), 8]"
SALES = "datatable(k: string, s: string, v: long)['a', 'x', 1, 'a', 'y', 2, 'b', 'x', 3]"


def test_a_bag_becomes_a_column_for_every_key_there_is(empty: Engine) -> None:
    result = empty.query(f"{BAGS} | evaluate bag_unpack(d, 'p_')", now=NOW)

    assert [c.name for c in result.columns] == ["n", "p_a", "p_b", "p_c"]
    assert result.rows == [(7, "x", 1, None), (8, "", 2, [3])]


@pytest.mark.parametrize(
    ("plugin", "names", "rows"),
    [
        ("bag_unpack(d, columnsConflict='keep_source')", ["b", "a"], [(5, 1)]),
        ("bag_unpack(d, columnsConflict='replace_source')", ["b", "a"], [(2, 1)]),
        ("bag_unpack(d, 'p_', ignoredProperties=dynamic(['b']))", ["b", "p_a"], [(5, 1)]),
        ("bag_unpack(d) : (*, a: long)", ["b", "a"], [(5, 1)]),
        ("bag_unpack(d) : (a: long)", ["a"], [(1,)]),
    ],
)
def test_a_bag_is_unpacked_as_asked(
    empty: Engine, plugin: str, names: list[str], rows: list[tuple[Any, ...]]
) -> None:
    source = "print d = dynamic({'a': 1, 'b': 2}), b = 5"

    result = empty.query(f"{source} | evaluate {plugin}", now=NOW)

    assert [c.name for c in result.columns] == names
    assert result.rows == rows


def test_a_text_that_may_be_a_time_is_not_guessed_at(ask: Ask) -> None:
    with pytest.raises(QueryUnsupported, match="type is not plain"):
        ask("print d = dynamic({'a': '2020-01-01T00:00:00Z'}) | evaluate bag_unpack(d)")


def test_columns_of_a_table_are_learnt_only_when_it_is_asked(empty: Engine, ask: Ask) -> None:
    text = "AmlOnlineEndpointConsoleLog | evaluate bag_unpack(_Extra)"

    with pytest.raises(QueryUnsupported, match="only rows can tell"):
        empty.check(text)

    assert ask(text) == []


def test_pivot_counts_or_adds_up_for_every_value(ask: Ask) -> None:
    assert sorted(ask(f"{SALES} | evaluate pivot(s, sum(v))")) == [("a", 1, 2), ("b", 3, 0)]
    assert sorted(ask(f"{SALES} | project k, s | evaluate pivot(s)")) == [("a", 1, 1), ("b", 1, 0)]


def test_pivot_gives_averages_where_every_cell_has_rows(ask: Ask) -> None:
    rows = "datatable(k: string, s: string, v: long)['a', 'x', 1, 'a', 'y', 2, 'a', 'y', 4, 'b', 'y', 5]"

    assert ask(f"{rows} | where k == 'a' | evaluate pivot(s, avg(v), k)") == [("a", 1.0, 3.0)]
    assert ask(f"{rows} | where k == 'a' | evaluate pivot(s, stdev(v), k) | project x") == [(0.0,)]
    with pytest.raises(QueryUnsupported, match="a cell without rows"):
        ask(f"{rows} | evaluate pivot(s, avg(v), k)")


def test_narrow_gives_a_row_for_every_cell(ask: Ask) -> None:
    assert ask("print a = 1, b = 'x' | evaluate narrow()") == [(0, "a", "1"), (0, "b", "x")]


def test_rows_near_a_condition_are_kept(ask: Ask) -> None:
    source = "range x from 1 to 9 step 1"

    assert ask(f"{source} | evaluate rows_near(x == 5, 1)") == [(4,), (5,), (6,)]
    assert ask(f"{source} | evaluate rows_near(x in (2, 9), 0, 2)") == [(2,), (3,), (4,), (9,)]


def test_addresses_are_looked_up_in_networks(ask: Ask) -> None:
    networks = "datatable(net: string, c: string)['10.0.0.0/8', 'A', '2.2.0.0/16', 'B']"
    text = f"datatable(ip: string)['10.1.2.3', '9.9.9.9'] | evaluate ipv4_lookup(({networks}), ip, net"

    assert ask(f"{text})") == [("10.1.2.3", "10.0.0.0/8", "A")]
    for asked in (f"{text}, return_unmatched = true)", f"let all = true; {text}, all)"):
        assert sorted(ask(asked)) == [("10.1.2.3", "10.0.0.0/8", "A"), ("9.9.9.9", "", "")]


def test_a_plugin_that_is_not_there_is_refused_by_name(ask: Ask) -> None:
    with pytest.raises(QueryUnsupported, match="plugin autocluster"):
        ask("print x = 1 | evaluate autocluster()")
