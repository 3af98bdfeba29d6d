"""What comes beside a Kusto query: options that bound or shift it, and the values of its parameters.

https://learn.microsoft.com/kusto/api/rest/request-properties
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import msgspec

from sentinel.clock import TICKS_PER_SECOND, from_ticks
from sentinel.query.result import DEFAULT_LIMITS, Limits
from sentinel.query.values import MAX_DATETIME, parse_datetime, parse_timespan
from sentinel.web.answers import Refused
from sentinel.web.asking import Question
from sentinel.web.body import MEBIBYTE

_ANSWER_BYTES: Final = 64 * MEBIBYTE
_SECONDS: Final = 240.0
_LONGEST_SECONDS: Final = 3600.0
_LANGUAGES: Final = ("kql", "csl", "kusto")
_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Properties:
    """The options and parameters of one request; an option that would change no row is passed over."""

    options: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    parameters: Mapping[str, str] = field(default_factory=lambda: _EMPTY)

    @classmethod
    def of(cls, given: Mapping[str, Any] | str | None) -> Properties:
        """The properties of a request, which Microsoft's Python client sends as a text that holds JSON.

        Raises:
            Refused: They are not of that form.
        """
        if isinstance(given, str):
            try:
                given = msgspec.json.decode(given.encode(), type=dict[str, Any]) if given.strip() else None
            except msgspec.DecodeError as error:
                raise Refused(
                    400, "General_BadRequest", f"properties are not a JSON object: {error}"
                ) from None
        held = given or _EMPTY
        options, parameters = held.get("Options") or _EMPTY, held.get("Parameters") or _EMPTY
        if not isinstance(options, Mapping) or not isinstance(parameters, Mapping):
            raise Refused(
                400, "General_BadRequest", "properties.Options and properties.Parameters are objects"
            )
        named = {name.lower(): value for name, value in options.items()}
        return cls(named, {name: _text(value) for name, value in parameters.items()})

    @property
    def deferred(self) -> bool:
        """Whether a failure halfway is told behind the rows only."""
        return self._flag("deferpartialqueryfailures")

    @property
    def taken(self) -> int | None:
        """How many rows are wanted at most, without a failure if there are more."""
        return self._whole("query_take_max_records", None)

    def question(self, text: str) -> Question:
        """The query under these options.

        Raises:
            Refused: An option has no such value, or would change the answer in a way that is not known here.
        """
        if str(self.options.get("query_language", "kql")).lower() not in _LANGUAGES:
            raise self._wrong("query_language", "queries are KQL here")
        if str(self.options.get("query_datetimescope_column", "TimeGenerated")) != "TimeGenerated":
            raise self._wrong("query_datetimescope_column", "time is held by TimeGenerated here")
        first, last = self._instant("query_datetimescope_from"), self._instant("query_datetimescope_to")
        within = None
        if first is not None or last is not None:
            within = (first or 0, MAX_DATETIME if last is None else last)
        now = self._instant("query_now")
        return Question(text, self._limits(), within, None if now is None else from_ticks(now))

    def _limits(self) -> Limits:
        rows, size = DEFAULT_LIMITS.rows, _ANSWER_BYTES
        if not self._flag("notruncation"):
            rows = min(rows, self._whole("truncationmaxrecords", rows) or rows)
            size = min(DEFAULT_LIMITS.cell_bytes, self._whole("truncationmaxsize", size) or size)
        if self.taken is not None:
            rows = min(rows, self.taken)
        return Limits(rows, self._seconds(), size, partial=True)

    def _seconds(self) -> float:
        if self._flag("norequesttimeout"):
            return _LONGEST_SECONDS
        given = self.options.get("servertimeout")
        if given is None:
            return _SECONDS
        ticks = parse_timespan(str(given))
        if ticks is None or ticks <= 0:
            raise self._wrong("servertimeout", "it is a timespan such as 00:01:00")
        return min(ticks / TICKS_PER_SECOND, _LONGEST_SECONDS)

    def _flag(self, name: str) -> bool:
        return str(self.options.get(name, "")).lower() in {"true", "1"}

    def _whole(self, name: str, default: int | None) -> int | None:
        given = self.options.get(name)
        if given is None:
            return default
        if isinstance(given, bool) or not str(given).isdecimal():
            raise self._wrong(name, "it is a whole number")
        return int(given)

    def _instant(self, name: str) -> int | None:
        given = self.options.get(name)
        if given is None:
            return None
        ticks = parse_datetime(str(given))
        if ticks is None:
            raise self._wrong(name, "it is a datetime such as 2026-05-01T12:00:00Z")
        return ticks

    def _wrong(self, name: str, because: str) -> Refused:
        return Refused(
            400, "General_BadRequest", f"the option {name} cannot be {self.options.get(name)!r}: {because}"
        )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
