"""KQL's functions that take a text apart: URLs, paths, versions, CSV, XML and command lines.

https://learn.microsoft.com/kusto/query/scalar-functions#string-functions
"""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any, Final

from sentinel.query.functions_math import round_real
from sentinel.query.scalar import D, L, N, R, S, Scalar, Unanswerable

_URL: Final = re.compile(
    r"(?P<Scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<Username>[^:@/?#]*)(?::(?P<Password>[^@/?#]*))?@)?"
    r"(?P<Host>[^:/?#\[\]]*)(?::(?P<Port>\d*))?(?P<Path>/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#(?P<Fragment>.*))?",
    re.DOTALL,
)
_URL_PARTS: Final = ("Scheme", "Host", "Port", "Path", "Username", "Password")


def _parameters(query: str) -> dict[str, str]:
    """The parameters of the query part of a URL."""
    if not query:
        return {}
    pairs = [part.split("=") for part in query.split("&")]
    plain = all(len(pair) == 2 and pair[0] for pair in pairs)  # noqa: PLR2004 - name and value
    if not plain or len({name for name, *_ in pairs}) < len(pairs) or re.search(r"[%+?#]", query):
        raise Unanswerable("a URL query with escapes, without values or with repeated names")
    return {pair[0]: pair[1] for pair in pairs}


def _url(text: str) -> Any:
    match = _URL.fullmatch(text)
    if match is None or match["Path"] == "/" or "%" in text or any(c.isspace() for c in text):
        raise Unanswerable("a URL that is not absolute, is a root, or has escapes")
    return {
        **{name: match[name] or "" for name in _URL_PARTS},
        "Query Parameters": _parameters(match["query"] or ""),
        "Fragment": match["Fragment"] or "",
    }


def _url_query(text: str) -> Any:
    return {"Query Parameters": _parameters(text)}


_PATH: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://)?(?P<directory>(?P<root>[A-Za-z]:[\\/])?.*?)"
    r"(?:(?<=[\\/])|^)(?P<name>[^\\/:]*)(?::(?P<stream>[^\\/:]*))?",
    re.DOTALL,
)


def _path(text: str) -> Any:
    match = _PATH.fullmatch(text)
    if match is None or text.startswith("\\\\?\\"):
        raise Unanswerable("a path of this form")
    root, name = match["root"] or "", match["name"]
    directory = match["directory"][:-1]
    if not directory or not name or match["directory"] == root:
        raise Unanswerable("a path without a directory or a file name")
    return {
        "Scheme": match["scheme"] or "",
        "RootPath": root,
        "DirectoryPath": directory,
        "DirectoryName": re.split(r"[\\/]", directory)[-1],
        "Filename": name,
        "Extension": name.rpartition(".")[2] if "." in name else "",
        "AlternateDataStreamName": match["stream"] or "",
    }


_VERSION: Final = re.compile(r"\d{1,8}(?:\.\d{1,8}){0,3}", re.ASCII)


def _version(text: str) -> Decimal | None:
    if not _VERSION.fullmatch(text):
        return None
    parts = [*map(int, text.split(".")), 0, 0, 0][:4]
    return Decimal(sum(part * 10 ** (8 * (3 - at)) for at, part in enumerate(parts)))


def _csv(text: str) -> Any:
    rows = csv.reader(text.splitlines(keepends=True), strict=True)
    try:
        return next(rows, [""])
    except csv.Error:
        raise Unanswerable("a malformed CSV record") from None


def _element(node: ET.Element) -> Any:
    found: dict[str, Any] = {f"@{name}": value for name, value in node.attrib.items()}
    texts = [text.strip() for text in (node.text, *(child.tail for child in node)) if text and text.strip()]
    if not found and not len(node):
        if texts and texts[0] != node.text:
            raise Unanswerable("XML with blanks around a text")
        return texts[0] if texts else None
    if texts:
        found["#text"] = texts[0] if len(texts) == 1 else texts
    for child in node:
        value = _element(child)
        if child.tag in found:
            before = found[child.tag]
            found[child.tag] = [*(before if isinstance(before, list) else [before]), value]
        else:
            found[child.tag] = value
    return found


_LONGEST_XML: Final = 1_048_576


def _xml(text: str) -> Any:
    if len(text.encode()) > _LONGEST_XML:
        return None
    if "<!" in text or "<?" in text or "xmlns" in text:
        raise Unanswerable("XML with declarations or name spaces")
    try:
        root = ET.fromstring(text)  # noqa: S314 - declarations, and with them entities, are refused above
    except ET.ParseError:
        return None
    return {root.tag: _element(root)}


_ARGUMENT: Final = re.compile(r'(?:\\*"|\\+|[^\\"])', re.DOTALL)


def _arguments(line: str) -> list[str]:
    """Arguments as Windows splits them: quotes group, backslashes escape only before quotes."""
    found: list[str] = []
    word: str | None = None
    quoted = False
    for piece in _ARGUMENT.findall(line):
        if piece in {" ", "\t"} and not quoted:
            found.extend([] if word is None else [word])
            word = None
        elif piece.endswith('"'):
            slashes = len(piece) - 1
            word = (word or "") + "\\" * (slashes // 2)
            if slashes % 2:
                word += '"'
            else:
                quoted = not quoted
        else:
            word = (word or "") + piece
    return found if word is None else [*found, word]


def _command_line(line: str, parser: str) -> Any:
    if parser.lower() != "windows" or '""' in line:
        raise Unanswerable("this command line")
    return _arguments(line)


def _by_order(text: str, pairs: list[tuple[str, str]]) -> str:
    """Every text replaced, the first of the list wherever it stands, then the others in what is left."""
    if not pairs:
        return text
    (lookup, rewrite), *others = pairs
    return rewrite.join(_by_order(part, others) for part in text.split(lookup))


def _by_end(text: str, pairs: list[tuple[str, str]]) -> str:
    """Every text replaced where it is first complete, reading on from there."""
    found, start = "", 0
    for end in range(1, len(text) + 1):
        match = next((pair for pair in pairs if text.endswith(pair[0], start, end)), None)
        if match is not None:
            found += text[start : end - len(match[0])] + match[1]
            start = end
    return found + text[start:]


def _replace_strings(text: str, lookups: Any, rewrites: Any) -> str:
    if not isinstance(lookups, list) or not isinstance(rewrites, list) or len(lookups) != len(rewrites):
        raise Unanswerable("replace_strings() without two arrays of the same length")
    pairs = [
        (a, b if isinstance(b, str) else a)
        for a, b in zip(lookups, rewrites, strict=True)
        if isinstance(a, str)
    ]
    if not all(lookup for lookup, _ in pairs):
        raise Unanswerable("replace_strings() of an empty text")
    found = _by_order(text, pairs)
    if found != _by_end(text, pairs):
        raise Unanswerable("replace_strings() of texts that overlap")
    return found


_UNITS: Final = ("Bytes", "KB", "MB", "GB", "TB", "PB", "EB")
_STEP: Final = 1024


def _bytes(size: float, precision: int = 0, unit: str = "") -> str | None:
    if unit and unit not in _UNITS:
        return None
    if unit:
        power = _UNITS.index(unit)
    else:
        power = max((at for at in range(len(_UNITS)) if abs(size) >= _STEP**at), default=0)
    value = size / _STEP**power
    if round(value, precision) != round_real(value, precision):
        raise Unanswerable("format_bytes() of a number half way between two")
    written = f"{round(value, precision):.{max(0, precision)}f}"
    if "." in written and written.endswith("0"):
        raise Unanswerable("a size whose last digits are zeros")
    return f"{written} {_UNITS[power]}"


def piece_functions() -> tuple[Scalar, ...]:
    """The functions that take a text apart."""
    return (
        Scalar("parse_url", (S,), D, _url),
        Scalar("parse_urlquery", (S,), D, _url_query),
        Scalar("parse_path", (S,), D, _path),
        Scalar("parse_version", (S,), N, _version),
        Scalar("parse_csv", (S,), D, _csv),
        Scalar("parse_xml", (S,), D, _xml),
        Scalar("parse_command_line", (S, S), D, _command_line),
        Scalar("replace_strings", (S, D, D), S, _replace_strings),
        Scalar("format_bytes", (R, L, S), S, _bytes, optional=2),
    )
