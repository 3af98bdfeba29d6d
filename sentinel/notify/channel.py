"""The port to a place notices are sent to."""

from __future__ import annotations

from typing import Protocol

from sentinel.model.notice import Notice


class Channel(Protocol):
    """One place a notice can be sent to."""

    @property
    def name(self) -> str:
        """What settings, logs and metrics call it."""

    def send(self, notice: Notice) -> None:
        """Deliver a notice; the receiver may see it twice and tells repeats by `notice.key`.

        Raises:
            NotifyError: It did not arrive; `permanent` says that a retry is pointless.
        """

    def close(self) -> None:
        """Let go of connections; harmless when called twice."""
