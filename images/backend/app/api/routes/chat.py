"""Chat with the assistant."""

import asyncio
import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, HTTPException
from fastapi.responses import StreamingResponse

from app.api.deps import ChatDep, Owner
from app.api.errors import responses
from app.chat import Event, Turn, UnknownConversationError
from app.schemas import ChatRequest, ChatResponse

router = APIRouter(
    prefix="/api/{user_id}/chat",
    tags=["chat"],
    responses=responses(400, 401, 403, 404, 408, 409, 413, 414, 422, 429, 431, 503),
)

_HEARTBEAT_SECONDS = 10  # proxies close silent connections

_STREAM = {
    "description": (
        "Server-sent events, each with a JSON object as data. The first is `start` "
        "{conversation_id}. `tool` {name, arguments, result} follows for each tool call, and "
        "`delta` {text} for each piece of the answer. The last is `done`, with the same object as "
        "the route without a stream, or `error` {detail}. The text of `done` replaces the pieces. "
        "When more than 256 events wait for a slow reader, further `tool` and `delta` events are "
        "dropped. A comment line is sent after each 10 seconds without an event."
    ),
    "content": {"text/event-stream": {}},  # a schema here would describe a single event
}


async def _receive(chat: ChatDep, user_id: str, body: ChatRequest, *, follow: bool) -> Turn:
    try:
        return await chat.receive(user_id, body.conversation_id, body.message, follow=follow)
    except UnknownConversationError:
        raise HTTPException(404, "There is no such conversation.") from None


@router.post("")
async def send_message(user_id: Owner, chat: ChatDep, body: ChatRequest) -> ChatResponse:
    """Send a message to the assistant and wait for the answer.

    The answer takes at most about 60 seconds, unless the server is configured otherwise.
    """
    turn = await _receive(chat, user_id, body, follow=False)
    answer = await chat.answer(turn)
    return ChatResponse(
        conversation_id=turn.conversation_id, response=answer.text, tool_calls=answer.calls
    )


@router.post("/stream", response_class=StreamingResponse, responses={200: _STREAM})
async def stream_message(user_id: Owner, chat: ChatDep, body: ChatRequest) -> StreamingResponse:
    """Send a message to the assistant and receive the answer as a stream of events."""
    turn = await _receive(chat, user_id, body, follow=True)
    return StreamingResponse(
        _encode(chat.events(turn)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"},
    )


async def _encode(events: AsyncIterator[Event]) -> AsyncIterator[str]:
    """Encode events as server-sent events, with a comment line after each silent interval."""
    upcoming = asyncio.ensure_future(anext(events, None))
    try:
        while True:
            done, _ = await asyncio.wait({upcoming}, timeout=_HEARTBEAT_SECONDS)
            if not done:
                yield ": still working\n\n"
                continue
            event = upcoming.result()
            if event is None:
                return
            name, data = event
            yield f"event: {name}\ndata: {json.dumps(data, default=str)}\n\n"
            upcoming = asyncio.ensure_future(anext(events, None))
    finally:
        upcoming.cancel()
