"""How a request to a Kubernetes API server says whose it is.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from sentinel.clock import Clock, SystemClock, monotonic
from sentinel.errors import AdapterError, ConfigError

_READ_AGAIN_SECONDS: Final = 60.0
"""A projected token is renewed long before it ends, so a minute late is early enough."""
_BEFORE_ITS_END: Final = timedelta(seconds=30)
_API: Final = "client.authentication.k8s.io/"


class Credential(Protocol):
    """Makes the header that proves an identity; threads may share it."""

    def token(self, *, renewed: bool = False) -> str | None:
        """The bearer token, None where the connection proves it; `renewed` after the last one was refused.

        Raises:
            AdapterError: It cannot be had just now.
        """


class Anonymous:
    """Nothing is shown: the connection's client certificate says it, or nobody asks."""

    def token(self, *, renewed: bool = False) -> str | None:
        """No token."""
        del renewed
        return None


@dataclass(frozen=True, slots=True)
class Token:
    """A token written in the kubeconfig."""

    text: str = field(repr=False)

    def token(self, *, renewed: bool = False) -> str | None:
        """The token."""
        del renewed
        return self.text


class TokenFile:
    """A token in a file that somebody renews, such as that of a service account."""

    def __init__(self, path: Path, now: Callable[[], float] = monotonic) -> None:
        self._path = path
        self._now = now
        self._known: tuple[float, str] | None = None

    def token(self, *, renewed: bool = False) -> str | None:
        """What the file holds, at most a minute late; raises AdapterError when it cannot be read."""
        known = self._known
        if renewed or known is None or self._now() - known[0] >= _READ_AGAIN_SECONDS:
            try:
                known = (self._now(), self._path.read_text("utf-8").strip())
            except (OSError, UnicodeDecodeError) as error:
                raise AdapterError(f"cannot read the token in {self._path}: {error}") from error
            self._known = known
        return known[1]


class Exec:
    """A token that a command prints, such as `kubelogin` for Microsoft Entra."""

    def __init__(
        self, command: list[str], environment: Mapping[str, str], version: str, clock: Clock, timeout: float
    ) -> None:
        self._command = command
        self._environment = environment
        self._version = version
        self._clock = clock
        self._timeout = timeout
        self._known: tuple[datetime | None, str] | None = None

    @classmethod
    def of(
        cls,
        said: Mapping[str, Any],
        beside: Path,
        where: str,
        clock: Clock | None = None,
        timeout: float = 30.0,
    ) -> Exec:
        """The command a kubeconfig names under `exec`; one written with a slash is relative to `beside`.

        Raises:
            ConfigError: It names no command or a protocol that is not known.
        """
        command, version = said.get("command", ""), said.get("apiVersion", "")
        if not command or not str(version).startswith(_API):
            raise ConfigError(f"{where}: exec needs a command, and an apiVersion that begins with {_API}")
        program = str(beside / command) if "/" in command else command
        given = {one["name"]: one["value"] for one in said.get("env") or ()}
        return cls([program, *(said.get("args") or ())], given, version, clock or SystemClock(), timeout)

    def token(self, *, renewed: bool = False) -> str | None:
        """The token printed last, until shortly before its end; raises AdapterError when the command fails."""
        known = self._known
        ending = (
            known is not None and known[0] is not None and self._clock.now() >= known[0] - _BEFORE_ITS_END
        )
        if renewed or known is None or ending:
            known = self._run()
            self._known = known
        return known[1]

    def _run(self) -> tuple[datetime | None, str]:
        shown = self._command[0]
        asked = {"apiVersion": self._version, "kind": "ExecCredential", "spec": {"interactive": False}}
        environment = {**os.environ, **self._environment, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
        try:
            ran = subprocess.run(  # noqa: S603 - the kubeconfig of whoever runs the daemon names it
                self._command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._timeout,
                check=True,
            )
            status = json.loads(ran.stdout)["status"]
            ends = status.get("expirationTimestamp")
            return (datetime.fromisoformat(ends) if ends else None), str(status["token"])
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()[-200:]
            raise AdapterError(
                f"the credential command {shown} ended with {error.returncode}: {said}"
            ) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise AdapterError(f"the credential command {shown} failed: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise AdapterError(
                f"the credential command {shown} printed no ExecCredential with a token"
            ) from error
