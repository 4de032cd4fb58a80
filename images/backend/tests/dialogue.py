"""Reads the dialogue tables under dialogues/: messages, and the list of todos expected after each.

A table is a text file, named after the behaviour that it tests. A dialogue is a block of lines,
and an empty line ends it:

    have: Buy milk; x Call mom; Plan party | Invite 20 people
    > delete the milk task
    = -Buy milk

`have:` gives the todos at the start (`x`: done; text after `|`: description). Without it, the
dialogue starts with the last list that an `always:` line gave. `> ` is a message, in which {2}
stands for the number of the second todo. `= ` is the expectation; several accepted outcomes are
separated by ` || `:

- `same`: nothing has changed;
- `asks`: nothing has changed, and the answer contains a question;
- `any`: every outcome is accepted;
- `says a|b`: nothing has changed, and the answer contains one of these words;
- `lists A; B`: nothing has changed, and exactly these todos were listed (`lists none`: none);
- changes, separated by `;`: `+A` added (`+A^B`: A or B, `+A | B`: with description B), `-A`
  deleted, `done A`, `undone A`, `rename A => B`, `describe A => B`;
- `after changes: lists A; B`: the changes, and then the list.

Each step starts from the list of the step before. Upper and lower case are equal.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

_FOLDER = Path(__file__).with_name("dialogues")


@dataclass(frozen=True)
class Todo:
    """A todo in a table; it may have several accepted titles."""

    titles: tuple[str, ...]
    done: bool = False
    note: str = ""

    @property
    def title(self) -> str:
        """Return the first accepted title."""
        return self.titles[0]


State = tuple[Todo, ...]


@dataclass(frozen=True)
class Step:
    """A message and its expectation."""

    said: str
    expected: str

    @property
    def outcomes(self) -> list[str]:
        """Return the accepted outcomes."""
        return [outcome.strip() for outcome in self.expected.split(" || ")]

    @property
    def accepts_question(self) -> bool:
        """Report whether a question passes although an action or an answer was meant."""
        if "any" in self.outcomes:
            return True
        return "asks" in self.outcomes and bool(set(self.outcomes) - {"asks", "same"})


@dataclass(frozen=True)
class Dialogue:
    """A dialogue of a table."""

    name: str
    before: State
    steps: tuple[Step, ...]


def _todo(text: str) -> Todo:
    titles, _, note = text.partition(" | ")
    done = titles.startswith("x ")
    return Todo(tuple(titles.removeprefix("x ").split("^")), done, note)


def _list(text: str) -> State:
    return tuple(_todo(item.strip()) for item in text.split(";") if item.strip())


def tables() -> list[str]:
    """Return the names of all tables."""
    return sorted(path.stem for path in _FOLDER.glob("*.txt"))


def read_table(name: str) -> list[Dialogue]:
    """Read the dialogues of a table."""
    always: State = ()
    found = []
    for block in re.split(r"\n\s*\n", (_FOLDER / f"{name}.txt").read_text("utf-8")):
        have: State | None = None
        said, steps = "", []
        for line in block.splitlines():
            mark, _, rest = line.partition(" ")
            match mark:
                case ">":
                    said = rest
                case "=":
                    steps.append(Step(said, rest))
                case "always:":
                    always = _list(rest)
                case "have:":
                    have = _list(rest)
                case "have:none":
                    have = ()
        if steps:
            title = " / ".join(step.said for step in steps)
            found.append(
                Dialogue(f"{name}: {title}", always if have is None else have, tuple(steps))
            )
    return found


def count_accepted_questions() -> tuple[int, int]:
    """Return how many steps of all tables accept a question (see Step), and how many there are."""
    steps = [step for name in tables() for found in read_table(name) for step in found.steps]
    return sum(step.accepts_question for step in steps), len(steps)


def _key(todo: Todo) -> tuple[str, bool, str]:
    return todo.title.casefold(), todo.done, todo.note.casefold()


def _find(state: State, title: str) -> Todo:
    folded = title.strip().casefold()
    found = next((t for t in state if folded in (one.casefold() for one in t.titles)), None)
    if found is None:
        raise LookupError(title)
    return found


def _changed(state: State, change: str) -> State:
    """Apply one expected change to a list."""
    if change.startswith("+"):
        return (*state, _todo(change[1:]))
    if change.startswith("-"):
        gone = _find(state, change[1:])
        return tuple(t for t in state if t is not gone)
    verb, _, rest = change.partition(" ")
    title, _, value = rest.partition(" => ")
    old = _find(state, title)
    match verb:
        case "done" | "undone":
            new = replace(old, done=verb == "done")
        case "rename":
            new = replace(old, titles=tuple(value.split("^")))
        case "describe":
            new = replace(old, note=value)
        case _:
            raise ValueError(f"unknown change {change!r}")
    return tuple(new if t is old else t for t in state)


def _agrees(expected: State, actual: State) -> State | None:
    """Return the expected list with the titles found, or None when the lists differ."""
    have = Counter(_key(todo) for todo in actual)
    settled = []
    for todo in expected:
        keys = [_key(replace(todo, titles=(title,))) for title in todo.titles]
        key = next((key for key in keys if have[key]), None)
        if key is None:
            return None
        have[key] -= 1
        settled.append(replace(todo, titles=(todo.titles[[*keys].index(key)],)))
    return tuple(settled) if not have.total() else None


def _lists(reply: str, wanted: str) -> bool:
    shown = [line.casefold() for line in reply.splitlines() if line.startswith("•")]
    titles = [] if wanted == "none" else [t.strip().casefold() for t in wanted.split(";")]
    return len(shown) == len(titles) and all(any(t in line for line in shown) for t in titles)


def _holds(outcome: str, state: State, actual: State, reply: str) -> State | None:
    """Return the state after an accepted outcome, or None when the outcome does not hold."""
    if outcome == "any":
        return state
    if outcome.startswith("after "):
        changes, _, then = outcome.removeprefix("after ").partition(": lists ")
        return _holds(changes, state, actual, reply) if _lists(reply, then) else None
    fits = True
    verb, _, rest = outcome.partition(" ")
    match verb:
        case "same":
            pass
        case "asks":
            fits = "?" in reply
        case "says":
            fits = any(word.casefold() in reply.casefold() for word in rest.split("|"))
        case "lists":
            fits = _lists(reply, rest)
        case _:
            for change in outcome.split(";"):
                state = _changed(state, change.strip())
    return _agrees(state, actual) if fits else None


def check(step: Step, state: State, actual: State, reply: str) -> State | None:
    """Return the state after the step, or None when no accepted outcome holds."""
    for outcome in step.outcomes:
        try:
            settled = _holds(outcome, state, actual, reply)
        except LookupError:  # an earlier step settled on another accepted title
            continue
        if settled is not None:
            return settled
    return None
