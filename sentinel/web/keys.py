"""Who may do what over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from sentinel.config import Role, Secret
from sentinel.web.answers import Refused

GRANTS: Final[Mapping[Role, frozenset[Role]]] = {
    Role.INGEST: frozenset({Role.INGEST}),
    Role.READ: frozenset({Role.READ}),
    Role.APPROVE: frozenset({Role.APPROVE, Role.READ}),
    Role.ADMIN: frozenset(Role),
}
"""What each role includes: who decides must also see."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, its holder's name and what it may do."""

    name: str
    role: Role
    secret: Secret


class Keys:
    """The keys in force; a request shows one as `Authorization: Bearer KEY`."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)

    def holder(self, request: Request, needed: Role) -> str:
        """The name of the key's holder, if the key includes the role needed.

        Every key is compared, each in constant time, so that the time taken tells nothing.

        Raises:
            Refused: No known key was shown (401), or one that may not do this (403).
        """
        scheme, _, offered = request.headers.get("authorization", "").partition(" ")
        matching = [key for key in self._keys if key.secret.matches(offered.strip())]
        if scheme.lower() != "bearer" or not matching:
            raise Refused(
                401,
                "Unauthorized",
                "show a key as `Authorization: Bearer KEY`",
                headers={"WWW-Authenticate": 'Bearer realm="sentinel"'},
            )
        for key in matching:
            if needed in GRANTS[key.role]:
                return key.name
        raise Refused(
            403, "Forbidden", f"the key {matching[0].name} has the role {matching[0].role}, not {needed}"
        )
