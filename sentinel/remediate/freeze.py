"""Times in which nothing is changed, by the clock on a wall somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A time of day, on some days of the week and between some dates, in which nothing is changed.

    A freeze whose `end` is not after its `start` passes midnight and belongs to the day it starts on. Equal ends are
    a whole day.

    Raises:
        ValueError: The zone, a day, a time or a date is none.
    """

    name: str = "freeze"
    zone: str = "UTC"
    days: tuple[str, ...] = ()
    """Days of the week it starts on, `mon` to `sun`; every day if none is given."""
    start: str = "00:00"
    end: str = "00:00"
    first: str = ""
    """The first date it starts on, `2026-12-24`; no first if empty."""
    last: str = ""
    """The last date it starts on."""

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{self.zone} is no time zone") from error
        for day in self.days:
            if day not in _DAYS:
                raise ValueError(f"{day} is no day of the week; they are {', '.join(_DAYS)}")
        for text in (self.start, self.end):
            time.fromisoformat(text)
        for text in filter(None, (self.first, self.last)):
            date.fromisoformat(text)

    def meets(self, begin: datetime, end: datetime) -> datetime | None:
        """When the freeze ends that meets the span from `begin` to `end`; `None` if none does."""
        for frozen_from, frozen_to in self._spans(begin, end):
            if frozen_from < end and begin < frozen_to:
                return frozen_to
        return None

    def _spans(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        zone = ZoneInfo(self.zone)
        start, stop = time.fromisoformat(self.start), time.fromisoformat(self.end)
        day, until = begin.astimezone(zone).date() - _DAY, end.astimezone(zone).date()
        while day <= until:
            if self._is_on(day):
                closing = day if stop > start else day + _DAY
                yield (
                    datetime.combine(day, start, zone).astimezone(begin.tzinfo),
                    datetime.combine(closing, stop, zone).astimezone(begin.tzinfo),
                )
            day += _DAY

    def _is_on(self, day: date) -> bool:
        early = bool(self.first) and day < date.fromisoformat(self.first)
        late = bool(self.last) and day > date.fromisoformat(self.last)
        return not early and not late and (not self.days or _DAYS[day.weekday()] in self.days)
