"""The built-in model with the interface of the agents SDK."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

from agents import ModelSettings, TResponseInputItem, Usage
from agents.agent_output import AgentOutputSchemaBase
from agents.handoffs import Handoff
from agents.items import ModelResponse, TResponseStreamEvent
from agents.models.interface import Model, ModelTracing
from agents.tool import Tool
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseTextDeltaEvent,
)
from openai.types.responses.response_prompt_param import ResponsePromptParam

from app.agent.builtin import replies
from app.agent.builtin.pool import BusyError, GaveUpError, Pool
from app.agent.builtin.steps import Call
from app.agent.said import Said

_NAME = "built-in"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _output_text(output: Any) -> str:
    return _text(
        output if isinstance(output, str) else [output] if isinstance(output, dict) else output
    )


def _read(items: str | list[TResponseInputItem]) -> tuple[list[Said], list[str], bool]:
    """Return the messages, the tool results of this turn, and whether a tool changed data."""
    if isinstance(items, str):
        return [Said("user", items)], [], False
    said: list[Said] = []
    order: list[str] = []
    outputs: dict[str, str] = {}
    changed = False
    for item in items:
        entry: dict[str, Any] = dict(item)
        match entry.get("type", "message"):
            case "message" if entry["role"] in ("user", "assistant"):
                said.append(Said(entry["role"], _text(entry["content"])))
                if entry["role"] == "user":
                    order.clear()
                    changed = False
            case "function_call":
                order.append(entry["call_id"])
                changed = changed or entry["name"] != "list_tasks"
            case "function_call_output":
                outputs[entry["call_id"]] = _output_text(entry["output"])
    return said, [outputs[call] for call in order if call in outputs], changed


def _output(step: list[Call] | str) -> list[ResponseOutputItem]:
    if isinstance(step, str):
        part = ResponseOutputText(annotations=[], text=step, type="output_text", logprobs=[])
        return [
            ResponseOutputMessage(
                id=f"msg_{uuid.uuid4().hex}",
                content=[part],
                role="assistant",
                status="completed",
                type="message",
            )
        ]
    return [
        ResponseFunctionToolCall(
            call_id=f"call_{uuid.uuid4().hex}",
            name=call.tool,
            arguments=json.dumps(call.arguments),
            type="function_call",
        )
        for call in step
    ]


def _pieces(text: str) -> Iterator[str]:
    """Split a text into words, as a remote model streams it."""
    start = 0
    while start < len(text):
        end = text.find(" ", start + 1)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end


class BuiltinModel(Model):
    """Answers from rules, in separate processes; see the description of the package."""

    def __init__(self, pool: Pool | None = None) -> None:
        self._pool = pool or Pool()

    async def start(self) -> None:
        """Start a process for the first message."""
        await self._pool.start()

    async def close(self) -> None:
        """End the processes."""
        await self._pool.close()

    async def _next(self, items: str | list[TResponseInputItem]) -> list[Call] | str:
        """Return the next calls or the answer, which is an apology after a failure."""
        said, outputs, changed = _read(items)
        try:
            return await self._pool.step(said, outputs)
        except GaveUpError:
            text = replies.TOO_HARD
        except BusyError:
            text = replies.BUSY
        return f"{text} {replies.PARTLY}" if changed else text

    async def get_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the interface's name
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: ResponsePromptParam | None,
    ) -> ModelResponse:
        """Return the next tool calls or the answer."""
        output = _output(await self._next(input))
        return ModelResponse(output=output, usage=Usage(requests=1), response_id=None)

    async def stream_response(
        self,
        system_instructions: str | None,
        input: str | list[TResponseInputItem],  # noqa: A002 - the interface's name
        model_settings: ModelSettings,
        tools: list[Tool],
        output_schema: AgentOutputSchemaBase | None,
        handoffs: list[Handoff],
        tracing: ModelTracing,
        *,
        previous_response_id: str | None,
        conversation_id: str | None,
        prompt: ResponsePromptParam | None,
    ) -> AsyncIterator[TResponseStreamEvent]:
        """Return the next tool calls, or the answer word by word."""
        step = await self._next(input)
        output = _output(step)
        number = 0
        if isinstance(step, str):
            for piece in _pieces(step):
                yield ResponseTextDeltaEvent(
                    content_index=0,
                    delta=piece,
                    item_id=output[0].id or "",
                    logprobs=[],
                    output_index=0,
                    sequence_number=number,
                    type="response.output_text.delta",
                )
                number += 1
        response = Response(
            id=f"resp_{uuid.uuid4().hex}",
            created_at=time.time(),
            model=_NAME,
            object="response",
            output=output,
            parallel_tool_calls=True,
            tool_choice="auto",
            tools=[],
        )
        yield ResponseCompletedEvent(
            response=response, sequence_number=number, type="response.completed"
        )
