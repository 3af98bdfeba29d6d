"""What the exit codes of `sentinel` mean, and which error ends with which."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from sentinel.errors import DecisionError, QueryError, SentinelError


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FINDING = 1
    USAGE = 2
    CANNOT = 3
    QUERY = 4
    CRASHED = 70
    INTERRUPTED = 130


MEANING: Final = {
    ExitCode.DONE: "it worked, and the answer is yes where there is one",
    ExitCode.FINDING: (
        "it worked and the answer is no: a rule file is wrong, a case fails, lines were set aside, "
        "no incident has that id, a decision does not fit the incident's state, a diagnosis found something"
    ),
    ExitCode.USAGE: "the command line cannot be understood",
    ExitCode.CANNOT: "the store, the settings, the network or a deployment did not let it",
    ExitCode.QUERY: "the KQL was refused or ran into a limit; the message shows the place",
    ExitCode.CRASHED: "a defect in Sentinel; the traceback belongs into a report",
    ExitCode.INTERRUPTED: "it was interrupted before it was done (Ctrl-C)",
}


def exit_code_of(error: SentinelError) -> ExitCode:
    """The exit code of a command that an error ended."""
    match error:
        case QueryError():
            return ExitCode.QUERY
        case DecisionError():
            return ExitCode.FINDING
        case _:
            return ExitCode.CANNOT
