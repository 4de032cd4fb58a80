"""Settings from the environment. Insecure or empty secrets are refused."""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

# Words of example secrets; a copied example is not secret.
_PUBLISHED = ("change", "example", "secret", "password", "better-auth", "your-", "default")
_MIN_SECRET = 32


class SettingsError(Exception):
    """The environment is not a valid configuration; str() lists every problem."""


def _blank_is_absent(value: object) -> object:
    """Read an empty entry of a Secret as "not given"."""
    if isinstance(value, str) and not value.strip():
        return None
    return value


Optional = BeforeValidator(_blank_is_absent)


class DatabaseSettings(BaseSettings):
    """The settings of the database, which are all that the migration needs."""

    model_config = SettingsConfigDict(case_sensitive=False, extra="ignore")

    database_host: str = Field(min_length=1)
    database_port: int = Field(default=5432, ge=1, le=65535)
    database_name: str = Field(default="todo", min_length=1)
    database_user: str = Field(default="todo", min_length=1)
    database_password: SecretStr
    # The role of the server; the migration, which owns the tables, grants it rights.
    database_role: str = ""
    # Seconds that the migration waits for the database and for the lock.
    database_wait_seconds: float = Field(default=60, gt=0, le=600)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.strip().upper() or "INFO" if isinstance(value, str) else value

    @field_validator("database_password")
    @classmethod
    def _password_given(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("is empty")
        return value

    def connection(self) -> dict[str, Any]:
        """Return arguments for psycopg; unlike a URL they need no escapes in the password."""
        return {
            "host": self.database_host,
            "port": self.database_port,
            "dbname": self.database_name,
            "user": self.database_user,
            "password": self.database_password.get_secret_value(),
        }

    def secrets(self) -> list[str]:
        """Return the values that must never be in a log."""
        return [self.database_password.get_secret_value()]


class Settings(DatabaseSettings):
    """All settings of the server."""

    better_auth_secret: SecretStr
    # Digest or tag of the deployed image; the probes report it.
    image_digest: str = Field(default="", max_length=256, pattern=r"^[A-Za-z0-9._:@/+-]*$")
    openai_api_key: Annotated[SecretStr | None, Optional] = None
    openai_base_url: Annotated[str | None, Optional] = None
    openai_model: Annotated[str, BeforeValidator(lambda v: v or "gpt-4o-mini")] = "gpt-4o-mini"
    # Seconds for one request to the model, and for the whole answer of the assistant.
    openai_timeout_seconds: float = Field(default=30, gt=0, le=300)
    chat_timeout_seconds: float = Field(default=60, gt=0, le=600)
    host: str = "0.0.0.0"  # noqa: S104 - the pod's address is not known before it runs
    port: int = Field(default=8000, ge=1, le=65535)
    web_concurrency: int = Field(default=1, ge=1, le=16)
    # Database connections of a worker that stay open; under load it opens as many again.
    database_pool_size: int = Field(default=5, ge=1, le=50)
    # Seconds in which running requests may finish after SIGTERM.
    shutdown_seconds: int = Field(default=25, ge=1, le=300)
    # Requests of one user in a minute, on all replicas together; the burst has the same size.
    chat_messages_per_minute: int = Field(default=30, ge=1, le=600)
    task_changes_per_minute: int = Field(default=240, ge=1, le=6000)
    # Stored data of one user. The assistant reads the whole list of tasks, so its maximum is low.
    tasks_per_user: int = Field(default=1000, ge=1, le=2000)
    conversations_per_user: int = Field(default=200, ge=1, le=10_000)
    messages_per_conversation: int = Field(default=1000, ge=2, le=10_000)
    # Chats of one worker: accepted for one user, accepted in total, and answered at the same time.
    chats_per_user: int = Field(default=4, ge=1, le=100)
    chats_admitted: int = Field(default=64, ge=1, le=1000)
    chats_at_once: int = Field(default=16, ge=1, le=1000)

    @field_validator("better_auth_secret")
    @classmethod
    def _strong(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if len(secret) < _MIN_SECRET:
            raise ValueError(
                f"is shorter than {_MIN_SECRET} characters; make one with: openssl rand -hex 32"
            )
        if len(set(secret)) < 10 or any(word in secret.lower() for word in _PUBLISHED):
            raise ValueError("looks like an example; make one with: openssl rand -hex 32")
        return value

    @field_validator("openai_base_url")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("does not start with http:// or https://")
        return value

    def secrets(self) -> list[str]:
        """Return the values that must never be in a log."""
        key = [self.openai_api_key.get_secret_value()] if self.openai_api_key else []
        return [*super().secrets(), self.better_auth_secret.get_secret_value(), *key]


def _problems(error: ValidationError) -> SettingsError:
    """List every variable that is not valid, without its value."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(problem["loc"][0]).upper() if problem["loc"] else "environment"
        reason = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {'is not set' if problem['type'] == 'missing' else reason}")
    return SettingsError("; ".join(lines))


def load_database_settings() -> DatabaseSettings:
    """Read the database settings; raises SettingsError with every problem."""
    try:
        return DatabaseSettings()
    except ValidationError as error:
        raise _problems(error) from None


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read all settings once per process; raises SettingsError with every problem."""
    try:
        return Settings()
    except ValidationError as error:
        raise _problems(error) from None
