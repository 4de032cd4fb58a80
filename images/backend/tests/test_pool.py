"""The workers of the built-in model: limits, crashes, and a free event loop."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.agent import assistant
from app.agent.builtin import pool as pools
from app.agent.builtin import replies
from app.agent.builtin.model import BuiltinModel
from app.agent.builtin.pool import BusyError, GaveUpError, Pool
from app.agent.builtin.steps import Call
from app.agent.said import Said
from app.core.config import Settings
from app.main import create_app
from tests.conftest import Person

SLOW = (sys.executable, "-m", "tests.slow_worker")


@asynccontextmanager
async def open_pool(workers: int = 1, wall: float = 20.0, *command: str) -> AsyncIterator[Pool]:
    pool = Pool(workers, wall_seconds=wall, command=command or SLOW)
    try:
        yield pool
    finally:
        pids = pool.pids
        await pool.close()
        assert not pool.pids
        assert not [pid for pid in pids if alive(pid)]


def alive(pid: int) -> bool:
    """Report whether the process exists, also as a zombie."""
    return Path(f"/proc/{pid}").exists()


def about(pid: int, what: str) -> str:
    """Return a file of /proc about a process."""
    return Path(f"/proc/{pid}/{what}").read_text("utf-8")


async def say(pool: Pool, text: str) -> list[Call] | str:
    return await pool.step([Said("user", text)], [])


async def lag(until: Awaitable[object]) -> float:
    """Return the longest delay of the event loop until something is done."""
    late, done = 0.0, asyncio.ensure_future(until)
    while not done.done():
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        late = max(late, time.perf_counter() - began - 0.005)
    await done
    return late


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_message_has_one_second_of_processor_and_does_not_block_the_loop() -> None:
    async def test() -> None:
        async with open_pool() as pool:
            assert await say(pool, "hi") == "heard hi"
            (first,) = pool.pids

            async def burn() -> None:
                with pytest.raises(GaveUpError):
                    await say(pool, "burn")

            used = os.times().children_user
            late = await lag(burn())
            used = os.times().children_user - used
            assert 0.8 < used < 1.6
            assert late < 0.1
            assert await say(pool, "again") == "heard again"
            assert pool.pids != [first]

    run(test)


def test_processor_limit_restarts_for_each_message() -> None:
    async def test() -> None:
        async with open_pool() as pool:
            assert await say(pool, "hi") == "heard hi"
            (first,) = pool.pids
            for number in range(300):
                assert await say(pool, f"hi {number}") == f"heard hi {number}"
            assert pool.pids == [first]

    run(test)


@pytest.mark.parametrize("message", ["die", "eat", "sleep"])
def test_dead_or_stuck_worker_is_replaced(message: str) -> None:
    async def test() -> None:
        async with open_pool(1, 2.0) as pool:
            with pytest.raises(GaveUpError):
                await say(pool, message)
            assert await say(pool, "again") == "heard again"
            (last,) = pool.pids
            os.kill(last, 9)  # while it is idle
            await asyncio.sleep(0.1)
            assert await say(pool, "more") == "heard more"

    run(test)


def test_worker_is_kept_after_an_exception_of_the_planner() -> None:
    async def test() -> None:
        async with open_pool() as pool:
            await say(pool, "hi")
            before = pool.pids
            with pytest.raises(GaveUpError):
                await say(pool, "fail")
            assert await say(pool, "hi") == "heard hi"
            assert pool.pids == before

    run(test)


def test_next_request_does_not_get_the_answer_of_a_cancelled_one() -> None:
    async def test() -> None:
        async with open_pool() as pool:
            await say(pool, "hi")
            asking = asyncio.create_task(say(pool, "sleep"))
            await asyncio.sleep(0.1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert await say(pool, "again") == "heard again"

    run(test)


def test_number_of_waiting_messages_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "WAITING", 2)

    async def test() -> None:
        async with open_pool() as pool:
            await say(pool, "hi")
            tasks = [asyncio.create_task(say(pool, "burn")) for _ in range(5)]
            found = await asyncio.gather(*tasks, return_exceptions=True)
            assert [type(one) for one in found].count(BusyError) == 2
            assert [type(one) for one in found].count(GaveUpError) == 3

    run(test)


def test_size_of_a_request_to_a_worker_is_limited() -> None:
    async def test() -> None:
        async with open_pool() as pool:
            said = [Said("assistant", "x" * 100_000) for _ in range(40)]
            found = await pool.step([*said, Said("user", "count")], [])
            assert found == f"{pools.HISTORY + 1} and {pools.HISTORY_TEXT}"
            with pytest.raises(GaveUpError):
                await pool.step([Said("user", "hi")], ["x" * pools.FRAME])

    run(test)


def test_worker_has_no_secrets_and_little_memory() -> None:
    async def test() -> None:
        async with open_pool(1, 20.0, *Pool()._command[:-1]) as pool:
            assert "500" not in str(await say(pool, "hello"))
            (pid,) = pool.pids
            assert "SECRET" not in about(pid, "environ")
            status = about(pid, "status").splitlines()
            resident = next(line for line in status if line.startswith("VmRSS"))
            assert int(resident.split()[1]) < 64 * 1024
            loaded = about(pid, "maps")
            assert "pydantic" not in loaded
            assert "sqlalchemy" not in loaded

    run(test)


def test_workers_end_when_the_server_is_killed() -> None:
    code = (
        "import asyncio, os\n"
        "from app.agent.builtin.pool import Pool\n"
        "async def main():\n"
        "    pool = Pool()\n"
        "    await pool.start()\n"
        "    print(*pool.pids, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=False,
    )
    pid = int(found.stdout)
    until = time.monotonic() + 10
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(pid)


def test_other_requests_are_served_while_a_worker_is_busy(
    settings: Settings, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = BuiltinModel(Pool(1, command=SLOW))
    monkeypatch.setattr(assistant, "choose_model", lambda _: model)
    with ThreadPoolExecutor() as threads, TestClient(create_app(settings)) as client:
        ann, bob = Person(client, "user-ann"), Person(client, "user-bob")
        assert ann.say("hi")["response"] == "heard hi"
        burning = threads.submit(ann.say, "burn")
        slowest, rounds = 0.0, 0
        while not burning.done():
            began = time.perf_counter()
            assert client.get("/livez").status_code == 200
            assert bob.tasks() == []
            slowest, rounds = max(slowest, time.perf_counter() - began), rounds + 1
        assert burning.result()["response"] == replies.TOO_HARD
        assert rounds > 10
        assert slowest < 1
        assert ann.say("thanks")["response"] == "heard thanks"
