"""Shows todos: with a status, about a subject, or one with its details."""

from app.agent.builtin import replies
from app.agent.builtin.conversation import bullet
from app.agent.builtin.intents import Intent
from app.agent.builtin.matching import Task, match
from app.agent.builtin.refs import Status
from app.agent.builtin.resolving import Turn
from app.agent.builtin.steps import Steps


def show(turn: Turn, intent: Intent) -> Steps:
    """Show the todos of an intent. Later, "it" and "the first" refer to them."""
    if intent.ref.them and turn.context.listed:
        before = {task.id for task in turn.context.listed}
        turn.topic = [t for t in (yield from turn.tasks()) if t.id in before]
        turn.say(f"These are:\n{replies.shown(turn.topic)}")
    elif intent.ref.ids:
        turn.topic = [t for t in (yield from turn.tasks()) if t.id in intent.ref.ids]
        turn.say(_detail(turn.topic[0]) if turn.topic else replies.missing(intent.ref.ids[0]))
    elif intent.query is not None:
        yield from _show_about(turn, intent, intent.query)
    else:
        turn.topic = yield from turn.fetch(intent.status)
        turn.say(replies.showing(turn.topic, intent.status))


def _show_about(turn: Turn, intent: Intent, query: str) -> Steps:
    found = match(query, _of((yield from turn.tasks()), intent.status)).tasks
    if not found and intent.soft:
        yield from show(turn, Intent("list", status=intent.status))
        return
    turn.topic = found
    if len(found) == 1:
        turn.say(_detail(found[0]))
    elif found:
        turn.say(f"About “{query}” I found:\n{replies.shown(found)}")
    else:
        turn.say(f"I found nothing about “{query}”.")


def _of(tasks: list[Task], status: Status) -> list[Task]:
    if status == "all":
        return tasks
    return [task for task in tasks if task.completed == (status == "completed")]


def _detail(task: Task) -> str:
    state = "done" if task.completed else "still to do"
    # On one line: the start of a line may later be read as a question of the assistant.
    told = " ".join((task.description or "").split())
    return f"This one is {state}:\n{bullet(task)}" + (f"\nDescription: {told}" if told else "")
