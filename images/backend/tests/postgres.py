"""A PostgreSQL server for the tests, in a temporary folder that is removed afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url

_PLACES = ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "/usr/pgsql")


def _binaries() -> Path:
    """Return the folder with initdb and pg_ctl."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    for place in map(Path, _PLACES):
        for folder in sorted(place.glob("*/bin"), reverse=True):
            if (folder / "initdb").exists():
                return folder
    raise RuntimeError(
        "PostgreSQL is not installed: install the package postgresql, or set TEST_DATABASE_URL to "
        "an empty database"
    )


def _as_other() -> list[str]:
    """Return a command prefix for another user, because PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if _root() else []


def _root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def cluster() -> Iterator[URL]:
    """Yield the URL of a running server: TEST_DATABASE_URL, or a server that is started here."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="todo-postgres-"))
    data, password = folder / "data", folder / "password"
    password.write_text("from-the-tests")
    port = free_port()
    try:
        if _root():
            for path in (folder, password):
                os.chown(path, 65534, 65534)
        _run(
            [
                *_as_other(),
                str(binaries / "initdb"),
                f"--pgdata={data}",
                "--username=todo",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ]
        )
        settings = f"-c listen_addresses=127.0.0.1 -c port={port} -c fsync=off"
        settings += f" -c unix_socket_directories={folder} -c max_connections=60"
        control = [*_as_other(), str(binaries / "pg_ctl"), f"--pgdata={data}"]
        log = folder / "log"
        _run([*control, "start", "--wait", f"--log={log}", f"--options={settings}"])
        try:
            yield URL.create(
                "postgresql+psycopg", "todo", "from-the-tests", "127.0.0.1", port, "postgres"
            )
        finally:
            _run([*control, "stop", "--mode=immediate"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> None:
    """Run a command; an error contains its output."""
    # A file, because the server that pg_ctl starts would keep a pipe open.
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(command, stdout=out, stderr=out, check=False, cwd="/")
        if done.returncode:
            out.seek(0)
            raise RuntimeError(f"{' '.join(command)}: {out.read().decode(errors='replace')}")
