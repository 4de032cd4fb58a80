"""Brings the schema to head: `python -m app.migrate`.

Several replicas may start at once: an advisory lock lets one migrate while the others wait. The
wait for the database and for the lock is bounded by DATABASE_WAIT_SECONDS.
"""

import logging
import sys
import time

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from alembic import command
from app.core.config import DatabaseSettings, SettingsError, load_database_settings
from app.core.db import alembic_config, schema_head
from app.core.logging import configure

_LOCK = 0x746F646F  # "todo"; any number that nobody else in this database uses
_PAUSE_SECONDS = 0.5

log = logging.getLogger("app.migrate")


def _connect(settings: DatabaseSettings, deadline: float) -> Connection:
    """Connect, trying again until the deadline."""
    engine = create_engine(
        settings.database_url, poolclass=NullPool, connect_args={"connect_timeout": 3}
    )
    told = False
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                log.info("waiting for the database", extra={"reason": str(error.orig)})
                told = True
            time.sleep(_PAUSE_SECONDS)


def _lock(connection: Connection, deadline: float) -> None:
    """Take the lock for as long as the connection lives; raises TimeoutError."""
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}):
        if time.monotonic() >= deadline:
            raise TimeoutError("another migration holds the lock")
        time.sleep(_PAUSE_SECONDS)
    connection.commit()


def migrate(settings: DatabaseSettings) -> None:
    """Upgrade to head; raises OperationalError or TimeoutError when the time is up."""
    deadline = time.monotonic() + settings.database_wait_seconds
    with _connect(settings, deadline) as connection:
        _lock(connection, deadline)
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def main() -> int:
    """Run the migration and return the process's exit code."""
    try:
        settings = load_database_settings()
    except SettingsError as error:
        sys.stderr.write(f"configuration: {error}\n")
        return 2
    configure(settings.log_level, settings.secrets())
    started = time.monotonic()
    try:
        migrate(settings)
    except (OperationalError, TimeoutError) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        log.error("migration: %s", reason)
        return 1
    seconds = round(time.monotonic() - started, 2)
    log.info("schema is at head", extra={"revision": schema_head(), "seconds": seconds})
    return 0


if __name__ == "__main__":
    sys.exit(main())
