"""Queries made at random: of the right form, mostly of sense, and free of anything that takes long by
itself."""

from __future__ import annotations

from hypothesis import strategies as st


def _choices(text: str, between: str | None = None) -> list[str]:
    return text.split(between)


TABLE = "datatable(a: long, b: string, c: real, d: datetime, e: timespan, f: bool, g: dynamic)"
ROWS = """[
    1, "x", 0.5, datetime(2026-01-01), 1h, true, dynamic({"k": [1, 2]}),
    long(null), "", real(null), datetime(null), time(null), bool(null), dynamic(null),
    -7, "Ünïcode 'quoted' x", real(nan), datetime(2026-01-02T03:04:05.6789), -2d, false, dynamic([1,
    "two", null])]"""
COLUMNS = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "g.k", "g[0]", "['a']"])
LITERALS = st.sampled_from(
    _choices("""0 1 -1 3 9223372036854775807 0.5 -1e300 1.7976931348623157e308 real(nan) real(+inf)
    int(null) int(5) long(null)
    true false 'x' '' 'a"b' @'\\d+' 1d 90s time(null) -1tick datetime(2026-01-01) datetime(null) dynamic(null)
    dynamic([1,2]) dynamic({"k":"v"}) guid(74be27de-1e4e-49d9-b579-fe0b331d3642) decimal(1.5) now()
    ago(1h)""")
)
OPERATORS = st.sampled_from(
    _choices("""+ - * / % == != < <= > >= and or =~ !~ has !has contains !contains startswith endswith
    has_cs contains_cs
    hasprefix hassuffix""")
)
TEXT_OPERATORS = st.sampled_from(
    _choices(
        "== != =~ !~ has !has contains !contains startswith endswith has_cs contains_cs hasprefix hassuffix"
    )
)
FUNCTIONS = st.sampled_from(
    _choices("""strlen tolower toupper tostring tolong toint todouble tobool todatetime totimespan abs
    isnull isempty isnotempty
    isnan ceiling floor round sqrt exp log parse_json array_length bag_keys gettype hourofday dayofweek
    startofday
    endofmonth startofweek reverse trim split strcat iff coalesce bin substring indexof extract replace_string
    array_slice datetime_add datetime_diff format_datetime format_timespan make_datetime parse_url
    hash_md5 hash
    tohex range array_sort_asc set_union pack_array bag_pack zip min_of max_of case between not sign
    pow countof
    base64_encode_tostring url_encode unixtime_seconds_todatetime parse_version series_add
    series_stats_dynamic
    series_fill_linear repeat toscalar next prev row_number row_cumsum""")
)
AGGREGATES = st.sampled_from(
    _choices("""count() sum(a) avg(c) min(a) max(b) dcount(b) countif(f) sumif(a,f) make_list(a)
    make_set(b) arg_max(a,*)
    arg_min(c,b) percentile(a,50) percentiles(c,5,95) stdev(c) variance(a) take_any(b) make_bag(g)
    count_distinct(a)
    binary_all_or(a) make_list_if(b,f) max(d) sum(e) avg(e) hll(a) tdigest(c) buildschema(g)""")
)
_KINDS = st.sampled_from(
    _choices("innerunique inner leftouter rightouter fullouter leftsemi rightsemi leftanti rightanti")
)


def _sensible(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions of a number whose parts have the types they should have."""
    number = st.one_of(
        inner, st.sampled_from(["a", "c", "1", "0.5", "long(null)", "strlen(b)", "tolong(b)", "tolong(g)"])
    )
    text = st.one_of(
        st.sampled_from(
            ["b", "'x'", "''", "tostring(g)", "tostring(d)", "tostring(g.k)", "toupper(b)", "substring(b, 1)"]
        ),
        st.builds("tostring({})".format, number),
        st.builds("strcat(b, {})".format, number),
    )
    moment = st.sampled_from(
        ["d", "now()", "startofday(d)", "bin(d, 1h)", "d + e", "datetime(null)", "ago(1d)"]
    )
    truth = st.one_of(
        st.builds("{} {} {}".format, number, st.sampled_from(["==", "!=", "<", ">="]), number),
        st.builds("{} {} {}".format, text, TEXT_OPERATORS, text),
        st.builds("{} {} {}".format, moment, st.sampled_from(["<", ">", "=="]), moment),
        st.sampled_from(["f", "true", "isnull(a)", "isempty(b)", "not(f)", "b in ('x', '')", "a !in (1, 2)"]),
    )
    return st.one_of(
        st.builds("({} {} {})".format, number, st.sampled_from(["+", "-", "*", "/", "%"]), number),
        st.builds("iff({}, {}, {})".format, truth, number, number),
        st.builds(
            "{}({})".format,
            st.sampled_from(["abs", "round", "floor", "sign", "exp", "tolong", "log"]),
            number,
        ),
        st.builds("bin({}, {})".format, number, st.sampled_from(["2", "0.5", "a", "0"])),
        st.builds("coalesce({}, {})".format, number, number),
        st.builds("toint({} and ({} or {}))".format, truth, truth, truth),
        st.builds("strlen({})".format, text),
        st.builds("hourofday({})".format, moment),
        st.builds("tolong(({} - {}) / 1s)".format, moment, moment),
        st.builds("array_length(pack_array({}, {}, {}))".format, number, text, moment),
        st.builds("indexof({}, {})".format, text, text),
    )


def _anything(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, inner, OPERATORS, inner),
        st.builds("{}({})".format, FUNCTIONS, st.lists(inner, max_size=3).map(", ".join)),
        st.builds("{} in ({})".format, inner, st.lists(inner, min_size=1, max_size=3).map(", ".join)),
        st.builds("{} between ({} .. {})".format, inner, inner, inner),
        st.builds("-({})".format, inner),
        st.builds("iff({} == {}, {}, {})".format, inner, inner, inner, inner),
    )


SENSIBLE = st.recursive(st.sampled_from(["a", "c", "strlen(b)"]), _sensible, max_leaves=5)
EXPRESSIONS = st.one_of(
    SENSIBLE,
    SENSIBLE,
    SENSIBLE,
    COLUMNS,
    st.builds("{}({})".format, FUNCTIONS, COLUMNS),
    st.recursive(st.one_of(COLUMNS, LITERALS), _anything, max_leaves=5),
)
CONDITIONS = st.builds("{} {} {}".format, SENSIBLE, st.sampled_from(["==", "!=", "<", ">", ">="]), SENSIBLE)


def _operators(pipeline: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    key = st.sampled_from(["a", "b", "d", "bin(a, 2)", "bin(d, 1d)", "f", "k = tostring(g.k)"])
    simple = st.sampled_from(
        _choices(
            """count; getschema; distinct b; distinct *; take 2; top 2 by a; top 1 by c asc nulls first; sort by b;
        project-away a; project-keep a, b*; project-reorder c, *; project-rename z = a; serialize; as T; project *;
        mv-expand g; mv-expand g to typeof(string) limit 2; mv-expand bagexpansion=array g; render timechart;
        mv-apply g on (take 1); parse b with * "x" rest; parse kind=regex b with x:long "."; search "x";
        parse-where b with "x" y:int; parse-kv b as (k: long) with (pair_delimiter=",", kv_delimiter="=");
        make-series n = count() on d step 1h; evaluate bag_unpack(g) : (k: dynamic); sample-distinct 2 of b;
        make-series avg(c) default=0.0 on d from datetime(2026-01-01) to datetime(2026-01-03) step 6h by b;
        partition by b (top 1 by a); top-nested 2 of b by count(); extend n = row_number(), p = prev(a);
        summarize by b""",
            ";",
        )
    ).map(lambda text: " ".join(text.split()))
    return st.one_of(
        simple,
        st.builds("where {}".format, CONDITIONS),
        st.builds("extend x = {}".format, EXPRESSIONS),
        st.builds("project a, b, {}, y = {}".format, EXPRESSIONS, EXPRESSIONS),
        st.builds("summarize {} by {}".format, AGGREGATES, key),
        st.builds("summarize m = {}, {}".format, AGGREGATES, AGGREGATES),
        st.builds(
            "join kind={} ({}) on {}".format, _KINDS, pipeline, st.sampled_from(["a", "b", "f", "a, b"])
        ),
        st.builds("lookup ({}) on a".format, pipeline),
        st.builds("union ({})".format, pipeline),
        st.builds("where a in ({} | project a)".format, pipeline),
        st.builds("order by {} asc".format, EXPRESSIONS),
    )


def _pipeline(operators: st.SearchStrategy[str], most: int) -> st.SearchStrategy[str]:
    source = st.sampled_from(
        ["S", "S", "S", "S", "S", "range a from 1 to 5 step 2", "print a = 1, b = 'x'", "AmlComputeJobEvent"]
    )
    return st.builds(
        lambda start, steps: " | ".join([start, *steps]), source, st.lists(operators, max_size=most)
    )


_INNER = _pipeline(_operators(st.just("S")), 2)
QUERIES = st.builds(lambda body: f"let S = {TABLE}{ROWS};\n{body}", _pipeline(_operators(_INNER), 4))
"""Whole queries over a small table with nulls, empty texts and NaN."""
