"""What the functions on IPv4 and IPv6 addresses give, one expression each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CASES: list[tuple[str, Any]] = [
    # Two addresses are compared under the shortest prefix there is.
    ("ipv4_compare('192.168.1.1/24', '192.168.1.255')", 0),
    ("ipv4_compare('192.168.1.1', '192.168.1.2')", -1),
    ("ipv4_compare('192.168.1.1', '192.168.1.0', 31)", 0),
    ("ipv4_compare('192.168.1.300', '192.168.1.0')", None),
    ("ipv4_compare('192.168.1.1', '192.168.1.0', 33)", None),
    ("ipv4_is_match('192.168.1.1', '192.168.1.255/24')", True),
    ("ipv6_compare('fe80::85d:e82c:9446:7994/120', 'fe80::85d:e82c:9446:7998')", 0),
    ("ipv6_is_match('192.168.1.1', '::ffff:c0a8:0101')", True),
    ("ipv6_is_match('::192.168.1.1/30', '192.168.1.255/24')", True),
    ("ipv6_is_match('nonsense', '::1')", None),
    # Ranges.
    ("ipv4_is_in_range('192.168.1.1', '192.168.1.255/24')", True),
    ("ipv4_is_in_range('192.168.2.1', '192.168.1.255/24')", False),
    ("ipv4_is_in_any_range('192.168.1.6', '10.0.0.1/8', '192.168.1.1/24')", True),
    ("ipv4_is_in_any_range('1.1.1.1', dynamic(['10.0.0.1/8', '127.0.0.1/8']))", False),
    (
        "ipv6_is_in_range('a5e:f127:8a9d:146d:e102:b5d3:c755:abcd', 'a5e:f127:8a9d:146d:e102:b5d3:c755:0/112')",
        True,
    ),
    ("ipv6_is_in_any_range('::1', dynamic(['::2', '::/8']))", True),
    ("ipv4_is_private('10.1.2.3/24')", True),
    ("ipv4_is_private('127.0.0.1')", False),
    ("ipv4_is_private('10.1.2')", None),
    ("ipv4_netmask_suffix('127.0.0.1/16')", 16),
    ("ipv4_netmask_suffix('127.0.0.1')", 32),
    ("ipv4_range_to_cidr_list('1.1.128.0', '1.1.140.255')", ["1.1.128.0/21", "1.1.136.0/22", "1.1.140.0/24"]),
    # Numbers and texts.
    ("parse_ipv4('192.168.1.1/24')", 3232235776),
    ("parse_ipv4('255.255.255.255')", 4294967295),
    ("parse_ipv4('256.1.1.1')", None),
    ("parse_ipv4_mask('127.0.0.1', 24)", 2130706432),
    ("parse_ipv6('192.168.255.255/24')", "0000:0000:0000:0000:0000:ffff:c0a8:ff00"),
    ("parse_ipv6_mask('fe80::85d:e82c:9446:7994/120', 124)", "fe80:0000:0000:0000:085d:e82c:9446:7900"),
    ("parse_ipv6('x')", ""),
    ("format_ipv4('192.168.1.1', 24)", "192.168.1.0"),
    ("format_ipv4(3232235777)", "192.168.1.1"),
    ("format_ipv4('192.168.1.1', -1)", ""),
    ("format_ipv4_mask('192.168.1.1/24', 32)", "192.168.1.0/24"),
    # An address in a text stands between characters that are neither letters nor digits.
    ("has_ipv4('05:04:54 127.0.0.1 GET', '127.0.0.1')", True),
    ("has_ipv4('05:04:54127.0.0.1 GET', '127.0.0.1')", False),
    ("has_ipv4('05:04:54 127.0.0.256 GET', '127.0.0.256')", False),
    ("has_any_ipv4('from 10.1.1.115 and 10.1.1.201', '1.1.1.1', '10.1.1.201')", True),
    ("has_ipv4_prefix('05:04:54 127.0.0.1 GET', '127.0.')", True),
    ("has_ipv4_prefix('05:04:54 127.0.0.1 GET', '127.0')", False),
    ("has_any_ipv4_prefix('05:04:54 127.0.0.1 GET', dynamic(['127.0.', '192.168.']))", True),
]


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[text for text, _ in CASES])
def test_a_function_on_addresses_gives_what_kusto_documents(
    ask: Callable[[str], list[tuple[Any, ...]]], expression: str, expected: Any
) -> None:
    assert ask(f"print x = {expression}") == [(expected,)]
