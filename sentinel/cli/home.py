"""Where one Sentinel keeps everything it knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """A home directory; one daemon at a time works on it, any number of commands look at it."""

    directory: Path

    @classmethod
    def chosen(cls, directory: Path | None) -> Home:
        """The directory asked for, or the default one."""
        if directory is not None:
            return cls(directory.expanduser())
        from sentinel.config import default_home

        return cls(default_home())

    @property
    def state(self) -> Path:
        """Incidents, plans, actions, the outbox."""
        return self.directory / "state.db"

    @property
    def telemetry(self) -> Path:
        """The telemetry partitions."""
        return self.directory / "telemetry"
