"""Every setting of the daemon, with its default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from sentinel.config.adapters import AdapterSettings, check_url
from sentinel.config.decode import decode
from sentinel.config.secret import Secret
from sentinel.errors import ConfigError
from sentinel.model.plan import RunMode
from sentinel.model.settings import Knob
from sentinel.model.tables import tables
from sentinel.model.target import Target
from sentinel.remediate.freeze import Freeze
from sentinel.remediate.policy import Policy, Relaxing

FILE_NAME: Final = "sentinel.toml"
_POLICY: Final = Policy()
_RELAXING: Final = Relaxing()


class Role(StrEnum):
    """What the holder of a key may do; `admin` may do everything."""

    INGEST = "ingest"
    READ = "read"
    APPROVE = "approve"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """Where a secret comes from: written here, in a file, or in the environment."""

    value: Secret | None = None
    value_file: Path | None = None
    value_env: str | None = None

    def __post_init__(self) -> None:
        if sum(source is not None for source in (self.value, self.value_file, self.value_env)) > 1:
            raise ValueError("give one of value, value_file and value_env")

    def resolve(self, home: Path) -> Secret | None:
        """The secret, without white space around it; `None` if no source is given.

        Raises:
            ConfigError: The file cannot be read, the variable is not set, or what they hold is empty.
        """
        if self.value is not None:
            text, where = self.value.reveal(), "value"
        elif self.value_env is not None:
            text, where = os.environ.get(self.value_env, ""), f"environment variable {self.value_env}"
        elif self.value_file is not None:
            path = home / self.value_file
            where = str(path)
            try:
                text = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"cannot read the secret in {path}: {error}") from error
        else:
            return None
        if not text.strip():
            raise ConfigError(f"the secret of {where} is empty or not set")
        return Secret(text.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings(SecretSource):
    """A key of the HTTP face; the name is what logs and decisions call its holder."""

    name: str
    role: Role

    def __post_init__(self) -> None:
        SecretSource.__post_init__(self)
        if self.value is None and self.value_file is None and self.value_env is None:
            raise ValueError("a key needs one of value, value_file and value_env")


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where the HTTP face listens and who may use it."""

    host: str = "127.0.0.1"
    port: int = 8686
    """0 takes any free port; the address taken is written to `http.json` in the home directory."""
    max_body_mib: int = 64
    """The largest body of one delivery, as it is sent."""
    workspaces: tuple[str, ...] = ()
    """The ids and names of the workspaces and databases it answers to, every one if none is given."""
    keys: tuple[KeySettings, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:  # noqa: PLR2004 - the range of ports
            raise ValueError(f"port {self.port} is not in 0..65535")
        if self.max_body_mib < 1:
            raise ValueError("max_body_mib must be at least 1")
        names = [key.name for key in self.keys]
        if len(set(names)) < len(names):
            raise ValueError("two keys have the same name")


@dataclass(frozen=True, slots=True)
class ModeSettings:
    """Run modes of single symptoms and targets; a target's wins over a symptom's, which wins over `mode`."""

    symptoms: Mapping[str, RunMode] = field(default_factory=lambda: MappingProxyType({}))
    targets: Mapping[str, RunMode] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        for text in self.targets:
            Target.parse(text)


@dataclass(frozen=True, slots=True)
class RulesSettings:
    """Which rule files are in force."""

    builtin: bool = True
    """Whether the rules that come with Sentinel are."""
    paths: tuple[Path, ...] = ()
    """More rule directories, relative to the home directory."""


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """How long telemetry is kept."""

    keep: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        if self.keep < timedelta(days=1):
            raise ValueError("keep must be at least 1d: telemetry is dropped by whole days")


@dataclass(frozen=True, slots=True)
class BoundSettings:
    """The smallest and largest value Sentinel may give a knob."""

    min: int | None = None
    max: int | None = None

    def __post_init__(self) -> None:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")


@dataclass(frozen=True, slots=True)
class PriceSettings:
    """What replicas cost, so that plans can tell it; nothing is decided by it."""

    replica_hour: float = 0.0
    """What an hour of one replica costs; 0 if nobody knows."""
    currency: str = "USD"
    targets: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Prices of single targets, which go before the one of all."""

    def __post_init__(self) -> None:
        if self.replica_hour < 0 or any(price < 0 for price in self.targets.values()):
            raise ValueError("a price cannot be negative")
        for text in self.targets:
            Target.parse(text)


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """How much Sentinel may change on its own."""

    cooldown: timedelta = _POLICY.cooldown
    """The pause before the same knob of the same target is changed again."""
    per_target_per_hour: int = _POLICY.per_target_per_hour
    per_hour: int = _POLICY.per_hour
    plan_expires: timedelta = _POLICY.plan_expires
    """How old a plan may get before it is made again from newer evidence."""
    approval_expires: timedelta = _POLICY.approval_expires
    """How long a person has to approve a plan."""
    fresh_within: timedelta = _POLICY.fresh_within
    """How old the newest telemetry may be for a decision to rest on it."""
    max_factor: float = _POLICY.max_factor
    """How many times larger or smaller one change may make a setting."""
    breaker_on_target: int = _POLICY.breaker_on_target
    """After so many changes of a target in a row that were no success it is left alone for `breaker_rest`."""
    breaker_overall: int = _POLICY.breaker_overall
    breaker_rest: timedelta = _POLICY.breaker_rest
    turns: int = _POLICY.turns
    """How often a setting of a target may change its direction within `lately`."""
    foreign_edits: int = _POLICY.foreign_edits
    """After so many edits of somebody else within `lately` a target is left to them."""
    lately: timedelta = _POLICY.lately
    blast_share: float = _POLICY.blast_share
    """The share of all deployments, at least one, that may be changed within `blast_window`."""
    blast_window: timedelta = _POLICY.blast_window
    storm_share: float = _POLICY.storm_share
    """With more than this share of all deployments ill, three at least, nothing is changed."""
    clock_tolerance: timedelta = _POLICY.clock_tolerance
    """How far telemetry may be in the future, and the clock may step back."""
    clock_rest: timedelta = _POLICY.clock_rest
    tell_after: timedelta = _POLICY.tell_after
    """How long a change that was begun, or is to be taken back, may get no answer before people are told."""
    """How long nothing is changed after the clock stepped back."""
    freezes: tuple[Freeze, ...] = ()
    bounds: Mapping[str, BoundSettings] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if self.per_target_per_hour < 0 or self.per_hour < 0:
            raise ValueError("per_target_per_hour and per_hour cannot be negative")
        if self.max_factor <= 1:
            raise ValueError("max_factor must be above 1")
        if not (0 < self.blast_share <= 1 and 0 < self.storm_share <= 1):
            raise ValueError("blast_share and storm_share must be above 0 and at most 1")
        if min(self.breaker_on_target, self.breaker_overall, self.foreign_edits) < 1 or self.turns < 0:
            raise ValueError("breaker_on_target, breaker_overall and foreign_edits must be at least 1")
        for name in self.bounds:
            if name not in tuple(Knob):
                raise ValueError(f"bounds.{name} is no knob; the knobs are {', '.join(Knob)}")


@dataclass(frozen=True, slots=True)
class RelaxSettings:
    """When a raised setting is put back, because recent traffic no longer needs it."""

    enabled: bool = False
    look_back: timedelta = _RELAXING.look_back
    """The traffic that must not need it."""
    gap: timedelta = _RELAXING.gap
    """A longer time without a request in it is missing data."""
    watch: timedelta = _RELAXING.watch
    """How long the symptom must stay away afterwards."""
    rest: timedelta = _RELAXING.rest
    """How long a target is left alone after that did not go well."""

    def __post_init__(self) -> None:
        if min(self.look_back, self.gap, self.watch, self.rest) <= timedelta(0):
            raise ValueError("look_back, gap, watch and rest must be above 0")
        if self.gap >= self.look_back:
            raise ValueError("gap must be shorter than look_back")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings(SecretSource):
    """One receiver of notices; the secret is sent as the value of `header`."""

    name: str
    kind: Literal["alertmanager"] = "alertmanager"
    url: str
    header: str = "Authorization"
    external_url: str = ""
    """The address people reach this Sentinel under, sent along with every notice."""
    timeout: timedelta = timedelta(seconds=10)

    def __post_init__(self) -> None:
        SecretSource.__post_init__(self)
        check_url(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """A file or directory whose records are taken in as they appear."""

    path: Path
    table: str | None = None
    """The table of records that do not name one."""


@dataclass(frozen=True, slots=True)
class TracingSettings:
    """Where the spans of decisions go."""

    exporter: Literal["none", "console", "otlp"] = "none"
    endpoint: str = ""
    """The OTLP/HTTP address for traces; empty means the one OpenTelemetry's own variables name."""


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """When the daemon calls itself unhealthy."""

    stale_after: timedelta = timedelta(minutes=15)
    """How old the newest record of a table may get that used to deliver; `0s` never complains."""
    tables: Mapping[str, timedelta] = field(default_factory=lambda: MappingProxyType({}))
    """The same for single tables, such as those of jobs that rest at night."""

    def __post_init__(self) -> None:
        known = tables()
        for name in self.tables:
            if name not in known:
                near = get_close_matches(name, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"there is no table {name!r}{hint}")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the daemon narrates on standard error."""

    format: Literal["auto", "console", "json"] = "auto"
    """`auto` is `console` on a terminal and `json` elsewhere."""
    level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of one home directory."""

    mode: RunMode = RunMode.READONLY
    pace: float = 1.0
    """What every duration of the rules is multiplied by; less than 1 only to rehearse."""
    modes: ModeSettings = field(default_factory=ModeSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    rules: RulesSettings = field(default_factory=RulesSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    relax: RelaxSettings = field(default_factory=RelaxSettings)
    prices: PriceSettings = field(default_factory=PriceSettings)
    adapters: tuple[AdapterSettings, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    tracing: TracingSettings = field(default_factory=TracingSettings)
    health: HealthSettings = field(default_factory=HealthSettings)
    log: LogSettings = field(default_factory=LogSettings)

    def __post_init__(self) -> None:
        if not self.pace > 0:
            raise ValueError("pace must be above 0")
        names = [channel.name for channel in self.channels]
        if len(set(names)) < len(names):
            raise ValueError("two channels have the same name")

    @classmethod
    def load(cls, home: Path) -> Config:
        """The settings in `sentinel.toml` of a home directory; the defaults if there is no such file.

        Raises:
            ConfigError: The file cannot be read, is not TOML, or says something that cannot be used; the message
                names the file and every key at fault.
        """
        path = home / FILE_NAME
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return cls()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read {path}: {error}") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, name: str = FILE_NAME) -> Config:
        """The settings written in a TOML text; `name` is what errors call it.

        Raises:
            ConfigError: As `load`.
        """
        try:
            values: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{name}: not TOML: {error}") from error
        config, problems = decode(cls, values)
        if config is None:
            raise ConfigError("\n".join(f"{name}: {problem}" for problem in problems))
        return config


def default_home() -> Path:
    """Where state and telemetry lie unless told otherwise: `$XDG_DATA_HOME/sentinel`."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "sentinel"
