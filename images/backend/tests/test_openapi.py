"""The OpenAPI document."""

import json
from pathlib import Path

from app.openapi import document

STORED = Path(__file__).parents[1] / "openapi.json"


def test_stored_document_is_up_to_date() -> None:
    assert STORED.read_text() == document(), "run: python -m app.openapi > openapi.json"


def test_every_path_of_the_specification_is_documented() -> None:
    paths = json.loads(document())["paths"]
    assert {path: sorted(methods) for path, methods in paths.items() if "{user_id}" in path} == {
        "/api/{user_id}/tasks": ["get", "post"],
        "/api/{user_id}/tasks/{task_id}": ["delete", "get", "put"],
        "/api/{user_id}/tasks/{task_id}/complete": ["patch"],
        "/api/{user_id}/chat": ["post"],
        "/api/{user_id}/chat/stream": ["post"],
        "/api/{user_id}/conversations": ["get"],
        "/api/{user_id}/conversations/{conversation_id}": ["delete"],
        "/api/{user_id}/conversations/{conversation_id}/messages": ["get"],
    }


def test_refusals_of_long_and_slow_requests_are_documented() -> None:
    for path, methods in json.loads(document())["paths"].items():
        for method, operation in methods.items():
            documented = {"408", "414", "431"} & operation["responses"].keys()
            expected = {"408", "414", "431"} if "requestBody" in operation else {"414", "431"}
            assert documented == expected, (method, path)
