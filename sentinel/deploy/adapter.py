"""The port to what runs a deployment: read its settings, change them if they are as read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sentinel.model.settings import Change, Deployment, Knob
from sentinel.model.target import Target


class Adapter(Protocol):
    """One control plane that deployments can be read from and changed through."""

    @property
    def name(self) -> str:
        """A short name for logs, metrics and rows."""

    @property
    def knobs(self) -> frozenset[Knob]:
        """The settings this control plane can change."""

    def targets(self) -> Sequence[Target]:
        """The deployments it knows.

        Raises:
            AdapterError: The control plane does not answer.
        """

    def describe(self, target: Target) -> Deployment:
        """The deployment as it is now.

        Raises:
            TargetNotFound: It does not exist.
            AdapterError: The control plane does not answer.
        """

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        """Make the changes if the deployment's revision is still `expect`, and return it as it is then.

        `key` names the action. Calling again with a key that was already applied changes nothing and returns the
        deployment as it is, so a caller that died before it heard the answer may ask again.

        Raises:
            Conflict: The revision is another one, an update is in flight, or a setting is not `before` any more;
                nothing was changed.
            TargetNotFound: It does not exist.
            AdapterError: The control plane refused (`permanent`) or did not answer.
        """
