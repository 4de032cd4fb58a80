"""Corrections in the same message."""

import pytest

from app.agent.builtin.correcting import corrected
from app.agent.builtin.patterns import begin


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("mark 3 as done, sorry, I mean 4", "mark 4 as done"),
        ("add collect the rug at 5, no wait, at 6", "add collect the rug at 6"),
        ("add buy oat milk no wait make that soy milk", "add buy soy milk"),
        ("add a reminder to go jogging, oh never mind", "never mind"),
        ("delete the dentist... hang on, complete it", "complete the dentist"),
        (
            "rename 5 to Oil the hinges, no wait, Replace the hinges",
            "rename 5 to Replace the hinges",
        ),
        # These messages have no correction.
        ("tell Bob I mean it", "tell Bob I mean it"),
        ("add wait for the plumber", "add wait for the plumber"),
    ],
)
def test_correction_replaces_the_words_before_it(said: str, meant: str) -> None:
    begin(said)
    assert corrected(said) == meant


def test_long_message_is_not_corrected() -> None:
    said = "add milk, no wait, " * 50
    begin(said)
    assert corrected(said) == said
