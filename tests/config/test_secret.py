from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from sentinel.config import Config, Secret
from sentinel.config.settings import SecretSource
from sentinel.errors import ConfigError

CANARY = "canary-5f0c"


def test_a_secret_never_prints_itself() -> None:
    secret = Secret(CANARY)

    assert CANARY not in f"{secret} {secret!r} {(secret,)} %s" % secret


def test_the_whole_configuration_never_prints_a_secret() -> None:
    config = Config.parse(f'[[http.keys]]\nname = "a"\nrole = "read"\nvalue = "{CANARY}"')

    assert CANARY not in repr(config)


def test_an_error_about_a_secret_does_not_show_it() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.parse('[[http.keys]]\nname = "a"\nrole = "read"\nvalue = 77553311')

    assert "77553311" not in str(caught.value)


def test_a_secret_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(CANARY))


def test_a_secret_matches_itself_only() -> None:
    assert Secret(CANARY).matches(CANARY)
    assert not Secret(CANARY).matches("canary-5f0d")
    assert not Secret(CANARY).matches("canáry")


def test_a_secret_file_is_relative_to_the_home_directory(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{CANARY}\n")

    assert SecretSource(value_file=Path("key")).resolve(tmp_path) == Secret(CANARY)


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("A_KEY", CANARY)

    assert SecretSource(value_env="A_KEY").resolve(tmp_path) == Secret(CANARY)


def test_no_source_is_no_secret(tmp_path: Path) -> None:
    assert SecretSource().resolve(tmp_path) is None


@pytest.mark.parametrize(
    "source", [SecretSource(value_env="UNSET_KEY"), SecretSource(value_file=Path("gone"))]
)
def test_a_source_that_gives_nothing_is_named(source: SecretSource, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"UNSET_KEY|gone"):
        source.resolve(tmp_path)
