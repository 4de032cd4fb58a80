"""Reads intents that delete or complete todos."""

from app.agent.builtin import patterns as re
from app.agent.builtin.intents import Intent
from app.agent.builtin.refs import DONE, Ref, read_ref, trim
from app.agent.builtin.text import Quotes

_DELETE_VERB = re.compile(
    r"^(?:delete|remove|cancel|get rid of|erase|drop|scratch|discard|clear(?: out| off| up)?|trash|wipe(?: out)?|throw (?:away|out)|"
    r"purge|eliminate|nuke|dump|bin|toss|empty|destroy|ditch|scrap|dismiss|kill)\b\s*(?:off |out )?",
    re.IGNORECASE,
)


# A reason, which is not part of the title. A doubt is not a reason.
REASON = re.compile(
    r"(?:,?\s+(?:because|'?cause|cuz|coz|since|as)|,)\s+(?:(?:it|that|this|they|i|we|he|she|there)(?:'s|'m|'re|'ve)?|were|its|thats|theyre|im|ive)\b"
    r"(?=.*\b(?:no longer|any ?more|don'?t need|not needed|needed|done|did|cancel+ed|over|went|already|bought|happening|unnecessary|obsolete|irrelevant)\b)"
    r"(?!.*(?:\?|\b(?:if|maybe|think|guess|not sure|perhaps|or|unless|yet|later|keep|leave)\b)).*$",
    re.IGNORECASE,
)


def read_deletion(s: str, quotes: Quotes, source: str) -> Intent:
    if found := re.match(r"(?i)^(?:take|strike)\s+(?:off|out)\s+(.+)$", s):
        return Intent("delete", read_ref(found[1], quotes), source=source)
    if found := re.match(r"(?i)^(?:take|strike)\s+(.+?)\s+(?:off|from)\b.*$", s):
        return Intent("delete", read_ref(found[1], quotes), source=source)
    rest = _DELETE_VERB.sub("", s, count=1)
    rest = REASON.sub("", trim(rest))
    if re.match(r"(?i)(?:scratch|clear|wipe|drop|throw|toss)\b", s):
        rest = re.sub(r"(?i)^((?:number|task|#|no\.?|id)\s*\d+) (?:off|out|away)$", r"\1", rest)
    rest = re.sub(
        r"(?i)\s+(?:completely|entirely|permanently|forever|for good|clean|without asking.*|and don't ask.*)$",
        "",
        trim(rest),
    )
    if re.fullmatch(
        r"(?i)(?:my |the )?(?:whole |entire )?(?:to-?do |task )?list|tasks|my tasks|the tasks", rest
    ):
        return Intent("delete", Ref(every=True), source=source)
    return Intent(
        "delete", read_ref(re.sub(r"(?i)^(?:only|just) ", "", rest), quotes), source=source
    )


_MARKED = re.compile(
    rf"^(?:mark|flag|set|check|tick|cross|make|consider|count|treat|declare)\s+(?P<what>.+?)\s*(?:\b(?:as|to|off|out)\b\s*)?(?:\b(?:be )?(?:being )?(?:all )?(?:{DONE}|off|out)\b)?(?:\s+(?:from|on|off) (?:my|the) .*)?$",
    re.IGNORECASE,
)
_DOING = re.compile(
    r"^(?:i(?:'ve|'m| have| am| just| already| finally| now)*|we(?:'re|'ve| are| have)?|all)?\s*(?:all |just |already |finally |now )*"
    r"(?:complete|finish|close|done|finished|completed|through|over)\b\s*(?:off |up |out )?(?:with |doing |on )?",
    re.IGNORECASE,
)


def what_done(s: str) -> str:
    """Return the words that name the finished todo."""
    flat = re.sub(r"(?i)\b(?:the )?status (?:of|for) ", "", trim(s))
    if found := re.match(rf"(?i)^(?:mark|flag)\s+(?:as\s+)?{DONE}\s*[:,]?\s*(.*)$", flat):
        return found[1]
    if found := re.match(r"(?i)^(?:check|tick|cross)\s+(?:off|out)\s+(.+)$", flat):
        return found[1]
    if found := re.match(
        r"(?i)^i?(?:'ve| have)?\s*(?:just |already |finally )*(?:got|gotten|get)\s+(.+)\s+done$",
        flat,
    ):
        return found[1]
    # A reason is not part of the title.
    flat = re.sub(
        r"(?i),\s*(?:because |since |as )?(?:i|we|it)(?:'ve|'s| have| has| is)?\b.{0,20}\b(?:did|done|finished|completed)\b[^,]*$",
        "",
        flat,
    )
    # "Mark all tasks as done but the first": the exception moves before "as done".
    flat = re.sub(
        rf"(?i)^((?:mark|flag|set|check|tick|cross)\s+.+?)\s+((?:as |to |off )?{DONE}|off)\s+((?:except|apart from|but|other than|besides)\b.+)$",
        r"\1 \3 \2",
        flat,
    )
    if found := _MARKED.match(flat):
        return found["what"]
    rest = _DOING.sub("", flat, count=1)
    return re.sub(rf"(?i)\s+(?:as|to) {DONE}$", "", rest)


WHEN = re.compile(
    r"(?:[\s,]+(?:yesterday|earlier(?: today)?|this (?:morning|afternoon|evening)|last (?:night|week)|just now|today|already|finally|"
    r"an? (?:minute|moment|hour|while) ago|as (?:paid|bought|sent|read|handled|sorted)(?: and)?))+$",
    re.IGNORECASE,
)


def read_completion(what: str, quotes: Quotes, source: str) -> list[Intent]:
    what = re.sub(
        r"(?i)^(?:i(?:'ve| have)?|we(?:'ve)?|just|already|that|with)\s+(?=\S+\s)", "", trim(what)
    )
    what = re.sub(r"(?i)[\s:,-]*\bmark(?: it| this| that)?(?: as)?$", "", what)
    ref = read_ref(WHEN.sub("", what), quotes)
    if ref.query and re.fullmatch(
        r"(?i)(?:i|we|you|i'm|am|i am|nothing|not|it all|all|well|that|there)", ref.query
    ):
        ref = Ref()
    return [Intent("complete", ref, source=source)]
