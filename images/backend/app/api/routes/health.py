"""Probes."""

from fastapi import APIRouter, Response

from app.api.deps import ReadinessDep, SettingsDep
from app.core.readiness import ready
from app.schemas import Alive, Health

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez(settings: SettingsDep) -> Alive:
    """Say that the process answers; touches nothing."""
    return Alive(image=settings.image_digest)


@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready"}})
async def readyz(response: Response, readiness: ReadinessDep, settings: SettingsDep) -> Health:
    """Say whether the database is reached and its schema is the one this code needs.

    An answer is at most 2 seconds old.
    """
    checks = await readiness.checks()
    if ready(checks):
        return Health(status="ok", checks=checks, image=settings.image_digest)
    response.status_code = 503
    response.headers["Retry-After"] = "2"
    return Health(status="unavailable", checks=checks, image=settings.image_digest)
