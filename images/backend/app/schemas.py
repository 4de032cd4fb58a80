"""What goes over the wire: requests, responses and their rules."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from pydantic_core import PydanticKnownError

from app.models import DESCRIPTION_MAX, ID_MAX, MESSAGE_MAX, TITLE_MAX, Role

# Control characters have no place in a text, and PostgreSQL cannot hold NUL.
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
        description="What to do; line breaks and repeated spaces become single spaces.",
    ),
    AfterValidator(_one_line),
]
Description = Annotated[
    str,
    Field(max_length=DESCRIPTION_MAX, pattern=_TEXT, description="More about it."),
    AfterValidator(_trimmed),
]
Id = Annotated[int, Field(ge=1, le=ID_MAX)]
# In a document a number is one already; an address has only text.
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
    """A change: what is absent stays as it is; a null description is removed."""

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
    """What the user says, and where; no conversation_id starts a new conversation."""

    conversation_id: GivenId | None = None
    message: Annotated[str, Field(min_length=1, max_length=MESSAGE_MAX, pattern=_VISIBLE)]


class ToolCall(BaseModel):
    """A tool that was really called, with what it was given and what it gave back, both in short.

    The last one of many is called `more`, and its result's `count` says how many there were beyond.
    """

    name: str
    arguments: dict[str, Any]
    result: Any = Field(
        description="An object: of a list `count` and the first `tasks` with id and title, of a "
        "change `task_id`, `status` and `title`, or `error`."
    )


class ChatResponse(BaseModel):
    """The assistant's answer."""

    conversation_id: int
    response: str
    tool_calls: list[ToolCall]


class ConversationRead(BaseModel):
    """A conversation; its title is the start of its first message."""

    id: int
    title: str
    created_at: datetime
    updated_at: datetime


class MessageRead(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    role: Role
    content: str
    tool_calls: list[ToolCall]
    created_at: datetime


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a request was not done, in a sentence for people."""

    detail: str
    errors: list[FieldProblem] | None = None
    request_id: str | None = None


class Health(BaseModel):
    """Result of a readiness check."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]
    image: str = Field(default="", description="Digest or tag of the image that answers.")


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    image: str = Field(default="", description="Digest or tag of the image that answers.")
