"""Dependencies of the routes: settings, database session, and the caller's identity.

All are async, also those that do not wait: FastAPI runs synchronous dependencies in a thread, which
costs about a third of a request.
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
    """Return the settings of the server."""
    found: Settings = request.app.state.settings
    return found


async def database(request: Request) -> Database:
    """Return the database of the server."""
    found: Database = request.app.state.database
    return found


async def chat(request: Request) -> Chat:
    """Return the chat of the server."""
    found: Chat = request.app.state.chat
    return found


async def limits(request: Request) -> Limits:
    """Return the limits of a user."""
    found: Limits = request.app.state.limits
    return found


async def readiness(request: Request) -> Readiness:
    """Return the readiness of the server."""
    found: Readiness = request.app.state.readiness
    return found


async def session(db: Annotated[Database, Depends(database)]) -> AsyncIterator[AsyncSession]:
    """Open a database session for the request."""
    async with db.session() as opened:
        yield opened


async def identity(
    config: Annotated[Settings, Depends(settings)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Identity:
    """Verify the bearer token; raises 401 without a valid one."""
    reason = "Please sign in."
    if credentials is not None:
        try:
            return verify(credentials.credentials, config.better_auth_secret.get_secret_value())
        except InvalidTokenError:
            reason = "Your session is not valid or has expired. Please sign in again."
    raise HTTPException(401, reason, headers={"WWW-Authenticate": "Bearer"})


async def owner(user_id: str, caller: Annotated[Identity, Depends(identity)]) -> str:
    """Return the user id of the path; raises 403 unless it is the caller's own."""
    if caller.user_id != user_id:
        raise HTTPException(403, "You can only reach your own data.")
    return user_id


Owner = Annotated[str, Depends(owner)]
# Closed before the answer is sent: a slow reader must not hold a database connection.
Session = Annotated[AsyncSession, Depends(session, scope="function")]
LimitsDep = Annotated[Limits, Depends(limits)]
ReadinessDep = Annotated[Readiness, Depends(readiness)]
SettingsDep = Annotated[Settings, Depends(settings)]
ChatDep = Annotated[Chat, Depends(chat)]
ItemId = Annotated[int, Path(ge=1, le=ID_MAX)]
