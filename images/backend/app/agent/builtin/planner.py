"""Plans the answer to a message: tool calls, questions and sentences."""

from collections.abc import Generator
from dataclasses import replace

from app.agent.builtin import patterns as re
from app.agent.builtin import replies
from app.agent.builtin.answering import after_adding, after_doing, read_reply
from app.agent.builtin.commands import command_of
from app.agent.builtin.conversation import (
    ADDED,
    ASK_TITLE,
    Action,
    Pending,
    ask_again,
    ask_text,
    ask_whether,
    ask_which,
    bullets,
    named,
    read_context,
)
from app.agent.builtin.intents import Change, Intent
from app.agent.builtin.matching import Task, exact, likely, match, told
from app.agent.builtin.patterns import TooHardError, begin
from app.agent.builtin.reading import read
from app.agent.builtin.renaming import settled
from app.agent.builtin.resolving import Turn, apart, resolve
from app.agent.builtin.showing import show
from app.agent.builtin.steps import Call, Result, Steps
from app.agent.builtin.text import sentence_case
from app.agent.said import Said
from app.lengths import DESCRIPTION_MAX, MESSAGE_MAX, TITLE_MAX

_AT_ONCE = 5  # tool calls at the same time; each takes a database connection


def respond(said: list[Said]) -> Generator[list[Call], list[Result], str]:
    """Answer the last message of a conversation."""
    message = said[-1].text
    begin(message)
    turn = Turn(read_context(said[:-1]))
    try:
        if len(message) > MESSAGE_MAX:
            raise TooHardError
        yield from _respond(turn, said, message)
    except TooHardError:
        # Sentences about finished changes stay; only the rest of the message was not understood.
        turn.question = None
        turn.say(replies.TOO_HARD)
    return turn.answer()


def _respond(turn: Turn, said: list[Said], message: str) -> Steps:
    pending = turn.context.pending
    if pending is not None:
        rest = yield from _read_answer(turn, pending, message)
        if rest is None:
            return
        message = rest
    elif said[-2:-1] and said[-2].text.startswith(ADDED) and command_of(message) is None:
        message = after_adding(message)
    elif said[-2:-1] and command_of(message) is None:
        message = after_doing(said[-2].text, message)
    intents = _joined(read(message))
    if any(
        intent.kind == "delete" and intent.ref.every and intent.ref.query is None
        for intent in intents
    ):
        # "The party is off, delete everything": deleting everything includes the party.
        intents = [intent for intent in intents if intent.kind != "ask_delete"]
    turn.several_deletes = sum(intent.kind == "delete" for intent in intents) > 1
    for intent in intents:
        yield from _carry_out(turn, intent)
    if len(turn.to_delete) == 1:
        yield from _delete(turn, turn.to_delete)
    elif turn.to_delete:
        turn.ask(ask_whether(Action("delete"), turn.to_delete), "deleting")


def _joined(intents: list[Intent]) -> list[Intent]:
    """Resolve "it" from the intent before: "the rent is paid, mark it as done"."""
    joined: list[Intent] = []
    for intent in intents:
        before = joined[-1] if joined else None
        if (
            before is not None
            and before.kind in ("ask_add", "ask_complete", "ask_delete", "ask_done")
            and intent.kind in ("complete", "delete", "update")
            and (intent.ref.it or any(change.ref.it for change in intent.changes))
            # In "my brother did that", "that" does not name a todo.
            and not re.search(r"(?i)\b(?:it|that|this|them)\b", before.ref.query or "")
        ):
            joined.pop()
            changes = tuple(replace(c, ref=before.ref) if c.ref.it else c for c in intent.changes)
            joined.append(replace(intent, ref=before.ref, changes=changes))
        elif (
            before is not None
            and before.kind == intent.kind
            and intent.kind in ("complete", "delete")
            and intent.ref.it
            and not before.ref.empty
        ):
            # "The first is finished, so mark it as done" is one intent, said twice.
            continue
        elif before is not None and before.kind == intent.kind == "list" and before.ref.them:
            joined[-1] = intent
        elif before is not None and _plain_list(before) and _plain_list(intent):
            both = intent.status if intent.status == before.status else "all"
            joined[-1] = replace(intent, status=both)
        elif before is None or before.kind != "ask_add" or intent.kind != "add" or intent.title:
            joined.append(intent)
    return joined


def _plain_list(intent: Intent) -> bool:
    return intent.kind == "list" and intent.ref.empty and intent.query is None


def _read_answer(turn: Turn, pending: Pending, message: str) -> Steps:
    """Read the message as an answer to the question; returns the rest, or None."""
    reply = read_reply(pending, message)
    if reply is None:
        return message
    match reply.sort:
        case "no":
            turn.say(replies.CALM)
        case "unclear":
            turn.say("I'm sorry, I'm not sure what you mean.")
            turn.ask(ask_again(pending))
        case "text" if pending.form == "title":
            yield from _add(turn, reply.text, None)
        case "text" if pending.form == "note":
            yield from _update(turn, pending.tasks[0], Action("update", description=reply.text))
        case "text":
            yield from _update(turn, pending.tasks[0], Action("update", title=reply.text))
        case _ if pending.action.kind == "add":
            yield from _add(turn, pending.action.title or "", None)
        case _:
            tasks = reply.tasks if reply.sort == "chosen" else pending.tasks
            yield from _act(turn, pending.action, tasks)
    return reply.rest or None


def _act(turn: Turn, action: Action, tasks: list[Task]) -> Steps:
    """Apply the action to these todos, which are certain."""
    if not tasks:
        turn.say(replies.CALM)
    elif action.kind == "delete":
        yield from _delete(turn, tasks)
    elif action.kind == "complete":
        yield from _complete(turn, tasks)
    elif len(tasks) > 1:
        turn.say("I can change one todo at a time.")
        turn.ask(ask_which(action, tasks))
    elif action.title is None and not action.description:
        turn.ask(ask_text(tasks[0], "title" if action.description is None else "description"))
    else:
        yield from _update(turn, tasks[0], action)


def _carry_out(turn: Turn, intent: Intent) -> Steps:
    match intent.kind:
        case "add":
            if intent.title is None:
                turn.ask(ASK_TITLE, intent.source)
            elif intent.loose:
                yield from _add_and_more(turn, intent)
            else:
                yield from _add(turn, intent.title, intent.description)
        case "list":
            yield from show(turn, intent)
        case "delete" | "complete":
            action = Action(intent.kind)
            tasks = yield from resolve(turn, intent.ref, action, intent.source)
            if intent.kind == "delete" and (turn.several_deletes or len(tasks) > 1):
                turn.to_delete += [t for t in tasks if t not in turn.to_delete]
            elif tasks:
                yield from _act(turn, action, tasks)
        case "update":
            yield from _change(turn, intent)
        case "ask_delete" | "ask_complete":
            yield from _confirm_hint(turn, intent)
        case "ask_add" | "ask_done":
            yield from _ask_about_name(turn, intent)
        case "not_done":
            yield from _not_done(turn, intent)
        case "undo" if turn.context.deleted:
            turn.say(replies.NO_UNDO)
            turn.ask(ask_whether(Action("add", title=turn.context.deleted), []))
        case "undo":
            turn.say(replies.NO_UNDO)
        case kind:
            turn.say(replies.SAYINGS[kind])


def _add_and_more(turn: Turn, intent: Intent) -> Steps:
    """Decide by the existing todos whether words continue a title or are further intents."""
    tasks = yield from turn.tasks()
    firm = []
    for more in intent.loose:
        found = (
            match(_object(more), tasks) if more.kind in ("complete", "delete", "update") else None
        )
        if found is None or not found.sure or not found.tasks:
            for added in intent.whole or (intent,):
                yield from _add(turn, added.title or "", added.description)
            return
        # Deleting is confirmed first, unless the message says "delete".
        doubtful = more.kind == "delete" and not re.match(r"(?i)(?:please )?delete\b", more.source)
        firm.append(replace(more, kind="ask_delete") if doubtful else more)
    yield from _add(turn, intent.title or "", intent.description)
    for more in firm:
        yield from _carry_out(turn, more)


def _object(intent: Intent) -> str:
    ref = intent.changes[0].ref if intent.changes else intent.ref
    return ref.query or ""


def _confirm_hint(turn: Turn, intent: Intent) -> Steps:
    """Ask whether a change that the message hints at is meant."""
    action = Action("delete" if intent.kind == "ask_delete" else "complete")
    if intent.ref.empty or (intent.ref.it and not turn.context.focus):
        turn.say(replies.UNCLEAR)
        return
    tasks: list[Task] = yield from turn.tasks()
    if intent.ref.ids:
        chosen = [t for t in tasks if t.id in intent.ref.ids]
    elif not intent.ref.query:
        chosen = yield from resolve(turn, intent.ref, action, intent.source)
    else:
        yield from _ask_about_hint(turn, intent, action, tasks)
        return
    if chosen:
        turn.ask(ask_whether(action, chosen), intent.source)
    elif intent.ref.ids:
        turn.say(replies.missing(intent.ref.ids[0]))


def _ask_about_hint(turn: Turn, intent: Intent, action: Action, tasks: list[Task]) -> Steps:
    """Ask about the todos that a hint may mean."""
    query = intent.ref.query or ""
    named_so = [t for t in told(query, tasks) if not t.completed] if intent.stated else []
    if len(named_so) == 1:
        yield from _complete(turn, named_so)
        return
    found = likely(query, tasks)
    chosen = [t for t in found.tasks if action.kind == "delete" or not t.completed]
    together = apart(query, tasks, action) if not found.sure else []
    if together or len(chosen) == 1:
        turn.ask(ask_whether(action, together or chosen), intent.source)
    elif chosen:
        turn.ask(ask_which(action, chosen), intent.source)
    elif intent.title and intent.soft:
        yield from _add(turn, sentence_case(intent.title), None)
    elif intent.title:
        turn.ask(ask_whether(Action("add", title=sentence_case(intent.title)), []), intent.source)
    else:
        turn.say(replies.unknown(query))


def _ask_about_name(turn: Turn, intent: Intent) -> Steps:
    """Ask about words that only name a todo, or that may be the title of a new one."""
    tasks = yield from turn.tasks()
    if intent.kind == "ask_done":
        ids = intent.ref.ids
        chosen = [t for t in tasks if t.id in ids] or turn.context.focus
        if chosen:
            turn.topic = chosen
            turn.say(f"What shall I do with this?\n{bullets(chosen)}")
        else:
            turn.say(replies.missing(ids[0]) if ids else replies.UNCLEAR)
        return
    found = match(intent.ref.query or "", tasks)
    if found.tasks and found.sure:
        turn.topic = found.tasks
        turn.say(f"What shall I do with this?\n{bullets(found.tasks)}")
    elif intent.title and len(intent.title.split()) <= 12 and len(intent.title) <= TITLE_MAX:
        action = Action("add", title=sentence_case(intent.title))
        turn.ask(ask_whether(action, []), intent.source)
    else:
        turn.say(replies.UNCLEAR)


def _not_done(turn: Turn, intent: Intent) -> Steps:
    """Answer "not done": nothing to change for an open todo, not possible for a done one."""
    tasks = yield from turn.tasks()
    pointed = intent.ref.it or intent.ref.empty
    ids = {task.id for task in turn.context.focus} if pointed else set(intent.ref.ids)
    found = [t for t in tasks if t.id in ids] or match(intent.ref.query or "", tasks).tasks
    turn.say(replies.REOPEN if any(task.completed for task in found) else replies.CALM)


def _add(turn: Turn, title: str, description: str | None) -> Steps:
    if not title or len(title) > TITLE_MAX or len(description or "") > DESCRIPTION_MAX:
        turn.say(replies.TOO_LONG if title else replies.UNCLEAR)
        return
    arguments = {"title": title} | ({"description": description} if description else {})
    (result,) = yield [Call("add_task", arguments)]
    if result.error is not None:
        turn.say("I'm sorry, I could not add that.")
        return
    task = Task(result.value["task_id"], result.value["title"])
    turn.topic = [task]
    turn.forget_tasks()
    turn.say(f"{ADDED}{named(task)} to your list.")


def _each(turn: Turn, tool: str, tasks: list[Task]) -> Steps:
    """Call a tool for each todo, a few at a time; returns the changed and the missing todos."""
    done: list[Task] = []
    gone: list[Task] = []
    refused = 0
    for start in range(0, len(tasks), _AT_ONCE):
        some = tasks[start : start + _AT_ONCE]
        results = yield [Call(tool, {"task_id": task.id}) for task in some]
        for task, result in zip(some, results, strict=True):
            if result.error is None:
                done.append(Task(task.id, result.value["title"]))
            elif replies.GONE in result.error:
                gone.append(task)
            else:
                refused += 1
    if refused:
        turn.say(f"I could not do that with {refused} of {len(tasks)}.")
    return done, gone


def _delete(turn: Turn, tasks: list[Task]) -> Steps:
    done, gone = yield from _each(turn, "delete_task", tasks)
    for task in done:
        turn.say(f"I've deleted {named(task)}.")
    _finish(turn, done, gone)


def _complete(turn: Turn, tasks: list[Task]) -> Steps:
    done, gone = yield from _each(turn, "complete_task", tasks)
    for task in done:
        turn.say(f"Well done! {named(task)} is done.")
    _finish(turn, done, gone)


def _finish(turn: Turn, done: list[Task], gone: list[Task]) -> None:
    for task in gone:
        turn.say(replies.missing(task.id))
    turn.topic = done
    turn.forget_tasks()


def _change(turn: Turn, intent: Intent) -> Steps:
    if intent.soft:
        # "I want to change the oil" is a new todo when no todo matches.
        found = match(intent.changes[0].ref.query or "", (yield from turn.tasks()))
        if not found.tasks or not found.sure:
            yield from _add(turn, sentence_case(intent.title or ""), None)
            return
    change: Change = yield from settled(turn, intent.changes)
    second = yield from _second(turn, change)
    if second:
        change = replace(change, title=second[0])
    action = Action("update", change.title, change.description)
    tasks = yield from resolve(turn, change.ref, action, intent.source)
    if tasks:
        turn.topic = tasks
        yield from _act(turn, action, tasks)
    if second:
        yield from _update(turn, second[1], Action("update", second[2]))


def _second(turn: Turn, change: Change) -> Steps:
    """Read "change A to B and C to D" when C is a todo; returns B, C and D, or None."""
    found = re.match(r"(?i)(?P<b>.+?),? and (?P<c>.+?) (?:to|into) (?P<d>.+)$", change.title or "")
    if found is None:
        return None
    named_so = exact(found["c"], (yield from turn.tasks()))
    return (found["b"], named_so[0], sentence_case(found["d"])) if len(named_so) == 1 else None


def _update(turn: Turn, task: Task, action: Action) -> Steps:
    if len(action.title or "") > TITLE_MAX or len(action.description or "") > DESCRIPTION_MAX:
        turn.say(replies.TOO_LONG)
        return
    values = {"title": action.title, "description": action.description}
    given = {name: value for name, value in values.items() if value}
    (result,) = yield [Call("update_task", {"task_id": task.id, **given})]
    if result.error is not None:
        gone = replies.GONE in result.error
        turn.say(replies.missing(task.id) if gone else "I'm sorry, I could not change that.")
        return
    now = Task(task.id, result.value["title"])
    turn.topic = [now]
    turn.forget_tasks()
    what = "renamed it to" if action.title else "changed the description of"
    turn.say(f"I've {what} {named(now)}.")
