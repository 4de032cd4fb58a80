"""Processor limits of the built-in model: 50 ms for 300 characters, 500 ms for 4,000.

The test machine is shared and its clock is coarse, so measured times must be well below.
"""

import random
import re

import pytest

from app.agent.builtin import patterns as bounded
from app.agent.builtin import replies
from app.agent.builtin.patterns import TooHardError, begin
from app.agent.builtin.text import distance
from tests.desk import Desk
from tests.dialogue import Todo
from tests.hostile import LIST, alphabet, cost, least, near_misses, padded, texts

SHORT, SHORT_BOUND = 300, 0.050
LONG, LONG_BOUND = 4000, 0.500

# Reported examples, and pieces that take much work in parts of the reader.
PIECES = [
    "please ", "? ", "to ", "a and b and ", "1 and 2 and ", "milk, bread and ", "a, b, c and d and ", "'a ", '"a" ', '"a ', "“", "(",
    "((a) ", "[x] ", " ", "\t", "\n", " \n ", "a\n", "- a\n", "1. a 2. b ", ". ", "a. ", "; ", "e\u0301", "\u05d0\u202e ", "\u200b", "😀", "İ", "ß",
    "ſ", "\ue000", "\ue0000\ue001 ", "seven ", "two and twenty ", "w" * 200 + " ", "mlik ", "brad ", "buyy ", "mlik and ", "tsk 1 ", "done ",
    "is done and ", "not ", "no, wait, ", "sorry, i mean ", "instead of ", "change a to b and ", "rename it to ", "all but the first ",
    "the first and the second ", "if i ", "i have just finished ", "would you mind ", "and also then ", "-", "--", "->", ":", "👍 ", "you know what ",
    "from my list ", "for me please ", "today, ", "and with a description ", "note that ", "or ", "#1 ", "1 ", "99999999999999999999 ",
]  # fmt: skip
HEADS = [
    "",
    "add ",
    "change ",
    "change buy milk to ",
    "delete ",
    "mark ",
    "show ",
    "i need to ",
    "what ",
]
ISSUE = [
    " and ".join(map(str, range(1, 12))) + " and maybe the last",
    "please " * 20 + "x",
    "add " + "? " * 140,
    "change " + "to " * 95,
    "change buy a and " + "b and " * 40,
    "the first 999999999 tasks",
    "delete the first 999999999",
    "delete the last 99999999999999999999",
]


def _fail(slow: list[tuple[float, str]]) -> None:
    assert not slow, [(round(s * 1000), text[:120]) for s, text in sorted(slow, reverse=True)[:5]]


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """Compile the patterns, as in a worker that has answered before."""
    for message in (*ISSUE, *PIECES):
        cost(padded(message, SHORT))


@pytest.mark.parametrize("message", ISSUE)
def test_reported_messages_are_answered_within_the_time_limit(message: str) -> None:
    assert least(message, bound=SHORT_BOUND) < SHORT_BOUND
    assert least(padded(message + " ", LONG), bound=LONG_BOUND) < LONG_BOUND


@pytest.mark.parametrize("head", HEADS)
def test_repetitions_are_answered_within_the_time_limit(head: str) -> None:
    slow = []
    for piece in PIECES:
        for length, bound in ((SHORT, SHORT_BOUND), (LONG, LONG_BOUND)):
            message = padded(piece, length, head, "x")
            if (spent := least(message, bound=bound)) > bound:
                slow.append((spent, message))
    _fail(slow)


def test_near_matches_of_each_pattern_are_answered_within_the_time_limit() -> None:
    rng = random.Random(10)  # noqa: S311
    patterns = [text for text in texts() if re.search(r"[|(*+?\\]", text)]
    assert len(patterns) > 500
    slow = []
    for number, pattern in enumerate(patterns):
        pieces = list(near_misses(pattern, rng))
        for turn in range(2):
            piece, head = rng.choice(pieces), rng.choice(HEADS)
            message = padded(piece, SHORT, head, rng.choice(["", "x", " x y"]))
            if (spent := least(message, bound=SHORT_BOUND)) > SHORT_BOUND:
                slow.append((spent, message))
            if number % 4 == turn:
                message = padded(piece, LONG, head)
                if (spent := least(message, bound=LONG_BOUND)) > LONG_BOUND:
                    slow.append((spent, message))
    _fail(slow)


@pytest.mark.parametrize(
    ("length", "bound", "tries"), [(SHORT, SHORT_BOUND, 400), (LONG, LONG_BOUND, 60)]
)
def test_search_finds_no_slow_message(length: int, bound: float, tries: int) -> None:
    """Search for the slowest message by changing the words of slow ones."""
    rng = random.Random(length)  # noqa: S311
    words = list(dict.fromkeys(w for t in texts() for w in alphabet(t) if "\\" not in w))
    best: list[tuple[float, str]] = []
    for number in range(tries):
        if number < tries // 4 or rng.random() < 0.3:
            glue = [rng.choice(["", " ", " ", ", ", ". ", " and ", " to "]) for _ in range(5)]
            piece = "".join(rng.choice(words) + g for g in glue) or "x"
            message = padded(piece, length, rng.choice(HEADS))
        else:
            message = _changed(rng.choice(best)[1], words, rng)[:length]
        best = sorted([*best, (cost(message), message)], reverse=True)[:20]
    _fail([(s, m) for s, m in best if s > bound and least(m, bound=bound) > bound])


def _changed(message: str, words: list[str], rng: random.Random) -> str:
    parts = message.split(" ")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(parts))
        match rng.randrange(3):
            case 0:
                parts[at] = rng.choice(words)
            case 1:
                parts.insert(at, rng.choice(words))
            case _:
                parts[at : at + 4] = parts[at : at + 4] * 2
    return " ".join(parts)


@pytest.mark.parametrize(
    "title",
    ["“" * 190, "a " * 100, "w" * 200, "(#1) ” be? " * 18, "mlik brad " * 20, "• #1 x ✓ " * 22],
)
def test_hostile_titles_are_read_within_the_time_limit(title: str) -> None:
    before = tuple(Todo((f"{title[:190]} {n}",), note=(title * 99)[:1000]) for n in range(500))
    for said in (
        "show my tasks",
        "delete milk brad wx",
        "delete the milk and the a a",
        "change a to b to c",
    ):
        for then in ("delete the first one", "change " + "a to " * 50, "mark " + "w" * 290):
            spent = min(cost(then, said, before=before) for _ in range(2))
            assert spent < 2 * SHORT_BOUND, (said, then)


def test_one_of_500_long_titles_is_found() -> None:
    words = (
        "the landlord said that he would come on Thursday to look at the leaking tap in the hall"
    )
    desk = Desk(tuple(Todo((f"{words} number{n} {words}",)) for n in range(500)))
    assert "#78" in desk.say("delete the landlord number77")
    assert len(desk.state) == 499


def test_message_after_many_quotes_is_read_within_the_time_limit() -> None:
    assert least("yes", "delete " + "“" * 3900, bound=SHORT_BOUND) < SHORT_BOUND


def test_message_above_the_work_limit_gives_an_apology_and_changes_nothing() -> None:
    desk = Desk(LIST)
    reply = desk.say("delete " + "please not, wait, and all but the first and " * 80)
    assert reply == replies.TOO_HARD
    assert desk.state == LIST
    assert "You have 500 todos" in desk.say("show my tasks")


def test_text_above_the_message_length_is_not_read() -> None:
    assert Desk(LIST).say("a" * 4001) == replies.TOO_HARD


def test_placeholders_in_a_message_are_ignored() -> None:
    desk = Desk(())
    desk.say("add \ue0005\ue001 milk")
    assert [todo.title for todo in desk.state] == ["5 milk"]


@pytest.mark.parametrize(
    "pattern", [r"^(?:a+)+$", r"^(?:a|a)*$", r"^(.*a){12}$", r"^(?:(?:a+,?)+)+$"]
)
def test_backtracking_pattern_stops_at_the_step_limit(pattern: str) -> None:
    begin("")
    with pytest.raises(TooHardError):
        bounded.match(pattern, "a" * 60 + "a a, " * 20 + "!")


def test_search_counts_steps_of_all_start_positions() -> None:
    begin("a" * 4000)
    with pytest.raises(TooHardError):
        bounded.search(r"(?:a?a?a?a?a?)*[bc]", "a" * 400)


def test_message_has_a_work_limit() -> None:
    begin("")
    with pytest.raises(TooHardError):
        sum(distance(f"word{number}", f"work{number}") for number in range(100_000))
    begin("")
    assert distance("milk", "mlik") == 1


def test_patterns_behave_like_re() -> None:
    begin("")
    found = bounded.compile(r"(?P<x>\w+) (?P<y>\d+)?").match("é1 2")
    assert found is not None
    assert (found["x"], found["y"], found.start("y"), found.end()) == ("é1", "2", 3, 4)
    assert found.expand(r"\g<y> \1") == "2 é1"
    assert bounded.compile(r"\s*,\s*").split("a , b,c") == ["a", "b", "c"]
    assert bounded.compile(r"x*").sub("-", "axb") == re.sub(r"x*", "-", "axb")
    assert bounded.compile(r"(?<=a)b").sub("c", "abab", count=1) == "acab"
