"""Probes."""

import asyncio
import logging

from fastapi import APIRouter, Response
from psycopg import Error as DriverError
from sqlalchemy.exc import SQLAlchemyError

from app.api.deps import DatabaseDep
from app.core import schema
from app.schemas import Alive, Health

router = APIRouter(tags=["health"])
log = logging.getLogger("app.health")

_SECONDS = 3


@router.get("/livez")
async def livez() -> Alive:
    """Say that the process answers; touches nothing."""
    return Alive()


@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready"}})
async def readyz(response: Response, database: DatabaseDep) -> Health:
    """Say whether the database is reached and its schema is the one this code needs."""
    try:
        async with asyncio.timeout(_SECONDS):
            revision = await database.schema_revision()
    except (SQLAlchemyError, DriverError, TimeoutError, OSError) as error:
        log.warning("not ready", extra={"reason": type(error).__name__})
        checks = {"database": "out of reach", "schema": "unknown"}
    else:
        fits = revision is not None and schema.fits({revision})
        state = "ok" if fits else f"is at {revision or 'nothing'}, needs {schema.head()}"
        checks = {"database": "ok", "schema": state}
    if any(result != "ok" for result in checks.values()):
        response.status_code = 503
        return Health(status="unavailable", checks=checks)
    return Health(status="ok", checks=checks)
