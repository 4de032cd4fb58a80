"""What routes ask for: settings, database session, and who is calling.

All of it is async, although little waits: FastAPI runs what is not in a thread, at a third of the
cost of a request.
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, HTTPException, Path, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlmodel.ext.asyncio.session import AsyncSession

from app.chat import Chat
from app.core.config import Settings
from app.core.db import Database
from app.core.readiness import Readiness
from app.core.security import Identity, InvalidTokenError, verify
from app.limits import Limits
from app.models import ID_MAX

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Issued by Better Auth.")


async def settings(request: Request) -> Settings:
    """Return the settings that the server was started with."""
    found: Settings = request.app.state.settings
    return found


async def database(request: Request) -> Database:
    """Return the server's database."""
    found: Database = request.app.state.database
    return found


async def chat(request: Request) -> Chat:
    """Return the server's chat."""
    found: Chat = request.app.state.chat
    return found


async def limits(request: Request) -> Limits:
    """Return what one user may do."""
    found: Limits = request.app.state.limits
    return found


async def readiness(request: Request) -> Readiness:
    """Return what knows whether the server is ready."""
    found: Readiness = request.app.state.readiness
    return found


async def session(db: Annotated[Database, Depends(database)]) -> AsyncIterator[AsyncSession]:
    """Open a session for the request."""
    async with db.session() as opened:
        yield opened


async def identity(
    config: Annotated[Settings, Depends(settings)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Identity:
    """Verify the bearer token; 401 without a good one."""
    reason = "Please sign in."
    if credentials is not None:
        try:
            return verify(credentials.credentials, config.better_auth_secret.get_secret_value())
        except InvalidTokenError:
            reason = "Your session is not valid or has expired. Please sign in again."
    raise HTTPException(401, reason, headers={"WWW-Authenticate": "Bearer"})


async def owner(user_id: str, caller: Annotated[Identity, Depends(identity)]) -> str:
    """Let the caller through to their own address only; 403 elsewhere, whether it exists or not."""
    if caller.user_id != user_id:
        raise HTTPException(403, "You can only reach your own data.")
    return user_id


Owner = Annotated[str, Depends(owner)]
# Closed before the answer is sent: who reads slowly must not hold a connection to the database.
Session = Annotated[AsyncSession, Depends(session, scope="function")]
LimitsDep = Annotated[Limits, Depends(limits)]
ReadinessDep = Annotated[Readiness, Depends(readiness)]
SettingsDep = Annotated[Settings, Depends(settings)]
ChatDep = Annotated[Chat, Depends(chat)]
ItemId = Annotated[int, Path(ge=1, le=ID_MAX)]
