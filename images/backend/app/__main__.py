"""Serves the application: `python -m app`."""

import gc
import sys

import uvicorn

from app.api.protocol import BoundedProtocol
from app.core.config import SettingsError, load_settings


def main() -> int:
    """Serve until SIGTERM, finish running requests, and return the exit code."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"configuration: {error}\n")
        return 2
    gc.disable()  # during the imports; app.agent.background enables it again
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.web_concurrency,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Longer than its clients keep idle connections, so that none writes to a closed one.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
