"""Chooses the reading of a change that fits the existing todos."""

from dataclasses import replace
from re import escape

from app.agent.builtin import patterns as re
from app.agent.builtin.intents import Change
from app.agent.builtin.matching import Task, content, exact, in_order, match
from app.agent.builtin.refs import Ref
from app.agent.builtin.resolving import Turn
from app.agent.builtin.steps import Steps
from app.agent.builtin.text import sentence_case


def settled(turn: Turn, changes: tuple[Change, ...]) -> Steps:
    """Return the change that is meant, with its complete new title."""
    change = changes[0]
    if len(changes) > 1 and not _is_firm(change.ref):
        change = _likeliest(changes, (yield from turn.tasks()))
    if change.old is None:
        return _dated(turn, change)
    whole = f"{change.ref.query} from {change.old}"
    if not change.whole and exact(whole, (yield from turn.tasks())):
        return replace(change, ref=Ref(query=whole), title=sentence_case(change.title or ""))
    title = yield from _replaced(turn, change)
    if title is None and change.whole:
        title = sentence_case(change.title or "")
    return replace(change, title=title)


_DAYS = r"(?:(?:next |this )?(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|tomorrow|tonight)"
_HOURS = r"(?:\d{1,2}(?:[:.]\d\d)? ?(?:[ap]\.?m\.?|o'clock)|\d{1,2}[:.]\d\d|noon|midnight)"


def _dated(turn: Turn, change: Change) -> Change:
    """Read "make that Wednesday": the day in the title changes, not the whole title."""
    spoken = turn.topic or turn.context.focus
    if not change.ref.it or len(spoken) != 1 or not change.title:
        return change
    amount = re.fullmatch(r"\d+ (?P<unit>\w+)", change.title)
    counted = rf"\d+ {escape(amount['unit'])}" if amount else _HOURS
    for kind in (_DAYS, _HOURS, counted):
        if found := re.Pattern(rf"(?i)(?:on |at )?(?P<new>{kind})").fullmatch(change.title):
            parts = re.Pattern(rf"(?i)\b{kind}\b").split(spoken[0].title)
            if len(parts) == 2:
                return replace(change, title=sentence_case(found["new"].join(parts)))
    return _of_a_kind(change, spoken[0].title)


def _of_a_kind(change: Change, title: str) -> Change:
    """Read "make that a tennis court" after "Book a squash court"."""
    thing = re.fullmatch(r"(?i)(?:an?|the|some) .*?(?P<last>\w+)", change.title or "")
    if thing is None:
        return change
    before = re.Pattern(
        rf"(?i)(?P<head>.+?)\b(?:an?|the|some) [\w' -]*\b{escape(thing['last'])}$"
    ).match(title)
    return (
        replace(change, title=f"{before['head']}{_lower(change.title or '')}") if before else change
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _replaced(turn: Turn, change: Change) -> Steps:
    """Return the title with a part replaced, or None when it does not have this part."""
    tasks = yield from turn.tasks()
    if change.ref.ids or change.ref.it:
        ids = change.ref.ids or tuple(task.id for task in turn.topic or turn.context.focus)
        found = [t for t in tasks if t.id in ids]
    else:
        found = match(change.ref.query or "", tasks).tasks
    if len(found) != 1 or not change.old or not change.title:
        return None
    parts = re.Pattern(rf"(?i)(?<!\w){escape(change.old)}(?!\w)").split(found[0].title)
    if len(parts) != 2:
        return None
    # "Book a train instead of flights", in "Book flights": "Book" is not repeated.
    before, now, after = parts[0].split(), change.title.split(), parts[1].split()
    if change.whole and len(before + after) == 1:
        # "Replace milk with juice", in "Buy milk": the new text is the whole title.
        return None
    before = before[: len(before) - _overlap(before, now)]
    after = after[_overlap(now, after) :]
    return sentence_case(" ".join([*before, *now, *after]))


def _overlap(left: list[str], right: list[str]) -> int:
    """Return the number of words that end `left` and start `right`."""
    ends, starts = [w.lower() for w in left], [w.lower() for w in right]
    sizes = range(min(len(left), len(right)), 0, -1)
    return next((n for n in sizes if ends[-n:] == starts[:n]), 0)


def _is_firm(ref: Ref) -> bool:
    return bool(ref.ids or ref.it or ref.places or ref.quoted)


def _holds(change: Change, tasks: list[Task]) -> bool:
    """Report whether a title has the words that are replaced."""
    old = (change.old or "").lower()
    return bool(old) and len(tasks) == 1 and old in tasks[0].title.lower()


def _likeliest(changes: tuple[Change, ...], tasks: list[Task]) -> Change:
    """Choose the reading of "change call to mom to call dad" that matches a todo."""

    def fit(change: Change) -> tuple[bool, bool, bool, bool, bool, bool, int, int]:
        query = change.ref.query or ""
        found = match(query, tasks)
        sure = found.sure and bool(found.tasks)
        # Prefer the shortest phrase with the most words of the title.
        return (
            bool(exact(query, tasks)),
            sure and _holds(change, found.tasks),
            sure and change.noun,
            sure,
            sure and any(in_order(query, task) for task in found.tasks),
            len(found.tasks) == 1,
            len(set(content(query))),
            -len(query),
        )

    return max(changes, key=fit)
