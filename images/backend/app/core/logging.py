"""Structured logs: one JSON object a line on stdout, with the request's id and no secrets."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_HIDDEN = "[hidden]"
_PATTERNS = (
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=-]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), _HIDDEN),
    (re.compile(r"(://[^:/@\s]+:)[^@\s]+@"), rf"\1{_HIDDEN}@"),
    (re.compile(r"\bsk-[\w-]{8,}"), _HIDDEN),
)
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


class JsonFormatter(logging.Formatter):
    """Renders a record as one line of JSON and hides what looks like or is known as a secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = sorted((s for s in secrets if len(s) >= 6), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            entry["request_id"] = current
        entry.update({k: v for k, v in vars(record).items() if k not in _OWN and k[0] != "_"})
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return self._hide(json.dumps(entry, default=str, ensure_ascii=True))

    def _hide(self, line: str) -> str:
        for secret in self._secrets:
            line = line.replace(json.dumps(secret)[1:-1], _HIDDEN)
        for pattern, replacement in _PATTERNS:
            line = pattern.sub(replacement, line)
        return line


def configure(level: str, secrets: Iterable[str] = ()) -> None:
    """Send every log of the process through the JSON formatter."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "alembic"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    # These repeat prompts, addresses and headers at INFO and below.
    for name in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "openai.agents", "mcp"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
