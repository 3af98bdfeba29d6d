"""Kubeconfigs and service accounts, and the credentials they name."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from sentinel.clock import VirtualClock
from sentinel.deploy.kubernetes_access import access_of
from sentinel.deploy.kubernetes_credentials import Exec, TokenFile
from sentinel.errors import AdapterError, ConfigError
from tests.builders import NOON


def kubeconfig(path: Path, user: dict[str, Any], **more: Any) -> Path:
    """A kubeconfig with one context."""
    content = {
        "current-context": "here",
        "clusters": [
            {"name": "c", "cluster": {"server": "https://api.example:6443/", **more.pop("cluster", {})}}
        ],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        **more,
    }
    path.write_text(yaml.safe_dump(content))
    return path


def command(path: Path, *lines: str) -> Path:
    """A program."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class TestAccess:
    def test_a_kubeconfig_gives_server_and_token(self, tmp_path: Path) -> None:
        access = access_of(kubeconfig(tmp_path / "config", {"token": "abc"}), "", {})

        assert (access.server, access.credential.token()) == ("https://api.example:6443", "abc")
        assert "abc" not in repr(access)

    def test_a_pods_service_account_goes_before_the_kubeconfig_of_the_home(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("from the pod\n")
        (tmp_path / "ca.crt").write_text("")
        inside = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}

        with pytest.raises(ConfigError, match=r"cannot read the cluster's authority .*ca\.crt"):
            access_of(None, "", inside, tmp_path)

    def test_a_file_that_is_named_goes_before_the_service_account(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("from the pod")
        named = kubeconfig(tmp_path / "config", {"token": "abc"})

        access = access_of(named, "", {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, tmp_path)

        assert access.credential.token() == "abc"

    def test_files_are_merged_and_the_first_counts(self, tmp_path: Path) -> None:
        first = kubeconfig(tmp_path / "first", {"token": "abc"}, clusters=[])
        second = kubeconfig(tmp_path / "second", {"token": "def"})

        access = access_of(None, "", {"KUBECONFIG": f"{first}:{second}:{tmp_path / 'absent'}"})

        assert (access.server, access.credential.token()) == ("https://api.example:6443", "abc")

    def test_paths_are_relative_to_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("abc\n")

        access = access_of(kubeconfig(tmp_path / "config", {"tokenFile": "token"}), "", {})

        assert access.credential.token() == "abc"

    def test_without_any_it_says_where_it_looked(self, tmp_path: Path) -> None:
        with pytest.raises(
            ConfigError, match=r"no kubeconfig at .*/\.kube/config.*give adapters\.kubeconfig"
        ):
            access_of(None, "", {"HOME": str(tmp_path)})

    def test_an_unknown_context_is_refused_with_those_there_are(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="contexts has no 'there'; there are: here"):
            access_of(kubeconfig(tmp_path / "config", {}), "there", {})

    @pytest.mark.parametrize(
        ("user", "says"),
        [
            ({"auth-provider": {"name": "azure"}}, "auth-provider is not supported"),
            ({"username": "u", "password": "p"}, "username is not supported"),
            ({"exec": {"command": "kubelogin"}}, "exec needs a command, and an apiVersion"),
            ({"client-certificate-data": "?"}, "client-certificate-data is not base64"),
            (
                {"client-certificate-data": "YQ==", "client-key-data": "YQ=="},
                "its certificates cannot be used",
            ),
        ],
    )
    def test_what_cannot_be_used_is_refused_by_its_key(
        self, tmp_path: Path, user: dict[str, Any], says: str
    ) -> None:
        with pytest.raises(ConfigError, match=says):
            access_of(kubeconfig(tmp_path / "config", user), "", {})

    @pytest.mark.parametrize("content", ["- a list", "{", "\x00"])
    def test_what_is_no_kubeconfig_is_refused_by_its_path(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "config").write_text(content)

        with pytest.raises(ConfigError, match=str(tmp_path / "config")):
            access_of(tmp_path / "config", "", {})


class TestCredentials:
    def test_a_token_file_is_read_again_after_a_minute(self, tmp_path: Path) -> None:
        now = [0.0]
        (tmp_path / "token").write_text("old")
        credential = TokenFile(tmp_path / "token", lambda: now[0])
        assert credential.token() == "old"
        (tmp_path / "token").write_text("new")

        soon = credential.token()
        now[0] = 61.0

        assert (soon, credential.token()) == ("old", "new")

    def test_a_refused_token_is_read_again_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("old")
        credential = TokenFile(tmp_path / "token", lambda: 0.0)
        credential.token()
        (tmp_path / "token").write_text("new")

        assert credential.token(renewed=True) == "new"

    def test_a_token_file_that_is_gone_may_come_back(self, tmp_path: Path) -> None:
        with pytest.raises(AdapterError, match="cannot read the token") as lost:
            TokenFile(tmp_path / "token").token()

        assert not lost.value.permanent

    def test_a_command_is_run_again_when_its_token_ends(self, tmp_path: Path) -> None:
        clock = VirtualClock(NOON)
        ends = "2026-03-04T12:10:00Z"
        command(
            tmp_path / "login",
            f'echo "$1 $KUBERNETES_EXEC_INFO" >>{tmp_path}/runs',
            f"""echo '{{"status": {{"token": "'$SAID'", "expirationTimestamp": "{ends}"}}}}'""",
        )
        said = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "./login",
            "args": ["get-token"],
            "env": [{"name": "SAID", "value": "abc"}],
        }
        credential = Exec.of(said, tmp_path, "config", clock)

        tokens = [credential.token(), credential.token()]
        clock.advance(NOON.replace(minute=9, second=31) - NOON)
        tokens.append(credential.token())

        runs = (tmp_path / "runs").read_text().splitlines()
        assert tokens == ["abc"] * 3
        assert [run.partition(" ")[0] for run in runs] == ["get-token", "get-token"]
        assert '"kind": "ExecCredential"' in runs[0]

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("echo no account >&2; exit 3", "ended with 3: no account"),
            ("echo nothing", "printed no ExecCredential"),
            ("""echo '{"status": {}}'""", "printed no ExecCredential"),
        ],
    )
    def test_a_command_that_fails_is_named_with_what_it_said(
        self, tmp_path: Path, line: str, says: str
    ) -> None:
        program = command(tmp_path / "login", line)
        said = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}

        with pytest.raises(AdapterError, match=says):
            Exec.of(said, tmp_path, "config").token()
