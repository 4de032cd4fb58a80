"""The worker process of the built-in model, started by app.agent.builtin.pool.

It reads requests from its standard input and writes answers to its standard output, both with a
length prefix. It exits when its input is closed, so that it never outlives the server. It has no
secrets: its environment is empty, and requests do not name the user.
"""

import contextlib
import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from app.agent.builtin.running import next_step
from app.agent.builtin.steps import HEADER, Call
from app.agent.said import Said

# Maximum memory in bytes. The process needs 40 MiB, and a little more for 500 long todos.
_MEMORY = 320 * 2**20

Step = Callable[[list[Said], list[str]], list[Call] | str]


def _lower_priority() -> None:
    """Lower the priority: the server gets the processor first, and survives when memory runs out."""
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("900")


def _answer(step: Step, request: bytes) -> dict[str, Any]:
    given = json.loads(request)
    said = [Said(role, text) for role, text in given["said"]]
    try:
        found = step(said, given["outputs"])
    except MemoryError:
        os._exit(1)
    except Exception as error:
        return {"failed": type(error).__name__}
    if isinstance(found, str):
        return {"say": found}
    return {"calls": [[call.tool, call.arguments] for call in found]}


def serve(step: Step, seconds: float, source: BinaryIO, target: BinaryIO) -> None:
    """Answer requests; the kernel ends the process when one takes more processor time than this."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while len(header := source.read(HEADER.size)) == HEADER.size:
        request = source.read(HEADER.unpack(header)[0])
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer = json.dumps(_answer(step, request)).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        target.write(HEADER.pack(len(answer)) + answer)
        target.flush()


def main(step: Step = next_step) -> None:
    """Run until the input ends. The argument of the process is the limit in processor seconds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the server, which ends this process
    _lower_priority()
    # Patterns are compiled at first use; do it before the first message.
    for message in ("delete the milk and bread tasks", "change milk to bread", "what's pending?"):
        next_step([Said("user", message)], ["[]"] * 3)
    gc.freeze()
    with contextlib.suppress(BrokenPipeError):
        serve(step, float(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
