"""The formulas for sizes, each with its source and its working in numbers.

All are pure. Rates are requests per second and count refused requests as demand; times are seconds unless the name
says milliseconds; utilisation is in percent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Final

from sentinel.errors import FormulaError

REPLICAS_SOURCE: Final = (
    "https://learn.microsoft.com/azure/machine-learning/v1/how-to-deploy-azure-kubernetes-service#autoscaling"
)
TIMEOUT_SOURCE: Final = "https://learn.microsoft.com/azure/machine-learning/v1/how-to-troubleshoot-deployment#http-status-code-504"
CONCURRENCY_SOURCE: Final = (
    "https://learn.microsoft.com/azure/machine-learning/how-to-inference-server-http#server-parameters"
)
LITTLE_SOURCE: Final = "https://en.wikipedia.org/wiki/Little%27s_law"
DISPERSION_SOURCE: Final = "https://en.wikipedia.org/wiki/Index_of_dispersion"
UTILIZATION_SOURCE: Final = "https://learn.microsoft.com/azure/machine-learning/v1/how-to-troubleshoot-deployment#http-status-code-503"
TIMEOUT_HEADROOM: Final = 1.25
"""A raised timeout lies this far above the latency it must let pass."""
TIMEOUT_STEP_MS: Final = 100
LEAST_UTILIZATION: Final = 20
MOST_UTILIZATION: Final = 90
"""A router that aims higher has nowhere to put the next request while a replica starts."""
MAXIMUM_HEADROOM: Final = 2.0
"""A maximum costs nothing until it is needed, so it lies this far above the need that was seen."""
LEAST_HEADROOM: Final = 1.5
MOST_DISPERSION_FACTOR: Final = 2.4
SMOOTH_DISPERSION: Final = 4.0
"""Counts of arrivals that vary by no more than this, variance over mean, are no bursts."""
YOUNG_SECONDS: Final = 1800.0
"""What was observed for a shorter time has hardly shown its largest burst yet."""


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


def timeout_for(p99_ms: float, ceiling_ms: float, client_ms: float = math.inf) -> Computed:
    """A timeout in milliseconds that lets the slowest hundredth pass with a quarter to spare.

    Rounded up to 100 ms, never above what the platform takes nor above the time the client itself waits.

    Raises:
        FormulaError: A number is not positive, or the latency is above the ceiling or the client's time.
    """
    _positive(p99_ms=p99_ms, ceiling_ms=ceiling_ms)
    if client_ms < ceiling_ms:
        _positive(client_ms=client_ms)
        if p99_ms > client_ms:
            raise FormulaError(
                f"requests take {_number(p99_ms)} ms, and the client waits {_number(client_ms)} ms only"
            )
        ceiling_ms = client_ms
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


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that `share` of them do not pass.

    Raises:
        FormulaError: There are no values, or the share is not from 0 to 1.
    """
    if not values or not 0 <= share <= 1:
        raise FormulaError(f"there is no {share:.0%} percentile of {len(values)} values")
    return sorted(values)[max(0, math.ceil(share * len(values) - 1e-9) - 1)]


def concurrent_load(arrivals: Sequence[float], services: Sequence[float], step: float = 1.0) -> list[int]:
    """How many requests would be worked on at some time within each step, if each were taken at once.

    Refused requests belong into it: they are demand. `arrivals` rise; all are seconds.
    """
    if not arrivals:
        return []
    begin = arrivals[0]
    edges = [0] * (int((arrivals[-1] - begin) / step) + 2)
    for at, took in zip(arrivals, services, strict=True):
        first = int((at - begin) / step)
        edges[first] += 1
        after = int((at + took - begin) / step) + 1
        if after < len(edges):
            edges[after] -= 1
    return list(accumulate(edges[:-1]))


def observed_replicas_for(
    arrivals: Sequence[float],
    services: Sequence[float],
    target_utilization: float,
    concurrency: float,
    share: float = 0.99,
) -> Computed:
    """Replicas that keep the target utilisation for all but the highest hundredth of the observed load.

    The load is what arrived, refused requests included, times what a replica takes for it, second by second: a mean
    would hide the bursts.

    Raises:
        FormulaError: Nothing arrived, or a number is not positive.
    """
    _positive(target_utilization=target_utilization, concurrency=concurrency)
    load = percentile(concurrent_load(arrivals, services), share)
    exact = load * 100 / target_utilization / concurrency
    value = max(1, math.ceil(exact - 1e-9))
    workings = (
        f"ceil(p{_number(share * 100)} of concurrent requests {_number(load)} ÷ {_number(target_utilization / 100)}"
        f" ÷ {_number(concurrency)}) = ceil({_number(exact)}) = {value}"
    )
    return Computed(value, workings, LITTLE_SOURCE)


def burst_growth(load: Sequence[float], delay: int, share: float = 0.99) -> float:
    """How much the load grows while new replicas start, at the given percentile; `load` is by the second."""
    grown = [
        max(load[at : at + delay + 1]) / load[at] for at in range(max(1, len(load) - delay)) if load[at] > 0
    ]
    return percentile(grown, share) if grown else 1.0


def target_utilization_for(growth: float) -> Computed:
    """The target utilisation in percent whose head-room takes a load that grows by a factor while replicas start.

    Raises:
        FormulaError: The growth is not positive.
    """
    _positive(growth=growth)
    exact = 100 / max(growth, 1.0)
    value = max(LEAST_UTILIZATION, min(MOST_UTILIZATION, math.floor(exact + 1e-9)))
    workings = (
        f"min(max(100 % ÷ growth {_number(max(growth, 1.0))}, {LEAST_UTILIZATION} %), {MOST_UTILIZATION} %)"
        f" = {value} %"
    )
    return Computed(value, workings, UTILIZATION_SOURCE)


def standing_replicas_for(
    rps: float, seconds: float, growth: float, concurrency: float, start_seconds: float
) -> Computed:
    """The minimum that serves what arrives while further replicas start.

    The load of `rps` requests of `seconds` each, grown by the factor a burst brings within `start_seconds`.

    Raises:
        FormulaError: A number is not positive.
    """
    _positive(rps=rps, seconds=seconds, growth=growth, concurrency=concurrency, start_seconds=start_seconds)
    exact = rps * seconds * growth / concurrency
    value = math.ceil(exact - 1e-9)
    workings = (
        f"ceil({_number(rps)} req/s × {_number(seconds)} s × growth {_number(growth)} within"
        f" {_number(start_seconds)} s ÷ {_number(concurrency)}) = ceil({_number(exact)}) = {value}"
    )
    return Computed(value, workings, LITTLE_SOURCE)


def max_replicas_for(load: float, target_utilization: float, concurrency: float) -> Computed:
    """The maximum that leaves as much again above the largest load that was seen.

    Raises:
        FormulaError: A number is not positive.
    """
    _positive(load=load, target_utilization=target_utilization, concurrency=concurrency)
    exact = load * MAXIMUM_HEADROOM * 100 / target_utilization / concurrency
    value = math.ceil(exact - 1e-9)
    workings = (
        f"ceil({_number(load)} at once × head-room {_number(MAXIMUM_HEADROOM)} ÷"
        f" {_number(target_utilization / 100)} ÷ {_number(concurrency)}) = ceil({_number(exact)}) = {value}"
    )
    return Computed(value, workings, REPLICAS_SOURCE)


def concurrency_for(workers: float, cores: float, cpu_share: float) -> Computed:
    """Workers of a replica, and with them the requests it may be given at a time.

    As many as its cores can keep busy when a request uses `cpu_share` of one; never fewer than it has. Both settings
    are raised together (WORKER_COUNT and max_concurrency), or requests wait inside the container.

    Raises:
        FormulaError: A number is not positive.
    """
    _positive(workers=workers, cores=cores, cpu_share=cpu_share)
    value = max(int(workers), math.floor(cores / cpu_share + 1e-9))
    workings = (
        f"max({_number(workers)}, floor({_number(cores)} cores ÷ {_number(cpu_share)})) = {value} workers and"
        f" requests at a time"
    )
    return Computed(value, workings, CONCURRENCY_SOURCE)


def dispersion(arrivals: Sequence[float]) -> float:
    """Variance over mean of the arrivals in each second: 1 for independent requests, more for bursts."""
    if not arrivals:
        return 1.0
    counts = [0] * (int(arrivals[-1] - arrivals[0]) + 1)
    for at in arrivals:
        counts[int(at - arrivals[0])] += 1
    mean = len(arrivals) / len(counts)
    return sum((count - mean) ** 2 for count in counts) / len(counts) / mean


def headroom_for(dispersion: float, history_seconds: float) -> Computed:
    """By how much, in percent, the demand that was seen is grown before it is sized for.

    More for bursts, and more still if they were watched for a short time only: the largest has not come yet.

    Raises:
        FormulaError: A number is not positive.
    """
    _positive(dispersion=dispersion, history_seconds=history_seconds)
    factor = min(MOST_DISPERSION_FACTOR, max(1.0, math.sqrt(dispersion / SMOOTH_DISPERSION)))
    power = 0.7 + 0.3 * max(0.0, 1 - history_seconds / YOUNG_SECONDS)
    value = round(100 * LEAST_HEADROOM * factor**power)
    workings = (
        f"{_number(100 * LEAST_HEADROOM)} % × min({_number(MOST_DISPERSION_FACTOR)}, max(1, √(dispersion"
        f" {_number(dispersion)} ÷ {_number(SMOOTH_DISPERSION)})))^{_number(power)} = {value} %"
    )
    return Computed(value, workings, DISPERSION_SOURCE)


FORMULAS: Final[Mapping[str, Callable[..., Computed]]] = MappingProxyType(
    {
        "replicas_for": replicas_for,
        "min_replicas_for": min_replicas_for,
        "timeout_for": timeout_for,
        "lower_by": lower_by,
        "target_utilization_for": target_utilization_for,
        "standing_replicas_for": standing_replicas_for,
        "max_replicas_for": max_replicas_for,
        "concurrency_for": concurrency_for,
    }
)
"""The formulas a rule may name in `to`."""
