from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

from sentinel import __version__
from sentinel.cli.main import SECTIONS
from tests.cli.command_line import sentinel_process

LISTED = [listed for section in SECTIONS.values() for listed in section]
SLOW = ("textual", "rich", "sqlglot", "sqlite_utils", "apsw", "starlette", "uvicorn", "opentelemetry", "yaml")
LIMIT_SECONDS = 0.25

HELP_AND_COST = """
import io, json, resource, sys
from contextlib import redirect_stdout
from sentinel.cli.main import run
with redirect_stdout(io.StringIO()):
    run(["--help"])
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"loaded": sorted(sys.modules), "cpu": used.ru_utime + used.ru_stime}))
"""


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    answered = subprocess.run([sys.executable, "-c", HELP_AND_COST], capture_output=True, check=True)
    told: dict[str, Any] = json.loads(answered.stdout)
    return told


@pytest.mark.parametrize("library", SLOW)
def test_help_does_not_import_a_slow_library(measured: dict[str, Any], library: str) -> None:
    assert library not in measured["loaded"]


def test_help_does_not_import_any_command(measured: dict[str, Any]) -> None:
    commands = {f"sentinel.cli.{listed.name}" for listed in LISTED}

    assert commands.isdisjoint(measured["loaded"])


def test_help_costs_less_than_a_quarter_of_a_second_of_cpu(measured: dict[str, Any]) -> None:
    assert measured["cpu"] < LIMIT_SECONDS


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed.name)
def test_the_list_of_commands_says_what_the_command_itself_says(listed: Any) -> None:
    command = import_module(f"sentinel.cli.{listed.name}").command

    assert command.name == listed.name
    assert command.get_short_help_str(limit=200) == listed.summary


def test_the_module_is_the_command() -> None:
    ended = sentinel_process("--version")

    assert ended.out == f"sentinel {__version__}\n"
    assert ended.code == 0


def test_a_wrong_command_is_answered_with_the_nearest_right_one() -> None:
    ended = sentinel_process("quer")

    assert ended.code == 2
    assert "No such command 'quer'. Did you mean 'query'?" in ended.err
    assert ended.out == ""
