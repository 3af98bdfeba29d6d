"""Query shapes people use in Log Analytics run against the catalogue's tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sentinel.errors import QuerySemanticError
from sentinel.query.engine import Engine

SAMPLES = Path("../shared/reference/sample-queries.json")
BROKEN = "aks-19"
Ask = Callable[[str], list[tuple[Any, ...]]]
SHAPES = [
    'AmlComputeJobEvent | where EventType == "JobFailed" | project TimeGenerated, JobName, ErrorDetails | limit 10',
    """AmlComputeJobEvent | where OperationName == "JobSubmitted"
    | join kind=inner (AmlComputeJobEvent | where OperationName == "JobSucceeded" | project End=TimeGenerated, JobId)
      on JobId
    | project Took=(End-TimeGenerated), JobName | top 5 by Took desc nulls last""",
    """AmlComputeClusterEvent
    | summarize avg(TargetNodeCount), max(TargetNodeCount) by Ws=tostring(split(_ResourceId, "/")[8]), ClusterName""",
    """AmlEnvironmentEvent | extend Identity=parse_json(Identity) | where Identity.UserName != ""
    | project Operation=split(OperationName, "/")[-1], UserName=Identity.UserName""",
    """AmlOnlineEndpointConsoleLog
    | parse kind=regex flags=i _ResourceId with ".*?/WORKSPACES/" Ws "/ONLINEENDPOINTS/" EndpointName
    | project TimeGenerated, Ws, EndpointName, Message | top 100 by TimeGenerated""",
    'AmlOnlineEndpointTrafficLog | where ResponseCode != "200" | project TimeGenerated, ResponseCode',
    'let start = ago(1d); ContainerLogV2 | where TimeGenerated > start | where PodName has "blue" | take 5',
    "KubeEvents | where TimeGenerated > ago(7d) | where not(isempty(Namespace)) | top 200 by TimeGenerated desc",
    """KubePodInventory | extend ContainerLastStatus=todynamic(ContainerLastStatus)
    | summarize Restarts = arg_max(ContainerRestartCount, Computer, ContainerLastStatus.reason) by Name""",
    'let wanted = "x"; KubeNodeInventory | where * contains tostring(wanted) | take 10',
    """let step = 1m; Perf | where ObjectName == 'K8SNode'
    | summarize Limit = max(CounterValue) by Computer, bin(TimeGenerated, step)
    | join hint.strategy=shuffle (Perf | project Computer, Used=CounterValue, TimeGenerated) on Computer
    | where TimeGenerated < TimeGenerated1 + step | summarize avg(Used * 100.0 / Limit) by bin(TimeGenerated, step)""",
    """KubeNodeInventory | extend pools = todynamic(Labels) | extend pool = todynamic(pools[0].agentpool)
    | summarize nodes = count(Computer) by ClusterName, tostring(pool), TimeGenerated
    | summarize arg_max(TimeGenerated, *) by nodes, ClusterName, tostring(pool)""",
]


@pytest.mark.parametrize("text", SHAPES)
def test_a_shape_of_query_runs_on_empty_tables(ask: Ask, text: str) -> None:
    assert ask(text) == []


def _samples(*, broken: bool) -> list[dict[str, str]]:
    listed = json.loads(SAMPLES.read_text("utf-8"))["queries"] if SAMPLES.exists() else []
    return [sample for sample in listed if (sample["id"] == BROKEN) is broken]


@pytest.mark.parametrize("sample", _samples(broken=False), ids=lambda sample: str(sample["id"]))
def test_a_public_sample_runs(ask: Ask, sample: dict[str, str]) -> None:
    text = sample["query"].replace("'start time'", "2026-01-01").replace("'end time'", "2026-01-02")

    assert ask(text) == []


@pytest.mark.parametrize("sample", _samples(broken=True), ids=lambda sample: str(sample["id"]))
def test_a_sample_that_joins_on_a_missing_column_is_told_so(empty: Engine, sample: dict[str, str]) -> None:
    with pytest.raises(QuerySemanticError, match="'ContainerID' on the right side"):
        empty.check(sample["query"])
