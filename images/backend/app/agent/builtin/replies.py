"""The sentences of the built-in model.

They say "todo", "to do" and "done"; task, pending and completed are words of the API.
"""

from app.agent.builtin.conversation import bullets
from app.agent.builtin.matching import Task
from app.agent.builtin.refs import Status

GONE = "does not exist"  # part of a tool's error when the task is missing
SHOWN = 50  # tasks in one answer

GREETING = "Hello! I look after your todos. Tell me what to add, or ask what is on your list."
WELCOME = "You're welcome! Is there anything else for your list?"
HELP = (
    "I can add todos, show them (all, to do or done), mark them as done, rename or describe them, "
    "and delete them. For example: “add a todo to buy milk”, “what is still to do?”, “mark todo 3 "
    "as done”, “delete the meeting todo”."
)
REFUSAL = "I can only see and change your own todos, so I can't do that."
CALM = "Okay, I've left everything as it was."
REOPEN = (
    "I'm sorry, I can't mark a todo as “to do” again. You can do it with the checkbox in your list. "
    "I changed nothing."
)
CANNOT = f"I'm sorry, I can't do that. {HELP}"
UNCLEAR = f"I'm sorry, I'm not sure what to do, so I changed nothing. {HELP}"
TOO_HARD = (
    "I'm sorry, I didn't understand that: it is too long or too complex for me. Please use fewer and "
    "simpler words, and ask for one thing at a time."
)
BUSY = (
    "I'm sorry, too many people are talking to me right now. Please send your message again in a "
    "moment."
)
PARTLY = "Part of it may already be done: please look at your list before you try again."
NO_UNDO = "I'm sorry, I can't undo that. Tell me what to add or change instead."
TOO_LONG = "I'm sorry, that is too long: a title has at most 200 characters, a description 1,000."
NO_TASKS = "You have no todos yet. Shall we start with one? Just say “add …”."


# Answers to intents that need no todo.
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
    """Return the list of the todos that have this status."""
    if not tasks:
        return {
            "all": NO_TASKS,
            "pending": "You have no todos that are still to do. Enjoy!",
            "completed": "You have no todos that are done.",
        }[status]
    one = len(tasks) == 1
    state = {"all": "", "pending": "still to do", "completed": "done"}[status]
    rest = f" that {'is' if one else 'are'} {state}" if state else ""
    return f"You have {len(tasks)} {'todo' if one else 'todos'}{rest}:\n{shown(tasks)}"


def shown(tasks: list[Task]) -> str:
    """Return a list of at most SHOWN todos, and the number of the others."""
    more = f"\n…and {len(tasks) - SHOWN} more." if len(tasks) > SHOWN else ""
    return f"{bullets(tasks[:SHOWN])}{more}"


def missing(number: int) -> str:
    """Return the answer for a number that does not exist."""
    return f"I'm sorry, I couldn't find a todo #{number} on your list."


def unknown(query: str) -> str:
    """Return the answer for words that match no todo."""
    return f"I'm sorry, I couldn't find a todo that matches “{query}”, so I changed nothing."
