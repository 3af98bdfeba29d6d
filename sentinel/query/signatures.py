"""How each function is called, for editors: its parameters and what it gives.

The catalogue's own functions tell it by their types; the rest look at their arguments as they are written, and are
listed here as the documentation names them (https://learn.microsoft.com/kusto/query/scalar-functions and
https://learn.microsoft.com/kusto/query/aggregation-functions).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from sentinel.query.catalogue import SYNONYMS, scalars
from sentinel.query.scalar import Parameter, Scalar, Wide

_WRITTEN: Final = """
ago(timespan) -> datetime
around(value, center, delta) -> bool
array_sort_asc(array, ..., [nulls_last]) -> dynamic
array_sort_desc(array, ..., [nulls_last]) -> dynamic
assert(condition, message) -> bool
bag_pack_columns(column, ...) -> dynamic
case(condition, then, ..., else) -> any
coalesce(value, value, ...) -> any
column_ifexists(name, default) -> any
columnifexists(name, default) -> any
column_names_of(table) -> dynamic
estimate_data_size(column, ...) -> long
extract(regex, captureGroup, source, [typeLiteral]) -> any
extract_json(path, source, [typeLiteral]) -> any
gettype(value) -> string
iff(if, then, else) -> any
isempty(value) -> bool
isnotempty(value) -> bool
isnotnull(value) -> bool
isnull(value) -> bool
materialize(query) -> table
max_of(value, value, ...) -> any
min_of(value, value, ...) -> any
next(column, [offset], [default]) -> any
not(bool) -> bool
now([offset]) -> datetime
pack_all([ignore_null_empty]) -> dynamic
prev(column, [offset], [default]) -> any
range(start, stop, [step]) -> dynamic
row_cumsum(term, [restart]) -> any
row_number([start], [restart]) -> long
row_rank_dense(term, [restart]) -> long
row_rank_min(term, [restart]) -> long
row_window_session(datetime, maxFromFirst, maxBetween, [restart]) -> datetime
series_fft(real, [imag]) -> dynamic, dynamic
series_fit_line(series) -> real, real, real, real, real, dynamic
series_fit_poly(y, [x], [degree]) -> real, dynamic, real, real, dynamic
series_ifft(real, [imag]) -> dynamic, dynamic
series_stats(series, [ignore_nonfinite]) -> real, long, real, long, real, real, real
strcat(value, ...) -> string
toscalar(query) -> any
view(query) -> table
"""
_AGGREGATES: Final = """
arg_max(maximize, *|column, ...) -> any, ...
arg_min(minimize, *|column, ...) -> any, ...
avg(value) -> real
avgif(value, condition) -> real
binary_all_and(value) -> any
binary_all_or(value) -> any
binary_all_xor(value) -> any
buildschema(dynamic) -> dynamic
count([column]) -> long
count_distinct(value) -> long
count_distinctif(value, condition) -> long
countif(condition) -> long
covariance(value, value) -> real
covarianceif(value, value, condition) -> real
covariancep(value, value) -> real
covariancepif(value, value, condition) -> real
dcount(value, [accuracy]) -> long
dcountif(value, condition, [accuracy]) -> long
hll(value, [accuracy]) -> dynamic
hll_if(value, condition, [accuracy]) -> dynamic
hll_merge(hll) -> dynamic
make_bag(bag, [maxSize]) -> dynamic
make_bag_if(bag, condition, [maxSize]) -> dynamic
make_list(value, [maxSize]) -> dynamic
make_list_if(value, condition, [maxSize]) -> dynamic
make_list_with_nulls(value) -> dynamic
make_set(value, [maxSize]) -> dynamic
make_set_if(value, condition, [maxSize]) -> dynamic
max(value) -> any
maxif(value, condition) -> any
min(value) -> any
minif(value, condition) -> any
percentile(value, percentile) -> any
percentiles(value, percentile, ...) -> any, ...
percentiles_array(value, percentile, ...) -> dynamic
percentilesw(value, weight, percentile, ...) -> any, ...
percentilesw_array(value, weight, percentile, ...) -> dynamic
percentilew(value, weight, percentile) -> any
stdev(value) -> real
stdevif(value, condition) -> real
stdevp(value) -> real
sum(value) -> any
sumif(value, condition) -> any
take_any(*|column, ...) -> any, ...
take_anyif(column, condition) -> any
tdigest(value, [weight]) -> dynamic
tdigest_merge(tdigest) -> dynamic
variance(value) -> real
varianceif(value, condition) -> real
variancep(value) -> real
variancepif(value, condition) -> real
"""
_PLUGINS: Final = """
bag_unpack(column, [OutputColumnPrefix], [columnsConflict], [ignoredProperties])
ipv4_lookup(table, sourceAddress, network, [return_unmatched])
narrow()
pivot(pivotColumn, [aggregation], [column, ...])
rows_near(condition, [before], [after], [partition])
"""
_AGGREGATE_SYNONYMS: Final = {
    "any": "take_any",
    "anyif": "take_anyif",
    "argmax": "arg_max",
    "argmin": "arg_min",
    "makelist": "make_list",
    "makeset": "make_set",
    "merge_tdigest": "tdigest_merge",
}

_ANY_NUMBER: Final = 2**15

Signatures = Mapping[str, tuple[str, ...]]
"""The ways to call a function, by its name."""


@cache
def scalar_signatures() -> Signatures:
    """The scalar functions, old spellings too: `strlen(string) -> long`."""
    found = dict(written_signatures())
    for name, forms in scalars().items():
        if not name.startswith("op_"):
            found.setdefault(name, tuple(dict.fromkeys(map(_signature, forms))))
    return MappingProxyType({**found, **_respelt(found, SYNONYMS)})


@cache
def aggregate_signatures() -> Signatures:
    """The aggregates, old spellings too: `dcount(value, [accuracy]) -> long`."""
    found = _listed(_AGGREGATES)
    return MappingProxyType({**found, **_respelt(found, _AGGREGATE_SYNONYMS)})


@cache
def written_signatures() -> Signatures:
    """The scalar functions that no form describes."""
    return MappingProxyType({**_listed(_WRITTEN), "bag_pack": ("bag_pack(key, value, ...) -> dynamic",)})


@cache
def arity(signature: str) -> tuple[int, int]:
    """How many arguments a signature takes, at least and at most."""
    given = signature[signature.index("(") + 1 : signature.index(")")]
    parts = given.split(", ") if given else []
    optional = sum(one.startswith("[") or one == "..." for one in parts)
    return len(parts) - optional, _ANY_NUMBER if "..." in parts else len(parts)


@cache
def plugin_signatures() -> Signatures:
    """The plugins that can stand behind `evaluate`."""
    return MappingProxyType(_listed(_PLUGINS))


def _listed(text: str) -> dict[str, tuple[str, ...]]:
    return {line.partition("(")[0]: (line,) for line in text.strip().splitlines()}


def _respelt(found: Signatures, synonyms: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {
        old: tuple(signature.replace(name, old, 1) for signature in found[name])
        for old, name in synonyms.items()
        if name in found and old not in found
    }


def _signature(form: Scalar) -> str:
    needed = len(form.takes) - form.optional
    parts = [_kind(one) if at < needed else f"[{_kind(one)}]" for at, one in enumerate(form.takes)]
    if form.repeats:
        parts.append("...")
    return f"{form.name}({', '.join(parts)}) -> {form.gives}"


def _kind(parameter: Parameter) -> str:
    return "any" if isinstance(parameter, Wide) else parameter.value
