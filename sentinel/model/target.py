"""What a symptom is about and a remedy acts on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class TargetKind(StrEnum):
    """The kinds of things that get ill."""

    DEPLOYMENT = "deployment"
    JOB = "job"
    CLUSTER = "cluster"


COLUMNS: Final[Mapping[TargetKind, tuple[str, ...]]] = {
    TargetKind.DEPLOYMENT: ("EndpointName", "DeploymentName"),
    TargetKind.JOB: ("JobName",),
    TargetKind.CLUSTER: ("ClusterName",),
}
"""The columns of a symptom's row that name its target, by kind."""

PARAMETERS: Final[Mapping[TargetKind, tuple[str, ...]]] = {
    TargetKind.DEPLOYMENT: ("endpoint", "deployment"),
    TargetKind.JOB: ("job",),
    TargetKind.CLUSTER: ("cluster",),
}
"""The names by which the queries of a cause file see these columns' values."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One deployment, job or cluster; `names` are the values of `COLUMNS[kind]`."""

    kind: TargetKind
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{'/'.join(self.names)}"

    @property
    def label(self) -> str:
        """The name without the kind, as people say it: `chat/blue`."""
        return "/".join(self.names)

    @property
    def parameters(self) -> dict[str, str]:
        """The names as query parameters: `{"endpoint": "chat", "deployment": "blue"}`."""
        return dict(zip(PARAMETERS[self.kind], self.names, strict=True))

    @classmethod
    def of_row(cls, kind: TargetKind, row: Mapping[str, Any]) -> Target:
        """The target a symptom's row names.

        Raises:
            KeyError: The row lacks one of `COLUMNS[kind]`.
        """
        return cls(kind, tuple(str(row[column]) for column in COLUMNS[kind]))

    @classmethod
    def parse(cls, text: str) -> Target:
        """The target written as `deployment:chat/blue`, or as `chat/blue` for a deployment.

        Raises:
            ValueError: The text names no kind of target, or too few or too many names.
        """
        kind_text, colon, rest = text.partition(":")
        if not colon:
            kind_text, rest = TargetKind.DEPLOYMENT.value, text
        try:
            kind = TargetKind(kind_text)
        except ValueError:
            raise ValueError(f"{kind_text!r} is not one of {', '.join(TargetKind)}") from None
        wanted = len(COLUMNS[kind])
        names = tuple(rest.split("/", wanted - 1))
        if len(names) != wanted or not all(names):
            written = f"{kind}:" * bool(colon) + "/".join(PARAMETERS[kind])
            raise ValueError(f"a {kind} is written {written}, not {text!r}")
        return cls(kind, names)


def deployment(endpoint: str, name: str) -> Target:
    """The target of an endpoint's deployment."""
    return Target(TargetKind.DEPLOYMENT, (endpoint, name))
