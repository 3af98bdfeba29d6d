"""Processes that begin at the same moment to write the same new directory."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from sentinel.store.telemetry import TelemetryStore

WRITER = textwrap.dedent(
    """
    import sys
    from datetime import timedelta
    from pathlib import Path
    from sentinel.store.telemetry import TelemetryStore
    from tests.store.events import NOON, requests

    print("ready", flush=True)
    sys.stdin.readline()
    with TelemetryStore.open(Path(sys.argv[1])) as store:
        for number in range(12):
            store.append(requests(10, start=NOON + timedelta(hours=8 * number)))
    print("done", flush=True)
    """
)


def test_writers_that_start_together_store_each_record_once(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert [writer.stdout.readline() for writer in writers if writer.stdout] == ["ready\n"] * 3

    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    ends = [writer.communicate()[0] for writer in writers]

    with TelemetryStore.open(tmp_path) as store:
        assert store.statistics().rows == 120
    assert ends == ["done\n"] * 3
