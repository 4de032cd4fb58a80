"""Splitting a message into parts."""

from app.agent.builtin.parts import cut
from app.agent.builtin.patterns import begin

_BREAKS = "delete task 1, " * 250


def test_number_of_parts_is_limited() -> None:
    begin(_BREAKS)
    parts = cut(_BREAKS)
    assert 10 < len(parts) <= 51
