"""What a simulation says a change would do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the requests of a simulated span; shares from 0 to 1, latencies of served requests."""

    requests: int
    refused_share: float
    timed_out_share: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    replica_hours: float
    peak_replicas: int
    """The most replicas there were at a time, those that start included."""

    @property
    def failed_share(self) -> float:
        """The share of requests that were refused or timed out."""
        return self.refused_share + self.timed_out_share


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that was simulated, in words (`max_replicas 4 → 10`), and what it would have done."""

    change: str
    outcome: Outcome
    sufficient: bool


@dataclass(frozen=True, slots=True)
class Course:
    """A replayed span in equal parts: what became of the requests that arrived in each, and the replicas at its end."""

    name: str
    seconds: float
    """How long each part is."""
    served: tuple[int, ...]
    refused: tuple[int, ...]
    timed_out: tuple[int, ...]
    ready: tuple[int, ...]
    """The replicas that take requests."""
    maximum: int
    """The largest number of replicas there may be."""

    @property
    def arrived(self) -> tuple[int, ...]:
        """The requests that arrived in each part."""
        return tuple(map(sum, zip(self.served, self.refused, self.timed_out, strict=True)))


@dataclass(frozen=True, slots=True)
class Price:
    """What an hour of one replica costs."""

    amount: float
    currency: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """The simulated outcome of a plan: the recent past replayed as it was, and with the change.

    Only a calibrated simulation votes; otherwise `now` and `after` are not filled in, and `note` says why.
    """

    calibrated: bool
    note: str
    """One line: how well the model reproduces the past, or why it was not calibrated."""
    now: Outcome | None = None
    after: Outcome | None = None
    candidates: tuple[Candidate, ...] = ()
    """Every change that was weighed, the chosen one among them."""
    seconds: float = 0.0
    """How much of the past was replayed; 0 if that is not known."""
    price: Price | None = None
    courses: tuple[Course, ...] = ()
    """The replayed span as it is and with the change."""

    @property
    def extra_replicas(self) -> float | None:
        """How many replica-hours more the change takes in an hour, or fewer; none if nothing was simulated."""
        if self.now is None or self.after is None or self.seconds <= 0:
            return None
        return (self.after.replica_hours - self.now.replica_hours) * 3600 / self.seconds
