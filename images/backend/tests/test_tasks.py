"""The REST interface of tasks."""

import threading
from typing import Any

import pytest

from tests.conftest import Person, token


def test_created_task_is_returned_with_every_field(ann: Person) -> None:
    task = ann.add("Buy  milk\n", description=" two liters ")
    assert task["title"] == "Buy milk"
    assert task["description"] == "two liters"
    assert task["completed"] is False
    assert task["user_id"] == ann.id
    assert task["created_at"].endswith(("Z", "+00:00"))
    assert ann.call("GET", f"/tasks/{task['id']}").json() == task


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "Title is required."),
        ({"title": ""}, "Title must not be empty or contain control characters."),
        ({"title": "   "}, "Title must not be empty or contain control characters."),
        ({"title": "a\x00b"}, "Title must not be empty or contain control characters."),
        ({"title": "x" * 201}, "Title must be at most 200 characters long."),
        ({"title": 7}, "Title must be text."),
        (
            {"title": "x", "description": "x" * 1001},
            "Description must be at most 1000 characters long.",
        ),
        ({"title": "x", "completed": "perhaps"}, "Completed must be true or false."),
        ({"title": "x", "completed": "true"}, "Completed must be true or false."),
        ({"title": "x", "completed": 0}, "Completed must be true or false."),
    ],
)
def test_invalid_task_is_refused_with_a_sentence(
    ann: Person, body: dict[str, Any], reason: str
) -> None:
    answer = ann.call("POST", "/tasks", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"] == reason
    assert ann.tasks() == []


def test_longest_title_and_description_are_accepted(ann: Person) -> None:
    task = ann.add("ü" * 200, description="ß" * 1000)
    assert len(task["title"]) == 200
    assert len(task["description"]) == 1000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is not valid JSON"),
        (b"\xff\x14\x02", "is not valid JSON"),
        (b"", "Body is required."),
        (b'{"title": "\\ud800"}', "Title must be text."),
    ],
)
def test_invalid_text_and_json_are_refused_with_a_sentence(
    ann: Person, content: bytes, reason: str
) -> None:
    answer = ann.call("POST", "/tasks", content=content)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]


def test_list_is_filtered_by_status(ann: Person) -> None:
    ann.add("One")
    ann.add("Two", completed=True)
    titles = {
        status: [t["title"] for t in ann.call("GET", f"/tasks?status={status}").json()]
        for status in ("all", "pending", "completed")
    }
    assert titles == {"all": ["One", "Two"], "pending": ["One"], "completed": ["Two"]}


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("sort=title", ["apple", "Banana", "cherry"]),
        ("sort=title&order=desc", ["cherry", "Banana", "apple"]),
        ("sort=created_at&order=desc", ["apple", "cherry", "Banana"]),
        ("sort=id&limit=2", ["Banana", "cherry"]),
        ("sort=id&limit=2&offset=2", ["apple"]),
        ("offset=9", []),
    ],
)
def test_list_is_sorted_and_paged(ann: Person, query: str, titles: list[str]) -> None:
    for title in ("Banana", "cherry", "apple"):
        ann.add(title)
    answer = ann.call("GET", f"/tasks?{query}")
    assert [t["title"] for t in answer.json()] == titles
    assert answer.headers["X-Total-Count"] == "3"


@pytest.mark.parametrize(
    "query", ["status=done", "sort=secret", "order=up", "limit=0", "limit=201", "offset=-1"]
)
def test_invalid_query_is_refused(ann: Person, query: str) -> None:
    assert ann.call("GET", f"/tasks?{query}").status_code == 422


def test_change_keeps_fields_that_are_not_given(ann: Person) -> None:
    task = ann.add("Buy milk", description="fresh")
    changed = ann.call("PUT", f"/tasks/{task['id']}", json={"title": "Buy eggs"}).json()
    assert (changed["title"], changed["description"]) == ("Buy eggs", "fresh")
    assert changed["updated_at"] > task["updated_at"]
    changed = ann.call("PUT", f"/tasks/{task['id']}", json={"description": None}).json()
    assert (changed["title"], changed["description"]) == ("Buy eggs", None)


def test_empty_change_is_refused(ann: Person) -> None:
    task = ann.add("Buy milk")
    assert ann.call("PUT", f"/tasks/{task['id']}", json={}).status_code == 422


def test_completion_is_toggled(ann: Person) -> None:
    path = f"/tasks/{ann.add('Buy milk')['id']}/complete"
    assert ann.call("PATCH", path).json()["completed"] is True
    assert ann.call("PATCH", path).json()["completed"] is False


def test_concurrent_toggles_all_count(ann: Person) -> None:
    path = f"/tasks/{ann.add('Buy milk')['id']}/complete"
    threads = [threading.Thread(target=ann.call, args=("PATCH", path)) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ann.tasks()[0]["completed"] is True


def test_deleted_task_is_not_found(ann: Person) -> None:
    path = f"/tasks/{ann.add('Buy milk')['id']}"
    answer = ann.call("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert ann.call("GET", path).status_code == 404
    assert ann.call("DELETE", path).status_code == 404


@pytest.mark.parametrize("task_id", ["0", "-1", "2147483648", "99999999999999999999", "x"])
def test_impossible_id_is_refused_without_a_server_error(ann: Person, task_id: str) -> None:
    assert ann.call("GET", f"/tasks/{task_id}").status_code == 422


def test_tasks_of_another_user_cannot_be_read_or_changed(ann: Person, bob: Person) -> None:
    task = ann.add("Secret")
    mine = f"/tasks/{task['id']}"
    assert bob.tasks() == []
    calls = [
        ("GET", mine, None),
        ("PUT", mine, {"title": "Mine"}),
        ("DELETE", mine, None),
        ("PATCH", f"{mine}/complete", None),
    ]
    for method, path, body in calls:
        # Just as for a task that nobody has.
        answer = bob.call(method, path, json=body)
        other = bob.call(method, path.replace(str(task["id"]), "999"), json=body)
        assert (answer.status_code, answer.json()["detail"]) == (404, other.json()["detail"])
    assert ann.tasks() == [task]


def test_path_of_another_user_is_forbidden_whether_it_exists_or_not(
    ann: Person, bob: Person
) -> None:
    task = ann.add("Secret")
    headers = {"Authorization": f"Bearer {token(bob.id)}"}
    seen = set()
    for user in (ann.id, "nobody"):
        for path in ("tasks", f"tasks/{task['id']}", "conversations"):
            answer = ann.client.get(f"/api/{user}/{path}", headers=headers)
            seen.add((answer.status_code, answer.json()["detail"]))
    assert seen == {(403, "You can only reach your own data.")}


def test_unsupported_method_is_answered_with_the_allowed_methods(ann: Person) -> None:
    answer = ann.call("DELETE", "/tasks")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST"}
