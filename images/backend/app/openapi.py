"""Prints the API's description: `python -m app.openapi > openapi.json`."""

import json
import sys

from app.main import create_app


def document() -> str:
    """Return the OpenAPI document as it is kept in openapi.json."""
    return json.dumps(create_app().openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
