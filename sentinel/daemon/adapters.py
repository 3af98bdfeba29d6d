"""The adapters and channels the settings name."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import assert_never

from sentinel.clock import Clock
from sentinel.config import Config
from sentinel.config.settings import ChannelSettings, LocalAdapterSettings, SimulatedAdapterSettings
from sentinel.deploy.adapter import Adapter
from sentinel.errors import AdapterError, ConfigError
from sentinel.model.settings import AZUREML_KNOBS, Settings
from sentinel.model.target import Target
from sentinel.notify.alertmanager import AlertmanagerWebhook
from sentinel.notify.channel import Channel


def adapters_of(config: Config, clock: Clock, closing: ExitStack) -> list[Adapter]:
    """The adapters in the order of the settings; `closing` lets go of their connections.

    Raises:
        ConfigError: The settings of a simulated deployment could not be those of a real one.
    """
    return [_adapter(settings, clock, closing) for settings in config.adapters]


def _adapter(
    settings: LocalAdapterSettings | SimulatedAdapterSettings, clock: Clock, closing: ExitStack
) -> Adapter:
    match settings:
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
