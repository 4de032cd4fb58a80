"""What one user may do and store, so that nobody takes the application from the others.

Rates are token buckets in the database, which all replicas share: a bucket holds a minute's
worth, and fills up evenly. One statement takes a token and clears two buckets that nobody used
for an hour, so that the table never grows beyond those who are at work.
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


# How the sentences begin that an assistant must pass on, whatever its model makes of them.
TOO_FAST = "Those were too many"
FULL = "Your list is full"
ENOUGH = "That is more than I can do for one message"
TO_TELL = (TOO_FAST, FULL, ENOUGH)


class LimitError(Exception):
    """A limit was met; str() is a sentence for the user."""


class RateError(LimitError):
    """The user was too fast."""

    def __init__(self, kind: Kind, per_minute: int) -> None:
        super().__init__(
            f"{TOO_FAST} {_WHAT[kind]} in a short time: at most {per_minute} a minute are"
            " possible. Please wait a moment and try again."
        )
        # A whole token is there by then.
        self.retry_after = math.ceil(60 / per_minute)


class QuotaError(LimitError):
    """The user has stored as much as they may."""


class BusyError(LimitError):
    """There is too much to do at this moment."""

    def __init__(self, sentence: str, *, own: bool) -> None:
        super().__init__(sentence)
        self.own = own  # it is all the user's own
        self.retry_after = 2


class Limits:
    """The limits as they are set."""

    def __init__(self, settings: Settings) -> None:
        self._per_minute: dict[Kind, int] = {
            "chat": settings.chat_messages_per_minute,
            "task": settings.task_changes_per_minute,
        }
        self.tasks = settings.tasks_per_user
        self.conversations = settings.conversations_per_user
        self.messages = settings.messages_per_conversation

    async def take(self, session: AsyncSession, user_id: str, kind: Kind) -> None:
        """Count something in the session's transaction; raises RateError.

        Until the transaction ends, whatever else the user changes waits, so that what is counted
        afterwards is exact. It comes before every other lock: the order keeps deadlocks away.
        """
        per_minute = self._per_minute[kind]
        given = {"user": user_id, "kind": kind, "size": float(per_minute)}
        connection = await session.connection()
        if (await connection.execute(_TAKE, given)).first() is None:
            raise RateError(kind, per_minute)
