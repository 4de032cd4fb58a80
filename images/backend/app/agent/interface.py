"""The interface between chat and assistant, in a module without slow imports."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from app.agent.said import Said as Said  # noqa: PLC0414 - a name of this module too
from app.schemas import ToolCall


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the assistant and its tool calls."""

    text: str
    calls: list[ToolCall]


@dataclass(frozen=True, slots=True)
class Listener:
    """Functions that the assistant calls while it works."""

    on_text: Callable[[str], Awaitable[None]]
    on_call: Callable[[ToolCall], Awaitable[None]]


class Assistant(Protocol):
    """Answers messages; it keeps no state of users or conversations."""

    async def answer(
        self, user_id: str, history: list[Said], listener: Listener | None = None
    ) -> Answer:
        """Answer the last message of the history; apologize when the model fails."""
        ...
