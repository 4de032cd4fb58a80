"""The MCP tools as one user's agent sees them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from agents.mcp import MCPServer
from mcp.client import Client
from mcp.types import CallToolResult, TextContent, Tool

from app.agent.summary import summarize
from app.limits import ENOUGH
from app.schemas import ToolCall

# What one message may make of a model that does not stop by itself.
CALLS = 300
RESULTS = 2_000_000  # characters of everything that tools returned

_ENOUGH = f"{ENOUGH}. What is done is done; please say it again for the rest."

# The only tool that changes nothing.
READ_ONLY = "list_tasks"

OnCall = Callable[[ToolCall], Awaitable[None]]


def _without_user(tool: Tool) -> Tool:
    """Hide user_id: a model that cannot see it cannot be talked into another one."""
    schema = dict(tool.input_schema)
    schema["properties"] = {k: v for k, v in schema["properties"].items() if k != "user_id"}
    schema["required"] = [name for name in schema.get("required", []) if name != "user_id"]
    return tool.model_copy(update={"input_schema": schema, "output_schema": None})


class ToolCatalogue:
    """What the server offers, read once."""

    def __init__(self, client: Client, tools: list[Tool]) -> None:
        self.client = client
        self.tools = tools

    @classmethod
    async def read(cls, client: Client) -> "ToolCatalogue":
        """Ask a connected client for the server's tools."""
        return cls(client, [_without_user(tool) for tool in (await client.list_tools()).tools])


class UserTools(MCPServer):
    """Lets the agent call tools for one user and keeps account of the calls.

    Whatever the model writes, the user_id that reaches the tools is the one of the verified token.
    """

    def __init__(self, catalogue: ToolCatalogue, user_id: str, on_call: OnCall | None) -> None:
        super().__init__(use_structured_content=True)
        self._catalogue = catalogue
        self._user_id = user_id
        self._on_call = on_call
        self._calls: list[ToolCall] = []
        self._told = 0

    @property
    def name(self) -> str:
        """Return the server's name."""
        return "todo"

    @property
    def calls(self) -> list[ToolCall]:
        """Return the calls that were made, in order."""
        return [call for call in self._calls if call.result is not None]

    @property
    def changed(self) -> bool:
        """Say whether a call may have changed something, finished or not."""
        return any(call.name != READ_ONLY for call in self._calls)

    async def connect(self) -> None:
        """Do nothing: the client is connected as long as the server runs."""

    async def cleanup(self) -> None:
        """Do nothing: the client outlives the request."""

    async def list_tools(self, run_context: Any = None, agent: Any = None) -> list[Tool]:
        """Return the tools without user_id."""
        return self._catalogue.tools

    async def call_tool(
        self,
        tool_name: str,
        arguments: dict[str, Any] | None,
        meta: dict[str, Any] | None = None,
    ) -> CallToolResult:
        """Call a tool as the user."""
        given = {k: v for k, v in (arguments or {}).items() if k != "user_id" and v is not None}
        call = ToolCall(name=tool_name, arguments=given, result=None)
        if len(self._calls) >= CALLS or self._told >= RESULTS:
            return _refusal(tool_name)
        self._calls.append(call)
        result = await self._catalogue.client.call_tool(
            tool_name, {**given, "user_id": self._user_id}
        )
        self._told += sum(
            len(part.text) for part in result.content if isinstance(part, TextContent)
        )
        # What the model was given is not held any longer than it needs it.
        short = summarize(call.model_copy(update={"result": _plain(result)}))
        call.name, call.arguments, call.result = short.name, short.arguments, short.result
        if self._on_call is not None:
            await self._on_call(call)
        return result

    async def list_prompts(self) -> Any:
        """Refuse: the server has none."""
        raise NotImplementedError

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None) -> Any:
        """Refuse: the server has none."""
        raise NotImplementedError


def _refusal(tool_name: str) -> CallToolResult:
    text = f"Error executing tool {tool_name}: {_ENOUGH}"
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _plain(result: CallToolResult) -> Any:
    """Return what the tool returned, or an object with the error's text."""
    if result.is_error:
        texts = [part.text for part in result.content if isinstance(part, TextContent)]
        return {"error": " ".join(texts).partition(": ")[2].split("\n")[0] or "the tool failed"}
    content = result.structured_content
    if content is None:
        texts = [part.text for part in result.content if isinstance(part, TextContent)]
        return json.loads(texts[0]) if texts else []
    return content["result"] if set(content) == {"result"} else content
