"""Questions of the assistant that the built-in model reads back from a conversation."""

import pytest

from app.agent.builtin.conversation import read_context
from app.agent.said import Said


@pytest.mark.parametrize(
    ("question", "form", "tasks"),
    [
        (
            "Shall I delete these 2 tasks?\n• #1 Milk\n• #2 Eggs\nPlease answer yes or no.",
            "shall",
            2,
        ),
        ("Shall I mark this task as done?\n• #1 Milk\nPlease answer yes or no.", "shall", 1),
        ("What should the new task be called?", "title", 0),
    ],
)
def test_question_of_an_earlier_release_still_waits_for_its_answer(
    question: str, form: str, tasks: int
) -> None:
    pending = read_context([Said("user", "delete all"), Said("assistant", question)]).pending
    assert pending is not None
    assert (pending.form, len(pending.tasks)) == (form, tasks)
