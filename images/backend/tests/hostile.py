"""Messages that try to keep the built-in model busy, and the time that they take."""

import ast
import random
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import app.agent.builtin
from tests.desk import Desk
from tests.dialogue import State, Todo

_PACKAGE = Path(app.agent.builtin.__file__).parent
_LITERAL = re.compile(r"\\u[0-9a-f]{4}|\\.|[^\W\d_]+|[\s'’:;,.!?#&+()-]|\d", re.IGNORECASE)


def _parts(todo: int) -> str:
    things = ("milk", "bread", "report", "dentist", "rent", "garden", "party", "invoice")
    verbs = ("buy", "call", "write", "pay", "plan", "fix", "book", "send")
    return f"{verbs[todo % 8]} {things[todo // 8 % 8]} and {things[todo // 64 % 8]} {todo}"


# 500 todos, the most that list_tasks returns by default.
LIST: State = tuple(
    Todo((_parts(n).capitalize(),), n % 7 == 0, f"{_parts(n * 3)} for {_parts(n * 5)}")
    for n in range(500)
)


@cache
def texts() -> list[str]:
    """Return all string literals of the package; its patterns are among them."""
    found: dict[str, None] = {}
    for path in sorted(_PACKAGE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found[node.value] = None
    return [text for text in found if len(text) > 1]


def alphabet(pattern: str) -> list[str]:
    """Return the words and punctuation in a pattern."""
    plain = re.sub(
        r"\(\?(?:P<\w+>|[a-z-]+[:)]|<?[!=]|:)|\\[bBAZ]|\\s|\\[wdWDS]|\[\^?|\]", " ", pattern
    )
    return list(dict.fromkeys(_LITERAL.findall(plain)))


def near_misses(pattern: str, rng: random.Random) -> Iterator[str]:
    """Yield texts that nearly match a pattern."""
    letters = [one for one in alphabet(pattern) if one.strip() and "\\" not in one] or ["x"]
    some = rng.sample(letters, min(len(letters), 5))
    yield from (f"{one} " for one in some)
    yield " ".join(some) + " "
    yield "".join(some)
    yield " and ".join(some) + ", "
    yield f"{some[0]} x "
    yield f"{some[0]}, {some[-1]}. "


def padded(piece: str, length: int, head: str = "", tail: str = "") -> str:
    """Return a text of a given length: a head, repetitions of a piece, and a tail."""
    room = length - len(head) - len(tail)
    return head + (piece * (room // len(piece) + 1))[:room] + tail


def cost(message: str, *earlier: str, before: State = LIST) -> float:
    """Return the processor seconds of an answer, after earlier messages."""
    desk = Desk(before)
    for said in earlier:
        desk.say(said)
    began = time.process_time()
    desk.say(message)
    return time.process_time() - began


def least(message: str, *earlier: str, bound: float) -> float:
    """Return the cost. Above the bound it is measured three times, and the least counts."""
    spent = cost(message, *earlier)
    for _ in range(2):
        if spent > bound:
            spent = min(spent, cost(message, *earlier))
    return spent
