"""The built-in model behind the agents SDK's interface."""

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

from app.agent.builtin.planner import respond
from app.agent.builtin.steps import Call, Result
from app.agent.said import Said

_NAME = "built-in"


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _result(output: Any) -> Result:
    """Read a tool's output; an error is text, everything else JSON."""
    text = _text(
        output if isinstance(output, str) else [output] if isinstance(output, dict) else output
    )
    try:
        value = json.loads(text)
    except ValueError:
        return Result(error=text or "the tool failed")
    if isinstance(value, dict) and set(value) == {"result"}:
        value = value["result"]
    return Result(value=value)


def _read(items: str | list[TResponseInputItem]) -> tuple[list[Said], list[Result]]:
    """Split the input into what was said and what the tools of this turn returned."""
    if isinstance(items, str):
        return [Said("user", items)], []
    said: list[Said] = []
    order: list[str] = []
    outputs: dict[str, Result] = {}
    for item in items:
        entry: dict[str, Any] = dict(item)
        match entry.get("type", "message"):
            case "message" if entry["role"] in ("user", "assistant"):
                said.append(Said(entry["role"], _text(entry["content"])))
                if entry["role"] == "user":
                    order.clear()
            case "function_call":
                order.append(entry["call_id"])
            case "function_call_output":
                outputs[entry["call_id"]] = _result(entry["output"])
    return said, [outputs[call] for call in order if call in outputs]


def _next(said: list[Said], results: list[Result]) -> list[Call] | str:
    """Return the next calls or the answer.

    The plan is a generator that is run again from its start at each step, fed with the results so
    far: it is deterministic, so it arrives where it was.
    """
    plan = respond(said)
    remaining = iter(results)
    try:
        calls = next(plan)
        while True:
            given = [r for _, r in zip(calls, remaining, strict=False)]
            if len(given) < len(calls):
                return calls
            calls = plan.send(given)
    except StopIteration as end:
        return str(end.value)


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
    """Cut a text into words, as a real model streams it."""
    start = 0
    while start < len(text):
        end = text.find(" ", start + 1)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end


class BuiltinModel(Model):
    """Answers from rules; see the package's description."""

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
        output = _output(_next(*_read(input)))
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
        """Return the same, the answer word by word."""
        step = _next(*_read(input))
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
