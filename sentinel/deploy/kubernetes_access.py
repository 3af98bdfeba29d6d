"""Where a Kubernetes cluster is and how one proves who one is: a kubeconfig, or the service account of a pod.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sentinel.deploy.kubernetes_credentials import Anonymous, Credential, Exec, Token, TokenFile
from sentinel.errors import ConfigError

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Access:
    """The way into a cluster."""

    server: str
    tls: ssl.SSLContext | bool
    credential: Credential
    server_name: str = ""
    """The name its certificate is checked for, if not the one in `server`."""
    proxy: str = ""
    came_from: str = ""
    """What errors call the place this was read from."""


def access_of(
    kubeconfig: Path | None,
    context: str,
    environment: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> Access:
    """The access a kubeconfig gives; without one the pod's service account, then `$KUBECONFIG` or `~/.kube/config`.

    Raises:
        ConfigError: There is none, or what is there cannot be used; the message names the file and the key.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    if kubeconfig is None and not context and host and (service_account / "token").is_file():
        port = environment.get("KUBERNETES_SERVICE_PORT", "443")
        return _in_cluster(host, port, service_account)
    named = environment.get("KUBECONFIG", "")
    if kubeconfig is not None:
        paths = [kubeconfig]
    elif named:
        paths = [Path(part) for part in named.split(os.pathsep) if part]
    else:
        paths = [Path(environment.get("HOME", "~")).expanduser() / ".kube" / "config"]
    found = [path for path in paths if path.is_file()]
    if not found:
        tried = ", ".join(map(str, paths))
        raise ConfigError(
            f"there is no kubeconfig at {tried}, and this is no pod with a service account; give adapters.kubeconfig"
        )
    return _Kubeconfig(found).access(context)


def _in_cluster(host: str, port: str, folder: Path) -> Access:
    shown = f"[{host}]" if ":" in host else host
    authority = folder / "ca.crt"
    try:
        tls = ssl.create_default_context(cafile=str(authority))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"cannot read the cluster's authority {authority}: {error}") from error
    return Access(f"https://{shown}:{port}", tls, TokenFile(folder / "token"), came_from=str(folder))


class _Kubeconfig:
    """Kubeconfig files merged as kubectl does: of what is named twice the first counts."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self._files = [(path, _read(path)) for path in paths]

    def access(self, context: str) -> Access:
        name = context or next((f["current-context"] for _, f in self._files if f.get("current-context")), "")
        if not name:
            raise ConfigError(f"{self._where}: no current-context; give adapters.context")
        chosen, _ = self._named("contexts", "context", name)
        cluster, beside = self._named("clusters", "cluster", chosen.get("cluster", ""))
        user, users = (
            self._named("users", "user", chosen.get("user", "")) if chosen.get("user") else ({}, beside)
        )
        server = cluster.get("server", "")
        if not server.startswith(("https://", "http://")):
            raise ConfigError(f"{self._where}: the cluster of context {name} has no server address")
        return Access(
            server=server.rstrip("/"),
            tls=self._tls(cluster, beside, user, users),
            credential=self._credential(user, users),
            server_name=cluster.get("tls-server-name", ""),
            proxy=cluster.get("proxy-url", ""),
            came_from=f"{self._where}, context {name}",
        )

    @property
    def _where(self) -> str:
        return ", ".join(map(str, self._paths))

    def _named(self, kind: str, inner: str, name: str) -> tuple[dict[str, Any], Path]:
        known: list[str] = []
        for path, content in self._files:
            for entry in content.get(kind) or ():
                if entry.get("name") == name:
                    return entry.get(inner) or {}, path.parent
                known.append(str(entry.get("name")))
        raise ConfigError(f"{self._where}: {kind} has no {name!r}; there are: {', '.join(known) or 'none'}")

    def _tls(
        self, cluster: dict[str, Any], beside: Path, user: dict[str, Any], users: Path
    ) -> ssl.SSLContext:
        try:
            authority = self._content(cluster, "certificate-authority", beside)
            tls = ssl.create_default_context(cadata=authority.decode() if authority else None)
            if cluster.get("insecure-skip-tls-verify"):
                tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
            certificate = self._content(user, "client-certificate", users)
            if certificate:
                _load_pair(tls, certificate, self._content(user, "client-key", users) or b"")
        except (OSError, ssl.SSLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self._where}: its certificates cannot be used: {error}") from error
        return tls

    def _content(self, values: dict[str, Any], key: str, beside: Path) -> bytes | None:
        written, path = values.get(f"{key}-data"), values.get(key)
        if written:
            try:
                return base64.b64decode(written, validate=True)
            except binascii.Error as error:
                raise ConfigError(f"{self._where}: {key}-data is not base64: {error}") from error
        return (beside / path).read_bytes() if path else None

    def _credential(self, user: dict[str, Any], beside: Path) -> Credential:
        if user.get("tokenFile"):
            return TokenFile(beside / user["tokenFile"])
        if user.get("token"):
            return Token(user["token"])
        if user.get("exec"):
            return Exec.of(user["exec"], beside, self._where)
        for legacy in ("auth-provider", "username"):
            if user.get(legacy):
                raise ConfigError(
                    f"{self._where}: {legacy} is not supported; use a token, a client certificate or exec"
                )
        return Anonymous()


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the kubeconfig {path}: {error}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is no kubeconfig")
    return content


def _load_pair(tls: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """OpenSSL takes a client's key from files only; this one is readable by its owner and gone at once."""
    with tempfile.NamedTemporaryFile() as both:
        both.write(certificate + b"\n" + key)
        both.flush()
        tls.load_cert_chain(both.name)
