"""Steps of a plan: calls go out, results come back, a sentence ends it."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any


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
