"""HTTP/1.1, as little of it as the demo's router and load need, on asyncio streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

MAX_BODY: Final = 1 << 20


class WireError(Exception):
    """The other side does not speak HTTP, or hung up in the middle of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came or is to be sent; names of headers are lower-case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    read_seconds: float = 0.0
    """How long it took to arrive."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; names of headers are lower-case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Reply]]


async def serve(handler: Handler, host: str, port: int) -> asyncio.Server:
    """Answer requests on a port, 0 for any free one."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                reply = await handler(request)
                writer.write(_encode_reply(reply))
                await writer.drain()
        except (WireError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the caller hung up or talks nonsense: there is nobody to answer
        except asyncio.CancelledError:
            pass  # the process ends; asyncio's streams would report a task that says so
        finally:
            writer.close()

    return await asyncio.start_server(converse, host, port, backlog=512)


async def exchange(host: str, port: int, request: Request) -> Reply:
    """Send a request on a connection of its own and return the answer.

    Raises:
        OSError: Nobody listens there.
        WireError: It hung up before it had answered.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_encode_request(request, f"{host}:{port}"))
        await writer.drain()
        first, headers = await _read_head(reader)
        status = int(first.split(" ", 2)[1])
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Reply(status, body, headers)
    except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError) as error:
        raise WireError(f"{host}:{port} hung up before it had answered: {error!r}") from error
    finally:
        writer.close()


async def call(url: str, method: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
    """Send a request to an `http://host:port/path` address; raises as `exchange` does."""
    parts = urlsplit(url)
    path = parts.path or "/"
    if parts.query:
        path += f"?{parts.query}"
    return await exchange(parts.hostname or "", parts.port or 80, Request(method, path, headers or {}, body))


def port_of(server: asyncio.Server) -> int:
    """The port a server listens on."""
    address: Any = server.sockets[0].getsockname()
    return int(address[1])


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        first, headers = await _read_head(reader)
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise
    began = time.perf_counter()
    try:
        method, path, _ = first.split(" ", 2)
        length = int(headers.get("content-length", "0"))
    except ValueError as error:
        raise WireError(f"not a request: {first!r}") from error
    if not 0 <= length <= MAX_BODY:
        raise WireError(f"a body of {length} bytes is too large")
    body = await reader.readexactly(length)
    return Request(method, path, headers, body, time.perf_counter() - began)


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.strip().lower(): value.strip() for name, _, value in pairs}


def _encode_request(request: Request, host: str) -> bytes:
    lines = [f"{request.method} {request.path} HTTP/1.1", f"host: {host}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"content-length: {len(request.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + request.body


def _encode_reply(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines += [f"content-length: {len(reply.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + reply.body
