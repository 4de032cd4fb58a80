"""Settings and logs."""

import json
import logging

import pytest

from app.core.config import Settings, SettingsError, load_database_settings, load_settings
from app.core.logging import JsonFormatter, request_id
from tests.conftest import SECRET

GOOD = {
    "DATABASE_HOST": "db",
    "DATABASE_PASSWORD": "p@ss/word:1",
    "BETTER_AUTH_SECRET": SECRET,
}


def _load(monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> Settings:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "WEB_CONCURRENCY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (GOOD | changes).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    try:
        return load_settings()
    finally:
        load_settings.cache_clear()


def test_environment_of_the_pod_is_a_valid_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch)
    assert settings.openai_api_key is None
    assert settings.web_concurrency == 1
    assert settings.connection() == {
        "host": "db",
        "port": 5432,
        "dbname": "todo",
        "user": "todo",
        "password": "p@ss/word:1",
    }


def test_empty_api_key_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _load(monkeypatch, OPENAI_API_KEY="", OPENAI_BASE_URL=" ", OPENAI_MODEL="")
    assert settings.openai_api_key is None
    assert settings.openai_base_url is None
    assert settings.openai_model == "gpt-4o-mini"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"BETTER_AUTH_SECRET": None}, "BETTER_AUTH_SECRET: is not set"),
        ({"BETTER_AUTH_SECRET": ""}, "BETTER_AUTH_SECRET: is shorter"),
        ({"BETTER_AUTH_SECRET": "short"}, "BETTER_AUTH_SECRET: is shorter"),
        ({"BETTER_AUTH_SECRET": "a" * 64}, "BETTER_AUTH_SECRET: looks like an example"),
        (
            {"BETTER_AUTH_SECRET": "please-change-me-0123456789abcdefghijk"},
            "BETTER_AUTH_SECRET: looks like an example",
        ),
        ({"DATABASE_PASSWORD": " "}, "DATABASE_PASSWORD: is empty"),
        ({"DATABASE_HOST": None}, "DATABASE_HOST: is not set"),
        ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY"),
        ({"OPENAI_BASE_URL": "ftp://x"}, "OPENAI_BASE_URL: does not start with http"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"IMAGE_DIGEST": "x" * 257}, "IMAGE_DIGEST"),
        ({"IMAGE_DIGEST": "two\nlines"}, "IMAGE_DIGEST"),
        ({"CHAT_MESSAGES_PER_MINUTE": "0"}, "CHAT_MESSAGES_PER_MINUTE"),
        ({"TASK_CHANGES_PER_MINUTE": "many"}, "TASK_CHANGES_PER_MINUTE"),
        ({"TASKS_PER_USER": "2001"}, "TASKS_PER_USER"),
        ({"MESSAGES_PER_CONVERSATION": "1"}, "MESSAGES_PER_CONVERSATION"),
    ],
)
def test_invalid_setting_is_named_with_a_fix(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        _load(monkeypatch, **changes)


def test_error_lists_every_problem_and_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(monkeypatch, BETTER_AUTH_SECRET="hunter2", DATABASE_PASSWORD="", DATABASE_PORT="x")
    text = str(caught.value)
    assert all(n in text for n in ("BETTER_AUTH_SECRET", "DATABASE_PASSWORD", "DATABASE_PORT"))
    assert "hunter2" not in text


def test_migration_needs_no_auth_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_HOST", "db")
    monkeypatch.setenv("DATABASE_PASSWORD", "x")
    monkeypatch.delenv("BETTER_AUTH_SECRET", raising=False)
    assert load_database_settings().database_wait_seconds == 60


def test_log_line_is_json_with_request_id_and_without_secrets() -> None:
    formatter = JsonFormatter([SECRET, "p@ss/word:1"])
    text = f"{SECRET} p@ss/word:1 Bearer abc.def-g postgresql://u:pw@h sk-12345678 eyJhb.eyJz.x_y"
    record = logging.makeLogRecord({"name": "app", "levelname": "INFO", "msg": text, "status": 200})
    token = request_id.set("req-1")
    try:
        line = formatter.format(record)
    finally:
        request_id.reset(token)
    entry = json.loads(line)
    assert entry["request_id"] == "req-1"
    assert entry["status"] == 200
    hidden = "[hidden]"
    assert entry["message"] == (
        f"{hidden} {hidden} Bearer {hidden} postgresql://u:{hidden}@h {hidden} {hidden}"
    )
