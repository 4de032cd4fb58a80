"""Reads intents that show todos."""

from app.agent.builtin import patterns as re
from app.agent.builtin.intents import Intent
from app.agent.builtin.refs import DONE, NOUN, OPEN, Ref, Status, read_ref, trim
from app.agent.builtin.text import Quotes, bare

_TO_DO = (
    r"(?:left|still|remain\w*|(?:need|have|got|want) to (?:do|finish|complete|get done)|(?:should|must) i (?:do|finish|complete)|i (?:should|must) (?:do|finish|complete)|needs? (?:doing|finishing)|do next|"
    r"haven'?t|hasn'?t|isn'?t|aren'?t|wasn'?t|not (?:yet )?(?:been )?(?:done|complete|finish)\w*|to be done|leaves? me with|on my plate|supposed to do|to do (?:today|now|next|still)|yet to|i do (?:today|now|next)|do i do)"
)
_SUBJECT = re.compile(
    rf"\b(?:{NOUN})\b.*?\b(?:about|with|contain\w*|mention\w*|named|called|related to|regarding|for|say\w*|matching)\s+(?P<what>.+)$"
    rf"|^(?:find|search(?: for)?|look (?:up|for)|is there|do i have|have i got)\s+(?:an?\s+|any\s+|the\s+|my\s+)?(?P<thing>.+)$",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    rf"^(?:(?:any|more|all|my|the|a|an|of|other|else|for|me|us|i|we|to|do|still|on|in|list|today|now|left|so far|{NOUN}|{DONE}|{OPEN}|anything|something|everything|much|many)\s*)*$",
    re.IGNORECASE,
)
# "Is there anything I've finished?" asks for a status, not for words of a title.
_ANY = re.compile(
    r"^(?:is there|are there|do i have|have i got) (?:anything|something|any (?:tasks|to-?dos|things|ones))(?: (?:left )?(?:on|in) (?:my|the) (?:to-?do )?list)?(?: (?:that|which))? (?:i|we)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:today|tonight|tomorrow|now|right now|this week|for today|so far|yet(?! to)|currently|at the moment)\b",
    re.IGNORECASE,
)


_NAMED = re.compile(
    r"^(?:show|display|view|see|open)(?: me)?\s+(?:the |my )?(?P<what>(?!(?:what|which|how|all|everything|it|that|more|me)\b)\S+(?: \S+){0,4})$",
    re.IGNORECASE,
)
_EITHER = re.compile(
    rf"\b(?:{DONE},? (?:and|or|as well as|&|\+) (?:the )?{OPEN}|{OPEN},? (?:and|or|as well as|&|\+) (?:the )?{DONE})\b",
    re.IGNORECASE,
)


# "All but the finished ones".
_WITHOUT = re.compile(
    rf"\b(?:except(?: for)?|without|excluding|but not|apart from|other than|besides|minus|leav(?:e|ing) out|skip(?:ping)?) (?:the |my |any |all )*(?:(?:{NOUN}|stuff) (?:(?:that|which)(?:'s)? )?(?:are |is |(?:i|we)(?:'ve| have)? ?)?(?:already )?)?(?:(?P<done>{DONE})|{OPEN})\b",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"^what (?:did (?:i|we) (?:say|write|note|put|mention|add)(?: down)?|(?:do|have) (?:i|we) (?:have|got|written|noted|planned)) (?:about|on|for|with|regarding) (?P<what>(?!my\b|today|tomorrow|tonight|now|this|my list|the list).+)$",
    re.IGNORECASE,
)
_DESCRIBED = re.compile(
    r"^(?:what(?:'s| is| are| was| were| does| do| did)|show(?: me)?|tell me|read(?: me)?|see)\s+(?:the |my |that )?(?:in the )?(?:description|details?|notes?)\s+(?:of|for|on|about|in)\s+(?P<what>.+?)(?:\s+(?:say|read|have|again))*$",
    re.IGNORECASE,
)


def _status(s: str) -> Status:
    if re.match(r"(?i)(?:am i|are we|have i|have we) (?:all )?(?:done|finished|through)\b", s):
        return "pending"
    if found := _WITHOUT.search(s):
        return "pending" if found["done"] else "completed"
    if (
        re.search(r"(?i)\b(?:whether|if)\b.+\bor not\b", s)
        or _EITHER.search(s)
        or re.search(
            rf"(?i)\b(?:{DONE}|{OPEN}) {NOUN}(?: too| also| as well)$|\b(?:including|incl\.?|along with|together with) (?:the |my |any |all )*(?:{DONE}|{OPEN})\b",
            s,
        )
    ):
        return "all"
    if re.search(rf"(?i)\b{_TO_DO}\b", s) or re.search(rf"(?i)\b{OPEN}\b", s):
        return "pending"
    if re.search(
        r"(?i)\b(?:completed?|done|finished|what (?:have|did) (?:i|we) (?:already |just |even |actually )*(?!to\b|say\b|said\b|write\b|wrote\b|note\b|mention\w*\b|put\b|not\b|got\b|left\b|still\b|yet\b|need\b|planned|added|scheduled|written|listed|saved|noted|forgot|miss|do\b|have\b|plan\b|add\b)\w+|managed to (?:finish|do|complete|get done)|accomplished|achieved|ticked[ -]off|checked[ -]off|crossed[ -]off|i(?:'ve| have)? (?:already |just |even )*(?:did|done|finished|completed)|did i (?:already |just |even )*(?:do|finish|get|complete|tick|check|cross)|got done)\b",
        s,
    ):
        return "completed"
    return "all"


def read_list(s: str, quotes: Quotes) -> Intent:
    """Read a question about todos or a request to see them. It never changes anything."""
    flat = trim(s)
    if found := re.search(r"(?i)(?:\btask|#)\s*(?:number |no\.? )?#?(\d+)\b", flat):
        return Intent("list", ref=read_ref(f"task {found[1]}", quotes), source=quotes.release(s))
    if found := re.match(
        r"(?i)^do (?:i|we) (?:still |even |really )*(?:have|need) to (?P<what>(?!do\b|finish\b|complete\b|get done\b)\S.+)$",
        flat,
    ):
        query = read_ref(found["what"], quotes).query
        return Intent("list", status="pending", query=query, soft=True, source=quotes.release(s))
    if found := re.match(
        r"(?i)^(?:when|where|who|(?:at )?what time|how (?:much|long|often)) (?:does|is|are|was|will) (?P<what>(?:my|the) .+)$",
        flat,
    ):
        query = read_ref(re.split(r"[,;]", found["what"])[0], quotes).query
        return Intent("list", query=query, soft=True, source=quotes.release(s))
    if found := _DESCRIBED.match(flat) or _SAID.match(flat):
        return Intent("list", query=read_ref(found["what"], quotes).query, source=quotes.release(s))
    if re.match(r"(?i)^(?:did|have i|has|is|are|was|were)\b", flat) and not re.search(
        r"(?i)\b(?:tasks|anything|something|there|list|to-?dos|everything|all)\b", flat
    ):
        core = re.sub(
            rf"(?i)^(?:did (?:i|we)|have (?:i|we)|has|is|are|was|were)\s+(?:already |just |ever )*|\b(?:{DONE}|{OPEN}|complete|finish|yet|already)\b",
            " ",
            flat,
        )
        query = read_ref(bare(core), quotes).query
        return Intent("list", query=query, source=quotes.release(s))
    if re.fullmatch(
        r"(?i)(?:which|what)(?: ones?| tasks?)?(?: are (?:they|those|these))?|(?:show|list) (?:me )?(?:them|those|these)(?: to me| again)?",
        flat,
    ):
        return Intent("list", ref=Ref(them=True), source=quotes.release(s))
    if named := re.match(
        rf"(?i)^(?:(?:what|how) about|(?:show|find|see|display|open|view|get|give)(?: me)?|what(?:'s| is))\s+(?:the|my|that)\s+"
        rf"(?!(?:{DONE}|{OPEN}|to-?do|task|next|first|last)\b)(?P<what>.+?)\s+(?:task|to-?do|item|one|entry)$",
        flat,
    ) or re.match(r"(?i)^(?:what|how) about\s+(?P<what>.+)$", flat):
        return Intent("list", query=read_ref(named["what"], quotes).query, source=quotes.release(s))
    if (
        about := re.match(
            r"(?i)^(?:which|what|show(?: me)?(?: all)?|list(?: all)?)\s+(?:the |my |of my )?(?P<what>[\w' -]{2,40}?)\s+(?:tasks|to-?dos|items|things|ones)(?:\s+(?:do|have|are|did|should|must|is|on|left|there)\b.*)?$",
            flat,
        )
    ) and not _NOTHING.match(_TIME.sub("", about["what"])):
        query = read_ref(about["what"], quotes).query
        if query and not re.search(
            rf"(?i)\b(?:{OPEN}|{DONE}|{NOUN}|all|other|many|much|more|kind of|sort of|which|what|whatever|those|these|such|some|any|few|first|last|next|new|of)\b",
            query,
        ):
            return Intent("list", query=query, soft=True, source=quotes.release(s))
    if (named := _NAMED.match(flat)) and not re.search(
        rf"(?i)\b(?:{_TO_DO}|{OPEN}|{DONE}|tasks?|to-?dos?|items|list)\b", flat
    ):
        query = read_ref(named["what"], quotes).query
        if query:
            return Intent("list", query=query, soft=True, source=quotes.release(s))
    found = None if _ANY.match(flat) else _SUBJECT.search(_TIME.sub("", flat))
    what = trim(found["what"] or found["thing"] or "") if found else ""
    what = re.sub(r"(?i)\s+in (?:it|them|the (?:title|name)|their (?:titles?|names?))$", "", what)
    what = re.sub(
        rf"(?i)^(?:an?|any|my|the)?\s*{NOUN}\s+(?:about|with|for|called|named|to|on)\s+", "", what
    )
    if (
        what
        and not _NOTHING.match(what)
        and not re.match(r"(?i)^(?:me|you|today|tomorrow)\b", what)
    ):
        narrowed = re.match(rf"(?i)^.*?\b(?:(?P<done>{DONE})|{OPEN}) {NOUN}\b", flat)
        status: Status = (
            "all" if narrowed is None else "completed" if narrowed["done"] else "pending"
        )
        query = read_ref(what, quotes).query
        return Intent("list", status=status, query=query, source=quotes.release(s))
    return Intent("list", status=_status(_TIME.sub("", flat)), source=quotes.release(s))
