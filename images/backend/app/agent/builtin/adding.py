"""Reads intents that add todos."""

from app.agent.builtin import patterns as re
from app.agent.builtin.intents import Intent
from app.agent.builtin.refs import NOUN, trim
from app.agent.builtin.text import Quotes, bare, sentence_case

_LIST = (
    r"(?:(?:my|the|our|this|that)\s+)?(?:[\w-]+\s+)?(?:list|tasks|to-?dos?|task list|to-?do list)"
)
_KIND = (
    r"(?:(?:an?|another|the|one more|one|my|this|following|some|two|three|four|five|\d+|couple of|these|few|multiple)\s+)*"
    r"(?:(?:new|quick|small|important|urgent|simple|personal|extra|more|high[- ]priority|low[- ]priority|different|additional)\s+)*"
    rf"(?:to-?do\s+)?(?:{NOUN}|notes?|lists?)"
)
_VERB = re.compile(
    r"^(?:keep in mind|make sure(?: to| that)?(?: i| you| we)?|notes? to (?:self|myself)|add|insert|create|make|set(?: up)?|schedule|(?:put|stick|pop|place|throw|include)|note(?: down)?|jot down|write (?:this |it )?down|new(?= )|"
    r"remember|remind me|save|record|log|(?:i|we) (?:don'?t|do not) want to forget|don'?t (?:let me )?forget|do not (?:let me )?forget|never forget|(?:(?:i|we) )?(?:must(?: not|n't)|can'?t|cannot|can not|should(?: not|n't)) forget|"
    r"(?:i|we) (?:still |also |really |just )*(?:need|have|got|ought) to|(?:i|we)'ve got to|(?:i|we) (?:must|should|gotta)|i'?ll (?:need|have) to|gotta|"
    r"need to|have to|i (?:also )?need|i (?:want|would like|'d like))\b\s*(?:(?:for )?me\s+)?(?:also\s+)?",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"^(?:(?:to remember|remember)\s+(?=to\b|that\b|about\b|:))?(?:(?:that\s+)?(?:i|we)(?:'ve| have|'ll)?\s+(?:still )?(?:need|have|got|want|should|must|ought)(?: to)?\s+)?"
    r"(?:(?:(?:(?:that|which) (?:says|reads|is called)|(?:(?:the )?(?:title|name)d?(?=\s*[:=]))|to|that|about|for|of|called|named|titled|saying|with (?:the )?(?:title|name)|by the name of)\b(?!['-])|:|-|–)\s*(?=\S))*",
    re.IGNORECASE,
)
# "Remind me tomorrow to call": the time moves to the end of the title.
_TIME_FIRST = re.compile(
    r"^(?P<when>(?:today|tomorrow|tonight|(?:on|next|this) \w+|at \d[\w:.]*(?: ?[ap]m)?|in \w+ \w+))(?: to |[,:] (?:to )?)(?P<what>.+)$",
    re.IGNORECASE,
)
# "Remind me in ten minutes" has a time and no title.
_TIME = r"(?:tomorrow|tonight|later|soon|(?:in|at|by) (?:an?|half an|the|\d[\w:.]*|\w+teen|one|two|three|five|ten|twenty|thirty)(?: (?:minutes?|hours?|days?|weeks?|am|pm|o'clock|evening|morning))?)"
_TO_LIST = re.compile(
    rf"\s+(?:(?:to|on|in|into|onto|from)\s+(?:{_LIST}|mine)|as\s+(?:an?\s+)?(?:new\s+)?{NOUN}|to\s+(?:my|the)\s+{NOUN})(?P<when>\s+(?:today|tonight|tomorrow|(?:this|next)\s+\w+|(?:for|on|by|at)\s+(?!me\b)[^,.;]{{1,30}}))?$",
    re.IGNORECASE,
)
_FROM_LIST = re.compile(
    rf"^(?:to|on|in|into|onto)\s+(?=(?:my|the|our|this|that)\s){_LIST}\s*(?:[:,-]\s*|that\s+)?",
    re.IGNORECASE,
)
_DESCRIPTION = re.compile(
    r"[\s,;.(-]+(?:(?:and\s+)?with\s+(?:an?\s+|the\s+)?(?:description|note|details?|comment)s?(?:\s+(?:of|saying|that says|as)\b)?"
    r"|(?:and\s+)?(?:the\s+|its\s+)?(?:description|details?|notes?)\s*(?::|is|=|should be|being)"
    r"|(?<=[,;.] )description\b|and\s+(?:an?\s+|the\s+)?description(?!\s+(?:of|for|to|in|on|from)\b)(?=\s+\w)|(?:and|with)\s+(?:an?\s+|the\s+)?(?:description|details?|notes?)(?=\s*\ue000)|(?:and\s+)?(?:please\s+)?note that\b|(?<=[.;] )note:|(?<=[-–] )desc(?:r|ription)?\.?\s*:|and\s+(?:put|add|write|leave|attach|give it)\s+(?:an?\s+|the\s+)?(?:note|description|comment)(?:\s+(?:on|to|for)\s+(?:it|that))?\s+(?:saying|that says|of)\b|(?:and\s+)?describe (?:it|this|that) (?:as|with))\s*:?\s*(?P<text>.+?)\s*\)?$",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(?:tasks|to-?dos|items|reminders|things|entries|these|following|all of|two|three|four|five|both|\d+)\b",
    re.IGNORECASE,
)
# "So that I don't forget to ..."
_UNFORGOTTEN = re.compile(
    r"^(?:so (?:that )?)?(?:i|we) (?:don'?t|won'?t|do not|will not|never|can'?t) forget\b(?: (?:to|about|that)\b)?:?\s*(?=\S)|^so (?:that )?(?:i|we) (?:can )?remember (?:to )?(?=\S)|"
    r"^(?:don'?t|do not|never) forget (?:to|about) (?=\S)",
    re.IGNORECASE,
)
_SEPARATELY = re.compile(
    r"[\s,]+(?:as|in|into)\s+(?:(?:two|three|four|five|\d+|several|separate|individual|different|single)\s+)+(?:tasks|to-?dos|items|entries)[\s.!?]*$|"
    r"[\s,]+(?:separately|as separate (?:ones|things))[\s.!?]*$",
    re.IGNORECASE,
)
_ITEM = re.compile(r"^\s*(?:[-*•–]|\d+[.)]|\[ ?\])\s+(.+)$")


def _title(text: str, quotes: Quotes) -> str:
    """Return the words as a title."""
    held = Quotes.held(text)
    if len(held) == 1 and bare(text) == held[0]:
        return sentence_case(quotes.release(held[0]).strip())
    return sentence_case(quotes.release(bare(text)))


def _intent(text: str, quotes: Quotes, source: str) -> Intent:
    description = None
    if found := _DESCRIPTION.search(text):
        description = sentence_case(quotes.release(bare(found["text"])))
        text = text[: found.start()]
    text = re.sub(r"(?i)\s+to (?:that|those|these)(?: list)?$", "", trim_end(text))
    text = _TO_LIST.sub(r"\g<when>", text)
    return Intent("add", title=_title(text, quotes) or None, description=description, source=source)


def trim_end(text: str) -> str:
    """Remove polite words at the end. "Now" and "today" may be part of a title."""
    s = bare(text)
    s = re.sub(
        r"(?i)(?:[\s,?!.]+(?:please(?: and thank you)?|pls|thank(?:s| you)(?: (?:so|very) much| a lot| in advance| again)?|thx|ty|cheers|kindly|for me|ta|(?:will|would|can|could) ya|will you|would you|can you|ok|okay|too|as well|pretty please|dear|buddy|mate|my friend|if (?:that|it)(?:'?s| is) (?:ok(?:ay)?|alright|all right|fine|possible|no trouble)|if (?:you please|i may)|if you (?:can|don'?t mind|could|like)|if possible|when(?:ever)? you (?:can|get a chance|have time)|right now|quickly|immediately|instead|(?<=\blist )then))+[^\w\ue000\ue001]*$",
        "",
        s,
    )
    return bare(s.rstrip("?") if s.endswith("?") else s)


def read_add(s: str, quotes: Quotes, source: str) -> list[Intent]:
    """Read a part that starts with a verb for adding; returns an intent for each listed title."""
    rest = bare(
        re.sub(
            r"^(?:add:|(?:(?:new|next) )?(?:task|to-?do|reminder|note)(?: item| entry)?(?::| [-–]))\s*",
            "",
            s,
            flags=re.IGNORECASE,
        )
    )
    several = False
    if rest == bare(s):
        rest = _VERB.sub("", s, count=1).strip()
        placing = re.match(r"(?i)(?:add|insert|create|put|stick|include|new|note)\b", s)
        # In "add remember the milk", "remember the milk" is the title.
        remembered = r"(?:remember|remind me)\s+" + (r"(?=to\b|that\b|about\b)" if placing else "")
        rest = re.sub(rf"(?i)^(?:to\s+(?=remember\b))?{remembered}", "", rest)
        rest = re.sub(r"(?i)^(?:one more|another)(?: one| thing)?\s*[:?]\s*", "", rest)
        rest = re.sub(
            r"(?i)^(?:(?:just|only|another) )?one (?=(?:to|for|about|called|named)\b)",
            "a task ",
            rest,
        )
        kind = re.match(rf"(?i)^{_KIND}\b(?!')", rest)
        if (
            kind
            and (placing or kind[0].lower() != "to do")
            and not re.match(
                r"(?i)^(?:things?|ones?(?! (?:task|to-?do|item|reminder)s?\b)|lists?|notes?|jobs?)\b(?!:)",
                rest,
            )
            and _is_kind(rest, kind)
        ):
            several = _SEVERAL.search(kind[0]) is not None
            rest = rest[kind.end() :].lstrip(" ,.")
            rest = re.sub(
                r"(?i)^for (?:me|us)\s*[?.!:]+\s*(?:(?:it'?s|it is|namely)(?: called| to)?\s+)?",
                "",
                rest,
            )
            rest = re.sub(r"(?i)^too (?=\w)", "to ", rest)
            rest = re.sub(r"(?i)^for (?:me|us)[\s,]*(?:please)?\s*:\s*", "", rest)
            rest = re.sub(
                r"(?i)^for (?:me|us)\s+(?=(?:with|called|named|titled|to|that|about|saying)\b)",
                "",
                rest,
            )
            rest = re.sub(r"(?i)^[\s?.!]+(?:it'?s|it is|namely)\s+", "", rest).lstrip("?! ")
            rest = re.sub(
                r"(?i)^(?:for (?:me|us)\b)?[\s?.!,:-]*(?:(?:it'?s|it is|namely)(?: called)?\b|for (?:me|us)\b)\s*:?\s*(?=\ue000|$)",
                "",
                rest,
            )
        elif found := re.match(r"(?i)^(?:the )?(?:following|these|this|all of these)\s*:\s*", rest):
            several, rest = True, rest[found.end() :]
        elif placing:
            rest = re.sub(r"(?i)^(?:to|on|in) (?=(?:[\w-]+ )?list\b)", "to the ", rest)
    rest = _FROM_LIST.sub("", rest)
    rest = _AFTER.sub("", rest.strip(), count=1).strip()
    rest = re.sub(r"(?i)^(?:me\s+)?(?:to|that i (?:need|have) to)\s+(?=\w)", "", rest)
    rest = re.sub(
        r"(?i)^(?:to )?(?:remind me (?:to|about|of|that)\s+|(?:add|put|write down)\s+(?=.*\b(?:list|tasks?|to-?dos?)\b))",
        "",
        rest,
    )
    if re.match(r"(?i)make sure\b", s):
        rest = re.sub(r"(?i)^(?:don'?t|do not|never) forget (?:to |about )?(?=\S)", "", rest)
    rest = _UNFORGOTTEN.sub("", rest.lstrip(":").strip(), count=1)
    rest = _TIME_FIRST.sub(r"\g<what> \g<when>", rest.rstrip("?"))
    nothing = rf"(?i)(?:{_KIND}|please|now|for me|it|(?:something|anything|one)(?: new| else| more| different)?|this|that|both(?: of (?:them|these))?|them|these|those|all(?: of (?:them|these))?|one|another one|new|{_TIME})?"
    if re.fullmatch(nothing, trim(_TO_LIST.sub("", trim_end(rest)))):
        return [Intent("add", source=source)]
    if found := _SEPARATELY.search(rest):
        several, rest = True, rest[: found.start()]
    parts = _parts(rest, several=several)
    return [_intent(part, quotes, source) for part in parts]


def _is_kind(rest: str, kind: re.Match) -> bool:
    """Distinguish "a task to call" from "task force meeting notes"."""
    after = rest[kind.end() :]
    return not after or not re.match(r"(?i)^\s+(?:force|manager|list for)\b", after)


# Frequent verbs of todos. Words that start with one and have an object are a separate todo.
_DOING = re.compile(
    r"^(?:to )?(?:answer|ask|book|borrow|bring|buy|call|cancel|check|clean|collect|cook|dust|email|e-mail|empty|fetch|"
    r"fill|find|fix|fold|get|give|go|hoover|invite|iron|learn|mail|make|message|mop|mow|order|organi[sz]e|pack|paint|pay|"
    r"phone|pick up|plan|play|post|practi[cs]e|prepare|print|read|renew|repair|reply|return|ring|schedule|sell|send|sign|"
    r"study|sweep|take|text|tidy|update|vacuum|visit|walk|wash|water|wrap|write)\s+\S|"
    # Any verb before "the", "my", "some" and a noun.
    r"^(?:to )?[a-z]{3,} (?:up |out |off |in )?(?:the|an?|my|our|his|her|their|some)\s+\S",
    re.IGNORECASE,
)


def _parts(rest: str, *, several: bool) -> list[str]:
    """Split a list of titles, when it is certain that it is a list."""
    lines = [line for line in rest.split("\n") if line.strip()]
    if len(lines) > 1:
        return [m[1] if (m := _ITEM.match(line)) else line for line in lines]
    flat = _TO_LIST.sub("", trim_end(rest))
    each = re.split(
        r"(?i)\s*(?:,|\band)\s+(?:also )?(?:another|one)(?: one| more| task)* (?:for|to|about) ",
        flat,
    )
    if len(each) > 1:
        return each
    pieces = [
        p for p in re.split(r"\s*(?:,\s*and\s+|,\s*|\s+and\s+|;\s*|\s+&\s+)", flat) if p.strip()
    ]
    if re.search(r",|\balso\b", flat) and len(pieces) > 1:
        pieces = [re.sub(r"(?i)^also\s+", "", p) for p in pieces]
        if all(_DOING.match(p) for p in pieces):
            return pieces
    all_quoted = len(pieces) > 1 and all(bare(p) in Quotes.held(p) for p in pieces)
    if len(pieces) > 1 and (several or all_quoted):
        return [re.sub(r"(?i)^(?:to|one to|another to|\d+[.)])\s+", "", p.strip()) for p in pieces]
    return [rest]


def read_lines(text: str, quotes: Quotes) -> list[Intent]:
    """Read "add these:" and one title per line; returns nothing for other messages."""
    first, *others = text.split("\n")
    items = [m[1] for line in others if (m := _ITEM.match(line))]
    if not items or len(items) != len(others):
        return []
    if not re.match(
        r"(?i)^(?:please |can you |could you )*(?:add|create|remember|remind me|put|note|new|to-?do|i need to|i have to)\b",
        first,
    ):
        return []
    return [_intent(item, quotes, quotes.release(item)) for item in items]
