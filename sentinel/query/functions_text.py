"""KQL's functions and operators on text.

A term is a longest run of letters and digits, whatever their script; everything else, the underscore too, parts terms.
https://learn.microsoft.com/kusto/query/datatypes-string-operators
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import urllib.parse
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final

from sentinel.errors import QuerySemanticError
from sentinel.query.regexes import UnusableRegex, regex
from sentinel.query.scalar import TEXT, B, D, L, S, Scalar, Unanswerable
from sentinel.query.values import read_json

_BOTH, _LEFT, _RIGHT = "both", "left", "right"


def _has(edges: str, text: str, needle: str) -> bool:
    """Whether `needle` stands in `text` with a term boundary on the named edges."""
    if not needle:
        return True
    at = text.find(needle)
    before_matters = edges != _RIGHT and needle[0].isalnum()
    after_matters = edges != _LEFT and needle[-1].isalnum()
    while at >= 0:
        end = at + len(needle)
        free_before = not before_matters or at == 0 or not text[at - 1].isalnum()
        free_after = not after_matters or end == len(text) or not text[end].isalnum()
        if free_before and free_after:
            return True
        at = text.find(needle, at + 1)
    return False


def fold(text: str) -> str:
    """Text as compared without case: letter by letter, so that `ß` stays one letter."""
    return text.lower()


def _folded(test: Callable[[str, str], Any]) -> Callable[[str, str], int]:
    return lambda text, needle: int(bool(test(fold(text), fold(needle))))


def _exact(test: Callable[[str, str], Any]) -> Callable[[str, str], int]:
    return lambda text, needle: int(bool(test(text, needle)))


_TESTS: Final[dict[str, Callable[[str, str], Any]]] = {
    "has": partial(_has, _BOTH),
    "hasprefix": partial(_has, _LEFT),
    "hassuffix": partial(_has, _RIGHT),
    "contains": lambda text, needle: needle in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def _text_of(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _terms(name: str, needles: Any) -> list[str]:
    """The terms of a list, folded; of what has no terms no page tells."""
    wanted = needles if isinstance(needles, list) else [needles]
    if any(one is None or isinstance(one, (list, dict)) for one in wanted):
        raise Unanswerable(f"{name} with a null, an array within an array or a bag in its list")
    return [fold(_text_of(one)) for one in wanted]


def _has_any(text: str, needles: Any) -> int:
    lowered = fold(text)
    return int(any(_has(_BOTH, lowered, one) for one in _terms("has_any", needles)))


def _has_all(text: str, needles: Any) -> int:
    lowered = fold(text)
    return int(all(_has(_BOTH, lowered, one) for one in _terms("has_all", needles)))


def _has_any_index(text: str, needles: Any) -> int:
    if not isinstance(needles, list):
        raise Unanswerable("has_any_index() without an array")
    lowered = fold(text)
    found = (at for at, one in enumerate(needles) if _has(_BOTH, lowered, fold(_text_of(one))))
    return next(found, -1)


def _matches(text: str, pattern: str) -> int:
    return int(regex(pattern).search(text) is not None)


def _extract(pattern: str, group: int, text: str) -> str:
    match = regex(pattern).search(text)
    if group < 0:
        raise Unanswerable("extract() of a group before the first")
    if match is None or group > regex(pattern).groups:
        return ""
    return match[group] or ""


_MOST_GROUPS: Final = 16


def _extract_all(pattern: str, *rest: Any) -> Any:
    text = rest[-1]
    compiled = regex(pattern)
    wanted = rest[0] if len(rest) > 1 else list(range(1, compiled.groups + 1))
    known = {*range(1, compiled.groups + 1), *compiled.names}
    if not 1 <= compiled.groups <= _MOST_GROUPS:
        raise UnusableRegex(f"the regular expression {pattern!r} has not between 1 and {_MOST_GROUPS} groups")
    if not isinstance(wanted, list) or not wanted or not known.issuperset(wanted):
        raise Unanswerable("extract_all() of other groups than those of its regular expression")
    found: list[Any] = []
    for match in compiled.finditer(text):
        groups = [match[group] or "" for group in wanted]
        found.append(groups[0] if len(groups) == 1 else groups)
    return found or None


def _substring(text: str, start: int, length: int | None = None) -> str:
    if start < 0:
        start += len(text)
        if start < 0:
            return ""
    if length is None:
        return text[start:]
    return text[start : start + length] if length > 0 else ""


def _occurrence(starts: list[int], occurrence: int) -> int:
    place = max(1, occurrence) - 1
    return starts[place] if place < len(starts) else -1


def _indexof(text: str, needle: str, start: int = 0, length: int = -1, occurrence: int = 1) -> int | None:
    """Where a text begins in another; the length bounds where it may begin, not where it may end."""
    if not needle or length < -1 or occurrence < 0:
        return None
    if start < 0:
        start = max(0, len(text) + start)
    end = len(text) if length < 0 else min(len(text), start + length)
    return _occurrence([at for at in range(start, end) if text.startswith(needle, at)], occurrence)


def _indexof_regex(
    text: str, pattern: str, start: int = 0, length: int = -1, occurrence: int = 1
) -> int | None:
    if start < 0 or length < -1 or occurrence < 0:
        return None
    end = len(text) if length < 0 else min(len(text), start + length)
    within = [match.start() for match in regex(pattern).finditer(text, start, end)]
    beginning = [match.start() for match in regex(pattern).finditer(text, start) if match.start() < end]
    found = _occurrence(within, occurrence)
    if found != _occurrence(beginning, occurrence):
        raise Unanswerable("indexof_regex() with a match across the end of what it searches")
    return found


def _assert(condition: int, message: str) -> int:
    if not condition:
        raise QuerySemanticError(f"assert() has failed with message: {message!r}")
    return 1


def _split(text: str, delimiter: str, wanted: int | None = None) -> Any:
    parts = text.split(delimiter) if delimiter else [text]
    if wanted is None:
        return parts
    index = wanted if wanted >= 0 else len(parts) + wanted
    return [parts[index]] if 0 <= index < len(parts) else []


def _countof(text: str, needle: str, kind: str = "normal") -> int:
    if kind not in {"normal", "regex"}:
        raise Unanswerable(f"countof() of the kind {kind!r}")
    if kind == "regex":
        return sum(1 for _ in regex(needle).finditer(text))
    if not needle:
        return 0
    return sum(1 for at in range(len(text)) if text.startswith(needle, at))


_REWRITE: Final = re.compile(r"\\([0-9\\]?)", re.DOTALL)


@lru_cache(maxsize=256)
def _replacement(rewrite: str, groups: int) -> str:
    """A rewrite in the language of Python: a backslash names a group by its digit, two are one."""

    def piece(match: re.Match[str]) -> str:
        if match[1] == "\\":
            return "\\\\"
        if not match[1] or int(match[1]) > groups:
            raise UnusableRegex(f"the rewrite {rewrite!r} has a backslash that names no group")
        return f"\\g<{match[1]}>"

    return _REWRITE.sub(piece, rewrite)


def _replace_regex(text: str, pattern: str, rewrite: str) -> str:
    compiled = regex(pattern)
    return compiled.sub(_replacement(rewrite, compiled.groups), text)


def _trim(pattern: str, text: str) -> str:
    return _trim_end(pattern, _trim_start(pattern, text))


def _trim_start(pattern: str, text: str) -> str:
    match = regex(f"^(?:{pattern})").match(text)
    return text[match.end() :] if match else text


def _trim_end(pattern: str, text: str) -> str:
    match = regex(f"(?:{pattern})$").search(text)
    return text[: match.start()] if match and match.end() == len(text) else text


def _strcat_delim(delimiter: str, *parts: str) -> str:
    return delimiter.join(parts)


_MOST_REPEATS: Final = 1024


def _repeat(text: str, count: int, delimiter: str = "") -> str:
    if count > _MOST_REPEATS:
        raise Unanswerable(f"strrep() of more than {_MOST_REPEATS} times")
    return delimiter.join([text] * max(0, count))


def _base64_decode(text: str) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _escaped(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), urllib.parse.quote(text, safe="!*()"))


def _url_decode(text: str) -> str:
    """The text with its escapes read; of pluses and broken escapes no page tells what they are."""
    if "+" in text or re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise Unanswerable("url_decode() of a plus or a percent sign that is no escape")
    try:
        return urllib.parse.unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Unanswerable("url_decode() of escapes that are no UTF-8") from None


def _hash(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


def _compare(left: str, right: str) -> int:
    return (left > right) - (left < right)


def _translate(search: str, replacement: str, text: str) -> str:
    padded = replacement + (replacement[-1:] * max(0, len(search) - len(replacement)))
    return text.translate({ord(a): (padded[i] if padded else None) for i, a in enumerate(search)})


def _parse_json(text: str) -> Any:
    if not text:
        return None
    try:
        return read_json(text)
    except (ValueError, RecursionError):
        return text


def _is_ascii(text: str) -> int:
    return int(text.isascii())


def text_functions() -> tuple[Scalar, ...]:
    """The functions on text."""
    tests = [
        form
        for name, test in _TESTS.items()
        for form in (
            Scalar(f"op_{name}", (S, S), B, _folded(test), never_null=True),
            Scalar(f"op_{name}_cs", (S, S), B, _exact(test), never_null=True),
        )
    ]
    return (
        *tests,
        Scalar("op_same", (S, S), B, _folded(str.__eq__), never_null=True),
        Scalar("op_fold", (S,), S, fold),
        Scalar("op_has_any", (S, D), B, _has_any, strict=False),
        Scalar("op_has_all", (S, D), B, _has_all, strict=False),
        Scalar("op_matches", (S, S), B, _matches, never_null=True),
        Scalar("extract", (S, L, S), S, _extract),
        Scalar("extract_all", (S, S), D, _extract_all),
        Scalar("extract_all", (S, D, S), D, _extract_all, suffix="groups"),
        Scalar("substring", (TEXT, L, L), S, _substring, optional=1),
        Scalar("indexof", (TEXT, TEXT, L, L, L), L, _indexof, optional=3),
        Scalar("op_assert", (B, S), B, _assert),
        Scalar("has_any_index", (S, D), L, _has_any_index),
        Scalar("indexof_regex", (TEXT, TEXT, L, L, L), L, _indexof_regex, optional=3),
        Scalar("split", (TEXT, S, L), D, _split, optional=1),
        Scalar("countof", (S, S, S), L, _countof, optional=1),
        Scalar("replace_string", (S, S, S), S, lambda t, a, b: t.replace(a, b) if a else t),
        Scalar("replace_regex", (S, S, S), S, _replace_regex),
        Scalar("replace", (S, S, S), S, lambda p, r, t: _replace_regex(t, p, r)),
        Scalar("trim", (S, S), S, _trim),
        Scalar("trim_start", (S, S), S, _trim_start),
        Scalar("trim_end", (S, S), S, _trim_end),
        Scalar("strlen", (S,), L, len, never_null=True, reach=2**31),
        Scalar("string_size", (S,), L, lambda t: len(t.encode()), never_null=True),
        Scalar("tolower", (TEXT,), S, str.lower),
        Scalar("toupper", (TEXT,), S, lambda t: "".join(c.upper() if len(c.upper()) == 1 else c for c in t)),
        Scalar("reverse", (TEXT,), S, lambda t: t[::-1]),
        Scalar("strrep", (TEXT, L, TEXT), S, _repeat, optional=1),
        Scalar("strcat_delim", (S, TEXT, TEXT), S, _strcat_delim, repeats=True),
        Scalar("strcmp", (TEXT, TEXT), L, _compare),
        Scalar("translate", (S, S, S), S, _translate),
        Scalar("parse_json", (S,), D, _parse_json),
        Scalar("isascii", (S,), B, _is_ascii),
        Scalar("isutf8", (S,), B, lambda _: 1),
        Scalar("url_encode", (S,), S, lambda t: _escaped(t).replace("%20", "+")),
        Scalar("url_encode_component", (S,), S, _escaped),
        Scalar("url_decode", (S,), S, _url_decode),
        Scalar("base64_encode_tostring", (S,), S, lambda t: base64.b64encode(t.encode()).decode()),
        Scalar("base64_decode_tostring", (S,), S, _base64_decode),
        Scalar("hash_md5", (TEXT,), S, partial(_hash, "md5")),
        Scalar("hash_sha1", (TEXT,), S, partial(_hash, "sha1")),
        Scalar("hash_sha256", (TEXT,), S, partial(_hash, "sha256")),
        Scalar("regex_quote", (S,), S, re.escape),
        Scalar("to_utf8", (S,), D, lambda t: [ord(c) for c in t]),
        Scalar("unicode_codepoints_from_string", (S,), D, lambda t: [ord(c) for c in t]),
    )
