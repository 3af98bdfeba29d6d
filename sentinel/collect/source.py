"""What telemetry is fetched from: the port, which the daemon polls."""

from __future__ import annotations

from typing import Protocol

from sentinel.collect.ingest import Receipt


class Source(Protocol):
    """One place telemetry is fetched from; it remembers how far it has read by cursors in the store."""

    name: str

    def poll(self) -> Receipt:
        """Take what is new since the last time; when this returns it is on disk.

        Called again after an error or a crash it goes on where the last commit left it.

        Raises:
            IngestBusy: The writer is behind; what was not taken yet is taken the next time.
            SourceError: The source cannot be read just now.
        """
