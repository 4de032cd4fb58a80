"""Where a message is cut into intents."""

from app.agent.builtin.parts import cut
from app.agent.builtin.patterns import begin

_BREAKS = "delete task 1, " * 250


def test_a_message_of_nothing_but_breaks_is_not_cut_without_end() -> None:
    begin(_BREAKS)
    parts = cut(_BREAKS)
    assert 10 < len(parts) <= 51
