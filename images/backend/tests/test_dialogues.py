"""The built-in model in whole dialogues."""

import pytest

from tests.desk import Desk
from tests.dialogue import Dialogue, check, count_accepted_questions, read_table, tables

DIALOGUES = [dialogue for table in tables() for dialogue in read_table(table)]

# Steps that pass with a question although an action or an answer was meant. The number may only
# fall: lower it when the model, or a table, gets more definite.
QUESTIONS_ACCEPTED = 1548


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_each_step_changes_the_list_as_expected(dialogue: Dialogue) -> None:
    desk, state = Desk(dialogue.before), dialogue.before
    for step in dialogue.steps:
        said = step.said
        for number in range(1, len(dialogue.before) + 1):
            said = said.replace(f"{{{number}}}", str(number))
        reply = desk.say(said)
        settled = check(step, state, desk.state, reply)
        assert settled is not None, (step, desk.state, reply)
        state = settled


def test_number_of_steps_that_accept_a_question_does_not_grow() -> None:
    accepted, _ = count_accepted_questions()
    assert accepted <= QUESTIONS_ACCEPTED, "make the new steps expect an action"
    assert accepted == QUESTIONS_ACCEPTED, f"lower QUESTIONS_ACCEPTED to {accepted}"
