"""The REST interface of conversations."""

from tests.conftest import Person


def test_conversations_are_listed_most_recently_used_first(ann: Person) -> None:
    old = ann.say("add buy eggs")["conversation_id"]
    new = ann.say("hello there")["conversation_id"]
    listed = ann.call("GET", "/conversations").json()
    assert [(c["id"], c["title"]) for c in listed] == [(new, "hello there"), (old, "add buy eggs")]
    ann.say("thanks", old)
    assert [c["id"] for c in ann.call("GET", "/conversations").json()] == [old, new]
    assert [c["id"] for c in ann.call("GET", "/conversations?limit=1&offset=1").json()] == [new]


def test_messages_are_in_order_with_their_calls(ann: Person) -> None:
    conversation = ann.say("add buy eggs")["conversation_id"]
    ann.say("thanks", conversation)
    path = f"/conversations/{conversation}/messages"
    messages = ann.call("GET", path).json()
    assert [m["role"] for m in messages] == ["user", "assistant", "user", "assistant"]
    assert [len(m["tool_calls"]) for m in messages] == [0, 1, 0, 0]
    assert ann.call("GET", f"{path}?limit=1").json() == messages[-1:]
    assert ann.call("GET", f"{path}?before={messages[2]['id']}").json() == messages[:2]


def test_deleting_a_conversation_keeps_the_tasks(ann: Person) -> None:
    conversation = ann.say("add buy eggs")["conversation_id"]
    path = f"/conversations/{conversation}"
    assert ann.call("DELETE", path).status_code == 204
    assert ann.call("GET", f"{path}/messages").status_code == 404
    assert ann.call("DELETE", path).status_code == 404
    assert ann.call("GET", "/conversations").json() == []
    assert [t["title"] for t in ann.tasks()] == ["Buy eggs"]


def test_conversations_of_another_user_cannot_be_read_or_deleted(ann: Person, bob: Person) -> None:
    conversation = ann.say("add buy eggs")["conversation_id"]
    assert bob.call("GET", "/conversations").json() == []
    assert bob.call("DELETE", f"/conversations/{conversation}").status_code == 404
    assert len(ann.call("GET", "/conversations").json()) == 1
