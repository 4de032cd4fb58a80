"""The MCP tools, bound to one user."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from agents.mcp import MCPServer
from mcp.client import Client
from mcp.types import CallToolResult, TextContent, Tool

from app.agent.summary import summarize
from app.limits import ENOUGH
from app.schemas import ToolCall

# Limits of one message, for a model that does not stop by itself.
CALLS = 300
RESULTS = 2_000_000  # characters of all tool results

_LIMIT_REACHED = f"{ENOUGH}. A part of it is done; please ask again for the rest."

# The only tool without changes.
READ_ONLY = "list_tasks"

OnCall = Callable[[ToolCall], Awaitable[None]]


def _without_user(tool: Tool) -> Tool:
    """Return the tool without user_id, so that no prompt can make the model name another user."""
    schema = dict(tool.input_schema)
    schema["properties"] = {k: v for k, v in schema["properties"].items() if k != "user_id"}
    schema["required"] = [name for name in schema.get("required", []) if name != "user_id"]
    return tool.model_copy(update={"input_schema": schema, "output_schema": None})


class ToolCatalogue:
    """The tools of the server, read once."""

    def __init__(self, client: Client, tools: list[Tool]) -> None:
        self.client = client
        self.tools = tools

    @classmethod
    async def read(cls, client: Client) -> "ToolCatalogue":
        """Read the tools of the server from a connected client."""
        return cls(client, [_without_user(tool) for tool in (await client.list_tools()).tools])


class UserTools(MCPServer):
    """Calls tools for one user and records the calls.

    The tools always get the user_id of the verified token, not a value from the model.
    """

    def __init__(self, catalogue: ToolCatalogue, user_id: str, on_call: OnCall | None) -> None:
        super().__init__(use_structured_content=True)
        self._catalogue = catalogue
        self._user_id = user_id
        self._on_call = on_call
        self._calls: list[ToolCall] = []
        self._size = 0

    @property
    def name(self) -> str:
        """Return the name of the server."""
        return "todo"

    @property
    def calls(self) -> list[ToolCall]:
        """Return the finished calls, in order."""
        return [call for call in self._calls if call.result is not None]

    @property
    def changed(self) -> bool:
        """Report whether a call, finished or not, may have changed something."""
        return any(call.name != READ_ONLY for call in self._calls)

    async def connect(self) -> None:
        """Do nothing: the client stays connected while the server runs."""

    async def cleanup(self) -> None:
        """Do nothing: the client is used by later requests."""

    async def list_tools(self, run_context: Any = None, agent: Any = None) -> list[Tool]:
        """Return the tools without user_id."""
        return self._catalogue.tools

    async def call_tool(
        self,
        tool_name: str,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None = None,
    ) -> CallToolResult:
        """Call a tool for the user."""
        given = {k: v for k, v in (arguments or {}).items() if k != "user_id" and v is not None}
        call = ToolCall(name=tool_name, arguments=given, result=None)
        if len(self._calls) >= CALLS or self._size >= RESULTS:
            return _refusal(tool_name)
        self._calls.append(call)
        result = await self._catalogue.client.call_tool(
            tool_name, {**given, "user_id": self._user_id}
        )
        self._size += sum(
            len(part.text) for part in result.content if isinstance(part, TextContent)
        )
        # The full result is not kept, only its summary.
        short = summarize(call.model_copy(update={"result": _plain(result)}))
        call.name, call.arguments, call.result = short.name, short.arguments, short.result
        if self._on_call is not None:
            await self._on_call(call)
        return result

    async def list_prompts(self) -> Any:
        """Raise NotImplementedError: the server has no prompts."""
        raise NotImplementedError

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        """Raise NotImplementedError: the server has no prompts."""
        raise NotImplementedError


def _refusal(tool_name: str) -> CallToolResult:
    text = f"Error executing tool {tool_name}: {_LIMIT_REACHED}"
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _plain(result: CallToolResult) -> Any:
    """Return the result of the tool, or an object with the text of the error."""
    if result.is_error:
        texts = [part.text for part in result.content if isinstance(part, TextContent)]
        return {"error": " ".join(texts).partition(": ")[2].split("\n")[0] or "the tool failed"}
    content = result.structured_content
    if content is None:
        texts = [part.text for part in result.content if isinstance(part, TextContent)]
        return json.loads(texts[0]) if texts else []
    return content["result"] if set(content) == {"result"} else content
