"""Error responses: one JSON shape, with a sentence for people."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg import Error as DriverError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from app.core.logging import request_id
from app.limits import BusyError, LimitError, RateError
from app.schemas import FieldProblem, Problem

log = logging.getLogger("app.errors")

# Sentences in place of the phrases of the HTTP standard.
_KIND = {
    404: "There is nothing at this address.",
    405: "This address does not answer to that method.",
    413: "The request is too large.",
}

_UNREADABLE = "There was an error parsing the body"


_WAIT = {
    "Retry-After": {
        "description": "Seconds to wait before the next try.",
        "schema": {"type": "integer"},
    }
}


# The limits are those of the gateway and of app.api.middleware.
_DESCRIPTIONS = {
    400: "The gateway refuses a path that could be read in two ways: it has an encoded slash, a "
    "backslash, a dot segment or repeated slashes.",
    401: "The bearer token is missing, not valid or expired.",
    403: "The path names another user.",
    404: "There is no such todo or conversation, or it belongs to another user.",
    408: "The body did not arrive within 30 seconds.",
    409: "A limit on stored data is reached: todos or conversations of a user, or messages of a "
    "conversation.",
    413: "The body is larger than 64 KiB.",
    414: "Path and query together are longer than 4,096 bytes.",
    422: "A parameter or a field of the body is not valid; `errors` names each.",
    429: "Too many requests in a short time, or too many chats of the user at once.",
    431: "The request line and the header fields together are larger than 20 KiB. The gateway "
    "answers in plain text.",
    503: "The database cannot be reached, or the server has too much to do.",
}


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Describe error responses of a route for OpenAPI, including those of the gateway."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        found[code] = {"model": Problem, "description": _DESCRIPTIONS[code]}
        if code == 431:
            del found[code]["model"]
        if code in (429, 503):
            found[code]["headers"] = _WAIT
    return found


def problem(
    status: int,
    detail: str,
    errors: list[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """Return an error response."""
    body = Problem(detail=detail, errors=errors, request_id=request_id.get())
    return JSONResponse(body.model_dump(exclude_none=True), status, headers=headers)


def _field(location: Sequence[int | str]) -> str:
    names = [str(part) for part in location if part not in ("body", "query", "path", "header")]
    return ".".join(names) or "body"


def _sentence(error: dict[str, Any]) -> str:
    """Return the reason without the value that was sent."""
    limits = error.get("ctx", {})
    match error["type"]:
        case "missing":
            return "is required"
        case "string_too_short" | "string_pattern_mismatch":
            return "must not be empty or contain control characters"
        case "string_too_long":
            return f"must be at most {limits['max_length']} characters long"
        case "greater_than_equal":
            return f"must be at least {limits['ge']}"
        case "less_than_equal":
            return f"must be at most {limits['le']}"
        case "literal_error":
            return f"must be {limits['expected']}"
        case "json_invalid":
            return "is not valid JSON"
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            return "must be a whole number"
        case "bool_parsing" | "bool_type":
            return "must be true or false"
        case "model_attributes_type" | "dict_type":
            return "must be a JSON object"
        case "string_type" | "string_unicode":
            return "must be text"
        case _:
            return str(error["msg"]).removeprefix("Value error, ")


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - for the type checker
    seen = {(_field(e["loc"]), _sentence(e)): None for e in error.errors()}
    problems = [FieldProblem(field=field, message=message) for field, message in seen]
    detail = "; ".join(f"{p.field} {p.message}" for p in problems) + "."
    return problem(422, detail[0].upper() + detail[1:], problems)


def _methods(request: Request) -> set[str]:
    """Return every method of a path; a route knows its own methods only."""
    found = set()
    for template, operations in request.app.openapi()["paths"].items():
        address, _, _ = compile_path(template)
        if address.match(request.url.path):
            found |= {name.upper() for name in operations}
    return found


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    headers = dict(error.headers or {})
    if error.status_code == 405 and (methods := _methods(request)):
        headers["Allow"] = ", ".join(sorted(methods))
    if error.status_code == 400 and error.detail == _UNREADABLE:
        # FastAPI answers 422 to text that is not JSON, and 400 to bytes that are not text.
        unreadable = FieldProblem(field="body", message="is not valid JSON")
        return problem(422, "Body is not valid JSON.", [unreadable])
    standard = error.detail == HTTPStatus(error.status_code).phrase
    detail = _KIND.get(error.status_code, error.detail) if standard else error.detail
    return problem(error.status_code, detail, headers=headers)


async def _on_database(_: Request, error: Exception) -> JSONResponse:
    """Answer 503 when the database cannot be reached; other database errors are bugs."""
    lost = isinstance(error, PoolTimeoutError | DriverError) or (
        isinstance(error, DBAPIError)
        and (error.connection_invalidated or type(error).__name__ in _PASSING)
    )
    if not lost:
        return await _on_bug(_, error)
    log.warning("the database cannot be reached", extra={"reason": type(error).__name__})
    detail = "The database cannot be reached right now. Please try again in a moment."
    return problem(503, detail, headers={"Retry-After": "2"})


async def _on_limit(_: Request, error: Exception) -> JSONResponse:
    """Answer 429 to too many requests, 409 to a reached limit, 503 to a busy server."""
    if isinstance(error, RateError | BusyError):
        status = 503 if isinstance(error, BusyError) and not error.own else 429
        return problem(status, str(error), headers={"Retry-After": str(error.retry_after)})
    return problem(409, str(error))


_PASSING = ("OperationalError", "InterfaceError")


async def _on_bug(_: Request, error: Exception) -> JSONResponse:
    log.error("request failed", exc_info=error)
    return problem(500, "Something went wrong on our side. Please try again.")


def install(app: FastAPI) -> None:
    """Register the error handlers."""
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(LimitError, _on_limit)
    app.add_exception_handler(DBAPIError, _on_database)
    app.add_exception_handler(PoolTimeoutError, _on_database)
    app.add_exception_handler(DriverError, _on_database)
    app.add_exception_handler(Exception, _on_bug)
