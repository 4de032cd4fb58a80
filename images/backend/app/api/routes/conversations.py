"""Conversations and their messages."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from app import conversations
from app.api.deps import ItemId, Owner, Session
from app.api.errors import responses
from app.models import ID_MAX, Conversation
from app.schemas import ConversationRead, MessageRead, ToolCall

router = APIRouter(
    prefix="/api/{user_id}/conversations",
    tags=["conversations"],
    responses=responses(400, 401, 403, 414, 431),
)


async def _existing(session: Session, user_id: str, conversation_id: int) -> Conversation:
    found = await conversations.get(session, user_id, conversation_id)
    if found is None:
        raise HTTPException(404, "There is no such conversation.")
    return found


@router.get("", responses=responses(422, 503))
async def list_conversations(
    user_id: Owner,
    session: Session,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of conversations.")] = 50,
    offset: Annotated[
        int, Query(ge=0, le=1_000_000, description="Number of conversations to skip.")
    ] = 0,
) -> list[ConversationRead]:
    """Return the user's conversations, the most recently used first."""
    return [
        ConversationRead(
            id=found.id or 0,
            title=title,
            created_at=found.created_at,
            updated_at=found.updated_at,
        )
        for found, title in await conversations.find(session, user_id, limit, offset)
    ]


@router.get("/{conversation_id}/messages", responses=responses(404, 422, 503))
async def list_messages(
    user_id: Owner,
    session: Session,
    conversation_id: ItemId,
    limit: Annotated[int, Query(ge=1, le=100, description="Maximum number of messages.")] = 50,
    before: Annotated[
        int | None, Query(ge=1, le=ID_MAX, description="Return messages with a smaller id only.")
    ] = None,
) -> list[MessageRead]:
    """Return the last messages of a conversation in the order of writing."""
    await _existing(session, user_id, conversation_id)
    return [
        MessageRead(
            id=said.id,
            role=said.role,
            content=said.content,
            tool_calls=[ToolCall.model_validate(call) for call in said.tool_calls],
            created_at=said.created_at,
        )
        for said in await conversations.messages(session, conversation_id, limit, before)
    ]


@router.delete("/{conversation_id}", status_code=204, responses=responses(404, 422, 503))
async def delete_conversation(user_id: Owner, session: Session, conversation_id: ItemId) -> None:
    """Delete a conversation and its messages. Tasks are not changed."""
    await conversations.remove(session, await _existing(session, user_id, conversation_id))
