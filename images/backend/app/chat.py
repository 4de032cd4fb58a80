"""One chat request on a stateless server: load, store, answer, store.

The work runs in a task of its own, so that a reader who goes away does not cut an answer short
and a shutdown can wait for it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from app import conversations
from app.agent.interface import Answer, Assistant, Listener, Said
from app.core.db import Database
from app.models import Message, Role
from app.schemas import ToolCall

HISTORY = 40  # messages that the model is shown

Event = tuple[str, dict[str, Any]]


class UnknownConversationError(Exception):
    """The user has no such conversation."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored message that waits for its answer."""

    user_id: str
    conversation_id: int
    history: list[Said]


class Chat:
    """Takes messages and gets them answered, as soon as there is an assistant."""

    def __init__(self, database: Database, assistant: asyncio.Future[Assistant]) -> None:
        self._database = database
        self._assistant = assistant
        self._running: set[asyncio.Task[Answer]] = set()

    async def receive(self, user_id: str, conversation_id: int | None, message: str) -> Turn:
        """Load the history and store the message; raises UnknownConversationError."""
        async with self._database.session() as session:
            past: list[Message] = []
            if conversation_id is None:
                conversation_id = await conversations.start(session, user_id)
            elif await conversations.resume(session, user_id, conversation_id):
                past = await conversations.messages(session, conversation_id, HISTORY)
            else:
                raise UnknownConversationError
            history = [Said(Role(said.role).value, said.content) for said in past]
            history.append(Said("user", message))
            await conversations.say(session, user_id, conversation_id, Role.USER, message)
            return Turn(user_id, conversation_id, history)

    async def answer(self, turn: Turn) -> Answer:
        """Answer and store the answer."""
        return await asyncio.shield(self._start(turn, None))

    async def events(self, turn: Turn) -> AsyncIterator[Event]:
        """Answer, telling what happens: start, then tool and delta, then done or error."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()

        async def on_text(text: str) -> None:
            queue.put_nowait(("delta", {"text": text}))

        async def on_call(call: ToolCall) -> None:
            queue.put_nowait(("tool", call.model_dump()))

        task = self._start(turn, Listener(on_text, on_call))
        task.add_done_callback(lambda _: queue.put_nowait(None))
        yield "start", {"conversation_id": turn.conversation_id}
        while (event := await queue.get()) is not None:
            yield event
        if task.cancelled() or task.exception() is not None:
            yield "error", {"detail": "Something went wrong on our side. Please try again."}
            return
        answer = task.result()
        calls = [call.model_dump() for call in answer.calls]
        yield (
            "done",
            {
                "conversation_id": turn.conversation_id,
                "response": answer.text,
                "tool_calls": calls,
            },
        )

    async def finish(self) -> None:
        """Wait for the answers under way."""
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    def _start(self, turn: Turn, listener: Listener | None) -> asyncio.Task[Answer]:
        task = asyncio.create_task(self._work(turn, listener))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _work(self, turn: Turn, listener: Listener | None) -> Answer:
        assistant = await asyncio.shield(self._assistant)
        answer = await assistant.answer(turn.user_id, turn.history, listener)
        calls = [call.model_dump() for call in answer.calls]
        async with self._database.session() as session:
            user_id, conversation_id = turn.user_id, turn.conversation_id
            if await conversations.resume(session, user_id, conversation_id):  # else deleted
                await conversations.say(
                    session, user_id, conversation_id, Role.ASSISTANT, answer.text, calls
                )
        return answer
