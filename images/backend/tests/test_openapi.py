"""The API's description."""

import json
from pathlib import Path

from app.openapi import document

KEPT = Path(__file__).parents[1] / "openapi.json"


def test_the_kept_description_is_fresh() -> None:
    assert KEPT.read_text() == document(), "run: python -m app.openapi > openapi.json"


def test_every_path_of_the_specification_is_described() -> None:
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
