"""Authentication, and headers of every answer."""

import time

import jwt
import pytest
from fastapi.testclient import TestClient

from tests.conftest import SECRET, Person, token

NOW = int(time.time())
OTHER = "f" * 20 + "0123456789abcdef0123"


def _unsigned() -> str:
    claims = {"sub": "user-ann", "iss": "todo-chatbot", "aud": "todo-chatbot-api"}
    return jwt.encode(claims | {"iat": NOW, "exp": NOW + 999}, "", "none")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer nonsense",
        f"Basic {token('user-ann')}",
        f"Bearer {token('user-ann', OTHER)}",
        f"Bearer {_unsigned()}",
        f"Bearer {token('user-ann', exp=NOW - 60)}",
        f"Bearer {token('user-ann', exp=None)}",
        f"Bearer {token('user-ann', exp=NOW - 31)}",
        f"Bearer {token('user-ann', iat=NOW + 3600)}",
        f"Bearer {token('user-ann', exp=NOW + 7 * 86400)}",
        f"Bearer {token('user-ann', iat=NOW - 100, exp=NOW + 900)}",
        f"Bearer {token('user-ann', exp='9' * 400)}",
        f"Bearer {token('user-ann', exp=1e308)}",
        f"Bearer {token('user-ann', iat=[1])}",
        f"Bearer {token('x' * 300)}",
        f"Bearer {token('user-ann', more='x' * 5000)}",
        f"Bearer {token('user-ann', iss='someone')}",
        f"Bearer {token('user-ann', iss=None)}",
        f"Bearer {token('user-ann', aud='another-api')}",
        f"Bearer {token('user-ann', aud=None)}",
        f"Bearer {token('user-ann', sub=None)}",
        f"Bearer {token('')}",
        f"Bearer {jwt.encode({'sub': 'user-ann'}, SECRET, 'HS512')}",
    ],
)
def test_invalid_token_is_answered_with_401(ann: Person, header: str | None) -> None:
    ann.add("Secret")
    headers = {"Authorization": header} if header else {}
    answer = ann.client.get("/api/user-ann/tasks", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Secret" not in answer.text


def test_token_of_15_minutes_is_valid_with_a_small_clock_difference(ann: Person) -> None:
    now = int(time.time())
    for iat, exp in ((now, now + 900), (now + 20, now + 920), (now - 920, now - 20)):
        headers = {"Authorization": f"Bearer {token('user-ann', iat=iat, exp=exp)}"}
        assert ann.client.get("/api/user-ann/tasks", headers=headers).status_code == 200, (iat, exp)


@pytest.mark.parametrize("path", ["/api/x/tasks", "/api/x/chat", "/api/x/conversations"])
def test_every_route_checks_the_token_before_the_request(client: TestClient, path: str) -> None:
    method = "POST" if path.endswith("chat") else "GET"
    assert client.request(method, path).status_code == 401


def test_openapi_document_is_public_and_interactive_pages_are_off(client: TestClient) -> None:
    assert client.get("/api/openapi.json").status_code == 200
    assert client.get("/docs").status_code == 404


def test_large_body_is_refused(ann: Person) -> None:
    answer = ann.call("POST", "/tasks", json={"title": "x" * 70_000})
    assert answer.status_code == 413
    assert answer.json()["detail"] == "The request is too large."


def test_answers_are_not_cached_and_have_the_request_id(client: TestClient) -> None:
    answer = client.get("/livez", headers={"X-Request-ID": "abc-1"})
    assert answer.headers["X-Request-ID"] == "abc-1"
    assert answer.headers["Cache-Control"] == "no-store"
    made = client.get("/livez", headers={"X-Request-ID": "bad id\t"}).headers["X-Request-ID"]
    assert len(made) == 32
