"""The assistant with a remote model on an OpenAI-compatible server, also with failures."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import URL

from app.main import create_app
from tests.conftest import Person, settings_for

Step = dict[str, Any] | int | str | None


def message(text: str) -> dict[str, Any]:
    """Return a message of the model."""
    return {"role": "assistant", "content": text}


def call(name: str, arguments: str) -> dict[str, Any]:
    """Return a tool call of the model."""
    function = {"name": name, "arguments": arguments}
    calls = [{"id": f"call-{time.monotonic_ns()}", "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


class Script:
    """The answers of the server, one per request; the last one is repeated."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self.requests: list[dict[str, Any]] = []

    def next(self, request: dict[str, Any]) -> Step:
        """Record a request and return its step."""
        self.requests.append(request)
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            step = script.next(json.loads(self.rfile.read(length)))
            if step is None:
                time.sleep(3)
                return
            status, body = (step, "{}") if isinstance(step, int) else (200, step)
            if isinstance(body, dict):
                choice = {"index": 0, "finish_reason": "stop", "message": body}
                body = json.dumps(
                    {
                        "id": "x",
                        "object": "chat.completion",
                        "created": 1,
                        "model": "m",
                        "choices": [choice],
                    }
                )
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("retry-after-ms", "1")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def person(url: URL, script: Script) -> Iterator[Person]:
    """Run the application with the scripted model."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings = settings_for(
        url,
        openai_api_key=SecretStr("sk-of-the-tests"),
        openai_base_url=f"http://127.0.0.1:{server.server_port}/v1",
        openai_model="m",
        openai_timeout_seconds=0.3,
        chat_timeout_seconds=8,
    )
    try:
        with TestClient(create_app(settings)) as client:
            yield Person(client, "user-ann")
    finally:
        server.shutdown()
        server.server_close()


def test_model_calls_tools_and_cannot_choose_the_user(database: URL, clean: None) -> None:
    arguments = '{"title": "Buy eggs", "user_id": "user-bob"}'
    script = Script([call("add_task", arguments), message("Added Buy eggs!")])
    with person(database, script) as ann:
        answer = ann.say("add eggs")
        assert answer["response"] == "Added Buy eggs!"
        assert answer["tool_calls"][0]["arguments"] == {"title": "Buy eggs"}
        assert [t["user_id"] for t in ann.tasks()] == ["user-ann"]
    tools = script.requests[0]["tools"]
    assert len(tools) == 5
    assert "user_id" not in json.dumps(tools)


def test_model_gets_the_history(database: URL, clean: None) -> None:
    script = Script([message("Hello!"), message("Again!")])
    with person(database, script) as ann:
        conversation = ann.say("hi")["conversation_id"]
        ann.say("and now?", conversation)
    said = [m["content"] for m in script.requests[1]["messages"] if m["role"] != "system"]
    assert said == ["hi", "Hello!", "and now?"]


@pytest.mark.parametrize(
    ("steps", "apology"),
    [
        ([None], "too long"),
        ([429], "more questions than I can handle"),
        ([500], "could not answer that"),
        (["no json"], "could not answer that"),
        ([message("")], "could not answer that"),
        ([call("format_disk", "{}")], "could not answer that"),
    ],
)
def test_failing_model_gives_an_apology_and_the_message_is_stored(
    database: URL, clean: None, steps: list[Step], apology: str
) -> None:
    with person(database, Script(steps)) as ann:
        answer = ann.say("add eggs")
        assert apology in answer["response"]
        assert "try again" in answer["response"]
        path = f"/conversations/{answer['conversation_id']}/messages"
        stored = [m["content"] for m in ann.call("GET", path).json()]
        assert stored == ["add eggs", answer["response"]]


@pytest.mark.parametrize("bad", [429, 500, None, "no json", message("")])
def test_one_failure_is_retried(database: URL, clean: None, bad: Step) -> None:
    with person(database, Script([bad, message("Here I am.")])) as ann:
        assert ann.say("hello")["response"] == "Here I am."


def test_failure_after_a_change_is_not_retried(database: URL, clean: None) -> None:
    script = Script([call("add_task", '{"title": "Eggs"}'), 400])
    with person(database, script) as ann:
        answer = ann.say("add eggs")
        assert "may already be done" in answer["response"]
        assert [c["name"] for c in answer["tool_calls"]] == ["add_task"]
        assert [t["title"] for t in ann.tasks()] == ["Eggs"]


def test_failing_model_ends_a_stream_with_an_apology(database: URL, clean: None) -> None:
    with person(database, Script([400])) as ann:
        text = ann.call("POST", "/chat/stream", json={"message": "hi"}).text
    assert text.rstrip().split("\n\n")[-1].startswith("event: done")
    assert "try again" in text
