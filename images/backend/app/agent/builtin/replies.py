"""What the built-in model says."""

from app.agent.builtin.conversation import bullets
from app.agent.builtin.matching import Task
from app.agent.builtin.refs import Status

GONE = "does not exist"  # in a tool's error: the task is not there; else it was refused
SHOWN = 50  # tasks in one answer

GREETING = "Hello! I look after your tasks. Tell me what to add, or ask what is on your list."
WELCOME = "You're welcome! Is there anything else for your list?"
HELP = (
    "I can add tasks, show them (all, pending or completed), mark them as done, rename or describe "
    "them, and delete them. For example: “add a task to buy milk”, “what's pending?”, “mark task 3 "
    "as done”, “delete the meeting task”."
)
REFUSAL = "I can only see and change your own tasks, so I can't do that."
CALM = "Okay, I've left everything as it was."
REOPEN = (
    "I'm sorry, I can't mark a task as pending again. You can do it with the checkbox in your "
    "list. I changed nothing."
)
CANNOT = f"I'm sorry, I can't do that. {HELP}"
UNCLEAR = f"I'm sorry, I'm not sure what to do, so I changed nothing. {HELP}"
TOO_HARD = (
    "I'm sorry, I didn't get that: it is too long or too tangled for me. Please say it in fewer and "
    "simpler words, one request at a time."
)
BUSY = (
    "I'm sorry, more people are talking to me right now than I can listen to. Please say it again "
    "in a moment."
)
PARTLY = "Part of it may already be done: please look at your list before you try again."
NO_UNDO = "I'm sorry, I can't undo that. Tell me what to add or change instead."
TOO_LONG = "I'm sorry, that is too long: a title has at most 200 characters, a description 1,000."
NO_TASKS = "You have no tasks yet. Shall we start with one? Just say “add …”."


# What is said to an intent that needs no task.
SAYINGS = {
    "greet": GREETING,
    "thank": WELCOME,
    "help": HELP,
    "refuse": REFUSAL,
    "calm": CALM,
    "reopen": REOPEN,
    "cannot": CANNOT,
    "unclear": UNCLEAR,
}


def showing(tasks: list[Task], status: Status) -> str:
    """Show tasks."""
    if not tasks:
        return {
            "all": NO_TASKS,
            "pending": "You have no pending tasks. Enjoy!",
            "completed": "You have no completed tasks yet.",
        }[status]
    kind = "" if status == "all" else f"{status} "
    noun = "task" if len(tasks) == 1 else "tasks"
    return f"You have {len(tasks)} {kind}{noun}:\n{shown(tasks)}"


def shown(tasks: list[Task]) -> str:
    """List tasks, and say how many more there are than one answer shows."""
    more = f"\n…and {len(tasks) - SHOWN} more." if len(tasks) > SHOWN else ""
    return f"{bullets(tasks[:SHOWN])}{more}"


def missing(number: int) -> str:
    """Say that there is no such number."""
    return f"I'm sorry, I couldn't find a task #{number} on your list."


def unknown(query: str) -> str:
    """Say that no title fits."""
    return f"I'm sorry, I couldn't find a task that matches “{query}”, so I changed nothing."
