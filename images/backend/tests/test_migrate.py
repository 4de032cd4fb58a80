"""The migration."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from sqlalchemy import URL, create_engine, inspect, text
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from alembic import autogenerate
from app import migrate as module
from app.migrate import migrate
from tests.conftest import settings_for


@pytest.fixture
def fresh(server: URL) -> Iterator[URL]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE fresh"))
        yield server.set(database="fresh")
        connection.execute(text("DROP DATABASE fresh WITH (FORCE)"))
    engine.dispose()


def test_the_migrated_schema_is_what_the_models_say(fresh: URL) -> None:
    migrate(settings_for(fresh))
    engine = create_engine(fresh)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert autogenerate.compare_metadata(context, SQLModel.metadata) == []
        indexes = {index["name"] for index in inspect(connection).get_indexes("task")}
        assert {"ix_task_user_id", "ix_task_completed"} <= indexes
    engine.dispose()


def test_replicas_that_start_together_migrate_once(fresh: URL) -> None:
    failures: list[Exception] = []

    def run() -> None:
        environment = {
            **os.environ,
            "DATABASE_HOST": fresh.host or "",
            "DATABASE_PORT": str(fresh.port),
            "DATABASE_NAME": "fresh",
            "DATABASE_USER": fresh.username or "",
            "DATABASE_PASSWORD": str(fresh.password),
        }
        try:
            subprocess.run(
                [sys.executable, "-m", "app.migrate"],
                check=True,
                env=environment,
                cwd=Path(__file__).parents[1],
                capture_output=True,
            )
        except subprocess.CalledProcessError as error:
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_wait_for_the_lock_is_bounded(fresh: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = create_engine(fresh)
    with engine.connect() as holder:
        holder.execute(text("SELECT pg_advisory_lock(:key)"), {"key": module._LOCK})
        settings = settings_for(fresh)
        monkeypatch.setattr(settings, "database_wait_seconds", 0.5)
        with pytest.raises(TimeoutError, match="another migration"):
            migrate(settings)
    engine.dispose()


def test_the_wait_for_the_database_is_bounded(server: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(server.set(port=9))
    monkeypatch.setattr(settings, "database_wait_seconds", 0.5)
    started = time.monotonic()
    with pytest.raises(OperationalError):
        migrate(settings)
    assert time.monotonic() - started < 10
