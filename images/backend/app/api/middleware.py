"""Middleware for every request: an id, a log line, no caching, and limits on size and time.

The gateway has such limits too. These hold for clients that reach the backend without it.
"""

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import problem
from app.core.logging import request_id

log = logging.getLogger("app.request")

MAX_BODY = 64 * 1024  # the largest valid request is a description of 1,000 characters, escaped
MAX_TARGET = 4096  # bytes of path and query together
BODY_SECONDS = 30  # for the whole body
SEND_SECONDS = 30  # for the client to read the next piece of an answer
MOST_AT_ONCE = 256  # requests at the same time, without probes
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PROBES = ("/livez", "/readyz")


def _refusal(status: int, detail: str) -> HTTPException:
    # The rest of the body is not read, so the connection cannot be used again.
    return HTTPException(status, detail, headers={"Connection": "close"})


class _Body:
    """Receives a body with a limit on its size and its time."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0
        self._complete = False
        self._until = asyncio.get_running_loop().time() + BODY_SECONDS

    async def __call__(self) -> Message:
        """Return the next message; raises HTTPException."""
        if self._complete:  # only the disconnect of the client can follow
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise _refusal(408, "The request took too long to arrive.") from None
        self._size += len(message.get("body", b""))
        if self._size > MAX_BODY:
            raise _refusal(413, "The request is too large.")
        self._complete = not message.get("more_body", False)
        return message


class RequestContext:
    """ASGI middleware. Unlike Starlette's BaseHTTPMiddleware it does not buffer streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        current = given if _ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(current)
        started = time.perf_counter()
        status = 500
        counted = scope["path"] not in _PROBES
        self._at_once += counted

        stalled = False

        async def respond(message: Message) -> None:
            nonlocal status, stalled
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-ID"] = current
                out.setdefault("Cache-Control", "no-store")
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await send(message)
            except TimeoutError:
                stalled = True
                raise

        try:
            if (refused := self._refused(scope, headers)) is not None:
                await refused(scope, receive, respond)
            else:
                await self._app(scope, _Body(receive), respond)
        except Exception:
            if not stalled:
                raise
            log.warning("the client did not read the answer in time", extra={"status": status})
        finally:
            self._at_once -= counted
            self._log(scope, status, time.perf_counter() - started)
            request_id.reset(token)

    def _refused(self, scope: Scope, headers: dict[bytes, bytes]) -> ASGIApp | None:
        """Return the error response for a request that is refused unread, or None."""
        closing = {"Connection": "close"}
        if self._at_once > MOST_AT_ONCE and scope["path"] not in _PROBES:
            detail = "The server has too much to do right now. Please try again in a moment."
            return problem(503, detail, headers=closing | {"Retry-After": "1"})
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET:
            return problem(414, "The address is too long.", headers=closing)
        length = headers.get(b"content-length", b"0")
        # Python limits the conversion of long digit strings; 18 digits are too large anyway.
        if length.isdigit() and (len(length) > 18 or int(length) > MAX_BODY):
            return problem(413, "The request is too large.", headers=closing)
        return None

    @staticmethod
    def _log(scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        log.log(
            logging.DEBUG if scope["path"] in _PROBES else logging.INFO,
            "request",
            extra={
                "method": scope["method"],
                # The template, not the path: it has no ids, and lines can be grouped by it.
                "route": getattr(route, "path", None) or "-",
                "status": status,
                "duration_ms": round(seconds * 1000, 1),
            },
        )
