"""Reads intents that change a title or a description."""

from dataclasses import replace
from itertools import islice

from app.agent.builtin import patterns as re
from app.agent.builtin.intents import Change, Intent
from app.agent.builtin.refs import DONE, NOUN, OPEN, Ref, read_ref
from app.agent.builtin.text import Quotes, bare, sentence_case

_VERB = re.compile(
    r"^(?:change|update|rename|edit|modify|correct|revise|reword|rephrase|alter|replace|retitle|"
    r"turn|swap|call|make|set|describe|fix|give|add)\b\s*",
    re.IGNORECASE,
)
_MORE = r"(?:description|details?|notes?|comments?)"
_NAME = r"(?:title|name|text|wording)"
_TO = (
    # "Read" introduces a title in "change task 1 to read Buy milk"; it can also be part of one.
    r"(?:to say|(?-i:to read(?=\s+[\ue000A-Z]|:))|to be|so (?:that )?it(?:'s| (?:says|reads|is))|to|into|as|with|by|for|->|=>|→|=|:)"
)
_AN = r"(?:an?\s+|the\s+|this\s+|some\s+|new\s+)*"

# Each pattern has the todo (ref) and the new title or text.
_TEXTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^{_AN}{_MORE}\s+(?:of|for|on|in)\s+(?P<ref>.+?)\s*(?:\bto say\b|\bto\b|\bas\b|\bwith\b|\binto\b|\bsaying\b|:|=|->)\s*(?P<text>.+)$",
        rf"^{_AN}{_MORE}\s+(?:of|for|on|in)\s+(?P<ref>.+?)\s+(?P<text>\ue000\d+\ue001)$",
        rf"^{_AN}{_MORE}\s+(?:to|for|on)\s+(?P<ref>.+?)\s*(?::|\bsaying\b|\bthat says\b|\bof\b|,|\s-\s)\s*(?P<text>.+)$",
        rf"^(?P<text>.+?)\s+(?:as|to|in)\s+(?:(?:an?|the|its)\s+)?{_MORE}\s+(?:to|of|for|on|in)\s+(?P<ref>.+)$",
        rf"^(?P<ref>.+?)(?:'s)?\s+{_MORE}\s*(?:\bto say\b|\bto\b|\bas\b|\binto\b|\bwith\b|:|=|->)\s*(?P<text>.+)$",
        rf"^(?P<text>.+?)\s+as\s+(?P<ref>it|that|this)s?\s+{_MORE}$",
        rf"^{_AN}{_MORE}\s*(?::|\bsaying\b|\bof\b)?\s*(?P<text>.+?)\s+(?:to|on|for)\s+(?P<ref>.+)$",
        rf"^(?P<ref>.+?)\s+(?:with|to have)\s+{_AN}{_MORE}\s*(?::|\bsaying\b|\bof\b)?\s*(?P<text>.+)$",
    )
)
_TITLES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^(?:the\s+)?{_NAME}\s+(?:of|for|on)\s+(?P<ref>.+?)\s*(?<!\w){_TO}(?!\w)\s*(?P<title>.+)$",
        rf"^(?P<ref>.+?)(?:'s)?\s+{_NAME}\s*(?:from\s+.+?\s+)?(?<!\w){_TO}(?!\w)\s*(?P<title>.+)$",
        rf"^(?P<ref>(?:the\s+|my\s+)?.+\s{NOUN})\s*:\s*(?P<title>.+)$",
        rf"^(?P<old>.+?)\s+(?:to|with|by|into|for)\s+(?P<title>.+?)\s+in\s+(?P<ref>(?:the\s+|my\s+)?(?:(?:task|#)\s*#?\d+|.+\s{NOUN}))$",
        r"^from\s+(?P<ref>.+?)\s+to\s+(?P<title>.+)$",
        r"^(?P<ref>.+?)\s+from\s+(?P<old>.+?)\s+to\s+(?P<title>.+)$",
        r"^(?P<ref>.+?)\s+should\s+(?:now\s+)?(?:be called|be named|be (?:re-?named|re-?titled|changed)(?: to| as| into)?|be|say|read)\s+(?P<title>.+)$",
    )
)
# "Give task 4 the description ..."
_GIVEN = tuple(
    re.compile(
        rf"^give\s+(?P<ref>.+?)\s+(?:an?|the)\s+(?:new\s+)?{what}\s*(?::|\bsaying\b|\bof\b)?\s*(?P<{name}>.+)$",
        re.IGNORECASE,
    )
    for what, name in ((_MORE, "text"), (_NAME, "title"))
)
_CALLED = re.compile(rf"\w\s+{NOUN}\s*$", re.IGNORECASE)
_SPLIT = re.compile(rf"\s*(?:(?<!\w){_TO}(?!\w)|:(?=\s))\s*", re.IGNORECASE)
_HEAD = re.compile(
    rf"^(?P<ref>(?:the\s+)?(?:(?:task|item|to-?do)?\s*(?:task|item|to-?do|number|no\.?)\s*#?|#)\d+|it|(?:the\s+)?{NOUN}\s+\d+|\d+(?=:))\s*[,:]?\s+(?P<title>\S.*)$",
    re.IGNORECASE,
)


def _clean(text: str, quotes: Quotes) -> str:
    s = re.sub(
        r"(?i)(?:[\s,]+(?:if you please|if i may|from now on|please|pls|instead|for me|thanks|thank you|from now on|if you please|if i may|from now on))+[\s.!]*$",
        "",
        bare(text),
    )
    s = re.sub(
        r"^(?:say|be called|be|called|named|(?i:make it(?: say| to)?|change it to|it should (?:be|say|read)))\s+(?=\S)",
        "",
        s,
    )
    return quotes.release(bare(s.rstrip("?"))).strip()


def _change(found: re.Match, quotes: Quotes) -> Change:
    given = found.groupdict()
    old = quotes.release(bare(given["old"])) if given.get("old") else None
    whose = re.sub(r"(?i)'s$", "", given["ref"].strip())
    # "Set its description to ..."
    ref = Ref(it=True) if re.fullmatch(r"(?i)its|the", whose) else read_ref(whose, quotes)
    if "text" in given:
        given["text"] = re.sub(r"(?i)^\s*(?:saying|that says)\s+", "", given["text"])
        return Change(ref, description=sentence_case(_clean(given["text"], quotes)))
    if old:
        return Change(ref, title=_clean(given["title"], quotes), old=old)
    return _titled(ref, given["title"], quotes)


def _of_words(s: str, old: str, new: str) -> Change | None:
    """Read "change Rome to Milan": equally many words replace words of a title."""
    words = old.split()
    if (
        not re.match(r"(?i)(?:change|replace|swap|switch)\b", s)
        or len(words) != len(new.split())
        or Quotes.held(old + new)
        or re.search(rf"(?i)\b(?:{NOUN}|the|my|it|this|that|its|from)\b|#|:", old)
        or re.fullmatch(r"\d+", old.strip())
        or re.fullmatch(rf"(?i){DONE}|{OPEN}", new.strip())
    ):
        return None
    query = read_ref(old, Quotes()).query
    if query is None:
        return None
    return Change(Ref(query=query), title=_clean(new, Quotes()), old=old.strip(), whole=True)


def _instead(found: re.Match, quotes: Quotes) -> Change:
    """Read "put milk instead of cream": the words are replaced in the title that has them."""
    old = _clean(found["old"], quotes)
    return Change(Ref(query=old), title=_clean(found["title"], quotes), old=old)


def _titled(ref: Ref, text: str, quotes: Quotes) -> Change:
    """Read a new title, and a description if it has one."""
    description = None
    if quoted := re.match(
        r"\s*(\ue000\d+\ue001)\s*(?:[,.;]|\band\b)\s*(?!with\b|an?\b|the\b|its\b|description|details?|notes?)",
        text,
    ):
        # Text in quotation marks is the complete title.
        text = quoted[1]
    # "Update task 3 with the title ..."
    text = re.sub(
        r"(?i)^\s*(?:the|a) (?:new )?(?:title|name)\s*(?::|of\b|called\b)?\s*(?=\S)", "", text
    )
    if found := re.search(
        rf"(?i)(?:[\s,]+(?:and|with)|,)\s+(?:an?\s+|the\s+|its\s+)?{_MORE}\s*(?::|\bto\b|\bas\b|\bof\b|\bis\b)?\s*(.+)$",
        text,
    ):
        description, text = _clean(found[1], quotes), text[: found.start()]
    title = "" if _NO_TITLE.match(text) else _clean(text, quotes)
    return Change(ref, title=sentence_case(title) or None, description=description)


# "Change task 3 please", "give task 3 another name".
_NO_TITLE = re.compile(
    r"^\s*(?:please|pls|now|thanks|thank you|for me|something(?: else)?|(?:an?|another|the)(?: (?:new|different|better|other|good|nice))? (?:name|title|description)|"
    r"again|quickly|to|as|,|\s)*[\s.!?]*$",
    re.IGNORECASE,
)


# The number of readings of a change that are tried; each "to" gives one.
_WAYS = 12


def read_change(s: str, quotes: Quotes, source: str) -> Intent:
    """Read a part that starts with a verb for changing."""
    rest = s if re.search(r"(?i)^#|\bshould\b", s) else _VERB.sub("", s, count=1)
    rest = bare(
        re.sub(
            r"(?i)(?:[\s,]+(?:if you please|if i may|please|pls|for me|thanks|thank you))+[\s.!?]*$",
            "",
            rest,
        )
    )
    if found := re.match(r"(?i)^put (?P<title>.+?) instead of (?P<ref>(?P<old>.+))$", s):
        return Intent("update", changes=(_instead(found, quotes),), source=source)
    if found := re.match(r"(?i)^describe\s+(?P<ref>.+?)\s+(?:as|with)\s+(?P<text>.+)$", s):
        return Intent("update", changes=(_change(found, quotes),), source=source)
    for pattern in _GIVEN:
        if found := pattern.match(s):
            return Intent("update", changes=(_change(found, quotes),), source=source)
    renaming = re.match(r"(?i)(?:rename|retitle)\b", s)
    for pattern in () if renaming else _TEXTS:
        if found := pattern.match(rest):
            return Intent("update", changes=(_change(found, quotes),), source=source)
    if found := re.match(rf"(?i)^{_AN}{_MORE}\s+(?:of|for|to|on)\s+(?P<ref>.+)$", rest) or re.match(
        rf"(?i)^(?P<ref>.+?)(?:'s)?\s+{_MORE}$", rest
    ):
        return Intent(
            "update",
            changes=(Change(read_ref(found["ref"], quotes), description=""),),
            source=source,
        )
    if found := re.match(
        rf"(?i)^(?:the\s+)?{_NAME}\s+(?:of|for|on)\s+(?P<ref>(?:(?!\b{_TO}(?!\w)).)+)$", rest
    ):
        return Intent("update", changes=(Change(read_ref(found["ref"], quotes)),), source=source)
    for pattern in _TITLES:
        if found := pattern.match(rest):
            return _status_or(
                Intent("update", changes=(_change(found, quotes),), source=source), rest
            )
    # "Task 5: Write a report for Q3": all words after the number are the title.
    head = _HEAD.match(rest)
    if head and not re.match(
        rf"(?i){_TO}(?!\w)|(?:from|{_NAME}|{_MORE}|status)\b|(?:or|and|&)\s+(?:{NOUN}\s*)?#?\d",
        head["title"],
    ):
        change = _titled(read_ref(head["ref"], quotes), head["title"], quotes)
        return _status_or(Intent("update", changes=(change,), source=source), rest)
    changes = [
        _of_words(s, rest[: gap.start()], rest[gap.end() :])
        or replace(
            _titled(read_ref(rest[: gap.start()], quotes), rest[gap.end() :], quotes),
            noun=_CALLED.search(rest[: gap.start()]) is not None,
        )
        for gap in islice(_SPLIT.finditer(rest), _WAYS)
        if rest[: gap.start()].strip() and rest[gap.end() :].strip()
    ]
    within = re.match(
        r"(?i)^(?P<old>.+?)\s+(?:to|with|by|into|for)\s+(?P<title>.+?)\s+in\s+(?P<ref>.+)$", rest
    )
    if within and re.match(r"(?i)(?:change|replace|swap|switch|turn)\b", s):
        changes.append(_change(within, quotes))
    if changes:
        return _status_or(Intent("update", changes=tuple(changes), source=source), rest)
    held = Quotes.held(rest)
    if len(held) == 2:
        first, second = rest[: rest.index(held[1])], held[1]
        return Intent(
            "update", changes=(_titled(read_ref(first, quotes), second, quotes),), source=source
        )
    return Intent("update", changes=(Change(read_ref(rest, quotes)),), source=source)


def _status_or(intent: Intent, rest: str) -> Intent:
    """Read "change task 1 to done" as an intent to complete it."""
    first = intent.changes[0]
    ref = first.ref
    if status := re.match(r"(?i)^(?:the\s+)?status\s+(?:of|for)\s+(.+?)\s+(?:to|as|into)\b", rest):
        ref = read_ref(status[1], Quotes())
    if first.title is None:
        return intent
    if re.fullmatch(DONE, first.title, re.IGNORECASE):
        return Intent("complete", ref, source=intent.source)
    if re.fullmatch(r"(?i)deleted?|removed?|cancell?ed", first.title):
        return Intent("ask_delete", ref, source=intent.source)
    if re.fullmatch(OPEN, first.title, re.IGNORECASE):
        return Intent("reopen", ref, source=intent.source)
    return intent
