"""The names this Sentinel answers to: of a Log Analytics workspace, of a Kusto database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sentinel.web.answers import Refused

DEFAULT_NAME: Final = "sentinel"


class Workspaces:
    """One store under some names; without any it answers to every name."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = tuple(names)

    @property
    def name(self) -> str:
        """What it calls itself."""
        return self._names[0] if self._names else DEFAULT_NAME

    def has(self, name: str) -> bool:
        """Whether it answers to a name."""
        return not self._names or name.lower() in {own.lower() for own in self._names}

    def check(self, name: str, also: Iterable[str] = ()) -> None:
        """Let a name pass, and further ones if they mean the same store.

        Raises:
            Refused: Some name is of another workspace (404).
        """
        ours = {own.lower() for own in self._names} or {name.lower(), DEFAULT_NAME}
        for one in (name, *also):
            if one.lower() not in ours:
                raise Refused(
                    404,
                    "WorkspaceNotFoundError",
                    f"the workspace {one} is not kept here; this one is {self.name if self._names else name}",
                )
