"""The kinds of values the options take: durations, instants, time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import click

from sentinel.clock import parse_span


class _Duration(click.ParamType[timedelta, object]):
    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return parse_span(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Instant(click.ParamType[datetime, object]):
    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-03-04T15:07:42Z", param, ctx)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


class _Zone(click.ParamType[tzinfo, object]):
    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tzinfo:
        if isinstance(value, tzinfo):
            return value
        text = str(value)
        if text.upper() == "UTC":
            return UTC
        if text.lower() == "local":
            from sentinel.cli.local_zone import LocalZone

            return LocalZone()
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fail(f"{text!r} is neither UTC, local nor a zone such as Europe/Berlin", param, ctx)


DURATION: Final = _Duration()
INSTANT: Final = _Instant()
ZONE: Final = _Zone()
