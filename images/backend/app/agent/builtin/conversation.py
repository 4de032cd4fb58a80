"""Earlier questions and lists, read back from the text of the conversation.

This module writes these sentences and reads them, so that writer and reader stay the same. A
conversation may hold sentences of an earlier release, which said "task": the reader accepts both.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from app.agent.builtin.matching import Task
from app.agent.said import Said

Kind = Literal["add", "complete", "delete", "update"]

_MESSAGES_READ = 6  # messages of the assistant in which "it" can mean something
# Characters of a message that are read, from its end, where a question is. An answer with 50 titles
# is shorter.
_TEXT_MAX = 16_000


@dataclass(frozen=True, slots=True)
class Action:
    """A change that is planned for a todo."""

    kind: Kind
    title: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A question of the assistant that waits for its answer."""

    form: Literal["which", "shall", "title", "text", "note"]
    action: Action
    tasks: list[Task] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Context:
    """The todos and the question that the next message may refer to."""

    pending: Pending | None = None
    # The todos of the last message that named any: the meaning of "it".
    focus: list[Task] = field(default_factory=list)
    # The last list, in its order: the meaning of "the first one".
    listed: list[Task] = field(default_factory=list)
    # The todos of the last messages, in order: the meaning of "both".
    recent: list[Task] = field(default_factory=list)
    # The title of the todo that the last message deleted.
    deleted: str | None = None


def named(task: Task) -> str:
    """Write a todo for a sentence."""
    return f"“{task.title}” (#{task.id})"


def bullet(task: Task) -> str:
    """Write a todo for a list."""
    return f"• #{task.id} {task.title}{' ✓' if task.completed else ''}"


def bullets(tasks: list[Task]) -> str:
    """Write a list."""
    return "\n".join(bullet(task) for task in tasks)


def _verb(action: Action) -> str:
    if action.kind == "delete":
        return "delete"
    if action.kind == "complete":
        return "mark as done"
    if action.title is not None:
        return f"rename to “{action.title}”"
    if action.description:
        return f"describe as “{action.description}”"
    return "change" if action.description is None else "describe"


def ask_which(action: Action, tasks: list[Task]) -> str:
    """Return the question for one of several todos."""
    return f"Which one should I {_verb(action)}?\n{bullets(tasks)}"


def ask_whether(action: Action, tasks: list[Task]) -> str:
    """Return the question before a change of these todos, or before adding one."""
    if action.kind == "add":
        return f"Shall I add “{action.title}” to your list?"
    what = "this todo" if len(tasks) == 1 else f"these {len(tasks)} todos"
    verb, _, rest = _verb(action).partition(" ")
    do = f"{verb} {what} {rest}".strip()
    return f"Shall I {do}?\n{bullets(tasks)}\nPlease answer yes or no."


ADDED = "I've added "
ASK_TITLE = "What should the new todo be called?"
_ASK_TITLE_BEFORE = "What should the new task be called?"


def ask_text(task: Task, what: str = "title") -> str:
    """Return the question for a new title or description."""
    return f"What should the new {what} of {named(task)} be?"


def ask_again(pending: Pending) -> str:
    """Return a question again that was not answered."""
    match pending.form:
        case "which":
            return ask_which(pending.action, pending.tasks)
        case "shall":
            return ask_whether(pending.action, pending.tasks)
        case "text":
            return ask_text(pending.tasks[0])
        case "note":
            return ask_text(pending.tasks[0], "description")
        case "title":
            return ASK_TITLE


_VERB = "delete|mark as done|change|describe(?! as)|rename to “(?P<title>.*)”|describe as “(?P<text>.*)”"
_WHICH = re.compile(rf"(?m)^Which one should I (?P<verb>{_VERB})\?$")
_SHALL = re.compile(
    r"(?m)^Shall I (?P<verb>delete|mark|rename|describe) (?:this (?:todo|task)|these \d+ (?:todo|task)s)"
    r"(?: as done| to “(?P<title>.*)”| as “(?P<text>.*)”)?\?$"
)
_SHALL_ADD = re.compile(r"(?m)^Shall I add “(?P<title>.*)” to your list\?$")
_TEXT = re.compile(
    r"(?m)^What should the new (?P<what>title|description) of “(?P<title>.*)” \(#(?P<id>\d+)\) be\?$"
)
_BULLET = re.compile(r"(?m)^• #(?P<id>\d{1,10}) (?P<title>.*?)(?P<done> ✓)?$")
# A title has at most 200 characters. The limit keeps a text with many quotes fast to search.
_NAMED = re.compile(r"“(?P<title>[^\n]{0,200}?)” \(#(?P<id>\d{1,10})\)")
_DELETED = re.compile(r"(?m)^I've deleted “(?P<title>[^\n]*)” \(#\d+\)")


def _listed(text: str) -> list[Task]:
    return [Task(int(m["id"]), m["title"], bool(m["done"])) for m in _BULLET.finditer(text)]


def _action(found: re.Match[str]) -> Action:
    if found["verb"] == "delete":
        return Action("delete")
    if found["verb"].startswith("mark"):
        return Action("complete")
    text = "" if found["verb"] == "describe" else found["text"]
    return Action("update", found["title"], text)


def _pending(text: str) -> Pending | None:
    if found := _WHICH.search(text):
        return Pending("which", _action(found), _listed(text[found.end() :]))
    if found := _SHALL.search(text):
        return Pending("shall", _action(found), _listed(text[found.end() :]))
    if found := _SHALL_ADD.search(text):
        return Pending("shall", Action("add", found["title"]))
    if found := _TEXT.search(text):
        form: Literal["text", "note"] = "text" if found["what"] == "title" else "note"
        return Pending(form, Action("update"), [Task(int(found["id"]), found["title"])])
    if text.endswith((ASK_TITLE, _ASK_TITLE_BEFORE)):
        return Pending("title", Action("add"))
    return None


def read_context(past: list[Said]) -> Context:
    """Read the todos and the question that the next message may refer to."""
    own = [
        said.text[-_TEXT_MAX:] for said in past[-3 * _MESSAGES_READ :] if said.role == "assistant"
    ]
    pending = _pending(own[-1]) if own and past[-1].role == "assistant" else None
    deleted = _DELETED.search(own[-1]) if own else None
    focus: list[Task] = []
    listed: list[Task] = []
    recent: dict[int, Task] = {}
    for text in reversed(own[-_MESSAGES_READ:]):
        found = _listed(text)
        unique = {int(m["id"]): Task(int(m["id"]), m["title"]) for m in _NAMED.finditer(text)}
        if not listed and not found:
            recent = {**unique, **recent}
        focus = focus or found or list(unique.values())
        listed = listed or found
    return Context(
        pending, focus, listed, list(recent.values()), deleted["title"] if deleted else None
    )
