"""What a message asks for."""

from dataclasses import dataclass, field
from typing import Literal

from app.agent.builtin.refs import Ref, Status

Kind = Literal[
    "add", "list", "complete", "delete", "update", "reopen", "ask_add", "ask_done", "ask_delete",
    "ask_complete", "greet", "thank", "help", "refuse", "calm", "undo", "cannot", "unclear", "not_done",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One way to read a change: which task, and what it becomes."""

    ref: Ref
    title: str | None = None
    description: str | None = None
    # The part of the title that is to be replaced: "from 10 to 11".
    old: str | None = None
    # It is called a task in so many words, so that the title begins after that.
    noun: bool = False
    whole: bool = False  # without such a part, the title is replaced as a whole


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that is asked for."""

    kind: Kind
    ref: Ref = field(default_factory=Ref)
    title: str | None = None
    description: str | None = None
    status: Status = "all"
    stated: bool = False  # "... is done" of what may be a task's very title
    query: str | None = None
    soft: bool = False  # where nothing fits: everything is shown, or the words are a new task
    changes: tuple[Change, ...] = ()
    # The words it was read from, for an honest answer.
    source: str = ""
    # What is added may go on: all that is added then, and the intents it would otherwise hold.
    whole: tuple["Intent", ...] = ()
    loose: tuple["Intent", ...] = ()
