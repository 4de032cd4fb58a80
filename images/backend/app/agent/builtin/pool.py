"""Worker processes for the built-in model, so that it never blocks the event loop.

Each message may use one second of processor time. The kernel ends a worker that takes more, and the
pool ends a worker that does not answer in time. The person gets an apology, and the next message
gets a new worker.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from app.agent.builtin.steps import HEADER, Call
from app.agent.said import Said

log = logging.getLogger("app.assistant")

WORKERS = 2
PROCESSOR_SECONDS = 1.0
# The workers of a pod share half a processor, so a second of processor time takes longer.
WALL_SECONDS = 20.0
# Messages that may wait for a worker, and for how long. Most messages take a few milliseconds.
WAITING = 32
WAITING_SECONDS = 15.0
# Messages that a worker gets; the model reads the last six messages of the assistant.
HISTORY = 18
HISTORY_TEXT = 16_000
# Maximum bytes of a request and of an answer; 500 todos of full length have less than 2 MB.
FRAME = 8 * 2**20

_ROOT = Path(__file__).resolve().parents[3]


class BusyError(Exception):
    """Too many messages wait for a worker."""


class GaveUpError(Exception):
    """The message took too long, or its worker ended."""


class _Worker:
    """A worker process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str]) -> "_Worker":
        return cls(
            await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,  # a traceback can contain what people write
                cwd=_ROOT,
                env={"PYTHONDONTWRITEBYTECODE": "1"},
            )
        )

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return the answer; raises OSError or EOFError without one."""
        source, target = self._process.stdout, self._process.stdin
        if source is None or target is None:
            raise EOFError
        target.write(HEADER.pack(len(request)) + request)
        await target.drain()
        (size,) = HEADER.unpack(await source.readexactly(HEADER.size))
        if size > FRAME:
            raise EOFError
        return await source.readexactly(size)

    async def stop(self, patience: float = 0.0) -> int:
        """End the process. With patience, it may first end by itself after its input is closed."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(patience):
                return await self._process.wait()
        except TimeoutError:
            if self.alive:
                self._process.kill()
        return await self._process.wait()


class Pool:
    """A few workers. They start when needed, and each handles one message at a time."""

    def __init__(
        self,
        workers: int = WORKERS,
        processor_seconds: float = PROCESSOR_SECONDS,
        wall_seconds: float = WALL_SECONDS,
        command: Sequence[str] = (sys.executable, "-m", "app.agent.builtin.worker"),
    ) -> None:
        self._command = (*command, str(processor_seconds))
        self._wall = wall_seconds
        self._free = asyncio.Semaphore(workers)
        self._waiting = 0
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """Return the ids of the running processes."""
        return [worker.pid for worker in self._all if worker.alive]

    async def start(self) -> None:
        """Start a worker, so that the first message does not wait for it."""
        self._idle.append(await self._worker())

    async def step(self, said: Sequence[Said], outputs: Sequence[str]) -> list[Call] | str:
        """Return the next calls or the answer; raises BusyError or GaveUpError."""
        request = _request(said, outputs)
        if len(request) > FRAME:
            raise GaveUpError
        await self._turn()
        try:
            return _step(await self._ask(request))
        finally:
            self._free.release()

    async def close(self) -> None:
        """End all workers."""
        self._closed = True
        await asyncio.gather(*(worker.stop(patience=1.0) for worker in self._all))
        self._all.clear()
        self._idle.clear()

    async def _turn(self) -> None:
        if self._waiting >= WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with asyncio.timeout(WAITING_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise BusyError from None
        finally:
            self._waiting -= 1

    async def _worker(self) -> _Worker:
        if self._closed:
            raise GaveUpError
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            await self._ended(worker)
        worker = await _Worker.start(self._command)
        self._all.add(worker)
        return worker

    async def _ask(self, request: bytes) -> bytes:
        worker = await self._worker()
        began = time.monotonic()
        whole = False
        try:
            async with asyncio.timeout(self._wall):
                answer = await worker.ask(request)
            whole = True
        except (OSError, EOFError, TimeoutError):
            raise GaveUpError from None
        finally:
            # After a timeout or a cancelled request the worker may still send an answer, which the
            # next request would read. So this worker is not used again.
            if whole:
                self._idle.append(worker)
            else:
                await self._ended(worker, time.monotonic() - began)
        return answer

    async def _ended(self, worker: _Worker, after: float | None = None) -> None:
        self._all.discard(worker)
        # A process that has closed its output ends by itself; its exit code tells the reason.
        code = await asyncio.shield(worker.stop(patience=0.2))
        took = None if after is None else round(after, 2)
        log.warning("a worker of the built-in model ended", extra={"code": code, "seconds": took})


def _request(said: Sequence[Said], outputs: Sequence[str]) -> bytes:
    recent = [(one.role, one.text[-HISTORY_TEXT:]) for one in said[-HISTORY - 1 :]]
    return json.dumps({"said": recent, "outputs": list(outputs)}).encode()


def _step(answer: bytes) -> list[Call] | str:
    """Read the answer of a worker."""
    found = json.loads(answer)
    if "failed" in found:
        log.error("the built-in model failed", extra={"reason": str(found["failed"])})
        raise GaveUpError
    if "say" in found:
        return str(found["say"])
    return [Call(str(tool), dict(arguments)) for tool, arguments in found["calls"]]
