"""Chat requests: store the message, get the answer of the assistant, store the answer.

Each answer is made in a separate asyncio task. So it is completed when the client disconnects, and
a shutdown can wait for it. The number of accepted messages is limited. A smaller number is answered
at the same time; the others wait and use little memory.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from app import conversations
from app.agent.interface import Answer, Assistant, Listener, Said
from app.agent.summary import kept, storable
from app.core.config import Settings
from app.core.db import Database
from app.limits import TO_TELL, BusyError, Limits, QuotaError
from app.models import ANSWER_MAX, Role
from app.schemas import ToolCall

HISTORY = 40  # messages of the conversation that the model gets
HISTORY_ROOM = 64_000  # characters of these messages
_BACKLOG = 256  # events that wait for a slow reader

_CUT = " … (The answer is too long to be shown in full.)"
_FAILED = "Something went wrong on our side. Please try again."
_BUSY = "The assistant is very busy right now. Please try again in a moment."
_SLOW = (
    "The answer took too long. Part of it may already be done: please look at your list before you"
    " try again."
)

Event = tuple[str, dict[str, Any]]

log = logging.getLogger("app.chat")


class UnknownConversationError(Exception):
    """The user has no such conversation."""


class Feed:
    """The events of an answer, for one reader.

    A slow reader misses events; the last event, `done`, contains the whole answer.
    """

    def __init__(self) -> None:
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._room = ANSWER_MAX

    def put(self, name: str, data: dict[str, Any]) -> None:
        """Add an event, unless too many wait."""
        if self._events.qsize() < _BACKLOG:
            self._events.put_nowait((name, data))

    def end(self) -> None:
        """Mark the end of the events."""
        self._events.put_nowait(None)

    async def on_text(self, text: str) -> None:
        """Add a piece of the answer, up to the maximum length of an answer."""
        if text := text[: self._room]:
            self._room -= len(text)
            self.put("delta", {"text": text})

    async def on_call(self, call: ToolCall) -> None:
        """Add a tool call."""
        self.put("tool", call.model_dump())

    async def events(self) -> AsyncIterator[Event]:
        """Yield the events until the end."""
        while (event := await self._events.get()) is not None:
            yield event


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored message and the task that answers it."""

    conversation_id: int
    work: asyncio.Task[Answer]
    feed: Feed | None = field(default=None)


class Chat:
    """Accepts messages and lets the assistant answer them once it has started."""

    def __init__(
        self,
        database: Database,
        assistant: asyncio.Future[Assistant],
        settings: Settings,
        limits: Limits,
    ) -> None:
        self._database = database
        self._assistant = assistant
        self._limits = limits
        self._patience = settings.chat_timeout_seconds
        self._most, self._most_own = settings.chats_admitted, settings.chats_per_user
        self._at_once = asyncio.Semaphore(settings.chats_at_once)
        self._admitted: Counter[str] = Counter()
        self._running: set[asyncio.Task[Answer]] = set()

    async def receive(
        self, user_id: str, conversation_id: int | None, message: str, *, follow: bool = False
    ) -> Turn:
        """Store the message and start to answer it.

        Raises UnknownConversationError or a LimitError.
        """
        self._admit(user_id)
        try:
            number, history = await self._store(user_id, conversation_id, message)
            feed = Feed() if follow else None
            work = asyncio.create_task(self._work(user_id, number, history, feed))
        except BaseException:
            self._release(user_id)
            raise
        self._running.add(work)

        def ended(_: asyncio.Task[Answer]) -> None:
            self._running.discard(work)
            self._release(user_id)
            if feed is None:
                return
            feed.end()
            if not work.cancelled() and (error := work.exception()) is not None:
                log.error("an answer failed", exc_info=error)

        work.add_done_callback(ended)
        return Turn(number, work, feed)

    async def answer(self, turn: Turn) -> Answer:
        """Wait for the answer; raises BusyError."""
        return await asyncio.shield(turn.work)

    async def events(self, turn: Turn) -> AsyncIterator[Event]:
        """Yield the events: start, then tool and delta, then done or error."""
        yield "start", {"conversation_id": turn.conversation_id}
        if turn.feed is not None:
            async for event in turn.feed.events():
                yield event
        error = None if turn.work.cancelled() else turn.work.exception()
        if error is not None or turn.work.cancelled():
            yield "error", {"detail": str(error) if isinstance(error, BusyError) else _FAILED}
            return
        answer = turn.work.result()
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
        """Wait for all answers that are in progress."""
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    def _admit(self, user_id: str) -> None:
        if self._admitted[user_id] >= self._most_own:
            raise BusyError("Your earlier messages are still being answered.", own=True)
        if self._admitted.total() >= self._most:
            raise BusyError(_BUSY, own=False)
        self._admitted[user_id] += 1

    def _release(self, user_id: str) -> None:
        self._admitted[user_id] -= 1
        if self._admitted[user_id] <= 0:
            del self._admitted[user_id]

    async def _store(
        self, user_id: str, conversation_id: int | None, message: str
    ) -> tuple[int, list[Said]]:
        """Store the message; returns its conversation and the history for the model."""
        limits = self._limits
        async with self._database.session() as session:
            await limits.take(session, user_id, "chat")
            past: list[tuple[Role, str]] = []
            if conversation_id is None:
                conversation_id = await conversations.start(session, limits, user_id)
            else:
                there = await conversations.resume(session, user_id, conversation_id)
                if there is None:
                    raise UnknownConversationError
                if there + 2 > limits.messages:  # the message and its answer
                    raise QuotaError(
                        f"This conversation is full: it can hold {limits.messages} messages."
                        " Please start a new one."
                    )
                past = await conversations.history(session, conversation_id, HISTORY, HISTORY_ROOM)
            history = [Said(role.value, text) for role, text in past]
            history.append(Said("user", message))
            await conversations.say(session, user_id, conversation_id, Role.USER, message)
            return conversation_id, history

    async def _work(
        self, user_id: str, conversation_id: int, history: list[Said], feed: Feed | None
    ) -> Answer:
        """Wait for a free place, get the answer and store it, within the time limit."""
        until = asyncio.get_running_loop().time() + self._patience
        try:
            async with asyncio.timeout_at(until - self._patience / 2):
                await self._at_once.acquire()
        except TimeoutError:
            log.warning("a message waited too long for a free place")
            raise BusyError(_BUSY, own=False) from None
        try:
            assistant = await asyncio.shield(self._assistant)
            listener = Listener(feed.on_text, feed.on_call) if feed is not None else None
            # After no wait the assistant reaches its own time limit first, and apologizes.
            async with asyncio.timeout_at(until + 1):
                answer = _bounded(await assistant.answer(user_id, history, listener))
        except TimeoutError:
            log.warning("an answer took too long after a long wait")
            raise BusyError(_SLOW, own=False) from None
        finally:
            self._at_once.release()
        calls = [call.model_dump() for call in answer.calls]
        async with self._database.session() as session:
            if await conversations.resume(session, user_id, conversation_id) is not None:
                await conversations.say(
                    session, user_id, conversation_id, Role.ASSISTANT, answer.text, calls
                )  # otherwise the user has deleted the conversation
        return answer


def _bounded(answer: Answer) -> Answer:
    """Return the answer for storage: with limits that its calls reached, and not too long."""
    text = storable(answer.text)
    for call in answer.calls:
        error = call.result.get("error") if isinstance(call.result, dict) else None
        if isinstance(error, str) and error.startswith(TO_TELL) and error not in text:
            text = f"{text}\n{error}"
    if len(text) > ANSWER_MAX:
        text = text[: ANSWER_MAX - len(_CUT)] + _CUT
    return Answer(text, kept(answer.calls))
