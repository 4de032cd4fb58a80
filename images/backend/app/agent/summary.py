"""What is kept and told of a tool call: enough for the page, however much the tool returned."""

import json
from typing import Any

from app.schemas import ToolCall

TEXT = 200  # characters of one value; the longest title fits
TASKS = 20  # tasks of a list
VALUES = 10  # values of an object
CALLS_BYTES = 24_000  # all calls of one message, as JSON
MORE = "more"  # stands for the calls beyond that


def summarize(call: ToolCall) -> ToolCall:
    """Return the call with short texts; a list of tasks becomes a count and its first titles."""
    return ToolCall(
        name=storable(call.name[:64]), arguments=_object(call.arguments), result=_short(call.result)
    )


def kept(calls: list[ToolCall]) -> list[ToolCall]:
    """Return the first of these summaries, and one that counts the others."""
    room = CALLS_BYTES
    for number, call in enumerate(calls):
        room -= len(json.dumps(call.model_dump(), default=str))
        if room < 0:
            rest = ToolCall(name=MORE, arguments={}, result={"count": len(calls) - number})
            return [*calls[:number], rest]
    return calls


def storable(text: str) -> str:
    """Return the text without what no database stores and no UTF-8 writes; models say anything."""
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
            # JavaScript reads no larger one.
            return value if abs(value) < 2**53 else None
        case str():
            text = storable(value)
            return text if len(text) <= TEXT else text[:TEXT] + "…"
        case _:
            return "…"
