"""Around every request: an id, a log line, a limit to the body's size, no caching."""

import logging
import re
import time
import uuid

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import problem
from app.core.logging import request_id

log = logging.getLogger("app.request")

MAX_BODY = 64 * 1024  # the largest valid request is a description of 1,000 characters, escaped
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PROBES = ("/livez", "/readyz")


class _TooLargeError(Exception):
    pass


class RequestContext:
    """Plain ASGI middleware: unlike Starlette's base class it leaves streams alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise _TooLargeError
            return message

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                out = MutableHeaders(scope=message)
                out["X-Request-ID"] = current
                out.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            length = headers.get(b"content-length", b"0")
            if length.isdigit() and int(length) > MAX_BODY:
                raise _TooLargeError
            await self._app(scope, limited, respond)
        except _TooLargeError:
            await problem(413, "The request is too large.")(scope, receive, respond)
        finally:
            self._log(scope, status, time.perf_counter() - started)
            request_id.reset(token)

    @staticmethod
    def _log(scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("route")
        log.log(
            logging.DEBUG if scope["path"] in _PROBES else logging.INFO,
            "request",
            extra={
                "method": scope["method"],
                # The template, not the path: ids stay out, and lines can be counted.
                "route": getattr(route, "path", None) or "-",
                "status": status,
                "duration_ms": round(seconds * 1000, 1),
            },
        )
