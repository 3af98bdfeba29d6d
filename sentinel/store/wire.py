"""The nouns as JSON text, for the bodies of rows."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sentinel.errors import StoreError

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order="deterministic")


def to_text(value: object) -> str:
    """A noun as JSON text, the same bytes for the same value."""
    return _encoder.encode(value).decode()


def from_text(text: str, kind: type[T]) -> T:
    """The noun of a JSON text.

    Raises:
        StoreError: The text is not that of such a noun.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise StoreError(f"a stored {kind.__name__} cannot be read: {error}") from error
