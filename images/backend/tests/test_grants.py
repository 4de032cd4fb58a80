"""Privileges of the role of the server: the rows of its tables, and nothing else."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import URL, create_engine, text
from sqlmodel import SQLModel

from app.core import grants, schema
from app.core.config import Settings
from app.migrate import migrate
from tests.conftest import settings_for

_ACCOUNTS = (
    'CREATE TABLE "user" (id text); CREATE TABLE session (token text);'
    "INSERT INTO session VALUES ('of ada')"
)


@pytest.fixture
def owned(server: URL, role: URL) -> Iterator[URL]:
    """Yield a new database in which the frontend has created its tables."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE owned"))
        database = server.set(database="owned")
        _as(database, _ACCOUNTS)
        yield database
        connection.execute(text("DROP DATABASE owned WITH (FORCE)"))
    engine.dispose()


def _as(who: URL, statements: str) -> list[tuple[object, ...]]:
    """Run SQL statements and return the rows of the last one."""
    with psycopg.connect(**settings_for(who).connection(), autocommit=True) as connection:
        cursor = connection.execute(statements.encode())
        return cursor.fetchall() if cursor.description else []


def _of(owned: URL) -> Settings:
    return settings_for(owned, database_role="todo_backend")


def _tables(owned: URL) -> set[str]:
    found = _as(owned, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {str(name) for (name,) in found}


def test_tables_found_in_scripts_equal_the_created_tables(owned: URL) -> None:
    before = _tables(owned)
    migrate(_of(owned))
    assert _tables(owned) - before == schema.tables()
    assert set(SQLModel.metadata.tables) <= schema.tables()


def test_role_reads_and_writes_rows_of_every_backend_table(owned: URL, role: URL) -> None:
    migrate(_of(owned))
    who = role.set(database="owned")
    for name in schema.tables() - {"alembic_version"}:
        _as(who, f'SELECT * FROM "{name}"; DELETE FROM "{name}"')  # noqa: S608
    _as(who, "INSERT INTO task (user_id, title) VALUES ('ada', 'tea')")
    assert _as(who, "UPDATE task SET title = 'milk' RETURNING title") == [("milk",)]
    assert _as(who, "SELECT version_num FROM alembic_version") == [(schema.head(),)]


@pytest.mark.parametrize(
    "statement",
    [
        'SELECT * FROM "user"',
        "SELECT token FROM session",
        "INSERT INTO session VALUES ('mine')",
        "DELETE FROM session",
        "UPDATE alembic_version SET version_num = '9999'",
        "ALTER TABLE task ADD COLUMN mine integer",
        "TRUNCATE task",
        "DROP TABLE task",
        "CREATE TABLE mine (id integer)",
        "CREATE FUNCTION lower(varchar) RETURNS text RETURN 'planted'",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "SET ROLE todo",
    ],
)
def test_role_has_no_other_privilege(owned: URL, role: URL, statement: str) -> None:
    migrate(_of(owned))
    with pytest.raises(
        (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue)
    ):
        _as(role.set(database="owned"), statement)
    assert _as(owned, "SELECT token FROM session") == [("of ada",)]


def test_migration_grants_on_tables_of_an_earlier_release(owned: URL, role: URL) -> None:
    migrate(settings_for(owned))
    _as(owned, "INSERT INTO task (user_id, title) VALUES ('ada', 'tea')")
    who = role.set(database="owned")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _as(who, "SELECT title FROM task")
    migrate(_of(owned))
    assert _as(who, "SELECT title FROM task") == [("tea",)]
    _as(who, "INSERT INTO task (user_id, title) VALUES ('ada', 'milk')")


def test_second_migration_grants_nothing(owned: URL) -> None:
    migrate(_of(owned))
    with psycopg.connect(**_of(owned).connection()) as connection:
        assert grants.missing(connection, "todo_backend", schema.tables()) == []
        one = psycopg.sql.SQL("REVOKE USAGE ON SEQUENCE task_id_seq FROM todo_backend")
        connection.execute(one)
        again = grants.missing(connection, "todo_backend", schema.tables())
        assert [statement.as_string(connection) for statement in again] == [
            'GRANT USAGE ON SEQUENCE "public"."task_id_seq" TO "todo_backend"'
        ]


def test_without_a_role_nothing_is_granted(owned: URL, role: URL) -> None:
    migrate(settings_for(owned))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        _as(role.set(database="owned"), "SELECT 1 FROM task")


def test_migration_waits_for_a_missing_role(owned: URL) -> None:
    settings = settings_for(owned, database_role="made_later")
    failed: list[Exception] = []

    def run() -> None:
        try:
            migrate(settings)
        except Exception as error:
            failed.append(error)

    waiting = threading.Thread(target=run)
    waiting.start()
    try:
        time.sleep(1)
        assert waiting.is_alive()
        assert _tables(owned) == {"user", "session"}, "nothing is made before the role is there"
        _as(owned, "CREATE ROLE made_later")
        waiting.join(20)
        assert not waiting.is_alive()
        assert failed == []
        assert _as(owned, "SELECT has_table_privilege('made_later', 'task', 'INSERT')") == [(True,)]
    finally:
        waiting.join(20)
        _as(owned, "DROP OWNED BY made_later; DROP ROLE made_later")


def test_wait_for_the_role_is_limited_and_the_error_names_it(
    owned: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(owned, database_role="nobody")
    monkeypatch.setattr(settings, "database_wait_seconds", 0.5)
    with pytest.raises(psycopg.OperationalError, match='role "nobody" does not exist'):
        migrate(settings)
