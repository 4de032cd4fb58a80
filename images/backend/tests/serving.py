"""The server in a separate process, as its container runs it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from sqlalchemy import URL

from tests.conftest import SECRET
from tests.postgres import free_port

ROOT = Path(__file__).parents[1]


def until_live(process: "subprocess.Popen[str]", address: str) -> None:
    """Wait until the server answers."""
    while True:
        assert process.poll() is None
        try:
            assert httpx2.get(f"{address}/livez").status_code == 200
            return
        except httpx2.ConnectError:
            time.sleep(0.05)


@contextmanager
def serving(database: URL, **environment: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the server as its container does; yield the process and the address."""
    port = free_port()
    given = {
        **os.environ,
        "DATABASE_HOST": database.host or "",
        "DATABASE_PORT": str(database.port),
        "DATABASE_NAME": database.database or "",
        "DATABASE_USER": database.username or "",
        "DATABASE_PASSWORD": str(database.password),
        "BETTER_AUTH_SECRET": SECRET,
        "OPENAI_API_KEY": "",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        **environment,
    }
    command = [sys.executable, "-m", "app"]
    with subprocess.Popen(
        command, env=given, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()
