"""Liveness and readiness probes."""

from fastapi import APIRouter, Response

from app.api.deps import ReadinessDep, SettingsDep
from app.api.errors import responses
from app.core.readiness import ready
from app.schemas import Alive, Health

router = APIRouter(tags=["health"], responses=responses(414, 431))


@router.get("/livez")
async def livez(settings: SettingsDep) -> Alive:
    """Report that the process answers. Nothing else is checked."""
    return Alive(image=settings.image_digest)


@router.get(
    "/readyz",
    responses={503: {"model": Health, "description": "A check failed; `checks` names it."}},
)
async def readyz(response: Response, readiness: ReadinessDep, settings: SettingsDep) -> Health:
    """Report whether the database answers and its schema fits this release.

    A result is kept for at most 2 seconds.
    """
    checks = await readiness.checks()
    if ready(checks):
        return Health(status="ok", checks=checks, image=settings.image_digest)
    response.status_code = 503
    response.headers["Retry-After"] = "2"
    return Health(status="unavailable", checks=checks, image=settings.image_digest)
