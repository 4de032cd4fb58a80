"""What a message asks for."""

from dataclasses import dataclass, field
from typing import Literal

from app.agent.builtin.refs import Ref, Status

Kind = Literal[
    "add", "list", "complete", "delete", "update", "reopen", "ask_add", "ask_done", "ask_delete",
    "ask_complete", "greet", "thank", "help", "refuse", "calm", "undo", "cannot", "unclear",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One way to read a change: which task, and what it becomes."""

    ref: Ref
    title: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing that is asked for."""

    kind: Kind
    ref: Ref = field(default_factory=Ref)
    title: str | None = None
    description: str | None = None
    status: Status = "all"
    query: str | None = None
    changes: tuple[Change, ...] = ()
    # The words it was read from, for an honest answer.
    source: str = ""
    # An added title may go on: the whole of it, and the wishes it would otherwise hold.
    whole: str | None = None
    loose: tuple["Wish", ...] = ()
