"""Finds the todos that a reference means, and asks when several are possible."""

from dataclasses import dataclass, field

from app.agent.builtin import patterns as re
from app.agent.builtin import replies
from app.agent.builtin.conversation import Action, Context, ask_whether, ask_which, named
from app.agent.builtin.matching import Match, Task, exact, likely, match
from app.agent.builtin.refs import Ref, Status, read_ref
from app.agent.builtin.steps import Call, Steps
from app.agent.builtin.text import Quotes

_ID_MAX = 2**31 - 1
_ASKED = 50  # todos in one question
_NAMED = 20  # todos that one phrase may name


@dataclass
class Turn:
    """The answer to one message, while it is made."""

    context: Context
    lines: list[str] = field(default_factory=list)
    question: str | None = None
    # Todos of an earlier part of the message: the meaning of "it" in a later part.
    topic: list[Task] = field(default_factory=list)
    # Todos to delete when the message names several: one question is asked for all.
    to_delete: list[Task] = field(default_factory=list)
    several_deletes: bool = False
    _tasks: list[Task] | None = None

    def say(self, line: str) -> None:
        """Add a sentence to the answer."""
        if line not in self.lines:
            self.lines.append(line)

    def ask(self, question: str, source: str = "") -> None:
        """Add a question; an answer has only one, and names a further one for later."""
        if self.question is None:
            self.question = question
        elif source:
            self.say(f"One thing at a time: please tell me again about “{source}” afterwards.")

    def answer(self) -> str:
        """Return the complete answer. The question is at the end."""
        parts = [*self.lines, *([self.question] if self.question else [])]
        return "\n".join(parts) or replies.UNCLEAR

    def tasks(self) -> Steps:
        """Return all todos; they are fetched once."""
        if self._tasks is None:
            self._tasks = yield from self.fetch("all")
        return self._tasks

    def fetch(self, status: Status) -> Steps:
        """Return the todos with a status."""
        (result,) = yield [Call("list_tasks", {"status": status})]
        rows = result.value if isinstance(result.value, list) else []
        return [Task(r["id"], r["title"], r["completed"], r.get("description")) for r in rows]

    def forget_tasks(self) -> None:
        """Fetch the todos again after a change."""
        self._tasks = None


def resolve(turn: Turn, ref: Ref, action: Action, source: str) -> Steps:
    """Return the todos that are certainly meant; none after a question or an apology."""
    if ref.ids:
        return (yield from _by_id(turn, ref, action, source))
    if ref.it or ref.them:
        return (yield from _pointed(turn, ref, action, source))
    if ref.places:
        return (yield from _by_place(turn, ref, action, source))
    if ref.every:
        yield from _ask_about_all(turn, ref, action, source)
        return []
    tasks: list[Task] = yield from turn.tasks()
    if ref.status != "all":
        tasks = [t for t in tasks if t.completed == (ref.status == "completed")]
    focus = [t for t in tasks if t.id in {f.id for f in turn.context.focus}]
    if ref.empty and len(focus) == 1 and _open(focus, action):
        # "Done!" after a message about a single todo.
        return _one_of(turn, Match(focus, sure=True), action, source, "")
    if ref.query is None:
        label = "" if ref.status == "all" else ref.status
        return _one_of(turn, Match(_open(tasks, action), sure=True), action, source, label)
    if re.fullmatch(r"(?i)(?:the )?others?", ref.query):
        spoken = {task.id for task in turn.context.focus}
        others = {task.id for task in turn.context.listed} - spoken
        left = [t for t in tasks if t.id in others]
        return _one_of(turn, Match(left, sure=True), action, source, ref.query)
    # "Finish report" may be the complete title of a todo.
    found = match(ref.query, exact(source, tasks) or tasks)
    if not found.tasks or not found.sure:
        parts = [] if ref.quoted else apart(ref.query, tasks, action)
        if parts:
            return parts
    if not found.tasks and not ref.quoted:
        # "The flights, we are not going": ask, because the rest may mean something else.
        found = likely(ref.query, tasks)
    return _one_of(turn, found, action, source, ref.query)


def _open(tasks: list[Task], action: Action) -> list[Task]:
    """Return the todos that the action can apply to: done todos cannot be completed."""
    return [t for t in tasks if not t.completed] if action.kind == "complete" else tasks


def _one_of(turn: Turn, found: Match, action: Action, source: str, query: str) -> list[Task]:
    if not found.tasks:
        turn.say(replies.unknown(query) if query else _none(action))
        return []
    chosen = _open(found.tasks, action)
    if not chosen:
        done = found.tasks[0]
        turn.say(f"{named(done)} is already done." if found.sure else replies.unknown(query))
        return []
    if len(chosen) == 1:
        if found.sure and query:
            return chosen
        # An unsure match, or a command without a todo: ask, even if only one is left.
        turn.ask(ask_whether(action, chosen), source)
        return []
    if query:
        turn.say(
            f"Several todos match “{query}”." if found.sure else f"Nothing is called “{query}”."
        )
    turn.ask(ask_which(action, chosen[:_ASKED]), source)
    return []


def _none(action: Action) -> str:
    if action.kind == "complete":
        return "Everything on your list is done, so there is nothing to mark as done."
    return "There is no such todo on your list, so I changed nothing."


def apart(query: str, tasks: list[Task], action: Action) -> list[Task]:
    """Read "milk and eggs" as two todos when both match for certain."""
    parts = [p for p in re.split(r"\s*,\s*(?:and\s+)?|\s+(?:and|&|plus)\s+", query) if p.strip()]
    if not 2 <= len(parts) <= _NAMED:
        return []
    found = [match(part, tasks) for part in parts]
    chosen = [_open(one.tasks, action) for one in found]
    if all(one.sure for one in found) and all(len(one) == 1 for one in chosen):
        return list({one[0].id: one[0] for one in chosen}.values())
    return []


def _by_id(turn: Turn, ref: Ref, action: Action, source: str) -> Steps:
    tasks: list[Task]
    numbers = [n for n in ref.ids if 1 <= n <= _ID_MAX]
    for n in ref.ids:
        if n not in numbers:
            turn.say(replies.missing(n))
    if ref.either:
        tasks = yield from turn.tasks()
        if meant := [task for task in tasks if task.id in numbers]:
            turn.ask(ask_which(action, meant), source)
        return []
    alone = len(numbers) == 1 and not turn.several_deletes
    if action.kind == "complete" or (alone and (action.kind == "delete" or action.title)):
        return [Task(n, "") for n in numbers]
    if alone and action.description:
        return [Task(n, "") for n in numbers]
    tasks = yield from turn.tasks()
    have = {task.id: task for task in tasks}
    for n in numbers:
        if n not in have:
            turn.say(replies.missing(n))
    return [have[n] for n in numbers if n in have]


def _pointed(turn: Turn, ref: Ref, action: Action, source: str) -> Steps:
    meant = turn.topic or turn.context.focus
    if ref.them and len(meant) == 1 and len(turn.context.recent) > 1:
        meant = turn.context.recent
    if len(meant) == 1:
        return meant
    if not meant:
        tasks: list[Task] = yield from turn.tasks()
        return _one_of(turn, Match(_open(tasks, action), sure=True), action, source, "")
    if ref.them:
        turn.ask(ask_whether(action, meant[:_ASKED]), source)
    else:
        turn.ask(ask_which(action, meant[:_ASKED]), source)
    return []


def _by_place(turn: Turn, ref: Ref, action: Action, source: str) -> Steps:
    listed = turn.context.listed
    known = bool(listed)
    if not listed:
        listed = yield from turn.tasks()
    if not listed:
        turn.say(_none(action))
        return []
    chosen = []
    for place in ref.places:
        index = place if place < 0 else place - 1
        if not -len(listed) <= index < len(listed):
            turn.say(f"That list has only {len(listed)} todos.")
            return []
        chosen.append(listed[index])
    if known or chosen == turn.context.focus:
        return chosen
    # Without a list in the conversation, "the first" is a guess.
    turn.ask(ask_whether(action, chosen), source)
    return []


def _excluded(turn: Turn, excluded: str, tasks: list[Task], action: Action) -> list[Task]:
    """Return the excluded todos: "all but the first", "all but milk and eggs"."""
    ref = read_ref(excluded, Quotes())
    places = [place if place < 0 else place - 1 for place in ref.places]
    listed = turn.context.listed or tasks
    if places and all(-len(listed) <= place < len(listed) for place in places):
        ids = [listed[place].id for place in places]
        return [task for task in tasks if task.id in ids]
    if ref.ids:
        return [task for task in tasks if task.id in ref.ids]
    return match(excluded, tasks).tasks or apart(excluded, tasks, action)


def _ask_about_all(turn: Turn, ref: Ref, action: Action, source: str) -> Steps:
    """Ask about all matching todos: a change of several todos is always confirmed."""
    tasks: list[Task] = yield from turn.tasks()
    if ref.status != "all":
        tasks = [t for t in tasks if t.completed == (ref.status == "completed")]
    tasks = _open(tasks, action)
    if ref.query is not None:
        found = match(ref.query, tasks)
        if not found.tasks:
            turn.say(replies.unknown(ref.query))
            return
        tasks = found.tasks
    if ref.excluded is not None:
        kept = _excluded(turn, ref.excluded, tasks, action)
        if not kept:
            turn.say(replies.unknown(ref.excluded))
            return
        tasks = [t for t in tasks if t not in kept]
    if not tasks:
        turn.say(_none(action))
        return
    if len(tasks) > _ASKED:
        turn.say(f"These are {len(tasks)} todos; I can change {_ASKED} at a time.")
    if action.kind == "update":
        turn.say("I can change one todo at a time.")
        turn.ask(ask_which(action, tasks[:_ASKED]), source)
    else:
        turn.ask(ask_whether(action, tasks[:_ASKED]), source)
