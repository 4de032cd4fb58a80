"""Limits of a user's requests and stored data, so that one user cannot block the others.

Rates are token buckets in the database, shared by all replicas. A bucket holds the requests of a
minute and fills evenly. The statement that takes a token also deletes up to two buckets that were
not used for an hour, so that the table does not grow with users who left.
"""

import math
from typing import Literal

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from app.core.config import Settings

Kind = Literal["chat", "task"]

_WHAT: dict[Kind, str] = {"chat": "messages", "task": "changes"}

_TAKE = text("""
    WITH unused AS (
        DELETE FROM rate_bucket WHERE (user_id, kind) IN (
            SELECT user_id, kind FROM rate_bucket
            WHERE updated_at < now() - interval '1 hour' AND user_id <> :user
            ORDER BY updated_at LIMIT 2 FOR UPDATE SKIP LOCKED
        )
    )
    INSERT INTO rate_bucket AS bucket (user_id, kind, tokens, updated_at)
    VALUES (:user, :kind, :size - 1, clock_timestamp())
    ON CONFLICT (user_id, kind) DO UPDATE SET
        tokens = least(:size, bucket.tokens + :size / 60.0
            * greatest(0, extract(epoch FROM clock_timestamp() - bucket.updated_at))) - 1,
        updated_at = clock_timestamp()
    WHERE bucket.tokens + :size / 60.0
        * greatest(0, extract(epoch FROM clock_timestamp() - bucket.updated_at)) >= 1
    RETURNING tokens
""")


# Beginnings of sentences that the assistant must pass on, even if its model does not.
TOO_FAST = "Those were too many"
FULL = "Your list is full"
ENOUGH = "That is more than I can do for one message"
TO_TELL = (TOO_FAST, FULL, ENOUGH)


class LimitError(Exception):
    """A limit is reached; str() is a sentence for the user."""


class RateError(LimitError):
    """The user sent too many requests."""

    def __init__(self, kind: Kind, per_minute: int) -> None:
        super().__init__(
            f"{TOO_FAST} {_WHAT[kind]} in a short time: at most {per_minute} a minute are"
            " possible. Please wait a moment and try again."
        )
        # After this time the bucket has a whole token.
        self.retry_after = math.ceil(60 / per_minute)


class QuotaError(LimitError):
    """The user has stored as much as the limits permit."""


class BusyError(LimitError):
    """Too many chats wait for an answer."""

    def __init__(self, sentence: str, *, own: bool) -> None:
        super().__init__(sentence)
        self.own = own  # the limit of this user, not of the server
        self.retry_after = 2


class Limits:
    """The limits from the settings."""

    def __init__(self, settings: Settings) -> None:
        self._per_minute: dict[Kind, int] = {
            "chat": settings.chat_messages_per_minute,
            "task": settings.task_changes_per_minute,
        }
        self.tasks = settings.tasks_per_user
        self.conversations = settings.conversations_per_user
        self.messages = settings.messages_per_conversation

    async def take(self, session: AsyncSession, user_id: str, kind: Kind) -> None:
        """Take a token in the transaction of the session; raises RateError.

        Other changes of the same user wait until the transaction ends, so that counts made later in
        the transaction are exact. Call it before any other lock: the order prevents deadlocks.
        """
        per_minute = self._per_minute[kind]
        given = {"user": user_id, "kind": kind, "size": float(per_minute)}
        connection = await session.connection()
        if (await connection.execute(_TAKE, given)).first() is None:
            raise RateError(kind, per_minute)
