"""Looks for query texts that crash, outlive their limit or write.

Run as `python tests/query/fuzz.py --minutes 10`; prints each kind of finding once, with the shortest text that shows
it, and ends with 1 if there was any. Texts are mutations of the corpus and queries of a grammar.
"""

from __future__ import annotations

import argparse
import collections
import faulthandler
import random
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from sentinel.clock import to_ticks
from sentinel.errors import QueryError
from sentinel.query.engine import REFUSALS, Engine, Parameter
from sentinel.query.result import Limits
from sentinel.store.telemetry import TelemetryStore
from tests.query.corpus import own_texts, public_texts
from tests.query.grammar import QUERIES
from tests.query.telemetry import job_events

NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)
LIMITS: Final = Limits(rows=5_000, seconds=1.0, cell_bytes=20_000_000)
LATEST: Final = 3.0
"""Seconds of CPU time after which a query that is limited to one is said to hang; what waits is ended by a minute."""
PARAMETERS: Final[dict[str, Parameter]] = {
    "window": timedelta(hours=1),
    "step": timedelta(minutes=1),
    "since": NOW - timedelta(days=1),
    "endpoint": "chat",
    "deployment": "blue",
    "job": "train",
    "cluster": "gpu",
}
_PIECE: Final = re.compile(r"\s+|[A-Za-z_][\w-]*|\d+(?:\.\d+)?\w*|\"[^\"]*\"|'[^']*'|.", re.DOTALL)
_ODD_PIECES: Final = """
    0 -1 1e308 9223372036854775807 -9223372036854775808 99999999999999999999 1000000d 1tick int(null) real(nan) ''
    dynamic(null) dynamic([]) dynamic({}) datetime(9999-12-31) datetime(0001-01-01) * ( ) [ ] { } | , ; .. == in has by
    on with let = typeof(long) \\ " ' \x00 \ud7ff 😀 -- /* // %s ? :p_now now() toscalar( materialize( $left.a
"""


@dataclass(slots=True)
class Findings:
    """What went wrong, by kind; the shortest text of each."""

    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    texts: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, text: str) -> None:
        """Keep a finding."""
        if kind not in self.texts or len(text) < len(self.texts[kind]):
            self.texts[kind] = text


class Fuzzer:
    """Tries texts on an engine over a little telemetry."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.found = Findings()

    def attempt(self, text: str) -> None:
        """Ask, and keep what is neither an answer nor a refusal."""
        begun = time.process_time()
        faulthandler.dump_traceback_later(60, exit=True)
        try:
            self._engine.query(text, now=NOW, parameters=PARAMETERS, limits=LIMITS)
            self.found.counts["answered"] += 1
        except REFUSALS:
            self.found.counts["refused"] += 1
        except Exception as error:  # noqa: BLE001 - whatever escapes is what this looks for
            self.found.counts["crashed"] += 1
            self.found.add(_kind(error), text)
        finally:
            faulthandler.cancel_dump_traceback_later()
        took = time.process_time() - begun
        if took > LATEST:
            self.found.counts["hung"] += 1
            self.found.add(f"took {took:.0f} s", text)


def _kind(error: Exception) -> str:
    frames = traceback.extract_tb((error.__cause__ or error).__traceback__)
    where = next(
        (f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames) if "sentinel" in f.filename),
        "",
    )
    said = error.message if isinstance(error, QueryError) else str(error)
    return f"{type(error).__name__} at {where}: {re.sub(r'[0-9]+', '#', said)[:100]}"


def mutated(chance: random.Random, texts: list[str]) -> str:
    """A text with a few pieces taken out, doubled, swapped, or put in from elsewhere."""
    pieces = _PIECE.findall(chance.choice(texts))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(pieces) + 1)
        match chance.randrange(6):
            case 0:
                del pieces[at : at + chance.randint(1, 3)]
            case 1:
                pieces[at:at] = pieces[at : at + chance.randint(1, 8)]
            case 2:
                pieces[at : at + 1] = [chance.choice(_ODD_PIECES.split())]
            case 3:
                other = _PIECE.findall(chance.choice(texts))
                start = chance.randrange(len(other) + 1)
                pieces[at : at + 1] = other[start : start + chance.randint(1, 6)]
            case 4:
                other = chance.choice(texts).partition("|")[2].split("|")
                pieces.append(" | " + chance.choice(other))
            case _:
                pieces[at : at + 1] = [f"({''.join(pieces[at : at + 1])})"]
    return "".join(pieces) or "print 1"


@contextmanager
def fuzzer() -> Iterator[Fuzzer]:
    """A fuzzer over a store of its own, which must be as it was in the end."""
    with TelemetryStore.in_memory() as store:
        store.append(job_events(200, to_ticks(NOW)))
        engine = Engine(store)
        one = Fuzzer(engine)
        before = engine.query("union withsource=T * | summarize count() by T", now=NOW).rows
        yield one
        after = engine.query("union withsource=T * | summarize count() by T", now=NOW).rows
        if sorted(before) != sorted(after):
            one.found.add("the store was written to", "unknown")
        engine.close()


def by_grammar(attempt: Callable[[str], None], start: int, count: int) -> None:
    """Try queries of the grammar."""

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(QUERIES)
    def each(text: str) -> None:
        attempt(text)

    each()


def by_mutation(attempt: Callable[[str], None], start: int, count: int) -> None:
    """Try mutations of the corpus."""
    chance = random.Random(start)
    texts = [*own_texts(), *public_texts()]
    for _ in range(count):
        attempt(mutated(chance, texts))


def main(arguments: list[str]) -> int:
    """Fuzz for some minutes; 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = parser.parse_args(arguments)
    until = time.monotonic() + options.minutes * 60
    start = options.seed
    with fuzzer() as one:
        while time.monotonic() < until:
            by_mutation(one.attempt, start, 300)
            by_grammar(one.attempt, start, 100)
            start += 1
    sys.stdout.write(f"seeds {options.seed} to {start - 1}: {dict(one.found.counts)}\n")
    for kind, text in sorted(one.found.texts.items()):
        sys.stdout.write(f"\n{kind}\n    {text!r}\n")
    return int(bool(one.found.texts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
