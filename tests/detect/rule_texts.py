"""Rule files for the tests of the decoder, small and right; each test breaks one thing."""

from __future__ import annotations

from pathlib import Path

SYMPTOM = """\
title: Requests are refused
severity: error
target: deployment
every: 10s
window: 2m
for: 30s
keep-firing-for: 1h30m
query: |
  AmlOnlineEndpointTrafficLog
  | where TimeGenerated between (since .. now())
  | summarize Requests = count(), Refused = countif(ResponseCode == 503) by EndpointName, DeploymentName
when: Refused >= 5
measure: todouble(Refused) / Requests
sample: Requests
"""

CAUSE = """\
title: Too few replicas
explains: [refused]
requires:
  - says: at the maximum
    query: |
      SentinelDeploymentState_CL
      | where EndpointName == endpoint and Replicas >= MaxReplicas
excludes:
  - says: containers crash
    query: AmlOnlineEndpointEventLog | where Name == "BackOff"
facts: print rps = 20.0, seconds = 10.0
because: "{endpoint}/{deployment} received {rps:.1f} requests/s within {window}"
remedies:
  - raise: max_replicas
    to: replicas_for(rps, seconds, target_utilization, max_concurrency)
    verify: {after: 60s, within: 10m}
  - escalate: ask for quota
"""


def write_pack(folder: Path, files: dict[str, str]) -> Path:
    """A pack of rule files under a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def small_pack(folder: Path, *, symptom: str = SYMPTOM, cause: str = CAUSE) -> Path:
    """One symptom and the cause that explains it."""
    return write_pack(folder, {"symptoms/refused.yaml": symptom, "causes/capacity/few.yaml": cause})
