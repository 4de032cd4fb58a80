"""Reads the answer to a question that was asked before."""

import re
from dataclasses import dataclass, field
from typing import Literal

from app.agent.builtin.commands import command_of, strip_lead
from app.agent.builtin.conversation import Pending
from app.agent.builtin.matching import Task, match
from app.agent.builtin.refs import NOUN, Ref, read_ref, trim
from app.agent.builtin.text import Quotes, bare, mend, sentence_case, tidy

_YES = (
    r"(?:yes|y|yeah|yea|yep|yup|ya|ja|yess+|sure|ok(?:ay)?|k|of course|absolutely|definitely|certainly|correct|right|"
    r"confirm(?:ed)?|i confirm|do it|do that|please do|go ahead|go for it|affirmative|exactly|i'?m sure|i am sure|"
    r"that'?s right|fine|proceed|make it so|indeed|totally|sounds good|why not|that one|that'?s the one|i do|you can|by all means|👍)"
)
_NO = (
    r"(?:no|n|nope|nah|nay|don'?t|do not|stop|cancel|never ?mind|not now|wait|none|neither|abort|leave (?:it|them)|"
    r"keep (?:it|them|all|both)|forget (?:it|that|about it)|nvm|negative|hold on|not really|nothing|i changed my mind|better not|skip|"
    r"none of (?:them|these|those)|absolutely not|no way|of course not|rather not|please don'?t)"
)
_VAGUE = r"(?:maybe|perhaps|h+m+|idk|(?:i )?(?:don'?t|do not) know|dunno|(?:i'?m )?not sure|no idea|whatever|huh|what|eh+|let me think|possibly)[\s.!?]*"
_SOFT = r"(?:please|thanks|thank you|then|now|all|both|indeed|and|,|\.|!|-)"
_SAME = {
    "delete": r"(?:delete|remove|cancel|clear|erase|do)",
    "complete": r"(?:mark|complete|finish|tick|check|do|close)",
    "update": r"(?:rename|change|update|do)",
    "add": r"(?:add|create|do)",
}
_OBJECT = rf"(?:it|them|that|this|these|those|all|both|everything|all of (?:them|it|these)|all (?:my |the |these )?tasks|the tasks?|(?:these|those|this|that) {NOUN})"
_FROM_TITLE = re.compile(
    r"^(?:(?:please )?(?:call|name|title|rename) (?:it|that|this)(?: to)?|it should be(?: called)?|let's (?:call it|say)|"
    r"(?:make|change) it(?: to)?|to|it's called|how about|the title is|title:)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an answer says, and what else was said with it."""

    sort: Literal["yes", "no", "chosen", "text", "unclear"]
    tasks: list[Task] = field(default_factory=list)
    text: str = ""
    rest: str = ""


def read_reply(pending: Pending, message: str) -> Reply | None:
    """Read a message as an answer; nothing when it speaks of something else."""
    text = mend(tidy(message))
    flat = bare(text)
    if found := re.match(rf"^{_NO}(?=$|[\s,.!;:-])[\s,.!;:-]*", flat, re.IGNORECASE):
        refused = _refused(pending, flat, flat[found.end() :])
        if refused is not None:
            return refused
    if re.fullmatch(_VAGUE, flat, re.IGNORECASE):
        return Reply("unclear")
    if pending.form in ("title", "text"):
        return _new_text(text)
    if found := re.match(rf"^(?:{_YES}|please)(?=$|[\s,.!;:-])", flat, re.IGNORECASE):
        return _agreed(pending, flat)
    same = rf"^(?:please )?{_SAME[pending.action.kind]} {_OBJECT}(?: (?:as|to) (?:done|completed?))?(?: please| now)?$"
    if pending.form == "shall" and re.match(same, flat, re.IGNORECASE):
        return Reply("yes")
    if re.match(same, flat, re.IGNORECASE) and re.search(
        r"(?i)\b(?:all|both|them|everything)\b", flat
    ):
        return Reply("chosen", pending.tasks)
    if command_of(flat) is not None and not re.match(r"(?i)^(?:the|#?\d|task)\b", flat):
        return None
    return _chosen(pending, flat)


def _refused(pending: Pending, flat: str, rest: str) -> Reply | None:
    rest = re.sub(
        rf"(?i)^(?:{_SOFT}|{_NO}|{_SAME[pending.action.kind]} {_OBJECT}|do it|that'?s all)(?=$|[\s,.!])",
        "",
        rest.strip(),
    ).strip(" ,.!")
    rest = re.sub(
        r"(?i)^(?:thanks|thank you|please|of them|of these|i meant|i mean|but|rather|instead)\b[\s,]*",
        "",
        rest,
    ).strip(" ,.!")
    if pending.tasks and rest and command_of(rest) is None:
        chosen = _chosen(pending, rest)
        if (
            chosen is not None
            and chosen.sort == "chosen"
            and not re.match(r"(?i)^(?:don'?t|do not|keep|leave|stop|cancel)", flat)
        ):
            return chosen
    if (
        rest
        and command_of(flat) is not None
        and re.match(r"(?i)^(?:don'?t forget|do not forget|cancel)\b", flat)
    ):
        return None
    return Reply("no", rest=rest if rest and command_of(rest) is not None else "")


def _agreed(pending: Pending, flat: str) -> Reply | None:
    agreed = rf"(?:{_YES}|{_SOFT}|{_SAME[pending.action.kind]} {_OBJECT}(?: as (?:done|completed?))?|as done)"
    rest = re.sub(
        rf"^(?:{agreed}(?=$|[\s,.!;:-])[\s,.!;:-]*)+", "", flat, flags=re.IGNORECASE
    ).strip()
    if pending.form == "which":
        if rest:
            return _chosen(pending, rest) if command_of(rest) is None else None
        if re.search(r"(?i)\b(?:all|both)\b", flat) or len(pending.tasks) == 1:
            return Reply("chosen", pending.tasks)
        return Reply("unclear")
    if not rest:
        return Reply("yes")
    narrowed = re.sub(r"(?i)^(?:but|and)\s+", "", rest)
    if found := re.match(
        r"(?i)^(?:except(?: for)?|not|without|keep|leave|all but)\s+(.+)$", narrowed
    ):
        kept = _chosen(pending, found[1])
        if kept and kept.sort == "chosen":
            return Reply("chosen", [t for t in pending.tasks if t not in kept.tasks])
        return Reply("unclear")
    if found := re.match(r"(?i)^(?:only|just)\s+(?:delete |mark |remove )?(.+)$", narrowed):
        return _chosen(pending, found[1]) or Reply("unclear")
    if command_of(narrowed) is not None:
        return Reply("yes", rest=narrowed)
    return _chosen(pending, narrowed) or Reply("unclear")


def _new_text(text: str) -> Reply | None:
    quotes = Quotes()
    held = quotes.hold(text)
    kind = command_of(held)
    pointed = re.search(r"(?i)\b(?:tasks?|list)\b|#\d", held)
    if kind in ("add", "list") or (kind is not None and pointed):
        return None
    if held.rstrip().endswith("?"):
        return None
    title = quotes.release(bare(_FROM_TITLE.sub("", strip_quotes_lead(held), count=1)))
    return Reply("text", text=sentence_case(title))


def strip_quotes_lead(text: str) -> str:
    """Take a leading "please" off; everything else may belong to a title."""
    return re.sub(r"(?i)^(?:please|just|maybe|ok|okay|um+|well)[\s,]+", "", text.strip())


def _chosen(pending: Pending, text: str) -> Reply | None:
    """Read which of the tasks asked about is meant."""
    tasks = pending.tasks
    if not tasks:
        return None
    quotes = Quotes()
    s = strip_lead(quotes.hold(text))
    s = re.sub(
        r"(?i)^(?:i meant?|it's|its|that's|i think|only|just|probably|it is|i was thinking of)\s+",
        "",
        s,
    )
    ref = read_ref(re.sub(r"(?i)\s+(?:one )?(?:of course|i guess|i think)$", "", trim(s)), quotes)
    if ref.them or (ref.every and ref.query is None and ref.besides is None):
        return Reply("chosen", tasks)
    if ref.every and ref.besides is not None:
        kept = match(ref.besides, tasks).tasks
        return Reply("chosen", [t for t in tasks if t not in kept]) if kept else Reply("unclear")
    if ref.ids:
        return _numbered(ref, tasks)
    if ref.places:
        places = [p if p < 0 else p - 1 for p in ref.places]
        if all(-len(tasks) <= p < len(tasks) for p in places):
            return Reply("chosen", [tasks[p] for p in places])
        return Reply("unclear")
    if ref.query is None:
        return Reply("unclear") if ref.it else None
    if re.fullmatch(r"(?i)(?:the )?other(?: one)?", ref.query) and len(tasks) == 2:
        return Reply("unclear")
    found = match(ref.query, tasks)
    if found.sure and len(found.tasks) == 1:
        return Reply("chosen", found.tasks)
    several = [match(part, tasks) for part in re.split(r"\s*,\s*|\s+and\s+", ref.query)]
    if len(several) > 1 and all(m.sure and len(m.tasks) == 1 for m in several):
        return Reply("chosen", [m.tasks[0] for m in several])
    return Reply("unclear") if found.tasks else None


def _numbered(ref: Ref, tasks: list[Task]) -> Reply:
    """Read numbers as ids; as places only where none of them is an id."""
    have = {task.id: task for task in tasks}
    if all(n in have for n in ref.ids):
        return Reply("chosen", [have[n] for n in ref.ids])
    if not any(n in have for n in ref.ids) and all(1 <= n <= len(tasks) for n in ref.ids):
        return Reply("chosen", [tasks[n - 1] for n in ref.ids])
    return Reply("unclear")
