"""A group of commands whose files are imported only when they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

import click


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as the list of commands shows it, known without importing its file."""

    name: str
    summary: str
    """The first sentence of the command's docstring; a test compares the two."""


class LazyGroup(click.Group):
    """Commands in sections; `name` lives in `<package>.<name>` and is called `command` there."""

    def __init__(
        self, *, package: str, sections: Mapping[str, tuple[Listed, ...]], **settings: object
    ) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.package = package
        self.sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the sections."""
        _ = ctx
        return [listed.name for section in self.sections.values() for listed in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{self.package}.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command the arguments begin with; a wrong name is answered with the nearest right one."""
        if args and not args[0].startswith("-") and args[0] not in (names := self.list_commands(ctx)):
            near = get_close_matches(args[0], names, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, from their summaries."""
        widest = max(map(len, self.list_commands(ctx)))
        for title, section in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(listed.name.ljust(widest), listed.summary) for listed in section])
