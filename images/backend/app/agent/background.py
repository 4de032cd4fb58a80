"""Starts the assistant in the background, while the server already answers other requests.

Most of the import time belongs to the agents SDK and MCP, which tasks and probes do not need.
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from app.agent.interface import Assistant
from app.core.config import Settings
from app.core.db import Sessions

log = logging.getLogger("app.assistant")

Open = Callable[[Settings, Sessions], AbstractAsyncContextManager[Assistant]]


def _load() -> Open:
    from app.agent.assistant import open_assistant  # noqa: PLC0415 - slow to import

    return open_assistant


@asynccontextmanager
async def open_in_background(
    settings: Settings, sessions: Sessions
) -> AsyncIterator[asyncio.Future[Assistant]]:
    """Yield a future of the assistant without waiting for it.

    When the assistant cannot start, the process exits, so that the kubelet restarts the container.
    """
    ready: asyncio.Future[Assistant] = asyncio.get_running_loop().create_future()
    closing = asyncio.Event()

    async def run() -> None:
        try:
            # Imports produce little garbage, and its collection takes a sixth of their time.
            gc.disable()
            open_assistant = await asyncio.to_thread(_load)
            async with open_assistant(settings, sessions) as assistant:
                gc.freeze()  # loaded modules stay, so the collector need not scan them
                gc.enable()
                ready.set_result(assistant)
                await closing.wait()
        except Exception:
            log.critical("the assistant cannot run", exc_info=True)
            raise SystemExit(1) from None

    task = asyncio.create_task(run())
    try:
        yield ready
    finally:
        closing.set()
        await task  # an import cannot be cancelled
