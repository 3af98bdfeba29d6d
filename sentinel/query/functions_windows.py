"""Running aggregates over ordered rows: sums, and sessions of rows that follow each other closely.

https://learn.microsoft.com/kusto/query/window-functions
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sentinel.query.functions_aggregate import held_real, plain_real
from sentinel.query.scalar import Unanswerable
from sentinel.query.values import wrap_long


class _Sum:
    """What was added up so far."""

    def __init__(self) -> None:
        self.whole = 0
        self.real = 0.0


def _long_step(state: _Sum, value: int | None) -> None:
    state.whole = wrap_long(state.whole + (value or 0))


def _real_step(state: _Sum, value: Any) -> None:
    state.real += 0.0 if value is None else plain_real(value)


class _Session:
    """The session of the row before, in ticks."""

    def __init__(self) -> None:
        self.begun: int | None = None
        self.before = 0


def _session_step(
    state: _Session, at: int | None, longest: int | None, apart: int | None, restarts: int | None
) -> None:
    """A row begins a session if the one before is too far from it, or from where the session began."""
    if at is None or longest is None or apart is None:
        raise Unanswerable("row_window_session() of null")
    over = state.begun is None or at >= state.begun + longest or at >= state.before + apart
    if over or restarts:
        state.begun = at
    state.before = at


def _never(*_: Any) -> None:
    """Rows leave no window that starts at the first row."""


def windows() -> dict[str, tuple[Any, Callable[..., None], Callable[[Any], Any], Callable[..., None]]]:
    """The running aggregates to register, by their SQL name: start, step, value, inverse."""
    return {
        "kql_run_sum_long": (_Sum, _long_step, lambda state: state.whole, _never),
        "kql_run_sum_real": (_Sum, _real_step, lambda state: held_real(state.real), _never),
        "kql_run_session": (_Session, _session_step, lambda state: state.begun, _never),
    }
