"""Tables of the backend. Better Auth owns the users' tables in the same database."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Float, Index, Text, false, func
from sqlmodel import Field, SQLModel

from app.lengths import DESCRIPTION_MAX as DESCRIPTION_MAX  # noqa: PLC0414
from app.lengths import ID_MAX as ID_MAX  # noqa: PLC0414
from app.lengths import MESSAGE_MAX as MESSAGE_MAX  # noqa: PLC0414
from app.lengths import TITLE_MAX as TITLE_MAX  # noqa: PLC0414

ANSWER_MAX = 16_000
USER_ID_MAX = 255


class Role(StrEnum):
    """The author of a message."""

    USER = "user"
    ASSISTANT = "assistant"


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def _timestamp() -> Any:
    return Field(
        default_factory=now,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now(), "nullable": False},
    )


class Task(SQLModel, table=True):
    """A todo of a user."""

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(index=True, sa_type=Text)
    title: str = Field(max_length=TITLE_MAX)
    description: str | None = Field(default=None, max_length=DESCRIPTION_MAX)
    completed: bool = Field(default=False, index=True, sa_column_kwargs={"server_default": false()})
    created_at: datetime = _timestamp()
    updated_at: datetime = _timestamp()


class Conversation(SQLModel, table=True):
    """A conversation of a user with the assistant."""

    __table_args__ = (Index("ix_conversation_user_id_updated_at", "user_id", "updated_at"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(sa_type=Text)
    created_at: datetime = _timestamp()
    updated_at: datetime = _timestamp()


class Message(SQLModel, table=True):
    """A message; those of the assistant also list its tool calls."""

    __table_args__ = (Index("ix_message_conversation_id_id", "conversation_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    user_id: str = Field(sa_type=Text)
    conversation_id: int = Field(foreign_key="conversation.id", ondelete="CASCADE")
    role: str = Field(max_length=9)
    content: str = Field(sa_type=Text)
    tool_calls: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON))
    created_at: datetime = _timestamp()


class RateBucket(SQLModel, table=True):
    """The requests of a kind that a user may make now; see app.limits.

    The table is unlogged: a request writes no write-ahead log. After a crash of the database the
    table is empty, and every user starts with a full bucket.
    """

    __tablename__ = "rate_bucket"
    __table_args__ = (
        Index("ix_rate_bucket_updated_at", "updated_at"),
        {"prefixes": ["UNLOGGED"]},
    )

    user_id: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, max_length=16)
    tokens: float = Field(sa_type=Float)
    updated_at: datetime = _timestamp()
