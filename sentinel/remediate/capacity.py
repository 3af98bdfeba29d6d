"""The formulas for sizes, each with its source and its working in numbers.

All are pure. Rates are requests per second and count refused requests as demand; times are seconds unless the name
says milliseconds; utilisation is in percent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sentinel.errors import FormulaError

REPLICAS_SOURCE: Final = (
    "https://learn.microsoft.com/azure/machine-learning/v1/how-to-deploy-azure-kubernetes-service#autoscaling"
)
TIMEOUT_SOURCE: Final = "https://learn.microsoft.com/azure/machine-learning/v1/how-to-troubleshoot-deployment#http-status-code-504"
UTILIZATION_SOURCE: Final = "https://learn.microsoft.com/azure/machine-learning/v1/how-to-troubleshoot-deployment#http-status-code-503"
TIMEOUT_HEADROOM: Final = 1.25
"""A raised timeout lies this far above the latency it must let pass."""
TIMEOUT_STEP_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Computed:
    """A size, one line that shows how it comes about, and where the formula is from."""

    value: int
    workings: str
    source: str


def _number(value: float, digits: int = 5) -> str:
    """The number in plain decimals with `digits` that count, so that what is shown gives what was computed."""
    decimals = max(2, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    shown = f"{value:.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if decimals else shown


def _to_round_up(exact: float, rounded_up: int) -> str:
    """The number with two decimals, or with all it has where those would round up to something else."""
    short = f"{exact:.2f}".rstrip("0").rstrip(".")
    return short if math.ceil(float(short)) == rounded_up else _number(exact, digits=17)


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not math.isfinite(value) or value <= 0:
            raise FormulaError(f"{name} is {value}; the formula needs a positive number")


def replicas_for(rps: float, seconds: float, target_utilization: float, concurrency: float) -> Computed:
    """Replicas that serve `rps` requests of `seconds` each at a target utilisation in percent.

    20 requests/s of 10 s at 70 % and one request a replica need 286.

    Raises:
        FormulaError: A number is not positive.
    """
    _positive(rps=rps, seconds=seconds, target_utilization=target_utilization, concurrency=concurrency)
    share = target_utilization / 100
    exact = rps * seconds / share / concurrency
    value = math.ceil(exact - 1e-9)
    workings = (
        f"ceil({_number(rps)} req/s × {_number(seconds)} s ÷ {_number(share)} ÷ {_number(concurrency)})"
        f" = ceil({_to_round_up(exact, value)}) = {value}"
    )
    return Computed(value, workings, REPLICAS_SOURCE)


def min_replicas_for(rps: float, seconds: float, target_utilization: float, concurrency: float) -> Computed:
    """The replicas to keep ready so that a burst of `rps` is served while more of them start.

    The same arithmetic as `replicas_for`, on the load that comes before a new replica is ready.

    Raises:
        FormulaError: A number is not positive.
    """
    return replicas_for(rps, seconds, target_utilization, concurrency)


def timeout_for(p99_ms: float, ceiling_ms: float) -> Computed:
    """A timeout in milliseconds that lets the slowest hundredth pass with a quarter to spare.

    Rounded up to 100 ms, never above what the platform takes.

    Raises:
        FormulaError: A number is not positive, or the latency is above the ceiling.
    """
    _positive(p99_ms=p99_ms, ceiling_ms=ceiling_ms)
    if p99_ms > ceiling_ms:
        raise FormulaError(
            f"requests take {_number(p99_ms)} ms, more than the {_number(ceiling_ms)} ms the platform allows"
        )
    wanted = math.ceil(p99_ms * TIMEOUT_HEADROOM / TIMEOUT_STEP_MS) * TIMEOUT_STEP_MS
    value = min(wanted, int(ceiling_ms))
    workings = (
        f"min(ceil({_number(p99_ms)} ms × {TIMEOUT_HEADROOM} ÷ {TIMEOUT_STEP_MS}) × {TIMEOUT_STEP_MS},"
        f" {_number(ceiling_ms)} ms) = {value} ms"
    )
    return Computed(value, workings, TIMEOUT_SOURCE)


def lower_by(value: float, step: float, floor: float) -> Computed:
    """`value` less `step`, not below `floor`.

    Raises:
        FormulaError: A number is not positive.
    """
    _positive(value=value, step=step, floor=floor)
    lowered = max(int(value - step), int(floor))
    workings = f"max({_number(value)} − {_number(step)}, {_number(floor)}) = {lowered}"
    return Computed(lowered, workings, UTILIZATION_SOURCE)


FORMULAS: Final[Mapping[str, Callable[..., Computed]]] = MappingProxyType(
    {
        "replicas_for": replicas_for,
        "min_replicas_for": min_replicas_for,
        "timeout_for": timeout_for,
        "lower_by": lower_by,
    }
)
"""The formulas a rule may name in `to`."""
