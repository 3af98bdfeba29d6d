"""Values that must not be seen."""

from __future__ import annotations

import hmac
from typing import final


@final
class Secret:
    """A text that never prints itself; `reveal()` is the one way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that must send it."""
        return self._text

    def matches(self, offered: str) -> bool:
        """Whether `offered` is the secret; takes the same time wherever they differ."""
        return hmac.compare_digest(self._text.encode(), offered.encode())

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not pickled")
