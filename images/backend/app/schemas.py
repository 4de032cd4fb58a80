"""Requests and responses of the API, with their validation."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from pydantic_core import PydanticKnownError

from app.models import DESCRIPTION_MAX, ID_MAX, MESSAGE_MAX, TITLE_MAX, Role

# Control characters are refused; PostgreSQL cannot store NUL.
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f"
_TEXT = rf"^[^{_CONTROL}]*$"
_VISIBLE = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"


def _one_line(value: str) -> str:
    return " ".join(value.split())


def _trimmed(value: str) -> str | None:
    return value.strip() or None


def _number(value: object) -> object:
    if isinstance(value, str | bool):
        raise PydanticKnownError("int_type")
    return value


Title = Annotated[
    str,
    Field(
        min_length=1,
        max_length=TITLE_MAX,
        pattern=_VISIBLE,
        description="Title. Line breaks and repeated spaces become single spaces.",
    ),
    AfterValidator(_one_line),
]
Description = Annotated[
    str,
    Field(
        max_length=DESCRIPTION_MAX,
        pattern=_TEXT,
        description="Details. Spaces at both ends are removed.",
    ),
    AfterValidator(_trimmed),
]
Id = Annotated[int, Field(ge=1, le=ID_MAX)]
# In JSON an id must be a number; in a path it is text.
GivenId = Annotated[Id, BeforeValidator(_number)]
TaskStatus = Literal["all", "pending", "completed"]
TaskSort = Literal["created_at", "updated_at", "title", "completed", "id"]
SortOrder = Literal["asc", "desc"]


class TaskCreate(BaseModel):
    """A new task."""

    title: Title
    description: Description | None = None
    completed: StrictBool = False


class TaskUpdate(BaseModel):
    """A change of a task.

    Fields that are not given keep their values; null removes the description.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    title: Title | None = None
    description: Description | None = None
    completed: StrictBool | None = None


class TaskRead(BaseModel):
    """A task."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: str
    title: str
    description: str | None
    completed: bool
    created_at: datetime
    updated_at: datetime


class ChatRequest(BaseModel):
    """A message to the assistant. Without conversation_id it starts a new conversation."""

    conversation_id: GivenId | None = None
    message: Annotated[str, Field(min_length=1, max_length=MESSAGE_MAX, pattern=_VISIBLE)]


class ToolCall(BaseModel):
    """A tool call that took place, with shortened arguments and a shortened result.

    When a message has too many calls to store, the last entry is named `more`, and `count` in its
    result is the number of calls that are not shown.
    """

    name: str
    arguments: dict[str, Any]
    result: Any = Field(
        description="An object. For list_tasks: `count`, and `tasks` with id and title of the "
        "first tasks. For a change: `task_id`, `status` and `title`. For a failed call: `error`."
    )


class ChatResponse(BaseModel):
    """The answer of the assistant."""

    conversation_id: int
    response: str
    tool_calls: list[ToolCall]


class ConversationRead(BaseModel):
    """A conversation. Its title is the start of its first message."""

    id: int
    title: str
    created_at: datetime
    updated_at: datetime


class MessageRead(BaseModel):
    """A message of a conversation."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    role: Role
    content: str
    tool_calls: list[ToolCall]
    created_at: datetime


class FieldProblem(BaseModel):
    """The reason why a field is not valid."""

    field: str
    message: str


class Problem(BaseModel):
    """An error. `detail` is a sentence for people."""

    detail: str
    errors: list[FieldProblem] | None = None
    request_id: str | None = None


class Health(BaseModel):
    """The result of the readiness probe."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]
    image: str = Field(default="", description="Digest or tag of the image that this server runs.")


class Alive(BaseModel):
    """The result of the liveness probe."""

    status: Literal["ok"] = "ok"
    image: str = Field(default="", description="Digest or tag of the image that this server runs.")
