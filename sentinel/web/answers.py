"""How the HTTP face answers: JSON values, and errors as `{"error": {"code", "message"}}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_encoder = msgspec.json.Encoder()


class Refused(Exception):
    """A request is answered with an error.

    `code` is one word a program may tell errors by; `headers` go with the answer.
    """

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.more = more


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as JSON."""
    return Response(_encoder.encode(value), status, headers, media_type="application/json")


def refusal(_request: Request, error: Exception) -> Response:
    """The answer of a `Refused`."""
    if not isinstance(error, Refused):
        raise error
    said = {"code": error.code, "message": error.message, **error.more}
    return answer({"error": said}, error.status, error.headers)
