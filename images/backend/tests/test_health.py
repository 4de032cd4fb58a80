"""Liveness and readiness probes."""

import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import URL, create_engine, text

from app.main import create_app
from tests.conftest import Person, settings_for


def test_livez_needs_no_token(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "ok", "image": ""}


def test_probes_report_the_image(database: URL) -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    with TestClient(create_app(settings_for(database, image_digest=digest))) as client:
        assert client.get("/livez").json()["image"] == digest
        assert client.get("/readyz").json()["image"] == digest


def test_readyz_checks_database_and_schema(client: TestClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "schema": "ok"},
        "image": "",
    }


@pytest.fixture
def empty(server: URL) -> Iterator[URL]:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE unmigrated"))
        yield server.set(database="unmigrated")
        connection.execute(text("DROP DATABASE unmigrated WITH (FORCE)"))
    engine.dispose()


def test_readyz_fails_before_the_migration(empty: URL) -> None:
    with TestClient(create_app(settings_for(empty))) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "ok", "schema": "is at nothing, needs 0002"}


def test_without_a_database_livez_is_ok_and_readyz_and_tasks_answer_503(server: URL) -> None:
    nowhere = server.set(host="127.0.0.1", port=9)
    with TestClient(create_app(settings_for(nowhere))) as client:
        assert client.get("/livez").status_code == 200
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {"database": "out of reach", "schema": "unknown"},
        "image": "",
    }


def test_request_after_lost_database_connections_succeeds(ann: Person, database: URL) -> None:
    ann.add("Buy milk")
    time.sleep(0.6)
    engine = create_engine(database)
    with engine.connect() as connection:
        killed = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'todo-backend'"
            )
        ).all()
    engine.dispose()
    assert killed
    assert [task["title"] for task in ann.tasks()] == ["Buy milk"]
