"""A worker whose planner is slow, hangs or ends, as the message says."""

import os
import signal
import time

from app.agent.builtin import worker
from app.agent.builtin.steps import Call
from app.agent.said import Said


def step(said: list[Said], outputs: list[str]) -> list[Call] | str:
    """Behave as the last message says."""
    match said[-1].text:
        case "burn":
            while True:
                pass
        case "sleep":
            time.sleep(600)
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "eat":
            return str(len("x" * 2**30))
        case "fail":
            raise LookupError
        case "count":
            return f"{len(said)} and {max(len(one.text) for one in said)}"
    return f"heard {said[-1].text}"


if __name__ == "__main__":
    worker.main(step)
