"""A real Kubernetes API server with etcd, and the real controllers that scale and roll out.

The parts: the scripts in `SENTINEL_ENVTEST`, by default `../shared/envtest` beside the repository, what their
`build-apiserver.sh kube-apiserver kube-controller-manager` builds, and Debian's etcd-server, curl and openssl.
There is no kubelet: pods become ready when a test says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import httpx2
import yaml

from sentinel.deploy.kubernetes_workload import Options

T = TypeVar("T")

REPOSITORY: Final = Path(__file__).parents[2]
SCRIPTS: Final = Path(os.environ.get("SENTINEL_ENVTEST") or REPOSITORY.parent / "shared" / "envtest")
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sentinel-envtest"
BINARIES: Final = Path(os.environ.get("K8S_BIN") or Path(os.environ.get("K8S_ROOT") or CACHE) / "bin")
PATIENCE: Final = 60.0
OPTIONS: Final = Options()
LEFT_OUT: Final = os.environ.get("SENTINEL_ENVTEST") == "none"
"""Whoever runs the tests says that there shall be no cluster."""


def missing() -> str:
    """What is not installed; empty if everything is."""
    if LEFT_OUT:
        return "a Kubernetes API server (left out by SENTINEL_ENVTEST=none)"
    parts = [
        str(path)
        for path in (
            SCRIPTS / "run-apiserver.sh",
            BINARIES / "kube-apiserver",
            BINARIES / "kube-controller-manager",
        )
        if not path.is_file()
    ]
    parts += [tool for tool in ("etcd", "curl", "openssl") if shutil.which(tool) is None]
    return f"a Kubernetes API server ({', '.join(parts)})" if parts else ""


def until(holds: Callable[[], T | None], what: str) -> T:
    """What `holds` returns once it returns something true; the cluster's own controllers take their time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


@dataclass
class Cluster:
    """A running cluster and its administrator."""

    folder: Path
    client: httpx2.Client

    @classmethod
    def start(cls, folder: Path, *, controllers: bool) -> Self:
        """Start one that keeps everything in a folder."""
        environment = {**os.environ, "K8S_BIN": str(BINARIES), "HPA_SYNC": "1s"}
        if controllers:
            environment |= {
                "WITH_KCM": "1",
                "EXTRA_KCM_ARGS": "--horizontal-pod-autoscaler-initial-readiness-delay=0s"
                " --horizontal-pod-autoscaler-cpu-initialization-period=0s",
            }
        ran = subprocess.run(
            [str(SCRIPTS / "run-apiserver.sh"), str(folder)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        started = cls(folder, _administrator(folder))
        if controllers:
            started.take_measurements()
        return started

    def stop(self) -> None:
        """End it."""
        self.client.close()
        subprocess.run([str(SCRIPTS / "stop-apiserver.sh"), str(self.folder)], check=False)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, with a client certificate."""
        return self.folder / "kubeconfig"

    @property
    def limited_kubeconfig(self) -> Path:
        """That of a user without any right."""
        return self.folder / "kubeconfig-limited"

    # ── the API server's process ──

    def kill(self) -> list[str]:
        """End the API server without a word, and return how it was started."""
        process = int((self.folder / "apiserver.pid").read_text())
        command = Path(f"/proc/{process}/cmdline").read_bytes().decode().split("\0")[:-1]
        os.kill(process, signal.SIGKILL)
        until(lambda: not _runs(process), "the API server is gone")
        return command

    def revive(self, command: list[str]) -> None:
        """Start the API server again, on the same port and the same etcd."""
        begin = 'setsid "$@" >>log/apiserver.log 2>&1 </dev/null & echo $! >apiserver.pid'
        subprocess.run(["bash", "-c", begin, "bash", *command], cwd=self.folder, check=True)
        until(self._ready, "the API server is ready again")

    def _ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def take_measurements(self) -> None:
        """Let tests say how much CPU their pods use."""
        kind = yaml.safe_load((SCRIPTS / "podmetrics-crd.yaml").read_text())
        self.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", kind)
        path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"
        until(lambda: self.client.get(path).is_success, "measurements are served")

    # ── what an administrator does ──

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """A call that must succeed."""
        response = self.client.request(method, path, json=body, **more)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def apply(self, path: str, body: Mapping[str, Any], manager: str) -> Any:
        """Server-side apply as some field manager."""
        return self.call(
            "PATCH",
            path,
            body,
            params={"fieldManager": manager, "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
        )

    def merge(self, path: str, body: Mapping[str, Any], manager: str = "kubectl-edit") -> Any:
        """Edit an object as a person does."""
        return self.call(
            "PATCH",
            path,
            body,
            params={"fieldManager": manager},
            headers={"Content-Type": "application/merge-patch+json"},
        )


def _runs(process: int) -> bool:
    """Whether a process still runs; a dead one nobody waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _administrator(folder: Path) -> httpx2.Client:
    config = yaml.safe_load((folder / "kubeconfig-token").read_text())
    tls = ssl.create_default_context(cafile=str(folder / "pki" / "ca.crt"))
    return httpx2.Client(
        base_url=config["clusters"][0]["cluster"]["server"],
        headers={"Authorization": f"Bearer {config['users'][0]['user']['token']}"},
        verify=tls,
        trust_env=False,
        timeout=20,
    )
