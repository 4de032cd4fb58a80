"""Buckets for rate limits, and shorter tool calls in stored messages.

The previous release works with this schema: it does not know the table, and the form of the calls
is unchanged.
"""

import json
import time
from typing import Any

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Both limit memory. A batch is read in Python, because SQL cannot read every escape of JSON.
_BATCH = 10
_READABLE = 4_000_000
# Time limit. Further large calls stay as they are: nobody reads them, and the update must not wait.
_SECONDS = 60

_LARGE = sa.text("""
    SELECT id, CASE WHEN octet_length(tool_calls::text) < :readable THEN tool_calls::text END
    FROM message WHERE id < :below AND octet_length(tool_calls::text) > 2000
    ORDER BY id DESC LIMIT :batch
""")
_STORE = sa.text("UPDATE message SET tool_calls = CAST(:calls AS json) WHERE id = :id")


def _cut(value: Any) -> Any:
    """Keep short values; keep the count and the first tasks of a list."""
    match value:
        case bool() | float() | None:
            return value
        case int():
            return value if abs(value) < 2**53 else None
        case str():
            text = value.encode(errors="replace").decode()
            return text if len(text) <= 200 else text[:200] + "…"
        case dict():
            kept = list(value.items())[:10]
            return {_cut(k[:64]): None if isinstance(v, list | dict) else _cut(v) for k, v in kept}
        case list():
            rows = [row for row in value[:20] if isinstance(row, dict)]
            found = [{"id": _cut(row.get("id")), "title": _cut(row.get("title"))} for row in rows]
            return {"count": len(value), "tasks": found}


def _shrunk(text: str | None) -> str | None:
    """Return the calls in the form of this release; None when the text is not a list of calls."""
    try:
        calls = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(calls, list):
        return None
    kept = [
        {
            "name": str(call.get("name"))[:64],
            "arguments": _cut(given) if isinstance(given := call.get("arguments"), dict) else {},
            "result": _cut(call.get("result")),
        }
        for call in calls[:50]
        if isinstance(call, dict)
    ]
    if len(calls) > 50:
        kept.append({"name": "more", "arguments": {}, "result": {"count": len(calls) - 50}})
    return json.dumps(kept)


def _shrink() -> None:
    """Shorten large calls, the newest first."""
    connection, until = op.get_bind(), time.monotonic() + _SECONDS
    below = 2**31 - 1
    while time.monotonic() < until:
        given = {"below": below, "batch": _BATCH, "readable": _READABLE}
        rows = connection.execute(_LARGE, given).all()
        if not rows:
            return
        small = [{"id": number, "calls": _shrunk(text)} for number, text in rows]
        connection.execute(_STORE, small)
        below = rows[-1][0]


def upgrade() -> None:
    """Create the table and shorten the calls."""
    op.create_table(
        "rate_bucket",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column(
            "updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("user_id", "kind"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_rate_bucket_updated_at", "rate_bucket", ["updated_at"])
    _shrink()


def downgrade() -> None:
    """Drop the table. The calls are not changed."""
    op.drop_table("rate_bucket")
