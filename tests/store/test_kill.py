"""A writer is killed again and again: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
from pathlib import Path

from sentinel.store.telemetry import TelemetryStore
from tests.store.events import JOBS, rows

KILLS = 15
WRITER = textwrap.dedent(
    """
    import sys
    from datetime import timedelta
    from pathlib import Path
    from sentinel.store.batch import Batch
    from sentinel.store.telemetry import TelemetryStore
    from tests.store.events import JOBS, NOON, an_event

    store = TelemetryStore.open(Path(sys.argv[1]))
    for number in range(int(sys.argv[2]), 1_000_000):
        at = NOON + timedelta(hours=number % 48)
        states = [
            an_event(JOBS, at + timedelta(seconds=step), JobName=f"job-{number}", ExecutionState=state)
            for step, state in enumerate(("Queued", "Running", "Failed"))
        ]
        store.append(Batch({JOBS: states}, cursors={"next": str(number + 1)}))
        print(number, flush=True)
    """
)


def test_what_was_acknowledged_survives_kills_and_is_there_once(tmp_path: Path) -> None:
    acknowledged = set[int]()
    chance = random.Random(20260304)
    begin = 0
    for _ in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(begin)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randrange(1, 60)):
                acknowledged.add(int(writer.stdout.readline()))
            writer.kill()
            acknowledged.update(int(line) for line in writer.stdout.read().splitlines())
        # The last batches are delivered again, as a sender does that got no answer.
        begin = max(0, max(acknowledged) - 2)

    with TelemetryStore.open(tmp_path) as store:
        reader = store.reader()
        events = rows(reader, JOBS, "JobName", "ExecutionState")
        states = dict(rows(reader, "SentinelJobState_CL", "JobName", "ExecutionState"))
        cursor = int(store.cursors()["next"])
        counted = store.statistics().rows
        reader.close()

    names = {f"job-{number}" for number in acknowledged}
    assert len(events) == len(set(events)) == counted
    assert {(name, "Failed") for name in names} <= set(events)
    assert set(states.values()) == {"Failed"}
    assert states.keys() == {name for name, _ in events}
    assert cursor >= max(acknowledged)
