"""Text functions: quoted parts, spelling mistakes, words and titles."""

import re as plain_re
from functools import lru_cache
from itertools import combinations

from app.agent.builtin import patterns as re
from app.agent.builtin.patterns import spend

_OPEN, _CLOSE = "\ue000", "\ue001"  # private use characters, which people do not type

_QUOTED = re.compile(
    r'"([^"\n]+)"|“([^”\n]+)”|«([^»\n]+)»|`([^`\n]+)`'
    r"|(?<![^\s(:,=])'((?:[^'\n]|(?<=\w)'(?=\w))+)'(?![^\s).,;:!?])"
)
_HELD = re.compile(f"{_OPEN}(\\d+){_CLOSE}")

# Verbs that start a command. They are recognised with spelling mistakes too.
_VERBS = [
    "add",
    "create",
    "insert",
    "remember",
    "remind",
    "complete",
    "finish",
    "mark",
    "check",
    "tick",
    "delete",
    "remove",
    "cancel",
    "erase",
    "discard",
    "clear",
    "change",
    "update",
    "rename",
    "edit",
    "modify",
    "replace",
    "show",
    "list",
    "display",
    "view",
    "finished",
    "completed",
    "please",
    "what's",
    "which",
    "reopen",
]
# Correct words that are similar to a verb.
_RIGHT = frozenset(
    [
        "charge",
        "remote",
        "clean",
        "market",
        "cheer",
        "chance",
        "famish",
        "compete",
        "competed",
        "clever",
        "finishes",
        "lost",
        "last",
        "mask",
        "park",
        "dark",
        "bark",
        "shower",
        "shot",
        "snow",
        "slow",
        "sow",
        "shop",
        "chick",
        "chuck",
        "check",
        "thick",
        "trick",
        "sticks",
        "wished",
        "chang",
        "crate",
        "care",
        "remand",
        "edict",
        "edits",
        "shown",
        "clears",
        "deletes",
        "which",
        "witch",
        "watch",
        "while",
    ]
)
_KNOWN_SLIPS = {
    "ad": "add",
    "aad": "add",
    "addd": "add",
    "adda": "add",
    "dlete": "delete",
    "del": "delete",
    "rm": "remove",
    "shwo": "show",
    "hsow": "show",
    "shw": "show",
    "sho": "show",
    "lst": "list",
    "rmv": "remove",
    "dlt": "delete",
    "mrk": "mark",
    "lits": "list",
    "marc": "mark",
    "makr": "mark",
    "mrak": "mark",
    "wat": "what",
    "waht": "what",
    "whta": "what",
    "wht": "what",
    "whats": "what's",
    "wats": "what's",
    "cna": "can",
    "u": "you",
    "im": "i'm",
    "id": "id",
    "coud": "could",
    "cud": "could",
    "woud": "would",
    "cant": "can't",
    "ned": "need",
    "nede": "need",
    "edti": "edit",
    "wich": "which",
    "creat": "create",
    "craete": "create",
    "crete": "create",
    "lets": "let's",
}
_KNOWN_ANYWHERE = {
    "taks": "task", "tsk": "task", "tesk": "task", "taask": "task", "tsak": "task", "tas": "task", "tassk": "task", "atsk": "task",
    "taskk": "task", "tks": "task", "tast": "task", "taskss": "tasks", "takss": "tasks",
    "tsaks": "tasks", "taskes": "tasks", "tasls": "tasks", "doen": "done", "dnoe": "done",
    "donee": "done", "compelte": "complete", "compleet": "complete", "complet": "complete",
    "complte": "complete", "compelted": "completed", "completd": "completed",
    "complted": "completed", "finsihed": "finished", "finshed": "finished",
    "finised": "finished", "pendin": "pending", "pendng": "pending", "penidng": "pending",
    "anythign": "anything", "anythin": "anything", "evrything": "everything", "everthing": "everything", "everyting": "everything",
    "numbr": "number", "nubmer": "number", "teh": "the", "hte": "the", "thsi": "this", "taht": "that", "frist": "first",
    "secnd": "second", "secodn": "second", "desciption": "description",
    "descripton": "description", "discription": "description", "todoo": "todo",
    "pls": "please", "plz": "please", "plse": "please", "plss": "please", "wanna": "want to",
    "lsit": "list", "thats": "that's", "theres": "there's", "dont": "don't", "didnt": "didn't", "havent": "haven't", "hasnt": "hasn't", "isnt": "isn't",
    "doesnt": "doesn't", "ive": "i've", "gonna": "going to", "lemme": "let me", "gimme": "give me", "reminde": "remind",
}  # fmt: skip

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# The same for titles with the faster engine of Python: this pattern cannot backtrack.
_WORDS = plain_re.compile(_WORD.pattern)


# Private use characters in a message are removed.
_PLAIN = str.maketrans("’‘„“”\r" + _OPEN + _CLOSE, '\'\'"""\n  ')


def tidy(message: str) -> str:
    """Make quotes and spaces uniform. Line breaks are kept."""
    # Without patterns: a search for runs of spaces restarts at each space of a run.
    lines = (" ".join(line.split()) for line in message.translate(_PLAIN).split("\n"))
    return "\n".join(line for line in lines if line)


class Quotes:
    """Quoted parts, replaced by placeholders so that their words are not read as commands."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def hold(self, text: str) -> str:
        """Replace quoted parts by placeholders."""

        def keep(found: re.Match) -> str:
            self._parts.append(next(part for part in found.groups() if part is not None))
            return f"{_OPEN}{len(self._parts) - 1}{_CLOSE}"

        return _QUOTED.sub(keep, text)

    def release(self, text: str) -> str:
        """Replace placeholders by the quoted parts, without quotes."""
        return _HELD.sub(lambda found: self._parts[int(found[1])], text)

    @staticmethod
    def held(text: str) -> list[str]:
        """Return the placeholders in a text."""
        return [found[0] for found in _HELD.finditer(text)]


def distance(a: str, b: str) -> int:
    """Return the number of edits (swap, omission, doubling, replacement) between two words."""
    spend(1 + len(a) * len(b) // 6)
    return _distance(a, b)


@lru_cache(maxsize=4096)
def _distance(a: str, b: str) -> int:
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, right in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


_WORD_MAX = 40  # longer words are not checked for spelling mistakes


def alike(word: str, right: str) -> bool:
    """Report whether `word` is a misspelling of `right` and not another word."""
    if word == right:
        return True
    if len(word) == len(right) == 3:
        return word[0] == right[0] and sorted(word) == sorted(right)
    if min(len(word), len(right)) < 4 or word[0] != right[0]:
        return False
    if abs(len(word) - len(right)) > 2 or len(word) > _WORD_MAX:
        return False
    slips = distance(word, right)
    if slips == 1:
        # A replaced letter easily makes another short word: walk, work; plan, play.
        return len(word) != len(right) or sorted(word) == sorted(right) or len(right) >= 6
    return slips == 2 and min(len(word), len(right)) >= 8


# Neighbouring keys.
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
# Pairs of correct words that differ by one edit.
_TWINS = (
    "diary dairy", "trail trial", "angel angle", "form from", "quiet quite", "bread beard", "united untied",
    "calm clam", "lion loin", "split spilt", "casual causal", "martial marital", "goal gaol", "sign sing",
    "board broad", "reserve reverse", "sacred scared", "silver sliver", "salt slat", "unite untie",
    "contract contact", "desert dessert", "county country", "bride bridge", "sever server", "coast coat",
    "pleasant peasant", "dinner diner", "manager manger", "father farther further", "policy police",
    "better batter bitter butter", "letter latter litter", "matter mutter", "summer simmer", "lesson lessen",
    "former farmer", "hanger hunger", "massage message", "collage college", "parent patent", "loose lose",
)  # fmt: skip
_TWIN = {frozenset(pair) for group in _TWINS for pair in combinations(group.split(), 2)}


def _near(a: str, b: str) -> bool:
    """Report whether two letters are neighbours on the keyboard or sound alike."""
    if a in "aeiouy" and b in "aeiouy":
        return True
    return any(a in row and b in row and abs(row.index(a) - row.index(b)) == 1 for row in _KEYS)


def misspelt(word: str, right: str) -> bool:
    """Report the same for words in titles, where "grandpa" is not a misspelt "grandma"."""
    if word == right:
        return True
    if not alike(word, right) or frozenset((word, right)) in _TWIN:
        return False
    if sorted(word) == sorted(right):
        return True
    short, long = sorted((word, right), key=len)
    if len(short) < len(long):
        # "Plane" and "planet" are two words; "milkk" is a misspelt "milk".
        return not long.startswith(short) or long[-1] == long[-2]
    differing = [(a, b) for a, b in zip(word, right, strict=True) if a != b]
    return len(differing) == 1 and _near(*differing[0])


def _shortened(word: str, verb: str) -> bool:
    """Report whether `word` is a long verb without two of its letters."""
    if len(verb) - len(word) != 2 or len(verb) < 8 or word[0] + word[-1] != verb[0] + verb[-1]:
        return False
    letters = iter(verb)
    return all(letter in letters for letter in word)


def _command_word(word: str) -> str:
    lower = word.lower()
    if lower in _KNOWN_SLIPS:
        return _KNOWN_SLIPS[lower]
    if lower in _RIGHT or lower in _VERBS or len(lower) < 4:
        return word
    near = [verb for verb in _VERBS if alike(lower, verb) or _shortened(lower, verb)]
    return near[0] if len(near) == 1 else word


def fix_first_word(text: str) -> str:
    """Correct the spelling of the first word of a command."""
    found = re.match(r"[A-Za-z']+", text)
    if found is None:
        return text
    return _command_word(found[0]) + text[found.end() :]


# Long words about the list. One edit does not turn them into another word.
_LONG = (
    "outstanding",
    "completed",
    "finished",
    "unfinished",
    "pending",
    "remaining",
    "incomplete",
    "number",
)
_LONG_RIGHT = (
    "finishes",
    "finisher",
    "competed",
    "complete",
    "completes",
    "depending",
    "impending",
    "numbers",
)


def _fixed(word: str) -> str:
    lower = word.lower()
    if lower in _KNOWN_ANYWHERE or not 6 <= len(lower) <= 12 or lower in (*_LONG_RIGHT, *_LONG):
        return _KNOWN_ANYWHERE.get(lower, word)
    near = (w for w in _LONG if w[0] == lower[0] and distance(lower, w) == 1)
    return next((w for w in near if len(w) != len(lower) or sorted(w) == sorted(lower)), word)


_MISSING_APOSTROPHE = re.compile(
    r"\bid(?= (?:like|love|want|need|prefer|rather|really|be)\b)", re.IGNORECASE
)
_FILLERS = re.compile(r"(?<=\s)(?:um+|uh+|erm+),?\s+", re.IGNORECASE)


def fix_slips(text: str) -> str:
    """Correct spelling mistakes that are not other words."""
    plain = _MISSING_APOSTROPHE.sub("I'd", _FILLERS.sub("", text))
    return _WORD.sub(lambda found: _fixed(found[0]), plain)


def words(text: str) -> list[str]:
    """Return the words in lower case, without possessive endings and hyphens."""
    return [_plain(word) for word in _WORDS.findall(text)]


def _plain(word: str) -> str:
    lower = word.lower().replace("’", "'")
    return lower.removesuffix("'s").replace("-", "")


def sentence_case(text: str) -> str:
    """Start with a capital."""
    return text[:1].upper() + text[1:]


def bare(text: str) -> str:
    """Remove spaces and punctuation at both ends."""
    return text.strip(" \t\n,;:-–—").rstrip(" .!,;:-–—").strip()
