"""Migrations of the schema."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.migration import MigrationContext
from fastapi.testclient import TestClient
from sqlalchemy import URL, create_engine, inspect, text
from sqlmodel import SQLModel

from alembic import autogenerate
from app import migrate as module
from app.core import schema
from app.main import create_app
from app.migrate import migrate
from app.schemas import ToolCall
from tests.conftest import Person, settings_for

ROOT = Path(__file__).parents[1]


@pytest.fixture
def fresh(server: URL) -> Iterator[URL]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE fresh"))
        yield server.set(database="fresh")
        connection.execute(text("DROP DATABASE fresh WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Return the scripts of a later release, which adds a column to the table task."""
    return _later_release(tmp_path, "ALTER TABLE task ADD COLUMN added integer")


def _later_release(folder: Path, *statements: str) -> Path:
    scripts = folder / "alembic"
    shutil.copytree(schema.SCRIPTS, scripts)
    (scripts / "versions" / "9999_later.py").write_text(
        f'''"""Something later."""

from alembic import op

revision = "9999"
down_revision = "{schema.head()}"


def upgrade() -> None:
    for statement in {statements!r}:
        op.execute(statement)
'''
    )
    return scripts


def _columns(database: URL) -> set[str]:
    """Return the columns of the table task."""
    engine = create_engine(database)
    with engine.connect() as connection:
        found = {column["name"] for column in inspect(connection).get_columns("task")}
    engine.dispose()
    return found


def _revision(database: URL) -> str | None:
    engine = create_engine(database)
    with engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return revision


def _start(database: URL, *command: str) -> "subprocess.Popen[str]":
    """Run the migration as the init container does."""
    environment = {
        **os.environ,
        "DATABASE_HOST": database.host or "",
        "DATABASE_PORT": str(database.port),
        "DATABASE_NAME": database.database or "",
        "DATABASE_USER": database.username or "",
        "DATABASE_PASSWORD": str(database.password),
        "DATABASE_WAIT_SECONDS": "30",
    }
    return subprocess.Popen(
        [sys.executable, *command], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _last_line(process: "subprocess.Popen[str]") -> dict[str, Any]:
    out, _ = process.communicate(timeout=60)
    line: dict[str, Any] = json.loads(out.splitlines()[-1])
    return line


def test_empty_database_gets_the_schema_of_the_models(fresh: URL) -> None:
    migrate(settings_for(fresh))
    engine = create_engine(fresh)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert autogenerate.compare_metadata(context, SQLModel.metadata) == []
        indexes = {index["name"] for index in inspect(connection).get_indexes("task")}
        assert {"ix_task_user_id", "ix_task_completed"} <= indexes
    engine.dispose()
    assert _revision(fresh) == schema.head()


def test_older_schema_is_upgraded(fresh: URL, newer: Path) -> None:
    migrate(settings_for(fresh))
    assert "added" not in _columns(fresh)
    migrate(settings_for(fresh), newer)
    assert "added" in _columns(fresh)
    assert _revision(fresh) == "9999"


def test_migration_at_head_imports_nothing_slow(database: URL) -> None:
    modules = "{name.partition('.')[0] for name in sys.modules}"
    code = f"import sys; from app.migrate import main; assert main() == 0; print(*{modules})"
    out, _ = _start(database, "-c", code).communicate(timeout=60)
    imported = set(out.splitlines()[-1].split())
    assert "psycopg" in imported
    assert imported.isdisjoint({"alembic", "sqlalchemy", "sqlmodel", "fastapi"})


def test_migration_at_head_takes_no_lock(fresh: URL) -> None:
    migrate(settings_for(fresh))
    engine = create_engine(fresh)
    with engine.connect() as holder:
        holder.execute(text("SELECT pg_advisory_lock(:key)"), {"key": module._LOCK})
        migrate(settings_for(fresh))
    engine.dispose()


def test_schema_of_a_later_release_is_used_and_not_changed(fresh: URL, newer: Path) -> None:
    migrate(settings_for(fresh), newer)
    process = _start(fresh, "-m", "app.migrate")
    out, _ = process.communicate(timeout=60)
    lines = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0
    assert [line["level"] for line in lines] == ["warning", "info"]
    assert "of a later release" in lines[0]["message"]
    assert _revision(fresh) == "9999"
    assert "added" in _columns(fresh)


def test_migration_that_loses_the_database_changes_nothing(fresh: URL, tmp_path: Path) -> None:
    migrate(settings_for(fresh))
    lost = ("ALTER TABLE task DROP title", "SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(psycopg.OperationalError):
        migrate(settings_for(fresh), _later_release(tmp_path, *lost))
    assert _revision(fresh) == schema.head()
    assert "title" in _columns(fresh)


def test_replicas_that_start_together_migrate_once(fresh: URL) -> None:
    replicas = [_start(fresh, "-m", "app.migrate") for _ in range(2)]
    lines = [_last_line(replica) for replica in replicas]
    assert [line["message"] for line in lines] == ["schema fits"] * 2
    assert [replica.returncode for replica in replicas] == [0, 0]


def test_wait_for_the_lock_is_limited(fresh: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(fresh)
    with engine.connect() as holder:
        holder.execute(text("SELECT pg_advisory_lock(:key)"), {"key": module._LOCK})
        settings = settings_for(fresh)
        monkeypatch.setattr(settings, "database_wait_seconds", 0.5)
        with pytest.raises(TimeoutError, match="another migration"):
            migrate(settings)
    engine.dispose()


def test_wait_for_the_database_is_limited(server: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(server.set(port=9))
    monkeypatch.setattr(settings, "database_wait_seconds", 0.5)
    started = time.monotonic()
    with pytest.raises(psycopg.OperationalError):
        migrate(settings)
    assert time.monotonic() - started < 10


def _at_0001(folder: Path) -> Path:
    """Return the scripts of the previous release."""
    scripts = folder / "earlier"
    shutil.copytree(schema.SCRIPTS, scripts)
    (scripts / "versions" / "0002_limits.py").unlink()
    return scripts


_ROWS = [{"id": n, "title": f"Thing {n}", "description": "d" * 900} for n in range(300)]
_LISTED = {"name": "list_tasks", "arguments": {"status": "all"}, "result": _ROWS}
_ADDED = {"task_id": 7, "status": "created", "title": "Eggs \u00fc"}


def test_large_tool_calls_shrink_and_the_previous_release_still_works(
    fresh: URL, tmp_path: Path
) -> None:
    migrate(settings_for(fresh), _at_0001(tmp_path))
    small = [{"name": "add_task", "arguments": {"title": "Eggs \u00fc"}, "result": _ADDED}]
    stored = [
        [_LISTED, *small],
        small,
        None,
        [{"name": "add_task", "arguments": {"title": "\x00\ud800" * 900}, "result": None}],
        [*small * 80],
        [{"name": "add_task", "arguments": {"title": "\ud800"}, "result": None}],
        {"not": "a list" * 900},
    ]
    engine = create_engine(fresh)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO conversation (user_id) VALUES ('user-ann')"))
        for calls in [*stored, *[[_LISTED]] * 25]:
            connection.execute(
                text(
                    "INSERT INTO message (user_id, conversation_id, role, content, tool_calls)"
                    " VALUES ('user-ann', 1, 'assistant', 'Done.', CAST(:calls AS json))"
                ),
                {"calls": json.dumps(calls)},
            )
    migrate(settings_for(fresh))
    with engine.begin() as connection:
        query = text("SELECT tool_calls, octet_length(tool_calls::text) FROM message ORDER BY id")
        rows = connection.execute(query).all()
        # The previous release stores complete calls and does not know the new table.
        connection.execute(
            text(
                "INSERT INTO message (user_id, conversation_id, role, content, tool_calls)"
                " VALUES ('user-ann', 1, 'assistant', 'Done.', CAST(:calls AS json))"
            ),
            {"calls": json.dumps([_LISTED])},
        )
    engine.dispose()
    found = [calls for calls, _ in rows]
    for calls in found:  # as the previous release reads them
        for call in calls or []:
            ToolCall.model_validate(call)
    assert found[0][0]["result"]["count"] == 300
    assert found[0][0]["result"]["tasks"][0] == {"id": 0, "title": "Thing 0"}
    assert found[0][1:] == small
    assert found[1] == small
    assert found[2] is None
    assert found[4][-1] == {"name": "more", "arguments": {}, "result": {"count": 30}}
    assert found[6] is None
    assert max(length or 0 for _, length in rows) < 12_000
    with TestClient(create_app(settings_for(fresh))) as client:
        told = Person(client, "user-ann").call("GET", "/conversations/1/messages?limit=100").json()
    assert [len(m["tool_calls"]) for m in told][:7] == [2, 1, 0, 1, 51, 1, 0]
    # The calls are too large for a page; the text is shown.
    assert (told[-1]["content"], told[-1]["tool_calls"]) == ("Done.", [])
