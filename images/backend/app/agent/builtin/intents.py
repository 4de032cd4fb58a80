"""Intents: the actions that a message asks for."""

from dataclasses import dataclass, field
from typing import Literal

from app.agent.builtin.refs import Ref, Status

Kind = Literal[
    "add", "list", "complete", "delete", "update", "reopen", "ask_add", "ask_done", "ask_delete",
    "ask_complete", "greet", "thank", "help", "refuse", "calm", "undo", "cannot", "unclear", "not_done",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One reading of a change: a todo and its new title or description."""

    ref: Ref
    title: str | None = None
    description: str | None = None
    # The part of the title that is replaced: "from 10 to 11".
    old: str | None = None
    # The message says "task", so the title starts after this word.
    noun: bool = False
    whole: bool = False  # when the title does not have that part, the whole title is replaced


@dataclass(frozen=True, slots=True)
class Intent:
    """One action that a message asks for."""

    kind: Kind
    ref: Ref = field(default_factory=Ref)
    title: str | None = None
    description: str | None = None
    status: Status = "all"
    stated: bool = False  # "... is done" after words that may be a complete title
    query: str | None = None
    soft: bool = False  # without a match, show everything, or add the words as a new todo
    changes: tuple[Change, ...] = ()
    # The words of the message, for the answer.
    source: str = ""
    # Words after a title may continue it: `whole` is the reading as titles, `loose` as intents.
    whole: tuple["Intent", ...] = ()
    loose: tuple["Intent", ...] = ()
