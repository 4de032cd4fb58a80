"""What is put right in the same breath."""

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
        # Nothing is put right here.
        ("tell Bob I mean it", "tell Bob I mean it"),
        ("add wait for the plumber", "add wait for the plumber"),
    ],
)
def test_the_last_word_counts(said: str, meant: str) -> None:
    begin(said)
    assert corrected(said) == meant


def test_what_is_long_is_left_as_it_is() -> None:
    said = "add milk, no wait, " * 50
    begin(said)
    assert corrected(said) == said
