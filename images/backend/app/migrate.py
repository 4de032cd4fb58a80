"""Upgrades the schema to the newest revision: `python -m app.migrate`.

Several replicas may start at the same time: an advisory lock lets one migrate while the others
wait. The wait for the database and for the lock is at most DATABASE_WAIT_SECONDS. The migration
runs at every start of a pod and seldom has work, so Alembic is imported only when it is needed.

DATABASE_ROLE names the role of the server. It is granted access to the rows of the backend's
tables, and to nothing else.
"""

import logging
import sys
import time
from pathlib import Path

import psycopg

from app.core import grants, schema
from app.core.config import DatabaseSettings, SettingsError, load_database_settings
from app.core.logging import configure

_LOCK = 0x746F646F  # "todo" in ASCII; other programs of this database must not use this number
_PAUSE_SECONDS = 0.5

log = logging.getLogger("app.migrate")


def _connect(settings: DatabaseSettings, deadline: float) -> psycopg.Connection:
    """Connect, and retry until the deadline."""
    told = False
    while True:
        try:
            connection = psycopg.connect(
                **settings.connection(), connect_timeout=3, autocommit=True
            )
            grants.await_role(connection, settings.database_role)
            return connection
        except psycopg.OperationalError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.info("waiting for the database", extra={"reason": str(error)})
                told = True
            time.sleep(_PAUSE_SECONDS)


def _fits(connection: psycopg.Connection, scripts: Path) -> bool:
    """Report whether the schema needs no upgrade."""
    table = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    if table == (None,):
        return False
    rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    revisions = {str(revision) for (revision,) in rows}
    if later := sorted(revisions - schema.lineage(scripts).keys()):
        log.warning(
            "the schema is of a later release and is not changed", extra={"revision": later}
        )
    return schema.fits(revisions, scripts)


def _lock(connection: psycopg.Connection, deadline: float) -> None:
    """Take the lock until the connection ends; raises TimeoutError."""
    query = "SELECT pg_try_advisory_lock(%s)"
    while connection.execute(query, [_LOCK]).fetchone() != (True,):
        if time.monotonic() >= deadline:
            raise TimeoutError("another migration holds the lock")
        time.sleep(_PAUSE_SECONDS)


def migrate(settings: DatabaseSettings, scripts: Path = schema.SCRIPTS) -> None:
    """Upgrade to head; raises psycopg.OperationalError or TimeoutError after the time limit.

    A schema of a later release is not changed: a rollback keeps the data and their schema.
    """
    deadline = time.monotonic() + settings.database_wait_seconds
    role, tables = settings.database_role, schema.tables(scripts)
    with _connect(settings, deadline) as connection:
        if _fits(connection, scripts) and not grants.missing(connection, role, tables):
            return
        _lock(connection, deadline)
        if not _fits(connection, scripts):  # otherwise another replica has done it
            from app.upgrade import upgrade  # noqa: PLC0415 - slow to import

            upgrade(connection, scripts)
            connection.autocommit = True
        for statement in grants.missing(connection, role, tables):
            connection.execute(statement)


def main() -> int:
    """Run the migration and return the exit code of the process."""
    try:
        settings = load_database_settings()
    except SettingsError as error:
        sys.stderr.write(f"configuration: {error}\n")
        return 2
    configure(settings.log_level, settings.secrets())
    started = time.monotonic()
    try:
        migrate(settings)
    except (psycopg.OperationalError, TimeoutError) as error:
        log.error("migration: %s", error)
        return 1
    seconds = round(time.monotonic() - started, 2)
    log.info("schema fits", extra={"head": schema.head(), "seconds": seconds})
    return 0


if __name__ == "__main__":
    sys.exit(main())
