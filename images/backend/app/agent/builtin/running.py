"""Runs a plan to its next step, from the messages and the tool results of this turn."""

import json
from collections.abc import Iterable

from app.agent.builtin.planner import respond
from app.agent.builtin.steps import Call, Result
from app.agent.said import Said


def _result(output: str) -> Result:
    """Read the output of a tool: an error is text, a result is JSON."""
    try:
        value = json.loads(output)
    except ValueError:
        return Result(error=output or "the tool failed")
    if isinstance(value, dict) and set(value) == {"result"}:
        value = value["result"]
    return Result(value=value)


def next_step(said: list[Said], outputs: Iterable[str]) -> list[Call] | str:
    """Return the next calls or the answer.

    The plan is a generator. Each step runs it again from the start with the results so far; it is
    deterministic, so it reaches the same point.
    """
    plan = respond(said)
    remaining = (_result(output) for output in outputs)
    try:
        calls = next(plan)
        while True:
            given = [r for _, r in zip(calls, remaining, strict=False)]
            if len(given) < len(calls):
                return calls
            calls = plan.send(given)
    except StopIteration as end:
        return str(end.value)
