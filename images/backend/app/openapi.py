"""Prints the OpenAPI document: `python -m app.openapi > openapi.json`."""

import json
import sys

from app.main import create_app


def document() -> str:
    """Return the OpenAPI document, as the repository's openapi.json has it."""
    return json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
