"""Every scalar function there is, by its KQL name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from sentinel.query.functions_address import address_functions
from sentinel.query.functions_convert import conversion_functions
from sentinel.query.functions_dynamic import dynamic_functions
from sentinel.query.functions_encoding import encoding_functions
from sentinel.query.functions_filters import filter_functions
from sentinel.query.functions_math import math_functions
from sentinel.query.functions_pieces import piece_functions
from sentinel.query.functions_series import series_functions
from sentinel.query.functions_sketch import sketch_functions
from sentinel.query.functions_statistics import statistics_functions
from sentinel.query.functions_text import text_functions
from sentinel.query.functions_time import time_functions
from sentinel.query.functions_units import unit_functions
from sentinel.query.scalar import Scalar

SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "iif": "iff",
        "notempty": "isnotempty",
        "notnull": "isnotnull",
        "todynamic": "parse_json",
        "parsejson": "parse_json",
        "toobject": "parse_json",
        "toreal": "todouble",
        "toboolean": "tobool",
        "arraylength": "array_length",
        "array_len": "array_length",
        "pack": "bag_pack",
        "pack_dictionary": "bag_pack",
        "makeset": "make_set",
        "makelist": "make_list",
        "argmax": "arg_max",
        "argmin": "arg_min",
        "any": "take_any",
        "countof_regex": "countof",
        "extractjson": "extract_json",
        "replacestring": "replace_string",
        "ceil": "ceiling",
        "exp_10": "exp10",
        "hash_sha_256": "hash_sha256",
        "string_len": "strlen",
        "datepart": "datetime_part",
        "to_utf8": "unicode_codepoints_from_string",
        "make_string": "unicode_codepoints_to_string",
        "base64_encodestring": "base64_encode_tostring",
        "base64_decodestring": "base64_decode_tostring",
        "parseurl": "parse_url",
        "array_iif": "array_iff",
        "array_strcat": "strcat_array",
        "extractall": "extract_all",
        "totime": "totimespan",
        "parseurlquery": "parse_urlquery",
    }
)


@cache
def scalars() -> Mapping[str, tuple[Scalar, ...]]:
    """The forms of each scalar function."""
    found: dict[str, list[Scalar]] = {}
    for form in (
        *text_functions(),
        *time_functions(),
        *math_functions(),
        *conversion_functions(),
        *dynamic_functions(),
        *series_functions(),
        *address_functions(),
        *encoding_functions(),
        *piece_functions(),
        *unit_functions(),
        *sketch_functions(),
        *filter_functions(),
        *statistics_functions(),
    ):
        found.setdefault(form.name, []).append(form)
    return MappingProxyType({name: tuple(forms) for name, forms in found.items()})
