"""The zone of this machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


class LocalZone(tzinfo):
    """The zone of this machine, with the offset in force at each instant.

    A fixed offset, which is what `datetime.astimezone()` gives, would be wrong on the other side of a change to
    summer time.
    """

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """The offset in force at a local time."""
        return None if dt is None else dt.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, dt: datetime | None) -> None:
        """Not known."""
        _ = dt

    def tzname(self, dt: datetime | None) -> str | None:
        """The zone's short name at a local time."""
        return None if dt is None else dt.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, dt: datetime) -> datetime:
        """The local time of an instant given in UTC."""
        return dt.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)
