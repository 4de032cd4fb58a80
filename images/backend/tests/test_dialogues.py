"""The built-in model in whole conversations."""

import pytest

from tests.desk import Desk
from tests.dialogue import Dialogue, check, read_table, tables

EVERY = [dialogue for table in tables() for dialogue in read_table(table)]


@pytest.mark.parametrize("dialogue", EVERY, ids=lambda dialogue: dialogue.name)
def test_each_turn_leaves_the_list_as_it_was_meant(dialogue: Dialogue) -> None:
    desk, state = Desk(dialogue.before), dialogue.before
    for step in dialogue.steps:
        said = step.said
        for number in range(1, len(dialogue.before) + 1):
            said = said.replace(f"{{{number}}}", str(number))
        reply = desk.say(said)
        settled = check(step, state, desk.state, reply)
        assert settled is not None, (step, desk.state, reply)
        state = settled


def test_the_tables_hold_hundreds_of_conversations() -> None:
    assert len({dialogue.name for dialogue in EVERY}) >= 1000
