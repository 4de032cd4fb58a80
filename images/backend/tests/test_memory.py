"""Memory for conversations, measured in the process of the server."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import URL, create_engine, text

from tests.conftest import token
from tests.serving import serving, until_live

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")

# MiB that a long conversation may add to a new server. Measured: 7; with complete tool results in
# storage it was 48, and a page of messages had 9.6 million bytes.
ONE = 24
PAGE = 1_000_000
# MiB of the process with the maximum number of chats, each about a full list of the longest titles
# and descriptions. Measured: 190; the limit of the pod is 512.
WHOLE = 320


def _fill(database: URL, users: list[str], tasks: int, description: int) -> None:
    """Store tasks with the longest titles."""
    engine = create_engine(database)
    with engine.begin() as connection:
        for user in users:
            connection.execute(
                text(
                    "INSERT INTO task (user_id, title, description)"
                    " SELECT :user, rpad('Thing ' || n, 200, 'x'), repeat('y', :length)"
                    " FROM generate_series(1, :tasks) AS n"
                ),
                {"user": user, "tasks": tasks, "length": description},
            )
    engine.dispose()


def _peak(process: "subprocess.Popen[str]") -> float:
    """Return the peak memory of the process, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


class _Speaker:
    """A client of one user."""

    def __init__(self, address: str, user: str) -> None:
        headers = {"Authorization": f"Bearer {token(user)}"}
        self.client = httpx2.Client(base_url=f"{address}/api/{user}", headers=headers, timeout=120)

    def say(self, message: str, **given: int) -> int:
        """Send a message and return the id of the conversation."""
        answer = self.client.post("/chat", json={"message": message, **given})
        assert answer.status_code == 200, answer.text
        assert len(answer.content) < 2 * 24_000 + 16_000
        number: int = answer.json()["conversation_id"]
        return number


def test_long_lists_in_a_long_conversation_need_little_memory(database: URL, clean: None) -> None:
    _fill(database, ["user-ann"], 500, 200)
    with serving(database, CHAT_MESSAGES_PER_MINUTE="600") as (process, address):
        until_live(process, address)
        ann = _Speaker(address, "user-ann")
        conversation = ann.say("hello")
        before = _peak(process)
        for _ in range(40):
            ann.say("show all my tasks", conversation_id=conversation)
        page = ann.client.get(f"/conversations/{conversation}/messages?limit=100")
        assert page.status_code == 200
        assert len(page.json()) == 82
        assert "Thing 1" in page.text
        grown = _peak(process) - before
    assert grown < ONE
    assert len(page.content) < PAGE


def test_maximum_number_of_chats_fits_into_the_pod(database: URL, clean: None) -> None:
    users = [f"user-{number}" for number in range(16)]
    _fill(database, users, 1000, 1000)
    # A long time limit, so that no chat is refused on a slow processor.
    with serving(database, CHAT_TIMEOUT_SECONDS="300") as (process, address):
        until_live(process, address)
        speakers = [_Speaker(address, user) for user in users]
        with ThreadPoolExecutor(64) as threads:
            said = [threads.submit(s.say, "show all my tasks") for s in speakers for _ in range(4)]
            assert all(chat.result(240) for chat in said)
        peak = _peak(process)
        assert peak < WHOLE
