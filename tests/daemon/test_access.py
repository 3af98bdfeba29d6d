from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import Request

from sentinel.config import Config, Role
from sentinel.daemon.access import ADMIN_KEY_FILE, keys_of
from sentinel.errors import ConfigError
from sentinel.web.answers import Refused

ONE_KEY = Config.parse('[[http.keys]]\nname = "grafana"\nrole = "read"\nvalue = "abc"')


def showing(key: str) -> Request:
    return Request({"type": "http", "headers": [(b"authorization", f"Bearer {key}".encode())]})


def test_without_configured_keys_one_admin_key_is_made_that_only_its_owner_reads(tmp_path: Path) -> None:
    keys = keys_of(Config(), tmp_path)

    file = tmp_path / ADMIN_KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert len(file.read_text().strip()) >= 40
    assert keys.holder(showing(file.read_text().strip()), Role.APPROVE) == "admin"


def test_the_admin_key_stays_the_same_over_restarts(tmp_path: Path) -> None:
    keys_of(Config(), tmp_path)
    first = (tmp_path / ADMIN_KEY_FILE).read_text()

    keys_of(Config(), tmp_path)

    assert (tmp_path / ADMIN_KEY_FILE).read_text() == first


def test_with_configured_keys_no_admin_key_is_made(tmp_path: Path) -> None:
    keys = keys_of(ONE_KEY, tmp_path)

    assert keys.holder(showing("abc"), Role.READ) == "grafana"
    assert not (tmp_path / ADMIN_KEY_FILE).exists()


def test_a_key_may_not_do_more_than_its_role(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        keys_of(ONE_KEY, tmp_path).holder(showing("abc"), Role.INGEST)

    assert caught.value.status == 403


@pytest.mark.parametrize("key", ["", "ab", "abcd", "ábc"])
def test_any_other_text_is_no_key(key: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        keys_of(ONE_KEY, tmp_path).holder(showing(key), Role.READ)

    assert caught.value.status == 401


def test_an_empty_admin_key_file_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / ADMIN_KEY_FILE).write_text("\n")

    with pytest.raises(ConfigError, match="is empty"):
        keys_of(Config(), tmp_path)
