"""Delivers the letters of the outbox, again and again until they arrive or are given up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sentinel.errors import NotifyError
from sentinel.notify.channel import Channel
from sentinel.store.outbox import Letter, Outbox


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often a delivery is tried, and when a receiver is left alone for a while."""

    first_pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(minutes=10)
    attempts: int = 25
    """The last attempt that fails makes a dead letter; with these pauses that is about three hours later."""
    failures_in_a_row: int = 3
    """So many failures of one receiver, whatever the letters, and it is left alone."""
    rest: timedelta = timedelta(seconds=30)
    """How long a failing receiver is left alone before one letter is tried again."""

    def pause(self, attempts: int, jitter: float) -> timedelta:
        """The pause after the failed attempt number `attempts`; `jitter` in [0, 1] spreads it over its upper half."""
        doubled = self.first_pause * (1 << min(attempts - 1, 30))
        return min(doubled, self.longest_pause) * (0.5 + 0.5 * jitter)


DEFAULT_PATIENCE: Final = Patience()


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of deliveries came to."""

    delivered: int = 0
    failed: int = 0
    dead: int = 0


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    rests_until: datetime | None = None


class Delivery:
    """Sends what is due to its channels.

    The letters of one incident reach a channel in the order they were written: a letter that fails holds back the
    later ones of its incident, until it arrives or is given up. `jitter` gives numbers in [0, 1].
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Mapping[str, Channel],
        *,
        jitter: Callable[[], float],
        patience: Patience = DEFAULT_PATIENCE,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._jitter = jitter
        self._patience = patience
        self._stopping = stopping
        self._breakers = {name: _Breaker() for name in channels}

    def deliver(self, now: datetime) -> Round:
        """Try every letter that is due at `now` once."""
        counts = {"delivered": 0, "failed": 0, "dead": 0}
        held_back: set[tuple[str, str]] = set()
        for letter in self._outbox.due(now, without=self._resting(now)):
            if self._stopping():
                break
            thread = (letter.channel, letter.notice.incident.id)
            if thread in held_back or letter.channel in self._resting(now):
                continue
            fate = self._try(letter, now)
            counts[fate] += 1
            if fate == "failed":
                held_back.add(thread)
        return Round(**counts)

    def resting(self, now: datetime) -> tuple[str, ...]:
        """The channels that are left alone at `now`, because they failed too often in a row."""
        return tuple(sorted(self._resting(now)))

    def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            channel.close()

    def _resting(self, now: datetime) -> set[str]:
        return {
            name
            for name, breaker in self._breakers.items()
            if breaker.rests_until is not None and now < breaker.rests_until
        }

    def _try(self, letter: Letter, now: datetime) -> str:
        channel = self._channels.get(letter.channel)
        if channel is None:
            self._outbox.dead(letter, f"no channel named {letter.channel} is configured", now)
            return "dead"
        breaker = self._breakers[letter.channel]
        try:
            channel.send(letter.notice)
        except NotifyError as error:
            if error.permanent:
                self._outbox.dead(letter, str(error), now)
                return "dead"
            breaker.failures += 1
            if breaker.failures >= self._patience.failures_in_a_row:
                breaker.rests_until = now + self._patience.rest
            return self._failed(letter, str(error), now)
        breaker.failures, breaker.rests_until = 0, None
        self._outbox.delivered(letter, now)
        return "delivered"

    def _failed(self, letter: Letter, problem: str, now: datetime) -> str:
        attempts = letter.attempts + 1
        if attempts >= self._patience.attempts:
            self._outbox.dead(letter, f"given up after {attempts} attempts: {problem}", now)
            return "dead"
        self._outbox.failed(letter, problem, now + self._patience.pause(attempts, self._jitter()))
        return "failed"
