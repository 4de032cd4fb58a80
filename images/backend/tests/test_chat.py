"""Chat with the assistant through the whole application."""

import json
import time
from typing import Any

from agents.tracing import get_trace_provider, processors
from fastapi.testclient import TestClient

from app.core.config import Settings
from app.main import create_app
from tests.conftest import Person


def test_message_without_conversation_id_starts_a_conversation(ann: Person) -> None:
    first = ann.say("Add a task to buy groceries")
    second = ann.say("hello")
    assert first["conversation_id"] != second["conversation_id"]
    assert [t["title"] for t in ann.tasks()] == ["Buy groceries"]


def test_tool_calls_in_the_answer_do_not_contain_user_id(ann: Person) -> None:
    task = ann.add("Team meeting")
    answer = ann.say("Delete the meeting task")
    listed = {"count": 1, "tasks": [{"id": task["id"], "title": "Team meeting"}]}
    deleted = {"task_id": task["id"], "status": "deleted", "title": "Team meeting"}
    assert answer["tool_calls"] == [
        {"name": "list_tasks", "arguments": {"status": "all"}, "result": listed},
        {"name": "delete_task", "arguments": {"task_id": task["id"]}, "result": deleted},
    ]
    assert "Team meeting" in answer["response"]


def test_missing_task_gives_an_apology_and_an_error_in_the_call(ann: Person) -> None:
    answer = ann.say("Mark task 77 as complete")
    assert "couldn't find" in answer["response"]
    assert answer["tool_calls"] == [
        {
            "name": "complete_task",
            "arguments": {"task_id": 77},
            "result": {"error": "task 77 does not exist"},
        }
    ]


def test_conversation_continues_after_a_restart(ann: Person, settings: Settings) -> None:
    conversation = ann.say("add buy eggs")["conversation_id"]
    with TestClient(create_app(settings)) as other:
        Person(other, ann.id).say("mark it as done", conversation)
    assert [(t["title"], t["completed"]) for t in ann.tasks()] == [("Buy eggs", True)]


def test_assistant_changes_tasks_of_the_caller_only(ann: Person, bob: Person) -> None:
    task = ann.add("Secret plan")
    for message in (f"delete task {task['id']}", "delete secret plan", "show all tasks"):
        assert "Secret plan" not in json.dumps(bob.say(message)["tool_calls"])
    assert ann.tasks() == [task]


def test_conversation_of_another_user_is_not_found(ann: Person, bob: Person) -> None:
    conversation = ann.say("add buy eggs")["conversation_id"]
    body = {"message": "show my tasks", "conversation_id": conversation}
    for path in ("/chat", "/chat/stream"):
        answer = bob.call("POST", path, json=body)
        assert answer.status_code == 404
    assert bob.call("GET", f"/conversations/{conversation}/messages").status_code == 404


def test_invalid_message_is_refused(ann: Person) -> None:
    for body in ({}, {"message": " "}, {"message": "x" * 4001}, {"message": "x\x00"}):
        assert ann.call("POST", "/chat", json=body).status_code == 422
    for conversation in (0, "1", True, 1.5):
        answer = ann.call("POST", "/chat", json={"message": "hi", "conversation_id": conversation})
        assert answer.status_code == 422, conversation


def _events(text: str) -> list[tuple[str, dict[str, Any]]]:
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(b[0].removeprefix("event: "), json.loads(b[1].removeprefix("data: "))) for b in blocks]


def test_stream_sends_calls_and_pieces_and_then_the_whole_answer(ann: Person) -> None:
    answer = ann.call("POST", "/chat/stream", json={"message": "add buy eggs"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = _events(answer.text)
    names = [name for name, _ in events]
    assert names[:3] == ["start", "tool", "delta"]
    assert names.count("delta") > 3
    assert names[-1] == "done"
    done = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "delta") == done["response"]
    assert done["tool_calls"] == [events[1][1]]
    assert done["conversation_id"] == events[0][1]["conversation_id"]
    stored = ann.call("GET", f"/conversations/{done['conversation_id']}/messages").json()
    assert [m["content"] for m in stored] == ["add buy eggs", done["response"]]


def test_no_trace_exporter_is_installed(ann: Person) -> None:
    ann.say("hello")
    assert processors._global_exporter is None
    assert get_trace_provider().create_trace("any").export() is None


def test_chat_request_takes_less_than_300_ms(ann: Person) -> None:
    ann.say("hello")
    times = []
    for number in range(10):
        started = time.perf_counter()
        ann.say(f"add thing {number}")
        times.append(time.perf_counter() - started)
    assert sorted(times)[5] < 0.3, times
