"""Conversations and their messages. Every function uses rows of one owner only."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, case, cast, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.limits import Limits, QuotaError
from app.models import ANSWER_MAX, Conversation, Message, Role, now

TITLE_LENGTH = 80
# Bytes of the tool calls of a message that are read. An earlier release stored complete results;
# such a message is shown without its calls.
CALLS_READ = 32_000


@dataclass(frozen=True, slots=True)
class Told:
    """A message for a page."""

    id: int
    role: Role
    content: str
    tool_calls: list[dict[str, Any]]
    created_at: datetime


def _readable(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls without halves of surrogate pairs, which an earlier release stored."""
    text = json.dumps(calls, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        found: list[dict[str, Any]] = json.loads(text.encode(errors="replace"))
        return found
    return calls


def _content() -> Any:
    """Return the expression for the text, cut to the longest text that is stored today."""
    return func.left(col(Message.content), ANSWER_MAX)


async def get(session: AsyncSession, user_id: str, conversation_id: int) -> Conversation | None:
    """Return the conversation, or None when this user has no conversation with that id."""
    query = select(Conversation).where(
        col(Conversation.id) == conversation_id, col(Conversation.user_id) == user_id
    )
    return (await session.exec(query)).first()


async def find(
    session: AsyncSession, user_id: str, limit: int, offset: int
) -> list[tuple[Conversation, str]]:
    """Return conversations, the most recently used first, with the start of the first message."""
    first = (
        select(func.left(col(Message.content), TITLE_LENGTH))
        .where(col(Message.conversation_id) == col(Conversation.id))
        .order_by(col(Message.id))
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(Conversation, func.coalesce(first, ""))
        .where(col(Conversation.user_id) == user_id)
        .order_by(col(Conversation.updated_at).desc(), col(Conversation.id).desc())
        .limit(limit)
        .offset(offset)
    )
    return [(conversation, str(title)) for conversation, title in await session.exec(query)]


async def messages(
    session: AsyncSession, conversation_id: int, limit: int, before: int | None = None
) -> list[Told]:
    """Return the last messages (before that id) in the order of writing."""
    calls = col(Message.tool_calls)
    small = func.octet_length(cast(calls, Text)) <= CALLS_READ
    query = select(  # type: ignore[call-overload]  # SQLModel knows four columns
        col(Message.id),
        col(Message.role),
        _content(),
        case((small, calls)),
        col(Message.created_at),
    ).where(col(Message.conversation_id) == conversation_id)
    if before is not None:
        query = query.where(col(Message.id) < before)
    newest = await session.exec(query.order_by(col(Message.id).desc()).limit(limit))
    found = [
        Told(number, Role(role), content, _readable(given or []), at)
        for number, role, content, given, at in newest
    ]
    return found[::-1]


async def history(
    session: AsyncSession, conversation_id: int, limit: int, room: int
) -> list[tuple[Role, str]]:
    """Return the last messages in the order of writing, at most `limit` with `room` characters."""
    query = (
        select(col(Message.role), _content())
        .where(col(Message.conversation_id) == conversation_id)
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    said: list[tuple[Role, str]] = []
    for role, content in await session.exec(query):
        room -= len(content)
        if room < 0:
            break
        said.append((Role(role), content))
    return said[::-1]


async def start(session: AsyncSession, limits: Limits, user_id: str) -> int:
    """Create a conversation in the transaction of the session and return its id.

    Raises QuotaError.
    """
    query = select(func.count()).select_from(Conversation)
    there = (await session.exec(query.where(col(Conversation.user_id) == user_id))).one()
    if there >= limits.conversations:
        raise QuotaError(
            f"You have {there} conversations, and the limit is {limits.conversations}. Please"
            " delete one first, or continue one of them."
        )
    conversation = Conversation(user_id=user_id)
    session.add(conversation)
    await session.flush()
    return conversation.id or 0


async def resume(session: AsyncSession, user_id: str, conversation_id: int) -> int | None:
    """Mark the conversation as used and lock it until the transaction of the session ends.

    Returns the number of its messages, or None when this user has no conversation with that id.
    """
    there = (
        select(func.count())
        .select_from(Message)
        .where(col(Message.conversation_id) == conversation_id)
        .scalar_subquery()
    )
    query = (
        update(Conversation)
        .where(col(Conversation.id) == conversation_id, col(Conversation.user_id) == user_id)
        .values(updated_at=now())
        .returning(there)
        .execution_options(synchronize_session=False)  # the session holds no conversation
    )
    found: int | None = (await session.exec(query)).scalar()
    return found


async def say(
    session: AsyncSession,
    user_id: str,
    conversation_id: int,
    role: Role,
    content: str,
    tool_calls: list[dict[str, Any]] | None = None,
) -> None:
    """Store a message in a conversation that the session has started or resumed."""
    session.add(
        Message(
            user_id=user_id,
            conversation_id=conversation_id,
            role=role,
            content=content,
            tool_calls=tool_calls,
        )
    )
    await session.commit()


async def remove(session: AsyncSession, conversation: Conversation) -> None:
    """Delete the conversation and its messages."""
    await session.delete(conversation)
    await session.commit()
