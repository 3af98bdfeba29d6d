"""The global stop: a file in the home directory, so that anyone who can write there can stop everything."""

from __future__ import annotations

from pathlib import Path


class StopSwitch:
    """While the file `stop` is there, nothing is changed anywhere."""

    def __init__(self, home: Path) -> None:
        self._file = home / "stop"

    def reason(self) -> str | None:
        """Why everything is stopped; `None` if it is not. An unreadable file stops too."""
        try:
            return self._file.read_text("utf-8").strip() or "no reason given"
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"{self._file} cannot be read: {error}"

    def stop(self, reason: str) -> None:
        """Stop everything from the next step on."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(reason + "\n", "utf-8")

    def resume(self) -> None:
        """Let changes be made again; harmless when nothing is stopped."""
        self._file.unlink(missing_ok=True)
