"""Settles which reading of a change is meant, by the tasks that there are."""

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
    """Return the change that is meant, with the whole of its new title."""
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
    """Read "make that Wednesday" of what is to be done on Tuesday: another day, not another title."""
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
    """Read "make that a tennis court" of "Book a squash court"."""
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
    """Return the title with a part of it replaced; None, to be asked about, where it has no such part."""
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
    # "Book a train instead of flights", in "Book flights": what stands there is not said twice.
    before, now, after = parts[0].split(), change.title.split(), parts[1].split()
    if change.whole and len(before + after) == 1:
        # "Replace milk with juice", in "Buy milk": nearly all of it is spoken of.
        return None
    before = before[: len(before) - _overlap(before, now)]
    after = after[_overlap(now, after) :]
    return sentence_case(" ".join([*before, *now, *after]))


def _overlap(left: list[str], right: list[str]) -> int:
    """Return how many words at the end of the one begin the other."""
    ends, starts = [w.lower() for w in left], [w.lower() for w in right]
    sizes = range(min(len(left), len(right)), 0, -1)
    return next((n for n in sizes if ends[-n:] == starts[:n]), 0)


def _is_firm(ref: Ref) -> bool:
    return bool(ref.ids or ref.it or ref.places or ref.quoted)


def _holds(change: Change, tasks: list[Task]) -> bool:
    """Say whether what is to be replaced stands in the title."""
    old = (change.old or "").lower()
    return bool(old) and len(tasks) == 1 and old in tasks[0].title.lower()


def _likeliest(changes: tuple[Change, ...], tasks: list[Task]) -> Change:
    """Read "change call to mom to call dad" the way that finds a task."""

    def fit(change: Change) -> tuple[bool, bool, bool, bool, bool, bool, int, int]:
        query = change.ref.query or ""
        found = match(query, tasks)
        sure = found.sure and bool(found.tasks)
        # The most words of the title, in the shortest phrase.
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
