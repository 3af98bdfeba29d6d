"""What an Azure ML control plane accepts for the settings of a deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sentinel.errors import AdapterError, Conflict
from sentinel.model.settings import AZUREML_KNOBS, Change, Knob, Settings

CEILINGS: Final[Mapping[Knob, int]] = {Knob.REQUEST_TIMEOUT_MS: 300_000, Knob.TARGET_UTILIZATION: 100}
"""The largest values of AksWebservice: 300 s of scoring
(https://learn.microsoft.com/azure/machine-learning/reference-yaml-deployment-kubernetes-online), 100 percent."""


def changed(settings: Settings, changes: Sequence[Change]) -> Settings:
    """The settings after the changes.

    Raises:
        AdapterError: A knob is none that Azure ML has.
        Conflict: A setting is not `before` any more.
    """
    for change in changes:
        if change.knob not in AZUREML_KNOBS:
            raise AdapterError(f"{change.knob} is no setting of Azure ML", permanent=True)
        found = settings.value(change.knob)
        if found != change.before:
            raise Conflict(f"{change.knob} is {found}, not {change.before}")
        settings = settings.with_value(change.knob, change.after)
    return settings


def refusal(settings: Settings, ceilings: Mapping[Knob, int] = CEILINGS) -> str | None:
    """Why the platform would refuse these settings, or None when it takes them."""
    for knob in AZUREML_KNOBS:
        value, ceiling = settings.value(knob), ceilings.get(knob)
        if value < 1:
            return f"{knob} is {value}, but must be at least 1"
        if ceiling is not None and value > ceiling:
            return f"{knob} is {value}, but must be at most {ceiling}"
    if settings.min_replicas > settings.max_replicas:
        return f"min_replicas {settings.min_replicas} is above max_replicas {settings.max_replicas}"
    return None
