"""Connections without a request, or without reading."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.api import protocol
from app.api.protocol import BoundedProtocol
from tests.postgres import free_port

_CHUNK = 64 * 1024
Use = Callable[[int, list[str]], Awaitable[None]]


@asynccontextmanager
async def _server(log: list[str]) -> AsyncIterator[int]:
    """Serve an endless answer at /endless, and "ok" elsewhere."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        endless = scope["path"] == "/endless"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while endless and (len(log) < 2000):
            log.append("sent")
            body = b"x" * _CHUNK
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"ok"})
        log.append("ended")

    port = free_port()
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await serving


def _run(use: Use) -> list[str]:
    log: list[str] = []

    async def run() -> None:
        async with asyncio.timeout(20), _server(log) as port:
            await use(port, log)

    asyncio.run(run())
    return log


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time limits."""
    assert max(protocol.HEAD_SECONDS, protocol.WRITE_SECONDS) <= 30
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 0.5)


async def _ends(reader: asyncio.StreamReader) -> bool:
    """Wait until the connection is closed or reset."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_connection_without_complete_headers_ends(head: bytes) -> None:
    async def use(port: int, _: list[str]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        assert await _ends(reader)
        writer.close()

    _run(use)


def test_connection_without_complete_second_headers_ends() -> None:
    async def use(port: int, _: list[str]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _number in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in await reader.readuntil(b"0\r\n\r\n")
            await asyncio.sleep(0.7)  # an idle connection is not limited
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await _ends(reader)
        writer.close()

    _run(use)


def test_endless_headers_are_refused() -> None:
    async def use(port: int, _: list[str]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * (protocol.HEAD_BYTES + 1))
        assert b"400 Bad Request" in await reader.read(100)
        writer.close()

    _run(use)


def test_connection_of_a_client_that_does_not_read_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 2)

    async def use(port: int, log: list[str]) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(1)
        assert 0 < len(log) < 1000  # the server waits for the client to read
        for _number in range(100):
            if log[-1] == "ended":
                break
            await asyncio.sleep(0.1)
        writer.close()

    assert _run(use)[-1] == "ended"
