"""What the status of an answer means for a call to a control plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TOO_MANY: Final = 429
_MAY_PASS: Final = frozenset({408, 425, TOO_MANY})
"""The caller is asked to come again, so the call was not wrong."""
_SERVER_ERRORS: Final = 500


def is_permanent(status: int) -> bool:
    """Whether the same call would be refused again: a client's error, but for those that pass with time."""
    return status < _SERVER_ERRORS and status not in _MAY_PASS


def rest_seconds(headers: Mapping[str, str]) -> float | None:
    """For how many seconds the control plane asks to be left alone; none if it does not say, or says a date."""
    try:
        return max(0.0, float(headers.get("retry-after") or ""))
    except ValueError:
        return None
