"""Fixtures: a real database, the application, and users who are signed in."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import URL, create_engine, text

from app.core.config import Settings
from app.main import create_app
from app.migrate import migrate
from tests.dialogue import count_accepted_questions
from tests.postgres import cluster

SECRET = "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d"


def settings_for(url: URL, **other: Any) -> Settings:
    """Return the settings of the application for a database."""
    return Settings(
        database_host=url.host or "",
        database_port=url.port or 5432,
        database_name=url.database or "",
        database_user=url.username or "",
        database_password=SecretStr(str(url.password)),
        database_wait_seconds=10,
        better_auth_secret=SecretStr(SECRET),
        **other,
    )


def token(user_id: str, secret: str = SECRET, **changes: Any) -> str:
    """Return a token as the frontend issues it. A claim with the value None is removed."""
    now = int(time.time())
    claims = {
        "sub": user_id,
        "email": f"{user_id}@example.org",
        "iss": "todo-chatbot",
        "aud": "todo-chatbot-api",
        "iat": now,
        "exp": now + 900,
    } | changes
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, "HS256")


@dataclass
class Person:
    """A user who is signed in."""

    client: TestClient
    id: str

    def call(self, method: str, path: str, **given: Any) -> Any:
        """Call the API below the path of this user."""
        headers = {"Authorization": f"Bearer {token(self.id)}"}
        if "content" in given:
            headers["Content-Type"] = "application/json"
        return self.client.request(method, f"/api/{self.id}{path}", headers=headers, **given)

    def add(self, title: str, **given: Any) -> dict[str, Any]:
        """Add a task and return it."""
        answer = self.call("POST", "/tasks", json={"title": title, **given})
        assert answer.status_code == 201, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks, the oldest first."""
        found: list[dict[str, Any]] = self.call("GET", "/tasks").json()
        return found

    def say(self, message: str, conversation: int | None = None) -> dict[str, Any]:
        """Send a message to the assistant and return the answer."""
        body = {"message": message} | ({"conversation_id": conversation} if conversation else {})
        answer = self.call("POST", "/chat", json=body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """Run a database server for the session."""
    with cluster() as url:
        yield url


@pytest.fixture(scope="session")
def role(server: URL) -> URL:
    """Create the role of the application. It owns nothing."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE ROLE todo_backend LOGIN PASSWORD 'of-the-backend'"))
    engine.dispose()
    return server.set(username="todo_backend", password="of-the-backend")


@pytest.fixture(scope="session")
def database(server: URL, role: URL) -> URL:
    """Return the URL of a migrated database, with the owner's role."""
    migrate(settings_for(server, database_role=role.username))
    return server


@pytest.fixture(scope="session")
def settings(database: URL, role: URL) -> Settings:
    """Return the settings of the application under test."""
    return settings_for(role.set(database=database.database))


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    """Run the application with its start and shutdown."""
    with TestClient(create_app(settings)) as running:
        yield running


@pytest.fixture
def clean(database: URL) -> None:
    """Empty the tables."""
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(
            text("TRUNCATE task, conversation, message, rate_bucket RESTART IDENTITY")
        )
    engine.dispose()


@pytest.fixture
def ann(client: TestClient, clean: None) -> Person:
    """A user."""
    return Person(client, "user-ann")


@pytest.fixture
def bob(client: TestClient, clean: None) -> Person:
    """Another user."""
    return Person(client, "user-bob")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many dialogue steps accept a question; test_dialogues.py holds the limit."""
    accepted, steps = count_accepted_questions()
    terminalreporter.write_line(
        f"dialogues: {accepted} of {steps} steps accept a question instead of an action or an answer"
    )
