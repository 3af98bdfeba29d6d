"""Load: real arrivals, replayed at a wanted mean rate whether or not the service keeps up.

Run as `python -m sentinel.demo.load URL DEPLOYMENT`. Each line on stdin is a new rate in requests per second, 0 for
none; each line on stdout, about twice a second, is a JSON object of status codes and their counts since the start.
It ends with its stdin.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import cycle, pairwise
from typing import Final

from sentinel.demo.wire import WireError, call

_MOST_IN_FLIGHT: Final = 400
_REPORT_SECONDS: Final = 0.5
_CLIENT_SECONDS: Final = 90.0

UNANSWERED: Final = 0
"""Counted instead of a status code for a request that got none."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of the trace: the pause before it, as a multiple of the mean pause, and its size."""

    pause: float
    prompt_tokens: int
    generated_tokens: int


def read_arrivals() -> tuple[Arrival, ...]:
    """The arrivals that come with the package: a sample of the Azure LLM inference trace of 2023 (CC-BY 4.0)."""
    text = resources.files("sentinel.demo").joinpath("arrivals.csv").read_text("utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    times = [float(row["seconds"]) for row in rows]
    mean = times[-1] / (len(times) - 1)
    pauses = [1.0, *((later - earlier) / mean for earlier, later in pairwise(times))]
    return tuple(
        Arrival(pause, int(row["context_tokens"]), int(row["generated_tokens"]))
        for pause, row in zip(pauses, rows, strict=True)
    )


class Load:
    """Sends the arrivals to one deployment, over and over, at `rate` requests per second on average."""

    def __init__(self, url: str, deployment: str, arrivals: Sequence[Arrival]) -> None:
        self.answered: Counter[int] = Counter()
        self._url = url
        self._headers = {
            "content-type": "application/json",
            "user-agent": "sentinel-demo-load",
            "azureml-model-deployment": deployment,
        }
        self._arrivals: Iterator[Arrival] = cycle(arrivals)
        self._rate = 0.0
        self._changed = asyncio.Event()
        self._in_flight: set[asyncio.Task[None]] = set()

    def set_rate(self, rate: float) -> None:
        """Send so many requests per second from now on."""
        self._rate = rate
        self._changed.set()

    async def run(self) -> None:
        """Send until cancelled; requests that nobody answers do not hold up the next ones."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for arrival in self._arrivals:
            while not self._rate:
                self._changed.clear()
                await self._changed.wait()
                due = loop.time()
            due += arrival.pause / self._rate
            await asyncio.sleep(max(0, due - loop.time()))
            if len(self._in_flight) >= _MOST_IN_FLIGHT:
                self.answered[UNANSWERED] += 1
                continue
            sending = asyncio.create_task(self._send(arrival))
            self._in_flight.add(sending)
            sending.add_done_callback(self._in_flight.discard)

    async def _send(self, arrival: Arrival) -> None:
        asked = {"prompt_tokens": arrival.prompt_tokens, "generated_tokens": arrival.generated_tokens}
        try:
            async with asyncio.timeout(_CLIENT_SECONDS):
                reply = await call(self._url, "POST", json.dumps(asked).encode(), self._headers)
        except (OSError, WireError, TimeoutError):
            self.answered[UNANSWERED] += 1
        else:
            self.answered[reply.status] += 1


async def _obey(load: Load) -> None:
    """Take rates from stdin until it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async for line in reader:
        load.set_rate(float(line))


async def _report(load: Load) -> None:
    while True:
        await asyncio.sleep(_REPORT_SECONDS)
        print(json.dumps(load.answered), flush=True)  # noqa: T201 - whoever started it reads the counts


async def replay(url: str, deployment: str) -> None:
    """Send what the rates on stdin ask for until it ends."""
    load = Load(url, deployment, read_arrivals())
    work = [asyncio.create_task(load.run()), asyncio.create_task(_report(load))]
    await _obey(load)
    for task in work:
        task.cancel()


def main(arguments: Sequence[str]) -> int:
    """Replay to the address `arguments[0]`, deployment `arguments[1]`."""
    url, deployment = arguments
    asyncio.run(replay(url, deployment))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
