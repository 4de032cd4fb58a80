"""Limits of requests and stored data of a user."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import URL, create_engine, text

from app.agent.summary import CALLS_BYTES, kept, summarize
from app.main import create_app
from app.schemas import ToolCall
from tests.conftest import Person, settings_for
from tests.test_real_model import Script, call, message, person

Application = Callable[..., AbstractContextManager[Person]]


@pytest.fixture
def limited(database: URL, clean: None) -> Application:
    """Return a context manager that runs an application with given limits and yields a user."""

    @contextmanager
    def run(**limits: int) -> Iterator[Person]:
        with TestClient(create_app(settings_for(database, **limits))) as client:
            yield Person(client, "user-ann")

    return run


def _sql(database: URL, statement: str) -> list[Any]:
    engine = create_engine(database)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        rows = list(result) if result.returns_rows else []
    engine.dispose()
    return rows


def test_too_many_changes_are_answered_with_429(limited: Application, database: URL) -> None:
    with limited(task_changes_per_minute=3) as ann:
        path = f"/tasks/{ann.add('One')['id']}"
        assert ann.call("PUT", path, json={"title": "Two"}).status_code == 200
        assert ann.call("PATCH", f"{path}/complete").status_code == 200
        for method, body in (("PUT", {"title": "x"}), ("DELETE", None)):
            answer = ann.call(method, path, json=body)
            assert answer.status_code == 429
            assert answer.headers["Retry-After"] == "20"
            assert "at most 3 a minute" in answer.json()["detail"]
        assert ann.call("GET", path).json()["title"] == "Two"
        assert Person(ann.client, "user-bob").add("Mine")
        _sql(database, "UPDATE rate_bucket SET updated_at = updated_at - interval '20 seconds'")
        assert ann.call("DELETE", path).status_code == 204
        assert ann.call("DELETE", path).status_code == 429


def test_refused_changes_do_not_count(limited: Application) -> None:
    with limited(task_changes_per_minute=1) as ann:
        assert ann.call("DELETE", "/tasks/77").status_code == 404
        assert ann.call("POST", "/tasks", json={"title": ""}).status_code == 422
        ann.add("One")


def test_replicas_share_the_rate_limit(limited: Application) -> None:
    with limited(task_changes_per_minute=2) as one, limited(task_changes_per_minute=2) as two:
        one.add("One")
        two.add("Two")
        for ann in (one, two):
            assert ann.call("POST", "/tasks", json={"title": "x"}).status_code == 429


def test_too_many_messages_are_answered_with_429_and_not_stored(limited: Application) -> None:
    with limited(chat_messages_per_minute=1) as ann:
        conversation = ann.say("add buy eggs")["conversation_id"]
        for path in ("/chat", "/chat/stream"):
            answer = ann.call("POST", path, json={"message": "add buy milk"})
            assert answer.status_code == 429
            assert answer.headers["Retry-After"] == "60"
            assert "too many messages" in answer.json()["detail"]
        assert [c["id"] for c in ann.call("GET", "/conversations").json()] == [conversation]
        assert [task["title"] for task in ann.tasks()] == ["Buy eggs"]


def test_unused_buckets_are_deleted(limited: Application, database: URL) -> None:
    with limited() as ann:
        ann.add("One")
        _sql(
            database,
            "INSERT INTO rate_bucket SELECT 'gone-' || n, 'task', 1, now() - interval '2 hours'"
            " FROM generate_series(1, 3) AS n",
        )
        ann.add("Two")
        ann.add("Three")
    assert _sql(database, "SELECT user_id FROM rate_bucket") == [("user-ann",)]


def test_number_of_tasks_is_limited_for_concurrent_requests(limited: Application) -> None:
    with limited(tasks_per_user=3) as ann:
        answers: list[int] = []

        def add() -> None:
            answers.append(ann.call("POST", "/tasks", json={"title": "x"}).status_code)

        threads = [threading.Thread(target=add) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answers) == [201] * 3 + [409] * 5
        answer = ann.call("POST", "/tasks", json={"title": "x"})
        assert answer.json()["detail"] == (
            "Your list is full: it can hold 3 todos. Please delete some first."
        )
        assert ann.call("DELETE", f"/tasks/{ann.tasks()[0]['id']}").status_code == 204
        ann.add("Again")


def test_numbers_of_conversations_and_messages_are_limited(limited: Application) -> None:
    with limited(conversations_per_user=2, messages_per_conversation=4) as ann:
        first = ann.say("hello")["conversation_id"]
        ann.say("hello")
        answer = ann.call("POST", "/chat", json={"message": "hello"})
        assert answer.status_code == 409
        assert "Please delete one first" in answer.json()["detail"]
        ann.say("hello", first)
        answer = ann.call("POST", "/chat", json={"message": "hello", "conversation_id": first})
        assert answer.status_code == 409
        assert "start a new one" in answer.json()["detail"]
        assert len(ann.call("GET", f"/conversations/{first}/messages").json()) == 4
        assert ann.call("DELETE", f"/conversations/{first}").status_code == 204
        ann.say("hello")


def test_assistant_says_that_the_list_is_full(limited: Application) -> None:
    with limited(tasks_per_user=1) as ann:
        ann.say("add buy eggs")
        answer = ann.say("add buy milk")
    assert "Your list is full: it can hold 1 todos." in answer["response"]
    assert answer["tool_calls"][-1]["result"]["error"].startswith("Your list is full")


def test_rate_limit_holds_for_changes_by_the_assistant(limited: Application) -> None:
    with limited(task_changes_per_minute=3) as ann:
        for title in ("One", "Two"):
            ann.add(title)
        conversation = ann.say("complete all tasks")["conversation_id"]
        answer = ann.say("yes", conversation)
        assert "I could not do that with 1 of 2." in answer["response"]
        assert "at most 3 a minute" in answer["response"]
        assert "couldn't find" not in answer["response"]
        assert sorted(task["completed"] for task in ann.tasks()) == [False, True]


def test_number_of_tool_calls_is_limited(
    database: URL, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.agent.bound.CALLS", 2)
    script = Script([*(call("list_tasks", "{}") for _ in range(5)), message("Enough.")])
    with person(database, script) as ann:
        answer = ann.say("look")
    assert len(answer["tool_calls"]) == 2
    refused = [m["content"] for m in script.requests[-1]["messages"] if m["role"] == "tool"][2:]
    assert len(refused) == 3
    assert all("more than I can do for one message" in str(text) for text in refused)


def test_size_of_tool_results_is_limited(
    database: URL, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.agent.bound.RESULTS", 1)
    script = Script([call("list_tasks", "{}"), call("list_tasks", "{}"), message("Enough.")])
    with person(database, script) as ann:
        ann.add("Buy eggs")
        assert len(ann.say("look")["tool_calls"]) == 1


def test_long_answer_is_cut_in_response_stream_and_storage(database: URL, clean: None) -> None:
    with person(database, Script([message("long " * 10_000)])) as ann:
        answer = ann.say("talk")
        streamed = ann.call("POST", "/chat/stream", json={"message": "talk"}).text
        path = f"/conversations/{answer['conversation_id']}/messages"
        stored = ann.call("GET", path).json()[-1]["content"]
    assert len(answer["response"]) == 16_000
    assert answer["response"].endswith("too long to be shown in full.)")
    assert stored == answer["response"]
    assert len(streamed) < 3 * 16_000 + 1000


def test_stored_tool_calls_are_short() -> None:
    rows = [{"id": n, "title": "t" * 300, "description": "d" * 900} for n in range(500)]
    arguments = {"title": "x" * 5000, "deep": [[[]]], "number": 10**400, "bad": "\ud800\x00"}
    short = summarize(ToolCall(name="list_tasks", arguments=arguments, result=rows))
    assert short.result["count"] == 500
    assert len(short.result["tasks"]) == 20
    assert set(short.result["tasks"][0]) == {"id", "title"}
    assert short.arguments == {"title": "x" * 200 + "…", "deep": "…", "number": None, "bad": "?"}
    many = kept([short] * 300)
    assert len(json.dumps([c.model_dump() for c in many])) < CALLS_BYTES + 1000
    assert (many[-1].name, many[-1].result) == ("more", {"count": 300 - len(many) + 1})
    assert kept([short]) == [short]


def test_many_long_descriptions_are_cut_for_the_model(database: URL, clean: None) -> None:
    script = Script([call("list_tasks", "{}"), message("Here they are.")])
    with person(database, script) as ann:
        for number in range(102):
            ann.add(f"Thing {number}", description="d" * 1000)
        ann.say("look")
    (result,) = [m["content"] for m in script.requests[-1]["messages"] if m["role"] == "tool"]
    assert result.count("Thing ") == 102
    assert len(result) < 120_000
