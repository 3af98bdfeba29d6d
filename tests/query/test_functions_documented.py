"""What functions give by Kusto's documentation, and where they give nothing rather than guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sentinel.errors import QuerySemanticError, QuerySyntaxError, QueryUnsupported

Ask = Callable[[str], list[tuple[Any, ...]]]

CASES: list[tuple[str, Any]] = [
    # Texts in other forms.
    ("base64_decode_toarray('S3VzdG8=')", [75, 117, 115, 116, 111]),
    ("base64_encode_fromarray(dynamic([75, 117]))", "S3U="),
    ("base64_encode_fromarray(dynamic([300]))", ""),
    ("base64_decode_toguid('abcd1231')", None),
    ("base64_encode_fromguid(toguid('ae3133f2-6e22-49ae-b06a-16e6a9b212eb'))", "8jMxriJurkmwahbmqbIS6w=="),
    ("zlib_decompress_from_base64_string('eJwLSS0uUSguKcrMS1cwNDIGACxqBQ4=')", "Test string 123"),
    ("zlib_decompress_from_base64_string('x0x0x0')", ""),
    ("gzip_decompress_from_base64_string('H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==')",
     "1234567890qwertyuiop"),
    ("punycode_from_string('académie-française')", "acadmie-franaise-npb1a"),
    ("punycode_to_string('acadmie-franaise-npb1a')", "académie-française"),
    ("punycode_domain_to_string('Riðill｡Skáldskaparmál｡org')", "xn--Riill-jta.xn--Skldskaparml-dbbj.org"),
    ("punycode_domain_from_string('xn--Ge-mia.Bulg.edu')", "Gáe.Bulg.edu"),
    ("unicode_codepoints_to_string(dynamic([75, 117]), 115)", "Kus"),
    ("hash('World')", 1846988464401551951),
    ("hash('World', 100)", 51),
    ("hash_xxhash64(datetime(2015-01-01))", 1380966698541616202),
    ("hash_xxhash64('Call me Ishmael. Some years ago--never mind how long precisely-')", 0x02A2E85470D6FD96),
    # Texts taken apart.
    ("parse_urlquery('k1=v1&k2=v2')", {"Query Parameters": {"k1": "v1", "k2": "v2"}}),
    ("parse_url('https://u:p@h.com:81/a/b?k=v#f')['Host']", "h.com"),
    ("parse_url('https://h.com/a/b')['Path']", "/a/b"),
    (r"parse_path(@'C:\temp\file.txt')['RootPath']", "C:\\"),
    ("parse_path('/usr/lib/file.tar.gz')['Extension']", "gz"),
    ("parse_version('1.2.3.4') == todecimal('1000000020000000300000004')", True),
    ("isnull(parse_version('1.2.3.4.5'))", True),
    ("parse_csv('aa,\"b,b\",\"c \"\"d\"\"\"')", ["aa", "b,b", 'c "d"']),
    ("parse_csv('a,b\\nc,d')", ["a", "b"]),
    ("parse_xml('<e name=\"v\">text</e>')", {"e": {"@name": "v", "#text": "text"}}),
    ("parse_xml('<e> <a>1</a> <a>2</a> </e>')", {"e": {"a": ["1", "2"]}}),
    ("parse_xml('<e>')", None),
    ("parse_command_line('echo \"hello world!\"', 'windows')", ["echo", "hello world!"]),
    ("format_bytes(564)", "564 Bytes"),
    ("format_bytes(20010332, 2)", "19.08 MB"),
    ("format_bytes(20010332, 0, 'KB')", "19541 KB"),
    ("indexof('abcdefgabcdefg', 'cde', 1, 10, 2)", 9),
    ("indexof(1234567, 5, 1, 4)", 4),
    ("indexof_regex('abcabc', 'a.c', 1, -1, 2)", -1),
    ("indexof_regex('abcabc', 'a|ab', -1)", None),
    ("replace_strings('This is', dynamic(['is', 'This']), dynamic(['was', 'x']))", "Thwas was"),
    ("extract('-([0-9]+)-', 1, '15-12-2024', typeof(int))", 12),
    ("extract('x', 0, 'abc', typeof(long))", None),
    ("has_any_index('Example number 2', range(1, 3, 1))", 1),
    ("has_any_index('this', dynamic([]))", -1),
    # Units.
    ("convert_angle(1.2, 'Degree', 'Arcminute')", 72.0),
    ("convert_length(1.2, 'Meter', 'Foot')", 1.2 / 0.3048),
    ("convert_speed(1.2, 'MeterPerSecond', 'CentimeterPerHour')", 432000.0),
    ("convert_temperature(1.2, 'Kelvin', 'DegreeCelsius')", 1.2 - 273.15),
    ("convert_volume(1.2, 'CubicMeter', 'AcreFoot')", 1.2 * 0.000810714),
    ("convert_mass(1.0, 'Kilogram', 'Feather')", None),
    # Dynamics.
    ("array_sort_asc(dynamic([null, 'b', 'a']), false)", [None, "a", "b"]),
    ("array_sort_desc(dynamic([1, 'a', 3]))", [3, 1, "a"]),
    ("array_sort_asc(dynamic([3, 1]), dynamic(['x', 'y']))[1]", ["y", "x"]),
    ("array_sort_asc(dynamic([3, 1]), dynamic(['x']))[1]", None),
    ("jaccard_index(dynamic([1, 2, 3]), dynamic([1, 2, 3, 4]))", 0.75),
    ("repeat(1, 3)", [1, 1, 1]),
    ("repeat(1, -1)", None),
    ("bag_remove_keys(dynamic({'a': {'b': 1, 'c': 2}, 'd': 3}), dynamic(['$.a.b', 'd']))", {"a": {"c": 2}}),
    ("bag_set_key(dynamic({'a': 1}), '$.b.c', 2)", {"a": 1, "b": {"c": 2}}),
    ("bag_zip(dynamic(['a', 8, 'b']), dynamic([1, '2', 2.5]))", {"a": 1, "b": 2.5}),
    ("column_ifexists('nothing', 5)", 5),
    ("around(5, 4, 1)", True),
    ("around(long(null), 4, 1)", None),
    ("assert(true, 'never')", True),
    # Series.
    ("series_iir(dynamic([0, 1, 2, 3]), dynamic([1]), dynamic([1, -1]))", [0.0, 1.0, 3.0, 6.0]),
    ("series_fir(dynamic([0, 2, 2, 3]), dynamic([1, -1]))", [0.0, 2.0, 0.0, 1.0]),
    ("series_fill_linear(dynamic([null, 111, null, 36]))", [111, 111, 73, 36]),
    ("series_fill_linear(dynamic([1.0, null, 2.0]))", [1.0, 1.5, 2.0]),
    ("series_fill_linear(dynamic([null, 1.0, null]), real(null), false)", [None, 1.0, None]),
    ("series_fill_linear(dynamic([null, null]), real(null), true, 3.5)", [3.5, 3.5]),
    ("series_fill_linear(dynamic([null, null]), real(null), true, real(null))", [None, None]),
    ("series_fill_forward(dynamic([null, 1, null]), long(null))", [None, 1, 1]),
    ("series_fill_const(dynamic([null, 1]), 0, int(null))", [0, 1]),
    ("series_pow(dynamic([4, 2]), dynamic([0.5, 3]))", [2.0, 8.0]),
    ("series_magnitude(dynamic([3, 4]))", 5.0),
    ("series_dot_product(dynamic([1, 2, 4]), 2)", 14.0),
    ("series_seasonal(dynamic([1, 3, 5, 1, 3, 5, 2, 4, 6]), 3)", [1.0, 3.0, 5.0, 1.0, 3.0, 5.0, 1.0, 3.0, 5.0]),
    # Numbers.
    ("isnull(beta_inv(1.5, 10.0, 20.0))", True),
    ("round(beta_cdf(0.9, 10.0, 20.0), 12)", 1.0),
    ("round(welch_test(20.82, 7.867, 15, 22.987, 3.813, 15), 3)", 0.021),
    ("todatetime(1.5) == datetime(0001-01-01 00:00:00.0000001)", True),
    # What is said of arguments out of range.
    ("binary_shift_left(1, -1)", None),
    ("binary_shift_right(8, -1)", None),
    ("binary_shift_left(1, 65)", 2),
    ("acos(1.5)", None),
    ("asin(-1.5)", None),
    ("array_index_of(dynamic([1, 2, 1]), 1, 0, -2)", None),
    ("array_index_of(dynamic([1, 2, 1]), 1, 0, -1, -1)", None),
    ("array_shift_left(dynamic(['a', 'b']), 1)", ["b", ""]),
    ("array_shift_right(dynamic(['a', 'b']), 1, dynamic(null))", [None, "a"]),
    ("array_shift_right(dynamic([1, 2]), 1)", [None, 1]),
    ("tostring(decimal(1) / 3)", "0." + "3" * 34),
    ("tostring(decimal(12345678901234567890123456789012) + decimal(1))", "12345678901234567890123456789013"),
    ("series_log(dynamic([1, -1]))", [0.0, None]),
    ("array_sort_desc(pack_array(2h, 1h, long(null)))", ["02:00:00", "01:00:00", None]),
    ("tohex(5, 20)", "0000000000000005"),
    ("tohex(toint(-1), 4)", "ffffffff"),
    ("replace_strings('a1', dynamic([1, 'a']), dynamic(['x', 'y']))", "y1"),
    ("replace_strings('ab', dynamic(['a', 'b']), dynamic([1, 'y']))", "ay"),
    ("format_bytes(1536)", "2 KB"),
    ("round(9007199254740993)", 9007199254740993),
    ("round(9223372036854775807, 5)", 9223372036854775807),
    ("round(-9007199254740995, -1)", -9007199254741000),
    ("round(14, -1)", 10),
    ("round(15, -2)", 0),
    ("url_decode('caf%C3%a9%2b')", "café+"),
    # Arrays in a list stand for their elements.
    ("2 in (dynamic([1, [2, 3]]))", True),
    ("'b' in~ ('x', dynamic(['a', ['B']]))", True),
    ("'b' in~ ('x', dynamic(['a']), dynamic(['B']))", True),
    ("'a' !in ('b', dynamic(['a']))", False),
    ("'a' !in ('b', dynamic(['c']))", True),
    ("long(null) in (1, dynamic([2]))", False),
    ("dynamic({'a': 'x'}).a in (dynamic(['x']))", True),
    ("dynamic({'a': 'x'}).a in~ (dynamic(['X']))", True),
    ("dynamic({'a': 'x'}).a in~ ('X', dynamic(['y']))", True),
    ("dynamic({'a': 'x'}).b in ('X', dynamic(['y']))", False),
    ("'abc def' has_any ('x', dynamic(['y', 'abc']))", True),
    ("'abc def' has_all ('def', dynamic(['abc']))", True),
    ("'abc def' has_all ('def', dynamic(['x']))", False),
    # Numbers and others where a text is meant.
    ("tolower(dynamic('A'))", "a"),
    ("toupper(true)", "TRUE"),
    ("substring(123456, 1, 2)", "23"),
    ("split(1.5, '.')", ["1", "5"]),
    ("strcmp(10, 9)", -1),
    ("tolower(long(null))", ""),
    # JSON and its paths.
    ("parse_json('NaN')", "NaN"),
    ("parse_json('[Infinity]')", "[Infinity]"),
    ("extract_json('$.a', '{\"a\":NaN}')", ""),
    ("extract_json('$.a[1].b', '{\"a\":[1,{\"b\":5}]}', typeof(int))", 5),
    ("extract_json(\"$['a b']\", '{\"a b\":5}')", "5"),
    ("bag_has_key(dynamic({'a': {'b c': 1}}), \"$['a']['b c']\")", True),
    ("bag_has_key(dynamic({'a': {'b': 1}}), '$.a.c')", False),
    # Rewrites of what was matched.
    (r"replace_regex('abc', '(b)', @'<\1\\\0>')", r"a<b\b>c"),
    # Times.
    ("todatetime('Saturday, 08-Nov-14 15:05:02 GMT') == datetime(2014-11-08 15:05:02)", True),
    ("datetime(08-Nov-14 15:05) == datetime(2014-11-08 15:05)", True),
    ("datetime_add('nanosecond', 200, datetime(2020-01-01)) == datetime(2020-01-01 00:00:00.0000002)", True),
    ("format_datetime(datetime(2009-06-15), 'y/M/d')", "9/6/15"),
    ("format_datetime(datetime(0900-01-01), 'y yy yyyy')", "0 00 0900"),
    ("unixtime_nanoseconds_todatetime(1546300800123456789) == datetime(2019-01-01 00:00:00.1234567)", True),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[text for text, _ in CASES])
def test_a_documented_function_gives_what_its_page_says(ask: Ask, expression: str, expected: Any) -> None:
    assert ask(f"print x = {expression}") == [(expected,)]


REFUSED = [
    "hash('a', 10)",
    "parse_url('bing.com')",
    "parse_urlquery('a=%20')",
    "convert_length(1.0, 'meter', 'Foot')",
    "series_fir(dynamic([5, 1]), dynamic([1, 1]))",
    "series_fit_2lines(dynamic([1, 2]))",
    "series_fill_const(dynamic([null]), long(null))",
    "series_fill_linear(dynamic([1, null, 2]), long(null), true, 0.5)",
    "hash_combine(1, 2)",
    "hash(5)",
    "series_seasonal(dynamic([1, 2, 1, 2]))",
    "jaccard_index(dynamic([]), dynamic([]))",
    "parse_xml('<e> a </e>')",
    "has_ipv4('version 1.127.0.0.1', '127.0.0.1')",
    "zlib_compress_to_base64_string('x')",
    "rand()",
    "new_guid()",
    "datetime_local_to_utc(datetime(2022-10-30 02:30), 'Europe/Brussels')",
    "datetime_local_to_utc(datetime(2022-03-27 02:30), 'Europe/Brussels')",
    "datetime_utc_to_local(datetime(2022-03-27), 'Nowhere')",
    "datetime_part('week', datetime(2022-03-27))",
    "datetime_add('days', 1, datetime(2022-03-27))",
    "datetime_add('nanosecond', 150, datetime(2022-03-27))",
    "datetime_diff('days', datetime(2022-03-27), datetime(2022-03-27))",
    "extract_json('$.a[*]', '{}')",
    "extract_json('$..b', '{}')",
    "bag_has_key(dynamic({'a': [1]}), '$.a[0]')",
    "array_shift_left(dynamic(['a', 1]), 1)",
    "gettype(bag_pack('a', 1h).a)",
    "gettype(dynamic(datetime(2020-01-01)))",
    "extract('(a)', -1, 'a')",
    "extract_all('(a)', dynamic([2]), 'a')",
    "strrep('a', 1025)",
    "url_decode('a+b')",
    "url_decode('50%')",
    "url_decode('%e9')",
    "bin(-9223372036854775807, 3)",
    "tolong(decimal(1e20))",
    "totimespan(parse_json('123456789012345678901234567890'))",
    "array_split(dynamic([1, 2]), dynamic(['a']))",
    "'abc' has_any (dynamic(null))",
    "'abc' has_any (dynamic(['x', ['abc']]))",
    "'abc' has_all (dynamic({'k': 'abc'}))",
    "countof('aaa', 'a', 'REGEX')",
    "format_bytes(2560)",
    "series_log(dynamic([0]))",
    "series_exp(dynamic([1000]))",
    "array_sort_asc(pack_array(1d, 10h))",
    "array_sort_asc(pack_array(-2h, -1h))",
    "array_sort_asc(pack_array(1h, 'a'))",
    "array_sort_asc(pack_array(1h, 1))",
    "tolong(parse_json('12345678901234567890'))",
]

UNUSABLE = [
    "extract_all('a', 'a')",
    r"replace_regex('abc', 'b', @'\n')",
    r"replace_regex('abc', '(b)', @'\2')",
    r"replace_regex('abc', 'b', '\\')",
    "int(3000000000)",
    "9223372036854775809",
    "long(9223372036854775808)",
    "0x10000000000000000",
]


@pytest.mark.parametrize("expression", UNUSABLE)
def test_what_kusto_does_not_take_is_an_error(ask: Ask, expression: str) -> None:
    with pytest.raises((QuerySemanticError, QuerySyntaxError)):
        ask(f"print x = {expression}")


@pytest.mark.parametrize("expression", REFUSED)
def test_what_kusto_does_not_document_is_refused_by_name(ask: Ask, expression: str) -> None:
    with pytest.raises(QueryUnsupported):
        ask(f"print x = {expression}")


QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    # Sketches are merged and asked.
    ("range x from 1 to 20 step 1 | summarize h = hll(x) by x % 2 | summarize m = hll_merge(h) | project dcount_hll(m)",
     [(20,)]),
    ("range x from 1 to 1000 step 1 | summarize t = tdigest(x) | project rank_tdigest(t, 685)", [(685.0,)]),
    ("range x from 1 to 100 step 1 | summarize t = tdigest(x) | project percentile_tdigest(t, 50, typeof(long))",
     [(50,)]),
    ("range x from 1 to 4 step 1 | summarize percentiles_array(x, dynamic([25, 50]))", [([1, 2],)]),
    ("datatable(x: real, y: real)[1, 14, 2, 10, 3, 17, 4, 20, 5, 50] | summarize c = covariance(x, y)", [(20.5,)]),
    ("datatable(v: dynamic)[dynamic({'x': 1}), dynamic({'x': 'a', 'z': [1]})] | summarize buildschema(v)",
     [({"x": ["long", "string"], "z": {"`indexer`": "long"}},)]),
    # Several results.
    ("print s = dynamic([1, 2, 3]) | project (low, at) = series_stats(s) | project low, at, series_stats_s_max",
     [(1.0, 0, 3.0)]),
    ("print s = dynamic([1, 2, 3]) | extend (low, at) = series_stats(s) | project-away s", [(1.0, 0)]),
    ("print a = dynamic([2, 1]), b = dynamic(['x', 'y']) | project array_sort_asc(a, b) | project b_sorted",
     [(["y", "x"],)]),
    ("print y = dynamic([1, 4, 9]) | extend (r, c) = series_fit_poly(y, dynamic([1, 2, 3]), 2) | project r, c",
     [(1.0, [1.0, 0.0, 0.0])]),
    # Arguments as they are written.
    ("print a = 1, b = 'x' | project bag_pack_columns(a, b)", [({"a": 1, "b": "x"},)]),
    ("let T = datatable(A: string, B: int)[]; print column_names_of(T)", [(["A", "B"],)]),
    ("print a = 7 | project x = column_ifexists('a', 0)", [(7,)]),
    ("let n = 'a'; print a = 7 | project x = column_ifexists(n, 0)", [(7,)]),
    ("let i = 1; print array_sort_asc(dynamic([3, 1]), dynamic(['x', 'y']))[i]", [(["y", "x"],)]),
    ("let sparse = true; print a = 7, b = '' | project pack_all(sparse)", [({"a": 7},)]),
    ("print a = 0.0 | project tostring(-a)", [("-0.0",)]),
    ("range x from 1 to 10 step 1 | extend t = '1234567890' | summarize sum(estimate_data_size(*))", [(180,)]),
    ("let f = (n: long, s: string) { strlen(s) > n }; print f(n=3, 'four')", [(True,)]),
    # Decimals sort and rank as numbers.
    (
        "datatable(d: decimal)[1, 1, 2] | summarize a = avg(d), s = sum(d) | project tostring(a), tostring(s)",
        [("1." + "3" * 33, "4")],
    ),
    ("datatable(d: decimal)[9, 10, 2] | summarize percentile(d, 50), dcount(d)", [(9.0, 3)]),
    ("datatable(d: decimal)[9, 10] | project x = max_of(d, decimal(9.5)) | project tostring(x)", [("9.5",), ("10",)]),
    ("print x = 2.0 * 3 | project max_of(x, 1.5), min_of(x, real(null))", [(6.0, 6.0)]),
    ("datatable(x: long, w: long)[1, 1, 2, 5] | summarize percentilew(x, w, 50)", [(2,)]),
    ("datatable(x: long, w: long)[1, 1, 2, 5] | summarize percentilesw_array(x, w, 10, 90)", [([1, 2],)]),
    ("datatable(d: decimal)[10, 9.5, decimal(null), -1] | sort by d asc | extend s = tostring(d) | project s",
     [("",), ("-1",), ("9.5",), ("10",)]),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), QUERIES, ids=[text for text, _ in QUERIES])
def test_a_query_gives_what_kusto_documents(ask: Ask, query: str, expected: list[tuple[Any, ...]]) -> None:
    assert ask(query) == expected


@pytest.mark.parametrize("look", ["", "| project array_length(h)", "| project tostring(h)", "| mv-expand h"])
def test_nobody_looks_into_a_sketch(ask: Ask, look: str) -> None:
    with pytest.raises(QueryUnsupported, match="hll"):
        ask(f"range x from 1 to 3 step 1 | summarize h = hll(x) {look}")


@pytest.mark.parametrize(
    "call",
    [
        "isnull(1, 2)",
        "gettype(1, 2)",
        "now(1h, 2h)",
        "max_of(1)",
        "bag_pack('a', 1, 'b')",
        "bag_pack('a')",
        "strcat_delim('-', 'a')",
        "bag_merge(dynamic({}))",
        "floor(1.5)",
        "toscalar(range x from 1 to 2 step 1 | summarize sum(x, x))",
        "toscalar(range x from 1 to 2 step 1 | summarize percentilesw_array(x))",
        "toscalar(range x from 1 to 2 step 1 | summarize r = avg() + 1)",
    ],
)
def test_a_call_with_arguments_kusto_does_not_take_is_refused(ask: Ask, call: str) -> None:
    with pytest.raises(QuerySemanticError, match=r"this is not how \w+\(\) is called|does not take"):
        ask(f"print {call}")


@pytest.mark.parametrize(
    "aggregate",
    [
        "percentilew(x, dynamic([]), 50)",
        "percentilesw(x, 'a', 50)",
        "percentilesw_array(x, 1.5, 50)",
        "tdigest(x, dynamic([]))",
    ],
)
def test_a_weight_is_a_whole_number(ask: Ask, aggregate: str) -> None:
    with pytest.raises(QuerySemanticError, match="whole numbers for weights"):
        ask(f"print x = 1 | summarize r = {aggregate}")


@pytest.mark.parametrize("default", ["dynamic([1])", "1.5"])
def test_a_default_has_the_type_of_its_column(ask: Ask, default: str) -> None:
    with pytest.raises(QuerySemanticError, match="for a default"):
        ask(f"print x = 1 | serialize | project prev(x, 1, {default})")


def test_an_assertion_that_fails_says_its_message(ask: Ask) -> None:
    with pytest.raises(QuerySemanticError, match="must be positive"):
        ask("let n = -1; print assert(n > 0, 'must be positive')")


def test_documented_units_are_all_known(ask: Ask) -> None:
    pairs = [
        ("convert_energy", "DecathermImperial", "TerawattDay"),
        ("convert_force", "KilopoundForce", "KiloPond"),
        ("convert_length", "KilolightYear", "DataMile"),
        ("convert_mass", "EarthMass", "ShortHundredweight"),
        ("convert_speed", "UsSurveyFootPerHour", "NanometerPerMinute"),
        ("convert_volume", "MegaimperialGallon", "DeciusGallon"),
        ("convert_angle", "NatoMil", "Tilt"),
        ("convert_temperature", "DegreeRoemer", "SolarTemperature"),
    ]
    for function, source, target in pairs:
        assert ask(f"print x = isnotnull({function}(1.0, '{source}', '{target}'))") == [(True,)]
