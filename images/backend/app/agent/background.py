"""The assistant, made ready while the server already serves.

The agents SDK and MCP are most of what a start imports, and neither tasks nor probes need them.
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
    """Yield at once what becomes the assistant.

    An assistant that cannot start ends the process: a pod that only looks alive helps nobody.
    """
    ready: asyncio.Future[Assistant] = asyncio.get_running_loop().create_future()
    closing = asyncio.Event()

    async def run() -> None:
        try:
            # Imports leave next to no garbage, and looking for it takes a sixth of their time.
            gc.disable()
            open_assistant = await asyncio.to_thread(_load)
            async with open_assistant(settings, sessions) as assistant:
                gc.freeze()  # what is loaded stays: no need to look through it ever again
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
        await task  # an import cannot be cut short, only waited for
