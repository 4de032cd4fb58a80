"""Readiness of the server, with a short cache.

Everybody may call the probe. So at most one query runs at a time, on a connection that requests do
not use, and its result is kept for a moment. The kubelet's probe is answered under any load.
"""

import asyncio
import logging
import time

from psycopg import Error as DriverError
from sqlalchemy.exc import SQLAlchemyError

from app.core import schema
from app.core.db import Database

# Time limit for the query; the kubelet waits for 4 seconds.
_SECONDS = 3
_KEPT_SECONDS = 2
_KEPT_BAD_SECONDS = 1

log = logging.getLogger("app.health")

Checks = dict[str, str]


class Readiness:
    """Keeps the result of the last check and repeats the check when it is too old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last: Checks = {}
        self._until = 0.0
        self._asking: asyncio.Task[Checks] | None = None

    async def checks(self) -> Checks:
        """Return the name of each check with "ok" or the problem."""
        if time.monotonic() < self._until:
            return self._last
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Checks:
        try:
            async with asyncio.timeout(_SECONDS):
                revision = await self._database.schema_revision()
        except (SQLAlchemyError, DriverError, TimeoutError, OSError) as error:
            log.warning("not ready", extra={"reason": type(error).__name__})
            self._last = {"database": "out of reach", "schema": "unknown"}
        else:
            fits = revision is not None and schema.fits({revision})
            state = "ok" if fits else f"is at {revision or 'nothing'}, needs {schema.head()}"
            self._last = {"database": "ok", "schema": state}
        kept = _KEPT_SECONDS if ready(self._last) else _KEPT_BAD_SECONDS
        self._until = time.monotonic() + kept
        return self._last


def ready(checks: Checks) -> bool:
    """Report whether all checks are ok."""
    return all(result == "ok" for result in checks.values())
