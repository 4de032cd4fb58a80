"""Finds the tasks that words mean, and says how sure that is."""

import re
from dataclasses import dataclass

from app.agent.builtin.text import alike, misspelt, words

_FILLER = frozenset(
    [
        "a",
        "an",
        "the",
        "my",
        "our",
        "your",
        "this",
        "that",
        "these",
        "those",
        "some",
        "any",
        "of",
        "for",
        "to",
        "on",
        "in",
        "at",
        "about",
        "with",
        "from",
        "and",
        "or",
        "is",
        "are",
        "was",
        "be",
        "been",
        "called",
        "named",
        "titled",
        "saying",
        "says",
        "regarding",
        "concerning",
        "related",
        "task",
        "tasks",
        "todo",
        "todos",
        "item",
        "items",
        "entry",
        "reminder",
        "one",
        "ones",
        "thing",
        "stuff",
        "list",
        "please",
        "now",
        "already",
        "today",
        "just",
        "finally",
        "it",
        "i",
        "me",
        "all",
        "both",
        "everything",
        "up",
    ]
)
_PAST = {
    "bought": "buy", "paid": "pay", "sent": "send", "wrote": "write", "written": "write",
    "went": "go", "gone": "go", "got": "get", "made": "make", "took": "take", "taken": "take",
    "ran": "run", "met": "meet", "told": "tell", "fed": "feed", "found": "find", "did": "do",
    "done": "do", "gave": "give", "brought": "bring", "spoke": "speak", "sold": "sell",
    "built": "build", "bring": "bring", "taught": "teach", "swept": "sweep", "kept": "keep",
    "hung": "hang", "left": "leave", "drove": "drive", "flew": "fly", "swam": "swim",
    "chose": "choose", "picked": "pick", "rang": "ring", "thought": "think", "caught": "catch",
}  # fmt: skip
_VOWELS = "aeiouy"


@dataclass(frozen=True, slots=True)
class Task:
    """A task as list_tasks gives it."""

    id: int
    title: str
    completed: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Tasks that fit; not sure means that they are only worth asking about."""

    tasks: list[Task]
    sure: bool


def singular(word: str) -> str:
    """Take the plural off."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stem(word: str) -> str:
    """Take plural and tense off."""
    if word in _PAST:
        return _PAST[word]
    for ending in ("ing", "ed"):
        base = word.removesuffix(ending)
        if base != word and len(base) >= 3 and any(v in base for v in _VOWELS):
            if base[-1] == base[-2] and base[-1] not in "lsz":
                base = base[:-1]
            elif base.endswith("i"):
                base = base[:-1] + "y"
            return base.removesuffix("e")
    return singular(word).removesuffix("e")


def content(text: str) -> list[str]:
    """Return the words that carry meaning; all words when none does."""
    every = words(text)
    return [w for w in every if w not in _FILLER] or every


def _same(text: str) -> list[str]:
    articles = ("a", "an", "the", "my")
    return [singular(w) for w in words(text) if w not in articles]


def exact(title: str, tasks: list[Task]) -> list[Task]:
    """Return the tasks of this very title."""
    whole = _same(title)
    return [t for t in tasks if whole and _same(t.title) == whole]


def in_order(query: str, task: Task) -> bool:
    """Say whether the words stand in the title in this order, each once."""
    title = iter(stem(w) for w in words(task.title))
    return all(stem(w) in title for w in content(query))


def told(report: str, tasks: list[Task]) -> list[Task]:
    """Return the tasks whose very title, in whatever tense, is reported: "called grandma"."""
    whole = [stem(w) for w in _same(report)]
    return [t for t in tasks if whole and [stem(w) for w in _same(t.title)] == whole]


def match(query: str, tasks: list[Task]) -> Match:
    """Return the tasks of the best kind of fit: same title, same words, same stems, slips."""
    wanted = content(query)
    if not wanted:
        return Match([], sure=True)
    if same := exact(query, tasks):
        return Match(same, sure=True)
    if all(word in _FILLER for word in wanted):
        return Match([], sure=True)
    have = {t.id: words(t.title) for t in tasks}
    plain = {singular(w) for w in wanted}
    found = [t for t in tasks if plain <= {singular(w) for w in have[t.id]}]
    if found:
        return Match(found, sure=True)
    stems = {stem(w) for w in wanted}
    found = [t for t in tasks if stems <= {stem(w) for w in have[t.id]}]
    if found:
        return Match(found, sure=True)
    found = [t for t in tasks if all(_slip(w, have[t.id]) for w in wanted)]
    return Match(found, sure=True) if found else _perhaps(stems, tasks)


_SENTENCE = 4  # words that make more than a name
_CLAUSE = re.compile(r",\s|\s-\s|\s(?:because|since|as|cause|cuz)\s", re.IGNORECASE)


def likely(query: str, tasks: list[Task]) -> Match:
    """Match; where nothing fits, what stands before a clause is worth asking about."""
    found = match(query, tasks)
    if not found.tasks and (clause := _CLAUSE.search(query)):
        found = Match(match(query[: clause.start()], tasks).tasks, sure=False)
    return found if found.tasks else _mentioned(query, tasks)


def _mentioned(query: str, tasks: list[Task]) -> Match:
    """Return the tasks that a whole sentence says a word of."""
    said = {stem(w) for w in content(query)}
    if len(said) < _SENTENCE:
        return Match([], sure=True)
    long = {w for w in said if len(w) > 3}
    return Match([t for t in tasks if long & {stem(w) for w in content(t.title)}], sure=False)


def _slip(word: str, title: list[str]) -> bool:
    if stem(word) in {stem(w) for w in title}:
        return True
    return any(misspelt(singular(word), singular(w)) or misspelt(word, w) for w in title)


def _perhaps(stems: set[str], tasks: list[Task]) -> Match:
    """Return tasks that share at least half of the wanted words, or are wholly among them."""
    found = []
    for task in tasks:
        title = {stem(w) for w in content(task.title)}
        shared = sum(1 for s in stems if s in title or any(alike(s, t) for t in title))
        if shared and (shared * 2 >= len(stems) or shared == len(title)):
            found.append(task)
    return Match(found or _described(stems, tasks), sure=False)


# Words by which a description is spoken of.
_OF_DESCRIPTIONS = frozenset(
    stem(w)
    for w in ("described", "description", "note", "details", "where", "whose", "which", "as")
)


def _described(stems: set[str], tasks: list[Task]) -> list[Task]:
    """Return tasks whose title and description together hold all that is wanted."""
    wanted = stems - _OF_DESCRIPTIONS
    found = []
    for task in tasks:
        told = {stem(w) for w in words(f"{task.title} {task.description or ''}")}
        if wanted and task.description and wanted <= told:
            found.append(task)
    return found
