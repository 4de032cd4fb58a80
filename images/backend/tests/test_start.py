"""Start and shutdown of the server, which answers requests while the assistant loads."""

import gc
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import URL

from app.agent import background
from app.core.config import Settings
from app.main import create_app
from tests.conftest import Person, settings_for
from tests.serving import serving

ROOT = Path(__file__).parents[1]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Delay the assistant until the event is set."""
    event, load = threading.Event(), background._load

    def load_later() -> background.Open:
        assert event.wait(30)
        return load()

    monkeypatch.setattr(background, "_load", load_later)
    yield event
    event.set()


def test_while_the_assistant_loads_tasks_work_and_a_chat_waits(
    settings: Settings, clean: None, gate: threading.Event
) -> None:
    with ThreadPoolExecutor() as threads, TestClient(create_app(settings)) as client:
        ann = Person(client, "user-ann")
        chat = threads.submit(ann.say, "add buy eggs")
        ann.add("Buy milk")
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 200
        assert not chat.done()
        gate.set()
        assert [call["name"] for call in chat.result(30)["tool_calls"]] == ["add_task"]
        assert gc.isenabled()
        assert [task["title"] for task in ann.tasks()] == ["Buy milk", "Buy eggs"]


def test_shutdown_while_the_assistant_loads_still_answers_the_chat(
    settings: Settings, clean: None, gate: threading.Event
) -> None:
    with ThreadPoolExecutor() as threads:
        app = create_app(settings)
        with TestClient(app) as client:
            chat = threads.submit(Person(client, "user-ann").say, "add buy eggs")
            while not app.state.chat._running:
                time.sleep(0.05)
            threading.Timer(0.3, gate.set).start()
        # The test client may end before it returns the answer, so the stored answer is checked.
        assert not wait([chat], 30).not_done
    with TestClient(create_app(settings)) as client:
        ann = Person(client, "user-ann")
        assert [task["title"] for task in ann.tasks()] == ["Buy eggs"]
        (conversation,) = ann.call("GET", "/conversations").json()
        messages = ann.call("GET", f"/conversations/{conversation['id']}/messages").json()
        assert [message["role"] for message in messages] == ["user", "assistant"]


def test_number_of_chats_is_limited_per_user_and_in_total(
    database: URL, clean: None, gate: threading.Event
) -> None:
    settings = settings_for(database, chats_per_user=1, chats_admitted=2)
    with ThreadPoolExecutor() as threads, TestClient(create_app(settings)) as client:
        ann, bob = Person(client, "user-ann"), Person(client, "user-bob")
        chats = []
        for someone in (ann, bob):
            chats.append(threads.submit(someone.say, "hello"))
            while not someone.call("GET", "/conversations").json():
                time.sleep(0.05)
        for someone, status in ((ann, 429), (Person(client, "user-eve"), 503)):
            for path in ("/chat", "/chat/stream"):
                answer = someone.call("POST", path, json={"message": "hello"})
                assert answer.status_code == status
                assert answer.headers["Retry-After"] == "2"
        gate.set()
        assert all(chat.result(30)["response"] for chat in chats)
        assert ann.say("hello")["response"]


def test_chat_that_waits_too_long_gets_503(
    database: URL, clean: None, gate: threading.Event
) -> None:
    settings = settings_for(database, chats_at_once=1, chat_timeout_seconds=0.5)
    with ThreadPoolExecutor() as threads, TestClient(create_app(settings)) as client:
        first = threads.submit(Person(client, "user-bob").say, "hello")
        ann = Person(client, "user-ann")
        while not client.app.state.chat._at_once.locked():  # type: ignore[attr-defined]
            time.sleep(0.05)
        answer = ann.call("POST", "/chat", json={"message": "hello"})
        assert answer.status_code == 503
        streamed = ann.call("POST", "/chat/stream", json={"message": "hello"}).text
        assert "event: error" in streamed
        assert "very busy" in streamed
        gate.set()
        assert first.result(30)["response"]


def test_conversation_deleted_before_its_answer_stays_deleted(
    settings: Settings, clean: None, gate: threading.Event
) -> None:
    with ThreadPoolExecutor() as threads, TestClient(create_app(settings)) as client:
        ann = Person(client, "user-ann")
        chat = threads.submit(ann.say, "add buy eggs")
        while not (found := ann.call("GET", "/conversations").json()):
            time.sleep(0.05)
        path = f"/conversations/{found[0]['id']}"
        assert ann.call("DELETE", path).status_code == 204
        gate.set()
        assert chat.result(30)["conversation_id"] == found[0]["id"]
        assert ann.call("GET", f"{path}/messages").status_code == 404
        assert [task["title"] for task in ann.tasks()] == ["Buy eggs"]


def _logged(process: "subprocess.Popen[str]") -> list[dict[str, Any]]:
    """Wait for the process to end and return the lines of its log."""
    out, _ = process.communicate(timeout=60)
    return [json.loads(line) for line in out.splitlines()]


def test_sigterm_right_after_the_start_shuts_down_cleanly(database: URL) -> None:
    with serving(database) as (process, address):
        while True:
            assert process.poll() is None
            try:
                assert httpx2.get(f"{address}/livez").status_code == 200
                break
            except httpx2.ConnectError:
                time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        lines = _logged(process)
    assert process.returncode == -signal.SIGTERM
    assert {line["level"] for line in lines} == {"info"}
    assert "Application shutdown complete." in [line["message"] for line in lines]


def _workers_of(pid: int) -> list[int]:
    """Return the ids of the workers of a server."""
    below, found = [pid], []
    while below:
        children = Path(f"/proc/{below[0]}/task").glob("*/children")
        numbers = [int(n) for path in children for n in path.read_text().split()]
        below = [*below[1:], *numbers]
        found += [
            n for n in numbers if b"builtin.worker" in Path(f"/proc/{n}/cmdline").read_bytes()
        ]
    return found


@pytest.mark.parametrize("servers", [1, 2])
def test_sigterm_ends_the_workers_of_the_model(database: URL, servers: int) -> None:
    with serving(database, WEB_CONCURRENCY=str(servers)) as (process, _):
        until = time.monotonic() + 60
        while len(workers := _workers_of(process.pid)) < servers and time.monotonic() < until:
            time.sleep(0.1)
        assert len(workers) == servers
        process.send_signal(signal.SIGTERM)
        _logged(process)
    while any(Path(f"/proc/{n}").exists() for n in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [n for n in workers if Path(f"/proc/{n}").exists()]


def test_import_error_of_the_assistant_ends_the_process(database: URL, tmp_path: Path) -> None:
    (tmp_path / "agents.py").write_text("raise ImportError('broken on purpose')")
    with serving(database, PYTHONPATH=str(tmp_path)) as (process, _):
        lines = _logged(process)
    assert process.returncode == 1
    critical = [line for line in lines if line["level"] == "critical"]
    assert [line["message"] for line in critical] == ["the assistant cannot run"]
    assert "broken on purpose" in critical[0]["error"]


def test_main_module_does_not_import_the_assistant() -> None:
    code = "import sys, app.main; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    imported = set(done.stdout.split())
    assert "fastapi" in imported
    assert imported.isdisjoint({"agents", "alembic", "mcp", "openai"})
