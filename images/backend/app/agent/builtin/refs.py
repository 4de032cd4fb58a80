"""Reads phrases that refer to todos: by number, place, "it" or title, or all todos."""

from dataclasses import dataclass
from typing import Literal

from app.agent.builtin import patterns as re
from app.agent.builtin.text import Quotes, bare

Status = Literal["all", "pending", "completed"]

_NUMBERS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
_PLACES_MAX = 500  # maximum length of a list; "the first 999999999" would fill the memory
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
]
NOUN = r"(?:tasks?|to-?dos?|to do|items?|entry|entries|reminders?|things?|ones?|jobs?|chores?)"
DONE = r"(?:completed?|done|finished|ticked(?:[ -]off)?|checked(?:[ -]off)?|crossed[ -]off|closed)"
OPEN = (
    r"(?:pending|open|incomplete|uncompleted?|unfinished|undone|outstanding|remaining|active"
    r"|not (?:yet )?(?:done|completed?|finished)(?: yet)?|left|unchecked|due|current)"
)
_NOUN1 = r"(?:task|to-?do|item|entry|reminder|thing|one|job|chore)"
_MINE = r"(?:of )?(?:my |the |your |our |these |those |this |that )*"
_ORDINAL = rf"(?:(?:second|next)[ -]to[ -](?:the[ -])?last|second[ -]last|penultimate|last but one|{'|'.join(_ORDINALS)}|\d+(?:st|nd|rd|th)|last|top|bottom|final)"
_NUMBER = rf"(?:\d+|{'|'.join(_NUMBERS)})"
_LABEL = rf"(?:{NOUN}\s*(?:with\s+)?(?:number|no\.?|nr\.?|id\s*=?|#)?|number|no\.|nr\.?|id\s*=?|#)"


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to todos."""

    ids: tuple[int, ...] = ()
    places: tuple[int, ...] = ()  # places in the list, from 1; -1 is the last
    it: bool = False
    them: bool = False
    every: bool = False
    status: Status = "all"
    query: str | None = None
    excluded: str | None = None  # the exception in "all but ..."
    quoted: bool = False
    either: bool = False  # one of the ids: "1 or 2"

    @property
    def empty(self) -> bool:
        """Report whether the phrase refers to nothing."""
        return self == Ref()


def number(word: str) -> int:
    """Read a number in digits or words."""
    lower = word.lower()
    return _NUMBERS.index(lower) + 1 if lower in _NUMBERS else int(word)


def _place(word: str) -> int:
    lower = word.lower()
    if re.search(r"to[ -]|second[ -]|penult|but one", lower):
        return -2
    if lower in ("last", "bottom", "final"):
        return -1
    if lower == "top":
        return 1
    return _ORDINALS.index(lower) + 1 if lower in _ORDINALS else int(lower[:-2])


_TRAIL = re.compile(
    r"(?:[\s,]+(?:please|pls|now|then|woo ?hoo|yay|hooray|phew|lol|haha|at last|right now|too|as well|also|for me|thank(?:s| you)(?: (?:so|very) much| a lot| in advance| again)?|thx|ty|cheers|kindly|already|today|"
    r"again|instead|asap|if (?:you please|i may)|immediately|if you can|if possible|would you|will you|can you|could you|ok|okay|dear|buddy|mate|my friend|if (?:that|it)(?:'?s| is) (?:ok(?:ay)?|alright|all right|fine|possible|no trouble)|"
    rf"(?:from|off|on|in|of) (?:my|the|our|this|that) (?:(?!(?:{DONE}|{OPEN}|whole|other)\b)[\w-]+ )?(?:list|tasks|to-?dos?)"
    r"|from (?:there|here)))+[^\w\ue000\ue001]*$",
    re.IGNORECASE,
)


def trim(text: str) -> str:
    """Remove polite words and "from my list" at the end."""
    return bare(_TRAIL.sub("", bare(text)).rstrip("?"))


_FOCUS = re.compile(
    rf"^(?:(?:it|this|that|that one|this one|the same(?: one| {_NOUN1})?|(?:that|this) {_NOUN1}|the {_NOUN1}"
    rf"|the (?:new|newest|latest|most recent)(?: one| {_NOUN1})?"
    rf"|(?:the|that)(?: last| new)? (?:{_NOUN1} )?(?:(?:that |which )?(?:i|you|we)(?: have|'ve)? just|just)"
    r"(?: (?:added|created|made|mentioned|did|listed|said|told you about))?)(?: one)?)$",
    re.IGNORECASE,
)
_LAST_ADDED = re.compile(
    rf"^the (?:last|latest|newest) (?:{_NOUN1} )?(?:that )?(?:i|you|we)(?: have|'ve)?(?: just)? "
    r"(?:added|created|made|mentioned)$",
    re.IGNORECASE,
)
_THEM = re.compile(
    rf"^(?:(?:them|those|these)(?: all| both)?|both(?: of (?:them|these|those))?|all (?:of )?(?:them|these|those)"
    rf"|(?:those|these|both)(?: two| three)?(?: {NOUN})?|the two(?: of them)?|all (?:two|three|four))$",
    re.IGNORECASE,
)
_PLACES = re.compile(
    rf"^(?:the |my )?(?P<all>{_ORDINAL}(?: (?:one|{NOUN}))?"
    rf"(?:(?:,| and|, and| &)\s*(?:the )?{_ORDINAL}(?: (?:one|{NOUN}))?)*)(?: of (?:them|those|these)(?: two| three)?)?$",
    re.IGNORECASE,
)
_FIRST_N = re.compile(
    rf"^(?:the |my )?(?P<end>first|last|top) (?P<n>{_NUMBER})(?: {NOUN})?$", re.IGNORECASE
)
_IDS = re.compile(
    rf"^(?:the |my )?(?:{_LABEL}\s*)?(?P<all>#?{_NUMBER}"
    rf"(?:\s*(?:,|\band\b|&|\bor\b|\+|\bthen\b|\balso\b|\bplus\b|\s)+\s*(?:the )?(?:{_LABEL}\s*)?#?{_NUMBER})*)(?:st|nd|rd|th)?$",
    re.IGNORECASE,
)
_RANGE = re.compile(
    rf"^(?:the |my )?(?:{_LABEL}\s*)?#?(?P<a>\d+)\s*(?:-|–|to|through|thru|until)\s*#?(?P<b>\d+)$",
    re.IGNORECASE,
)
_ID_AND_MORE = re.compile(
    rf"^(?:the |my )?(?:{_LABEL}\s*(?P<a>\d+)\s*(?:[:(–-]|,\s*(?:it|that|because|since|as|i(?! mean| meant))\b)|#(?P<b>\d+)\s).*$",
    re.IGNORECASE,
)
_EVERY = re.compile(
    rf"^(?:(?:absolutely )?(?:all|every(?: single)?|each(?: of)?|any|what(?:ever)?)(?: {_NUMBER})?(?: (?:and every))?\b|(?:absolutely )?everything\b|every one\b"
    rf"|{_NUMBER} (?=(?:of |my |the )*(?:tasks|items|to-?dos|things)\b)"
    rf"|(?:the|my) (?:whole|entire|full)(?: lot)?\b|(?:a )?(?:couple of|few|several|some|many|multiple)\b)\s*"
    rf"{_MINE}(?P<rest>.*)$",
    re.IGNORECASE,
)
_PLURAL = re.compile(
    rf"^(?:my|the|your|our)?\s*(?:(?P<status>{DONE}|{OPEN}) )?"
    rf"(?:(?:to-?do |task )?list(?: of tasks)?|tasks|to-?dos|items|ones|things|reminders|entries)"
    rf"(?: (?:that|which) (?:are|i've|i have|have been)(?: already)? (?P<late>{DONE}|{OPEN}))?$",
    re.IGNORECASE,
)
_EXCLUDED = re.compile(
    r"\b(?:except(?: for)?|but(?: not)?|apart from|besides|other than)\s+(.*)$", re.IGNORECASE
)
_ABOUT = re.compile(
    r"^(?:of |about|with|that (?:mention|contain|say|include)s?|containing|mentioning|named|called"
    r"|related to|regarding|concerning|for|to do with|matching)\s+(.*)$",
    re.IGNORECASE,
)
_WITH_WORD = re.compile(
    r"^(?:that|which) (?:has|have|contains?|includes?|mentions?) (?:the words? )?(.+?)(?: in (?:it|them|the title|its (?:title|name)))?$",
    re.IGNORECASE,
)
_LEAD = re.compile(
    rf"^(?:(?:the|my|a|an|that|this|our)\s+)?(?:{NOUN}\s+)?"
    r"(?:(?:that (?:says|is called|is named|is about|is)|which (?:says|is called|is about)"
    r"|called|named|titled|about|for|with the (?:title|name)|labell?ed|regarding|saying|to)\s+)?",
    re.IGNORECASE,
)
_TAIL_NOUN = re.compile(rf"\s+(?:{NOUN})$", re.IGNORECASE)
_STATUS = re.compile(
    rf"^(?:the |my )?(?P<status>{DONE}|{OPEN})\s+(?:one|{NOUN})\s*(?P<rest>.*)$", re.IGNORECASE
)


def status_of(word: str | None) -> Status:
    """Return the status that a word means."""
    if not word:
        return "all"
    if re.fullmatch(OPEN, word, re.IGNORECASE):
        return "pending"
    return "completed" if re.fullmatch(DONE, word, re.IGNORECASE) else "all"


def read_ref(text: str, quotes: Quotes) -> Ref:
    """Read the todos that a phrase refers to."""
    s = trim(text)
    if not s:
        return Ref()
    held = Quotes.held(s)
    if held:
        lead = s[: s.index(held[0])]
        by_id = re.search(rf"{_LABEL}\s*(\d+)\s*[:(,–-]?\s*$", lead, re.IGNORECASE)
        if by_id:
            return Ref(ids=(int(by_id[1]),))
        if len(held) == 1 and not _EVERY.match(s):
            return Ref(query=quotes.release(held[0]), quoted=True)
    if re.fullmatch(
        rf"(?i)(?:(?:an?|any|some|one|my|another) )?(?:task|to-?do|item|entry)|(?:an?|any|some|one) {_NOUN1}|one|something|(?:any )?(?:one|some) of (?:them|these|those|my {NOUN}|the {NOUN})",
        s,
    ):
        return Ref()
    if aside := re.match(r"(?i)^(?P<it>it|that|this|them|those|these),\s+\S", s):
        # "Scrap that, she just called me": a reason follows "that".
        s = aside["it"]
    if _FOCUS.match(s) or _LAST_ADDED.match(s):
        return Ref(it=True)
    if _THEM.match(s):
        return Ref(them=True)
    if found := _RANGE.match(s):
        low, high = int(found["a"]), int(found["b"])
        if low <= high <= low + 100:
            return Ref(ids=tuple(range(low, high + 1)))
    if found := _FIRST_N.match(s):
        n = min(number(found["n"]), _PLACES_MAX)
        places = range(1, n + 1) if found["end"].lower() != "last" else range(-n, 0)
        return Ref(places=tuple(places))
    if found := _PLACES.match(s):
        every = re.findall(_ORDINAL, found["all"], re.IGNORECASE)
        return Ref(places=tuple(_place(word) for word in every))
    if (found := _IDS.match(s)) and (s.lower() not in ("one", "a")):
        every = re.findall(_NUMBER, re.sub(NOUN + r"\b", " ", found["all"]), re.IGNORECASE)
        either = re.search(r"(?i)\bor\b", found["all"]) is not None
        return Ref(ids=tuple(dict.fromkeys(number(word) for word in every)), either=either)
    if found := _ID_AND_MORE.match(s):
        return Ref(ids=(int(found["a"] or found["b"]),))
    return _read_many(s, quotes) or _read_title(s, quotes)


# "The ones I already finished", "what I haven't done yet": a status.
_OF_MINE = re.compile(
    rf"^(?:(?:all|the|my|those|any|every)\s+)*(?:{NOUN}|stuff|what(?:ever)?|everything|all|those)\s+(?:(?:of )?(?:that|which|what)\s+)?(?:i|we)"
    r"(?:(?P<open>(?:'ve| have| had| did)?(?: not|n't)(?: yet)?|haven'?t|didn'?t)|'ve| have|'d| had)?\s*(?:already |just |even |yet )*"
    r"(?:done|did|do|finish(?:ed)?|complet(?:ed|e)|ticked(?: off)?|checked(?: off)?)(?: already| so far| yet| today| now)*$",
    re.IGNORECASE,
)


def _read_many(s: str, quotes: Quotes) -> Ref | None:
    excluded = None
    if found := _EXCLUDED.search(s):
        excluded, s = quotes.release(trim(found[1])), s[: found.start()].strip()
    if found := _OF_MINE.match(s):
        return Ref(
            every=True, status="pending" if found["open"] else "completed", excluded=excluded
        )
    if re.fullmatch(rf"(?:{DONE}|{OPEN})", s, re.IGNORECASE):
        return Ref(every=True, status=status_of(s), excluded=excluded)
    if found := _PLURAL.match(s):
        status = status_of(found["status"] or found["late"])
        return Ref(every=True, status=status, excluded=excluded)
    found = _EVERY.match(s)
    if found is None:
        return None
    rest = bare(found["rest"])
    if excluded is not None and re.fullmatch(r"(?i)them|these|those", rest):
        return Ref(every=True, excluded=excluded)
    if plural := _PLURAL.match(rest):
        status = status_of(plural["status"] or plural["late"])
        return Ref(every=True, status=status, excluded=excluded)
    if with_status := re.match(rf"^({DONE}|{OPEN})\b\s*(.*)$", rest, re.IGNORECASE):
        status = status_of(with_status[1])
        query = _subject(with_status[2], quotes)
        return Ref(every=True, status=status, query=query, excluded=excluded)
    if late := re.match(
        rf"^{NOUN}?\s*(?:that's|which's|(?:that|which)?\s*(?:is|are|i've|i have|have been))\s(?:already )?({DONE}|{OPEN})$",
        rest,
        re.IGNORECASE,
    ):
        return Ref(every=True, status=status_of(late[1]), excluded=excluded)
    return Ref(every=True, query=_subject(rest, quotes), excluded=excluded)


def _subject(text: str, quotes: Quotes) -> str | None:
    """Return the subject in "tasks about ...", or None when all todos are meant."""
    s = re.sub(rf"^(?:the |my )?(?:{NOUN}|list)\b\s*", "", bare(text), flags=re.IGNORECASE)
    if re.fullmatch(
        r"(?:(?:that )?(?:is|are|i have|i've got|there(?: is| are)?)?\s*(?:on|in|from)?\s*"
        r"(?:(?:my|the|this|here) ?(?:[\w-]+ )?(?:list|tasks)?)?|there|at once|of mine|mine|you (?:have|can find))",
        s,
        re.IGNORECASE,
    ):
        return None
    if found := _WITH_WORD.match(s) or _ABOUT.match(s):
        s = found[1]
    return quotes.release(bare(_TAIL_NOUN.sub("", " " + s))) or None


def _read_title(s: str, quotes: Quotes) -> Ref:
    if found := _STATUS.match(s):
        rest = _subject(found["rest"], quotes)
        return Ref(status=status_of(found["status"]), query=rest, every=False)
    lead = _LEAD.match(s)
    core = s[lead.end() :] if lead else s
    core = _TAIL_NOUN.sub("", core) if core else ""
    return Ref(query=quotes.release(bare(core or s)))
