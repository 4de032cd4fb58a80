"""Steps of a plan: calls go out, results come back, a sentence ends it."""

import struct
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

# The length before what goes to a worker and comes from it.
HEADER = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool to call."""

    tool: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gave back."""

    value: Any = None
    error: str | None = None


# A part of a plan that ends with a value of its own.
Steps = Generator[list[Call], list[Result], Any]
