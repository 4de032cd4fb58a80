"""The built-in model with a list in memory.

A conversation through agent, MCP tools and database (test_phrases.py) takes a tenth of a second. The
model alone is pure and much faster, so that thousands of dialogues can be tested.
"""

from typing import Any

from app.agent.builtin.planner import respond
from app.agent.builtin.steps import Call, Result
from app.agent.interface import Said
from tests.dialogue import State, Todo


class Desk:
    """A list of todos and a conversation about it."""

    def __init__(self, before: State) -> None:
        self._rows: dict[int, dict[str, Any]] = {
            number: {"id": number, "title": t.title, "description": t.note, "completed": t.done}
            for number, t in enumerate(before, 1)
        }
        self._next = len(before) + 1
        self._said: list[Said] = []

    @property
    def state(self) -> State:
        """Return the list in the form of the dialogue tables."""
        return tuple(
            Todo((row["title"],), row["completed"], row["description"] or "")
            for row in self._rows.values()
        )

    def say(self, message: str) -> str:
        """Send a message and return the answer."""
        self._said.append(Said("user", message))
        plan = respond(self._said)
        try:
            calls = next(plan)
            while True:
                calls = plan.send([self._call(call) for call in calls])
        except StopIteration as end:
            answer = str(end.value)
        self._said.append(Said("assistant", answer))
        return answer

    def _call(self, call: Call) -> Result:
        given = dict(call.arguments)
        if call.tool == "list_tasks":
            done = {"all": (True, False), "pending": (False,), "completed": (True,)}
            wanted = done[given["status"]]
            return Result([dict(r) for r in self._rows.values() if r["completed"] in wanted])
        row: dict[str, Any] | None
        if call.tool == "add_task":
            row = {"id": self._next, "description": None, "completed": False, **given}
            self._rows[self._next] = row
            self._next += 1
        else:
            row = self._rows.get(given.pop("task_id"))
            if row is None:
                return Result(error="it does not exist")
            if call.tool == "delete_task":
                del self._rows[row["id"]]
            else:
                row.update(given if call.tool == "update_task" else {"completed": True})
        return Result({"task_id": row["id"], "title": row["title"]})
