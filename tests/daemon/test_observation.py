from __future__ import annotations

from sentinel.daemon.observation import row_of
from sentinel.model.settings import AZUREML_KNOBS, Knob, Settings
from tests.builders import NOON, a_deployment


def test_every_setting_that_is_known_is_recorded() -> None:
    settings = Settings(max_replicas=4, cpu_millicores=500, memory_mib=2048)
    known = AZUREML_KNOBS | {Knob.CPU_MILLICORES, Knob.MEMORY_MIB}

    row = row_of(a_deployment(settings=settings, known=known), NOON)

    assert (row["MaxReplicas"], row["CpuMillicores"], row["MemoryMiB"]) == (4, 500, 2048)


def test_a_setting_that_is_not_known_is_not_recorded_as_its_default() -> None:
    row = row_of(a_deployment(known=frozenset({Knob.MAX_REPLICAS})), NOON)

    assert "MaxReplicas" in row
    assert {"MinReplicas", "TargetUtilization", "QueueWaitMs", "MemoryMiB"}.isdisjoint(row)
