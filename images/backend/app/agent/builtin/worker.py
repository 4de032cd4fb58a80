"""The process in which the built-in model thinks; app.agent.builtin.pool starts it.

It reads requests from its input and writes answers to its output, each after its length, and ends
when its input does, so that it never outlives the server, however that ends. It knows no secret:
its environment is empty, and it sees a message, never whose it is.
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

# Bytes of memory that it may take: it takes 40 MiB, and 500 todos of full length some more.
_MEMORY = 320 * 2**20

Step = Callable[[list[Said], list[str]], list[Call] | str]


def _modest() -> None:
    """Be the first to go when memory runs out, and the last to get the processor."""
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
    """Answer requests; the kernel ends the process when one takes more processor than this."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    while len(header := source.read(HEADER.size)) == HEADER.size:
        request = source.read(HEADER.unpack(header)[0])
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer = json.dumps(_answer(step, request)).encode()
        signal.setitimer(signal.ITIMER_PROF, 0)
        target.write(HEADER.pack(len(answer)) + answer)
        target.flush()


def main(step: Step = next_step) -> None:
    """Run until the input ends; the argument is the limit in seconds of processor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this
    _modest()
    # Patterns are compiled when they are first used: now, rather than on someone's time.
    for message in ("delete the milk and bread tasks", "change milk to bread", "what's pending?"):
        next_step([Said("user", message)], ["[]"] * 3)
    gc.freeze()
    with contextlib.suppress(BrokenPipeError):
        serve(step, float(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
