"""Finds the todos that words name, and how certain the match is."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from app.agent.builtin import patterns as re
from app.agent.builtin.patterns import spend, spend_on_list
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
_BASES = frozenset(_PAST.values())
_VOWELS = "aeiouy"


@dataclass(frozen=True, slots=True)
class Task:
    """A todo, as list_tasks returns it."""

    id: int
    title: str
    completed: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Matching todos. When the match is not sure, the person is asked."""

    tasks: list[Task]
    sure: bool


@lru_cache(maxsize=8192)
def singular(word: str) -> str:
    """Return the singular of a word."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Return a word without plural and tense."""
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
    """Return the words of a text without filler words, or all if only filler words remain."""
    return telling(words(text))


def telling(said: list[str]) -> list[str]:
    """Return the words without filler words, or all if only filler words remain."""
    return [w for w in said if w not in _FILLER] or said


def _same(text: str) -> list[str]:
    return _main(words(text))


def _main(said: list[str]) -> list[str]:
    return [singular(w) for w in said if w not in ("a", "an", "the", "my")]


_TITLE_WORDS = 30  # words of a title that are compared; 200 characters of prose have about 35


class Index:
    """An index from words to todos, so that a search need not read every title."""

    def __init__(self, tasks: list[Task]) -> None:
        spend_on_list(4 * len(tasks) + sum(len(task.title) for task in tasks) // 6)
        self.tasks = tasks
        self.words = [words(task.title)[:_TITLE_WORDS] for task in tasks]
        self.singulars: dict[str, set[int]] = {}
        self.stems: dict[str, set[int]] = {}
        self.plain: dict[str, set[int]] = {}
        for number, said in enumerate(self.words):
            for word in said:
                self.plain.setdefault(word, set()).add(number)
        for word, where in self.plain.items():
            self.singulars.setdefault(singular(word), set()).update(where)
            self.stems.setdefault(stem(word), set()).update(where)
        self.initials = _by_initial(self.plain)
        self.whole: dict[tuple[str, ...], list[int]] = {}
        for number, said in enumerate(self.words):
            self.whole.setdefault(tuple(_main(said)), []).append(number)
        self._notable: tuple[list[int], dict[str, set[int]], dict[str, list[str]]] | None = None

    @property
    def notable(self) -> tuple[list[int], dict[str, set[int]], dict[str, list[str]]]:
        """Return, without filler words: stems per title, titles by stem, and stems by initial."""
        if self._notable is None:
            each = [{stem(w) for w in telling(said)} for said in self.words]
            where: dict[str, set[int]] = {}
            for number, stems in enumerate(each):
                for one in stems:
                    where.setdefault(one, set()).add(number)
            self._notable = [len(stems) for stems in each], where, _by_initial(where)
        return self._notable

    def at(self, numbers: Iterable[int]) -> list[Task]:
        """Return todos in the order of the list."""
        return [self.tasks[number] for number in sorted(numbers)]

    def having(self, wanted: set[str], places: dict[str, set[int]]) -> list[Task]:
        """Return the todos that have all of these words."""
        spend(2 + len(wanted))
        found = sorted((places.get(word, set()) for word in wanted), key=len)
        return self.at(set.intersection(*found)) if found and found[0] else []


def _by_initial(every: Iterable[str]) -> dict[str, list[str]]:
    """Group words by their first letter, which misspelling is assumed to keep."""
    sorted_: dict[str, list[str]] = {}
    for word in every:
        sorted_.setdefault(word[:1], []).append(word)
    return sorted_


_indexes: deque[Index] = deque(maxlen=4)


def _index(tasks: list[Task]) -> Index:
    """Return the index of a list. It is cached, so the list must not be changed."""
    found = next((index for index in _indexes if index.tasks is tasks), None)
    if found is None:
        found = Index(tasks)
        _indexes.append(found)
    return found


def exact(title: str, tasks: list[Task]) -> list[Task]:
    """Return the todos with exactly this title."""
    whole = tuple(_same(title))
    index = _index(tasks)
    return index.at(index.whole.get(whole, [])) if whole else []


def in_order(query: str, task: Task) -> bool:
    """Report whether the title has the words in this order."""
    title = iter(stem(w) for w in words(task.title))
    return all(stem(w) in title for w in content(query))


def told(report: str, tasks: list[Task]) -> list[Task]:
    """Return the todos with this title in any tense: "called grandma"."""
    whole = [stem(w) for w in _same(report)]
    if not whole:
        return []
    near = _index(tasks).having(set(whole), _index(tasks).stems)
    return [t for t in near if [stem(w) for w in _same(t.title)] == whole]


def match(query: str, tasks: list[Task]) -> Match:
    """Return the best matches: equal title, else equal words, stems, or misspelt words."""
    wanted = content(query)
    if not wanted:
        return Match([], sure=True)
    if same := exact(query, tasks):
        return Match(same, sure=True)
    if all(word in _FILLER for word in wanted):
        return Match([], sure=True)
    index = _index(tasks)
    if found := index.having({singular(w) for w in wanted}, index.singulars):
        return Match(found, sure=True)
    stems = {stem(w) for w in wanted}
    if found := index.having(stems, index.stems):
        return Match(found, sure=True)
    found = _misspelt(set(wanted), index)
    return Match(found, sure=True) if found else _partial(stems, tasks)


_SENTENCE = 4  # number of words from which a text counts as a sentence
_CLAUSE = re.compile(r",\s|\s-\s|\s(?:because|since|as|cause|cuz)\s", re.IGNORECASE)


def likely(query: str, tasks: list[Task]) -> Match:
    """Return matches; without any, return unsure matches of the words before a clause."""
    found = match(query, tasks)
    if not found.tasks and (clause := _CLAUSE.search(query)):
        found = Match(match(query[: clause.start()], tasks).tasks, sure=False)
    return found if found.tasks else _mentioned(query, tasks)


def _mentioned(query: str, tasks: list[Task]) -> Match:
    """Return the todos that share a word with a whole sentence."""
    said = {stem(w) for w in content(query)}
    if len(said) < _SENTENCE:
        return Match([], sure=True)
    index = _index(tasks)
    _, where, _ = index.notable
    long = (where.get(w, set()) for w in said if len(w) > 3)
    return Match(index.at(set().union(*long)), sure=False)


def _misspelt(wanted: set[str], index: Index) -> list[Task]:
    """Return the todos that have all the words, with spelling mistakes."""
    left: set[int] | None = None
    for word in wanted:
        have = set(index.stems.get(stem(word), ()))
        near = index.initials.get(word[:1], [])
        spend(2 + len(near) // 2)
        for other in near:
            if misspelt(singular(word), singular(other)) or misspelt(word, other):
                have |= index.plain[other]
        left = have if left is None else left & have
        if not left:
            return []
    return index.at(left or ())


def _partial(stems: set[str], tasks: list[Task]) -> Match:
    """Return todos that have at least half of the words, or only words of the query."""
    index = _index(tasks)
    sizes, where, initials = index.notable
    shared: Counter[int] = Counter()
    for wanted in stems:
        near = initials.get(wanted[:1], [])
        spend(2 + len(near) // 3)
        shared.update(set().union(*(where[word] for word in near if alike(wanted, word))))
    enough = (n for n, many in shared.items() if many * 2 >= len(stems) or many == sizes[n])
    return Match(index.at(enough) or _described(stems, tasks), sure=False)


# Words that refer to a description.
_OF_DESCRIPTIONS = frozenset(
    stem(w)
    for w in ("described", "description", "note", "details", "where", "whose", "which", "as")
)


def _described(stems: set[str], tasks: list[Task]) -> list[Task]:
    """Return todos whose title and description together have all the words."""
    wanted = stems - _OF_DESCRIPTIONS
    found = []
    # A substring search first: it is cheap, and splitting 500 descriptions into words is not. A
    # stem without its last letter is a substring of its word, except for irregular verbs.
    letters = [one[:-1] for one in wanted if one not in _BASES]
    for task in tasks:
        if not wanted or not task.description:
            continue
        text = f"{task.title} {task.description}"
        spend(2 + len(text) // 500)
        plain = text.lower().replace("-", "")
        if all(part in plain for part in letters):
            spend(len(text) // 8)
            if wanted <= {stem(w) for w in words(text)}:
                found.append(task)
    return found
