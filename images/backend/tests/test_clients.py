"""Clients that send too much, send too slowly, or do not read."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message, Scope

from app.api import middleware
from app.core.config import Settings
from app.main import create_app
from tests.conftest import Person, token

TASKS = "/api/user-ann/tasks"


def _scope(method: str, path: str, **headers: str) -> Scope:
    given = {"authorization": f"Bearer {token('user-ann')}", "content-type": "application/json"}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(k.encode(), v.encode()) for k, v in (given | headers).items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }


class _Answer:
    """Collects the messages that are sent."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        status: int = self.messages[0]["status"]
        return status

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.messages[0]["headers"])


def test_body_without_content_length_is_limited(ann: Person) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"title": "'
        for _ in range(100):
            yield b"x" * 1024
        yield b'"}'

    answer = ann.call("POST", "/tasks", content=pieces())
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The request is too large."
    assert answer.headers["Connection"] == "close"


@pytest.mark.parametrize("length", ["65537", "9" * 5000])
def test_large_content_length_is_refused_unread(ann: Person, length: str) -> None:
    answer = ann.call("POST", "/tasks", content=b"{}", extensions={})
    assert answer.status_code == 422
    sent = _Answer()

    async def never() -> Message:
        raise AssertionError("the body was read")

    async def run() -> None:
        await ann.client.app(_scope("POST", TASKS, **{"content-length": length}), never, sent)

    asyncio.run(run())
    assert sent.status == 413


def test_slow_body_is_refused_after_the_time_limit(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert middleware.BODY_SECONDS <= 30
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.3)
    sent = _Answer()

    async def slowly() -> Message:
        await asyncio.sleep(0.1)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def run() -> None:
        async with asyncio.timeout(5):
            await ann.client.app(_scope("POST", TASKS), slowly, sent)

    asyncio.run(run())
    assert sent.status == 408


def _bombs() -> dict[str, bytes]:
    digits = b"9" * 60_000
    return {
        "open": b"[" * 60_000,
        "nested": b"[" * 30_000 + b"]" * 30_000,
        "nested title": b'{"title": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
        "objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        "digits": digits,
        "title of digits": b'{"title": ' + digits + b"}",
        "exponent": b'{"title": 1e999999}',
        "not a number": b'{"title": NaN}',
        "many names": json.dumps({f"n{n}": n for n in range(4000)}).encode(),
        "many elements": b'{"title": [' + b"0," * 30_000 + b"0]}",
    }


@pytest.mark.parametrize("bomb", _bombs())
@pytest.mark.parametrize("path", ["/tasks", "/chat"])
def test_malicious_json_is_refused_quickly(ann: Person, bomb: str, path: str) -> None:
    answer = ann.call("POST", path, content=_bombs()[bomb])
    assert answer.status_code == 422
    assert len(answer.content) < 1000
    assert answer.elapsed.total_seconds() < 1


@pytest.mark.parametrize("path", ["/tasks?status=" + "x" * 5000, "/tasks/" + "9" * 5000])
def test_long_path_or_query_is_refused(ann: Person, path: str) -> None:
    assert ann.call("GET", path).status_code == 414


def test_above_the_request_limit_only_probes_are_answered(
    ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "MOST_AT_ONCE", 0)
    answer = ann.call("GET", "/tasks")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert ann.client.get("/livez").status_code == 200


async def _started(settings: Settings) -> tuple[Any, Any]:
    app = create_app(settings)
    lifespan = app.router.lifespan_context(app)
    await lifespan.__aenter__()
    return app, lifespan


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def test_client_that_does_not_read_holds_no_database_connection(
    settings: Settings, clean: None
) -> None:
    async def run() -> None:
        app, lifespan = await _started(settings)
        stuck, go = asyncio.Event(), asyncio.Event()

        async def send(_: Message) -> None:
            stuck.set()
            await go.wait()

        request = asyncio.create_task(app(_scope("GET", TASKS), _no_body, send))
        await asyncio.wait_for(stuck.wait(), 10)
        assert app.state.database.engine.pool.checkedout() == 0
        go.set()
        await request
        await lifespan.__aexit__(None, None, None)

    asyncio.run(run())


def test_unread_stream_ends_and_its_answer_is_stored(
    settings: Settings, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert middleware.SEND_SECONDS <= 30
    monkeypatch.setattr(middleware, "SEND_SECONDS", 0.3)

    async def run() -> int:
        app, lifespan = await _started(settings)
        body = json.dumps({"message": "add buy eggs"}).encode()
        given = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if given:
                return given.pop()
            await asyncio.sleep(60)
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] != "http.response.start":
                await asyncio.sleep(60)

        async with asyncio.timeout(20):
            await app(_scope("POST", "/api/user-ann/chat/stream"), receive, send)
            await app.state.chat.finish()
        left: int = len(app.state.chat._running) + app.state.chat._admitted.total()
        await lifespan.__aexit__(None, None, None)
        return left

    assert asyncio.run(run()) == 0
