"""What a command writes: data to standard output, narration to standard error."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, tzinfo
from typing import Any, TypeVar

import click

from sentinel.cli.arguments import ZONE
from sentinel.model.tables import Column

Command = TypeVar("Command", bound=Callable[..., object])

FORMATS = ("table", "json", "jsonl", "csv")


def format_option(command: Command) -> Command:
    """Add `--format`; the function's parameter is `form`."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="How rows are written; a table is cut to the terminal's width on a terminal only.",
    )(command)


def zone_option(command: Command) -> Command:
    """Add `--tz`; the function's parameter is `zone`."""
    return click.option(
        "--tz",
        "zone",
        type=ZONE,
        default="UTC",
        show_default=True,
        metavar="ZONE",
        help="The zone of times in the output: UTC, local, or a name such as Europe/Berlin.",
    )(command)


def write_rows(
    form: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Any]],
    *,
    zone: tzinfo = UTC,
    header: bool = True,
) -> None:
    """Write rows to standard output."""
    from sentinel.cli.formats import Format, written

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    write_lines(written(Format(form), columns, rows, zone=zone, width=width, header=header))


class ReaderLeft(Exception):
    """Who reads the output, such as `head`, has what it wanted."""


def write_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output.

    Raises:
        ReaderLeft: Nobody reads it any more.
    """
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        # What is left in the buffer must go nowhere, or the interpreter complains when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise ReaderLeft from error


def noun(number: int, one: str, many: str = "") -> str:
    """The noun that goes with a number: `many` (by default `one` with an s) unless there is exactly one."""
    return one if number == 1 else many or f"{one}s"


def counted(number: int, one: str, many: str = "") -> str:
    """A number and its noun, such as `1 case` or `2,000 cases`."""
    return f"{number:,} {noun(number, one, many)}"


def narrate(sentence: str) -> None:
    """Say something to the person at the terminal."""
    click.echo(sentence, err=True)
