"""A message of a conversation."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Said:
    """One message."""

    role: Literal["user", "assistant"]
    text: str
