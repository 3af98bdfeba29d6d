"""An adapter that counts and times what passes through another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sentinel.clock import monotonic
from sentinel.deploy.adapter import Adapter
from sentinel.errors import AdapterError, Conflict, TargetNotFound
from sentinel.instrument.metrics import Metrics
from sentinel.model.settings import Change, Deployment, Knob
from sentinel.model.target import Target


class MeasuredAdapter:
    """Behaves as the adapter it wraps."""

    def __init__(self, inner: Adapter, metrics: Metrics) -> None:
        self._inner = inner
        self._metrics = metrics

    @property
    def name(self) -> str:
        """The name of the adapter within."""
        return self._inner.name

    @property
    def knobs(self) -> frozenset[Knob]:
        """The knobs of the adapter within."""
        return self._inner.knobs

    def targets(self) -> Sequence[Target]:
        """The deployments of the adapter within; raises as it does."""
        with self._measured("targets"):
            return self._inner.targets()

    def describe(self, target: Target) -> Deployment:
        """The deployment as the adapter within reads it; raises as it does."""
        with self._measured("describe"):
            return self._inner.describe(target)

    def apply(self, target: Target, changes: Sequence[Change], *, expect: str, key: str) -> Deployment:
        """Make the changes through the adapter within; raises as it does."""
        with self._measured("apply"):
            return self._inner.apply(target, changes, expect=expect, key=key)

    @contextmanager
    def _measured(self, call: str) -> Iterator[None]:
        started, outcome = monotonic(), "failed"
        try:
            yield
            outcome = "answered"
        except TargetNotFound:
            outcome = "not_found"
            raise
        except Conflict:
            outcome = "conflict"
            raise
        except AdapterError as error:
            outcome = "refused" if error.permanent else "failed"
            raise
        finally:
            self._metrics.adapter_calls.labels(self.name, call, outcome).inc()
            self._metrics.adapter_seconds.labels(self.name, call).observe(monotonic() - started)
