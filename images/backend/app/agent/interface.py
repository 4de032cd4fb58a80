"""What the chat and the assistant hand each other, free of what is slow to import."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from app.agent.said import Said as Said  # noqa: PLC0414 - a name of this module too
from app.schemas import ToolCall


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant said and which tools it called for it."""

    text: str
    calls: list[ToolCall]


@dataclass(frozen=True, slots=True)
class Listener:
    """Hears what happens while the assistant works."""

    on_text: Callable[[str], Awaitable[None]]
    on_call: Callable[[ToolCall], Awaitable[None]]


class Assistant(Protocol):
    """Answers messages; holds nothing about users or conversations."""

    async def answer(
        self, user_id: str, history: list[Said], listener: Listener | None = None
    ) -> Answer:
        """Answer the last message of the history; a failing model gives a kind sentence."""
        ...
