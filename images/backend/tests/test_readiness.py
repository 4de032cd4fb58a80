"""The cache of the readiness checks."""

import asyncio
from typing import Any

from sqlalchemy.exc import OperationalError

from app.core import readiness, schema
from app.core.readiness import Readiness, ready


class _Counted:
    """A slow database that counts its queries."""

    def __init__(self) -> None:
        self.asked = 0
        self.lost = False

    async def schema_revision(self) -> str:
        self.asked += 1
        await asyncio.sleep(0.05)
        if self.lost:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return schema.head()


def _both() -> tuple[_Counted, Readiness]:
    database: Any = _Counted()
    return database, Readiness(database)


def test_100_concurrent_checks_make_one_query() -> None:
    async def run() -> None:
        database, known = _both()
        results = await asyncio.gather(*(known.checks() for _ in range(100)))
        assert all(ready(result) for result in results)
        assert database.asked == 1
        assert ready(await known.checks())
        assert database.asked == 1

    asyncio.run(run())


def test_old_result_is_checked_again(monkeypatch: Any) -> None:
    async def run() -> None:
        monkeypatch.setattr(readiness, "_KEPT_SECONDS", 0.1)
        database, known = _both()
        await known.checks()
        await asyncio.sleep(0.15)
        database.lost = True
        assert not ready(await known.checks())
        assert database.asked == 2

    asyncio.run(run())


def test_failure_is_kept_for_a_shorter_time(monkeypatch: Any) -> None:
    assert readiness._KEPT_BAD_SECONDS < readiness._KEPT_SECONDS

    async def run() -> None:
        monkeypatch.setattr(readiness, "_KEPT_BAD_SECONDS", 0.1)
        database, known = _both()
        database.lost = True
        assert not ready(await known.checks())
        assert not ready(await known.checks())
        assert database.asked == 1
        await asyncio.sleep(0.15)
        database.lost = False
        assert ready(await known.checks())

    asyncio.run(run())


def test_cancelled_check_does_not_cancel_the_others() -> None:
    async def run() -> None:
        database, known = _both()
        first = asyncio.create_task(known.checks())
        second = asyncio.create_task(known.checks())
        await asyncio.sleep(0.01)
        first.cancel()
        assert ready(await second)
        assert database.asked == 1

    asyncio.run(run())
