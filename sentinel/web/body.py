"""Reading the body of a request, up to a limit."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

from sentinel.web.answers import Refused

MEBIBYTE = 1 << 20


async def body_of(request: Request, limit: int) -> bytes:
    """The body as it was sent, if it has at most `limit` bytes.

    Raises:
        Refused: It is larger (413), or its sender went away.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except ClientDisconnect:
        raise Refused(400, "Disconnected", "the sender went away before the body was complete") from None
    return b"".join(parts)


def _too_large(limit: int) -> Refused:
    return Refused(
        413,
        "BodyTooLarge",
        f"a body may have {limit / MEBIBYTE:g} MiB; send the records in several deliveries",
        headers={"Connection": "close"},
    )
