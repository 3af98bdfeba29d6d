"""Makes rows of records as they are decoded, so that few decoded records are alive at a time."""

from __future__ import annotations

from collections.abc import Mapping

from sentinel.store.batch import Batch, Record, Records, SetAside
from sentinel.store.current import FEEDS
from sentinel.store.identity import DayRows, Identifier
from sentinel.store.layout import layouts


class Identifiers:
    """The identifiers of all tables, made when they are needed."""

    def __init__(self) -> None:
        self._made: dict[str, Identifier] = {}

    def of(self, table: str) -> Identifier:
        """The identifier of one table."""
        made = self._made.get(table)
        if made is None:
            made = self._made[table] = Identifier(layouts()[table])
        return made


class Preparation:
    """One batch on its way into the store. Not thread-safe, but each thread may fill its own.

    `set_aside` and `cursors` are as those of a `Batch`.
    """

    def __init__(self, identifiers: Identifiers, ingested: int) -> None:
        self._identifiers = identifiers
        self.ingested = ingested
        self.days: dict[str, dict[int, DayRows]] = {}
        self.fed: dict[str, list[Record]] = {}
        """The records that change the current state, by table."""
        self.set_aside: tuple[SetAside, ...] = ()
        self.cursors: Mapping[str, str] = {}

    def add(self, table: str, records: Records) -> None:
        """Make rows of some records."""
        self._identifiers.of(table).rows(records, self.ingested, self.days.setdefault(table, {}))
        if table in FEEDS:
            self.fed.setdefault(table, []).extend(records)

    def add_all(self, batch: Batch) -> Preparation:
        """Make rows of a whole batch."""
        for table, records in batch.rows.items():
            self.add(table, records)
        self.set_aside, self.cursors = batch.set_aside, batch.cursors
        return self
