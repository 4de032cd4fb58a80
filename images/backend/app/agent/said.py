"""A message of a conversation."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Said:
    """A message and its author."""

    role: Literal["user", "assistant"]
    text: str
