"""Steps of a plan: it yields tool calls, receives results, and returns the answer."""

import struct
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

# The length prefix of requests to a worker and of its answers.
HEADER = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """The result or the error of a tool."""

    value: Any = None
    error: str | None = None


# A part of a plan that returns a value.
Steps = Generator[list[Call], list[Result], Any]
