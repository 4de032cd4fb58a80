"""Reads the tables of conversations under dialogues/: what is said, and what the list is afterwards.

A table is text. A conversation is a block of lines; an empty line ends it:

    have: Buy milk; x Call mom; Plan party | Invite 20 people
    > delete the milk task
    = -Buy milk

`have:` gives the tasks there are at first (x: completed, |: its description); without it they are
those of the table's `always:`. `> ` is said, with {2} for the number of the second task, and `= `
is what must hold then; ways that are as good as one another stand with || between them:

- `same`: nothing has changed; `asks`: nor is it done without a question; `any`: not looked at;
- `says a|b`: nothing has changed, and the answer holds one of these words;
- `lists A; B`: nothing has changed, and just these were listed (`lists none`: no task);
- changes with ; between them: `+A` added (`+A^B` or as B, `+A | B` described as B), `-A` deleted,
  `done A`, `undone A`, `rename A => B`, `describe A => B`;
- `after changes: lists A; B`: both.

Changes add up from one line to the next. Capitals do not count.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

_FOLDER = Path(__file__).with_name("dialogues")


@dataclass(frozen=True)
class Todo:
    """A task as a table writes it; a title may be given in several ways."""

    titles: tuple[str, ...]
    done: bool = False
    note: str = ""

    @property
    def title(self) -> str:
        """Return the first way to write the title."""
        return self.titles[0]


State = tuple[Todo, ...]


@dataclass(frozen=True)
class Step:
    """Something that is said, and what must hold then."""

    said: str
    expected: str


@dataclass(frozen=True)
class Dialogue:
    """A conversation of a table."""

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
    """Return the names of the tables that there are."""
    return sorted(path.stem for path in _FOLDER.glob("*.txt"))


def read_table(name: str) -> list[Dialogue]:
    """Read a table's conversations."""
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
            found.append(Dialogue(title, always if have is None else have, tuple(steps)))
    return found


def _key(todo: Todo) -> tuple[str, bool, str]:
    return todo.title.casefold(), todo.done, todo.note.casefold()


def _find(state: State, title: str) -> Todo:
    folded = title.strip().casefold()
    found = next((t for t in state if folded in (one.casefold() for one in t.titles)), None)
    if found is None:
        raise LookupError(title)
    return found


def _changed(state: State, change: str) -> State:
    """Apply one change to what is expected."""
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
    """Return what is expected, written as it came, or nothing where it came otherwise."""
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


def _holds(way: str, state: State, actual: State, reply: str) -> State | None:
    """Return the state that the conversation goes on from, or nothing when the way fails."""
    if way == "any":
        return state
    if way.startswith("after "):
        changes, _, then = way.removeprefix("after ").partition(": lists ")
        return _holds(changes, state, actual, reply) if _lists(reply, then) else None
    fits = True
    verb, _, rest = way.partition(" ")
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
            for change in way.split(";"):
                state = _changed(state, change.strip())
    return _agrees(state, actual) if fits else None


def check(step: Step, state: State, actual: State, reply: str) -> State | None:
    """Return what the next step starts from; nothing when this one went wrong."""
    for way in step.expected.split(" || "):
        try:
            settled = _holds(way.strip(), state, actual, reply)
        except LookupError:  # "delete the fern", where it was written "fern"
            continue
        if settled is not None:
            return settled
    return None
