"""The adapters and channels the settings name."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final, assert_never

import structlog

from sentinel.clock import Clock
from sentinel.config import Config
from sentinel.config.adapters import (
    AdapterSettings,
    KubernetesAdapterSettings,
    LocalAdapterSettings,
    SimulatedAdapterSettings,
)
from sentinel.config.settings import ChannelSettings
from sentinel.deploy.adapter import Adapter
from sentinel.errors import AdapterError, ConfigError
from sentinel.model.plan import RunMode
from sentinel.model.settings import AZUREML_KNOBS, Settings
from sentinel.model.target import Target
from sentinel.notify.alertmanager import AlertmanagerWebhook
from sentinel.notify.channel import Channel

_log: Final = structlog.stdlib.get_logger("sentinel.daemon")


def adapters_of(config: Config, home: Path, clock: Clock, closing: ExitStack) -> list[Adapter]:
    """The adapters in the order of the settings; `closing` lets go of their connections.

    Raises:
        ConfigError: The settings of a simulated deployment could not be those of a real one, or a Kubernetes cluster
            cannot be used or does not allow what is needed.
    """
    return [_adapter(settings, home, config, clock, closing) for settings in config.adapters]


def _adapter(
    settings: AdapterSettings, home: Path, config: Config, clock: Clock, closing: ExitStack
) -> Adapter:
    match settings:
        case KubernetesAdapterSettings():
            return _kubernetes(settings, home, clock, closing, changes=_may_change(config))
        case LocalAdapterSettings():
            from sentinel.deploy.local import LocalAdapter

            local = LocalAdapter(settings.url)
            closing.callback(local.close)
            return local
        case SimulatedAdapterSettings():
            from sentinel.deploy.simulated import SimulatedAdapter

            simulated = SimulatedAdapter(clock)
            knobs = {knob.value: getattr(settings, knob.value) for knob in AZUREML_KNOBS}
            try:
                simulated.add(Target.parse(settings.target), Settings(**knobs))
            except AdapterError as error:
                raise ConfigError(f"the simulated deployment {settings.target}: {error}") from error
            return simulated
        case _:
            assert_never(settings)


def _may_change(config: Config) -> bool:
    modes = (config.mode, *config.modes.symptoms.values(), *config.modes.targets.values())
    return any(mode is not RunMode.READONLY for mode in modes)


def _kubernetes(
    settings: KubernetesAdapterSettings, home: Path, clock: Clock, closing: ExitStack, *, changes: bool
) -> Adapter:
    """The adapter to a cluster that allows what is needed; one that does not answer just now is asked again later."""
    from sentinel.deploy.kubernetes import KubernetesAdapter
    from sentinel.deploy.kubernetes_access import access_of
    from sentinel.deploy.kubernetes_api import Api
    from sentinel.deploy.kubernetes_workload import Options

    access = access_of(home / settings.kubeconfig if settings.kubeconfig else None, settings.context)
    api = Api(access, timeout=settings.timeout.total_seconds())
    given = Settings(
        request_timeout_ms=settings.request_timeout_ms,
        max_concurrency=settings.max_concurrency,
        queue_wait_ms=settings.queue_wait_ms,
    )
    options = Options(
        endpoint_label=settings.endpoint_label,
        deployment_label=settings.deployment_label,
        container=settings.container,
        allow_gitops=settings.allow_gitops,
        take_over=settings.take_over,
        given=given,
    )
    adapter = KubernetesAdapter(api, settings.namespaces, options, clock, changes=changes)
    closing.callback(adapter.close)
    try:
        adapter.check()
    except AdapterError as error:
        if error.permanent:
            raise ConfigError(f"adapters: {error} ({access.came_from})") from error
        _log.warning("cluster not reached", server=access.server, problem=str(error))
    return adapter


def channels_of(config: Config, home: Path) -> dict[str, Channel]:
    """The channels by name.

    Raises:
        ConfigError: The secret of one cannot be read.
    """
    return {settings.name: _channel(settings, home) for settings in config.channels}


def _channel(settings: ChannelSettings, home: Path) -> Channel:
    secret = settings.resolve(home)
    return AlertmanagerWebhook(
        settings.name,
        settings.url,
        headers={} if secret is None else {settings.header: secret.reveal()},
        external_url=settings.external_url,
        timeout_seconds=settings.timeout.total_seconds(),
    )
