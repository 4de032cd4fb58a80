"""Summaries of tool calls, for storage and for the page. Their size is limited."""

import json
from typing import Any

from app.schemas import ToolCall

TEXT = 200  # characters of a value; the longest title fits
TASKS = 20  # tasks of a list
VALUES = 10  # values of an object
CALLS_BYTES = 24_000  # all calls of one message, as JSON
MORE = "more"  # name of the entry that counts the other calls


def summarize(call: ToolCall) -> ToolCall:
    """Return the call with shortened values; a list of tasks becomes a count and some titles."""
    return ToolCall(
        name=storable(call.name[:64]), arguments=_object(call.arguments), result=_short(call.result)
    )


def kept(calls: list[ToolCall]) -> list[ToolCall]:
    """Return the first summaries, up to CALLS_BYTES, and an entry that counts the others."""
    room = CALLS_BYTES
    for number, call in enumerate(calls):
        room -= len(json.dumps(call.model_dump(), default=str))
        if room < 0:
            rest = ToolCall(name=MORE, arguments={}, result={"count": len(calls) - number})
            return [*calls[:number], rest]
    return calls


def storable(text: str) -> str:
    """Return the text without NUL and without characters that UTF-8 cannot encode."""
    return text.encode(errors="replace").decode().replace("\x00", "")


def _short(value: Any) -> Any:
    match value:
        case dict():
            return _object(value)
        case list():
            rows = [row for row in value[:TASKS] if isinstance(row, dict)]
            tasks = [{"id": _scalar(r.get("id")), "title": _scalar(r.get("title"))} for r in rows]
            return {"count": len(value), "tasks": tasks}
        case _:
            return _scalar(value)


def _object(value: dict[str, Any]) -> dict[str, Any]:
    return {storable(name[:64]): _scalar(value[name]) for name in list(value)[:VALUES]}


def _scalar(value: Any) -> Any:
    match value:
        case None | bool() | float():
            return value
        case int():
            # JavaScript cannot represent larger integers exactly.
            return value if abs(value) < 2**53 else None
        case str():
            text = storable(value)
            return text if len(text) <= TEXT else text[:TEXT] + "…"
        case _:
            return "…"
