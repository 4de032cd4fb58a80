"""Logs on stdout: one JSON object per line, with the request id and without secrets."""

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
    """Formats a record as a line of JSON; hides known secrets and text that looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = sorted((s for s in secrets if len(s) >= 6), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
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
    """Use the JSON formatter for every log of the process."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "alembic"):
        logging.getLogger(name).handlers[:] = []
        logging.getLogger(name).propagate = True
    # At INFO and below these loggers write prompts, URLs and headers.
    for name in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "openai.agents", "mcp"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
