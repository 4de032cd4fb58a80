"""Conversations and their messages; every function touches one owner's rows only."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.models import Conversation, Message, Role, now

TITLE_LENGTH = 80


async def get(session: AsyncSession, user_id: str, conversation_id: int) -> Conversation | None:
    """Return the conversation, None when this user has none of that id."""
    query = select(Conversation).where(
        col(Conversation.id) == conversation_id, col(Conversation.user_id) == user_id
    )
    return (await session.exec(query)).first()


async def find(
    session: AsyncSession, user_id: str, limit: int, offset: int
) -> list[tuple[Conversation, str]]:
    """Return conversations, the last used first, each with the start of its first message."""
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
) -> list[Message]:
    """Return the last messages (before that id), the oldest of them first."""
    query = select(Message).where(col(Message.conversation_id) == conversation_id)
    if before is not None:
        query = query.where(col(Message.id) < before)
    newest: Sequence[Message] = (
        await session.exec(query.order_by(col(Message.id).desc()).limit(limit))
    ).all()
    return list(reversed(newest))


async def start(session: AsyncSession, user_id: str) -> int:
    """Make a new conversation, in the session's transaction, and return its id."""
    conversation = Conversation(user_id=user_id)
    session.add(conversation)
    await session.flush()
    return conversation.id or 0


async def resume(session: AsyncSession, user_id: str, conversation_id: int) -> bool:
    """Note that the conversation goes on; False when this user has none of that id.

    Until the session's transaction ends, nobody can delete it.
    """
    query = (
        update(Conversation)
        .where(col(Conversation.id) == conversation_id, col(Conversation.user_id) == user_id)
        .values(updated_at=now())
        .execution_options(synchronize_session=False)  # the session holds no conversation
    )
    return (await session.exec(query)).rowcount == 1


async def say(
    session: AsyncSession,
    user_id: str,
    conversation_id: int,
    role: Role,
    content: str,
    tool_calls: list[dict[str, Any]] | None = None,
) -> None:
    """Store a message in a conversation that was started or resumed."""
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
    """Delete it with its messages."""
    await session.delete(conversation)
    await session.commit()
