"""Where a message is cut into wishes."""

from app.agent.builtin.parts import cut


def test_a_message_of_nothing_but_breaks_is_not_cut_without_end() -> None:
    parts = cut("delete task 1, " * 250)
    assert 10 < len(parts) <= 51
