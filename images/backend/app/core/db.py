"""The database: engine, sessions, and the revision of the schema."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, PoolProxiedConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from app.core.config import Settings

_DRIVER = "postgresql+psycopg://"  # host, user and password are in connect_args
_REST_SECONDS = 0.5

Sessions = async_sessionmaker[AsyncSession]


def _check_after_rest(engine: Engine) -> None:
    """Ping a pooled connection after an idle time, so that a database restart fails no request.

    Under load no connection is idle for so long, and no ping is sent.
    """

    @event.listens_for(engine, "checkin")
    def note(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def check(
        connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        used = record.info.get("used")
        if used is None or time.monotonic() - used < _REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            # This also drops every other connection of the pool that is as old.
            raise InvalidatePoolError from None


class Database:
    """A pool of connections for requests, and separate short connections for probes."""

    def __init__(self, settings: Settings) -> None:
        self.engine: AsyncEngine = create_async_engine(
            _DRIVER,
            pool_size=settings.database_pool_size,
            max_overflow=settings.database_pool_size,
            pool_timeout=10,
            pool_recycle=1800,
            connect_args={
                **settings.connection(),
                "connect_timeout": 5,
                "application_name": "todo-backend",
                "options": "-c statement_timeout=10000 -c lock_timeout=5000"
                " -c idle_in_transaction_session_timeout=30000",
            },
        )
        _check_after_rest(self.engine.sync_engine)
        # Probes do not use the pool: a busy pool must not make the pod unready.
        self._probe = create_async_engine(
            _DRIVER,
            poolclass=NullPool,
            connect_args={
                **settings.connection(),
                "connect_timeout": 2,
                "options": "-c statement_timeout=2000",
            },
        )
        self.sessions: Sessions = async_sessionmaker(
            self.engine, class_=AsyncSession, expire_on_commit=False
        )

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a session; changes that are not committed are rolled back."""
        async with self.sessions() as session:
            yield session

    async def schema_revision(self) -> str | None:
        """Return the revision of the schema, or None; raises when the database does not answer."""
        async with self._probe.connect() as connection:
            table = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
            if table is None:
                return None
            revision: str | None = await connection.scalar(
                text("SELECT version_num FROM alembic_version")
            )
            return revision

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        await self._probe.dispose()
