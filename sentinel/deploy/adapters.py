"""Which adapter manages which deployment."""

from __future__ import annotations

from collections.abc import Sequence

from sentinel.deploy.adapter import Adapter
from sentinel.errors import AdapterError, TargetNotFound
from sentinel.model.settings import Deployment
from sentinel.model.target import Target


class Adapters:
    """All control planes in use, asked in the order given."""

    def __init__(self, adapters: Sequence[Adapter]) -> None:
        self._adapters = tuple(adapters)

    def of(self, target: Target) -> Adapter:
        """The adapter that knows a target.

        Raises:
            TargetNotFound: None knows it, and all of them answered.
            AdapterError: None knows it, and one of them did not answer.
        """
        silent: AdapterError | None = None
        for adapter in self._adapters:
            try:
                adapter.describe(target)
            except TargetNotFound:
                continue
            except AdapterError as error:
                silent = error
            else:
                return adapter
        if silent is not None:
            raise silent
        raise TargetNotFound(f"no adapter manages {target}")

    def targets(self) -> list[Target]:
        """Every deployment of every adapter.

        Raises:
            AdapterError: One of them does not answer.
        """
        return [target for adapter in self._adapters for target in adapter.targets()]

    def described(self) -> tuple[list[Deployment], list[AdapterError]]:
        """Every deployment of every adapter as it is now, and what could not be read."""
        deployments: list[Deployment] = []
        problems: list[AdapterError] = []
        for adapter in self._adapters:
            try:
                deployments += [adapter.describe(target) for target in adapter.targets()]
            except AdapterError as error:
                problems.append(error)
        return deployments, problems
