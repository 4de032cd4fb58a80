"""Reads answers to a question of the assistant."""

from dataclasses import dataclass, field
from typing import Literal

from app.agent.builtin import patterns as re
from app.agent.builtin.commands import CHAT, command_of, strip_lead
from app.agent.builtin.conversation import Pending
from app.agent.builtin.matching import Task, match
from app.agent.builtin.refs import DONE, NOUN, OPEN, Ref, Status, number, read_ref, status_of, trim
from app.agent.builtin.text import Quotes, bare, fix_slips, sentence_case, tidy

# These agree when nothing else is said. "Okay" and similar words also start other sentences.
_CLEAR = (
    r"(?:yes+|y|yeah|yea|ye|yep|yup|ya|ja|aye|of course|absolutely|definitely|certainly|confirm(?:ed)?|i confirm|"
    r"(?:just )?do it|do that|do so|please do|go ahead|go on|carry on|continue|go for it|affirmative|proceed|make it so|by all means|👍|✅)"
)
_YES = (
    rf"(?:{_CLEAR}|sure(?: thing)?|ok(?:ay)?|k|correct|right|exactly|i(?:'?m| am) (?:really |very |quite )?sure(?: about (?:it|that|them|both(?: of them)?|all(?: of them)?))?|"
    r"that(?:'s| is) (?:right|correct|fine|it|okay|ok|what i (?:want|mean|meant|asked for|would like|'d like))|fine|indeed|totally|i(?:'m| am) (?:quite |absolutely |very )?certain|sounds good|why not|i do|you can|"
    r"i (?:really |do )*want (?:that|this|it)(?: to happen)?)"
)
_NO = (
    r"(?:no|n|nope|nah|nay|don'?t|do not|stop|cancel|never ?mind|not now|wait|none|neither|abort|leave (?:it|them)|"
    r"keep (?:it|them|all|both)|forget (?:it|that|about it)|nvm|negative|hold on|not really|nothing|i changed my mind|better not|skip|"
    r"none of (?:them|these|those)|absolutely not|no way|of course not|rather not|please don'?t)"
)
_VAGUE = r"(?:maybe|perhaps|h+m+|idk|(?:i )?(?:don'?t|do not) know|dunno|(?:i'?m )?not sure|no idea|whatever|huh|what|eh+|let me think|possibly)[\s.!?]*"
# A yes with one of these words is not a clear yes.
_RESERVE = r"\b(?:cancel|stop|abort|leave|forget|nothing|never|none|no|first|before|until|unless|if|when|only|just|except|but|not|n't|keep|instead|wait|hold|maybe|perhaps|later|tomorrow|or)\b|\?"
_SOFT = r"(?:please|pls|plz|thanks|thank you|thx|sir|ma'am|then|now|all|both|of (?:them|it|these|those)|everything|really|indeed|and|,|\.|!|-)"
_SAME = {
    "delete": r"(?:delete|remove|clear|erase|wipe|purge|get rid of|do)",
    "complete": r"(?:mark|complete|finish|tick|check|do|close)",
    "update": r"(?:rename|change|update|do)",
    "add": r"(?:add|create|do)",
}
_OBJECT = rf"(?:all (?:the )?(?:two|three|four|five|six|seven|eight|nine|ten|\d+)(?: {NOUN}| of (?:them|these|those))?|both (?:of (?:them|these|those)|tasks)|them all|these all|it all|'?em(?: all)?|all (?:my |the |these )?tasks|all of (?:them|it|these)|it|them|that|this|these|those|all|both|everything|the tasks?|(?:these|those|this|that) {NOUN})"
# "Cancel the gym" is a title after a question for a title.
_TITLE_AFTER_ALL = re.compile(
    rf"^(?:cancel|stop|skip|keep|leave) (?!(?:{_OBJECT}|please|now|here|there|thanks|as|like|asking|adding|renaming|(?:the|this|that|my) (?:tasks?|list|request|question|rename|change|titles?|name|old one))\b)[^?]+$",
    re.IGNORECASE,
)
_TOGETHER = r"\b(?:all|both|every|everything|each)\b"
_SOME = r"\b(?:some|few|several|couple|many|most|half|any|either)\b"
# "Cancel that" rejects the question, also a question about deleting.
_TAKEN_BACK = re.compile(
    rf"^(?:please )?(?:cancel|drop|scratch|scrap|dismiss|ditch|forget|skip|abort|stop|undo) {_OBJECT}(?: please| then| now)?$",
    re.IGNORECASE,
)
_FROM_TITLE = re.compile(
    r"^(?:(?:please )?(?:call|name|title|rename) (?:it|that|this)(?: to)?|it should be(?: called)?|let's (?:call it|say)|"
    r"(?:make|change|set|update) (?:it|the (?:title|name|text)|its (?:title|name))(?: to| into| as)?|to|it's called|how about|(?:the|its) (?:new )?(?:title|name|description) (?:is|(?:should|must|shall|has to|ought to) be)|(?:title|name|description):)\s+",
    re.IGNORECASE,
)


# "All three", "both of them": a number of todos.
_NUMBER = r"(?:two|three|four|five|six|seven|eight|nine|ten|\d+)"
_COUNTED = re.compile(
    rf"(?:(?:{_YES}|{_SOFT}|delete|remove|erase|mark|complete|finish|do|tick off|(?P<no>not?))(?!\w)\s*)*?"
    rf"(?:(?:all|the|all the|all of the|those|these) (?P<n>{_NUMBER})|(?P<both>both)|(?P<every>(?:the (?:whole )?lot|every (?:single )?one|each(?: one)?)))"
    r"(?: of (?:them|these|those)(?: tasks)?| tasks| as (?:done|completed?))*(?:[\s,.!]*(?:please|thanks|thank you|then|now))*[\s.!]*",
    re.IGNORECASE,
)


_SHORT = 60  # characters; an answer that is only a number of todos is short
_SO_MANY = re.compile(
    rf"(?:(?:yes|yeah|yep|ok|okay|sure)[\s,.]*)?(?P<n>{_NUMBER})[\s.!]*", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Reply:
    """The meaning of an answer, and the rest of the message."""

    sort: Literal["yes", "no", "chosen", "text", "unclear"]
    tasks: list[Task] = field(default_factory=list)
    text: str = ""
    rest: str = ""


def read_reply(pending: Pending, message: str) -> Reply | None:
    """Read a message as an answer; returns None when it is about something else."""
    text = fix_slips(tidy(message))
    flat = bare(text)
    if _TAKEN_BACK.match(flat):
        return Reply("no")
    if (reply := _how_many(pending, flat)) is not None:
        return reply
    if pending.form in ("title", "text", "note") and _TITLE_AFTER_ALL.match(flat):
        return Reply("text", text=sentence_case(flat))
    narrowed = re.match(
        r"(?i)^(?:(?:no|actually|ok(?:ay)?|oh|wait|well|sorry)[\s,]+)*(?:only|just) (?:the )?(?P<x>\S.*)$",
        flat,
    )
    if pending.tasks and narrowed and not _VERB.match(narrowed["x"]):
        status = re.fullmatch(rf"(?i)(?P<status>{DONE}|{OPEN})(?: {NOUN})?", bare(narrowed["x"]))
        chosen = (
            _of_status(pending, status_of(status["status"]))
            if status
            else _chosen(pending, narrowed["x"])
        )
        if chosen is not None and chosen.sort == "chosen":
            return chosen
    if found := re.match(
        rf"^(?:(?:please|ok(?:ay)?|oh|ah|u[hm]+|hm+|er+|well|sorry),? )*{_NO}(?=$|[\s,.!;:-])[\s,.!;:-]*",
        flat,
        re.IGNORECASE,
    ):
        refused = _refused(pending, flat, flat[found.end() :])
        if refused is not None:
            return refused
    if re.fullmatch(_VAGUE, flat, re.IGNORECASE):
        return Reply("unclear")
    if pending.form in ("title", "text", "note"):
        return _new_text(text)
    if "?" in text:
        # A question is not an answer, even if it names one of the todos.
        spoken = command_of(flat) is None and _chosen(pending, flat)
        return Reply("unclear") if spoken or re.match(rf"(?i){_YES}\b", flat) else None
    if re.match(rf"^(?:{_YES}|please)(?=$|[\s,.!;:-])", flat, re.IGNORECASE):
        return _agreed(pending, flat)
    same = rf"^(?:please |just |i (?:really )?want (?:you )?to )*{_SAME[pending.action.kind]} {_OBJECT}(?: (?:as|to) (?:done|completed?))?(?: please| now)?$"
    if pending.form == "shall" and re.match(same, flat, re.IGNORECASE):
        return Reply("yes")
    if re.match(same, flat, re.IGNORECASE) and re.search(_TOGETHER, flat, re.IGNORECASE):
        return Reply("chosen", pending.tasks)
    if command_of(flat) is not None and not re.match(r"(?i)^(?:the|#?\d|task)\b", flat):
        return None
    return _chosen(pending, flat)


def _how_many(pending: Pending, flat: str) -> Reply | None:
    """Read "all three" and "both"; a number other than the number of todos is unclear."""
    if not pending.tasks or len(flat) > _SHORT:
        return None
    if told := _COUNTED.fullmatch(flat):
        count = 2 if told["both"] else number(told["n"]) if told["n"] else len(pending.tasks)
        meant = count == len(pending.tasks) and not told["no"]
        return Reply("chosen", pending.tasks) if meant else Reply("unclear")
    told = _SO_MANY.fullmatch(flat) if pending.form == "shall" else None
    # "Yes, 3" of three todos can mean all three, or the todo with number 3.
    doubtful = told is not None and number(told["n"]) == len(pending.tasks) > 1
    return Reply("unclear") if doubtful else None


def after_adding(message: str) -> str:
    """Rewrite "and beans", "beans too" and "I meant oat milk" after a todo was added."""
    going = re.sub(r"(?i)^(?:oh,? )?(?:and|also|plus)\b[\s,]*", "add ", message)
    if found := re.match(
        r"(?i)^(?P<x>[^,;?]{2,60}?),? (?:too|as well)(?:,? please)?[\s.!]*$", going
    ):
        return going if going != message else f"add {found['x']}"
    meant = r"(?i)^(?:(?:oops|sorry|no|wait|actually|oh)[\s,]+)*(?:i (?:meant|mean)(?: to say)?|make that|rather)[\s:,]+(?P<x>[^,;?]+)$"
    found = re.match(meant, message)
    return f"rename it to {found['x']}" if found else going


# The start of an answer, and the command that repeats its action.
_DONE_SO = (("Well done! ", "mark {} as done"), ("I've deleted ", "delete {}"))


def after_doing(answer: str, message: str) -> str:
    """Rewrite "and 5 too" as the command that the answer before belongs to."""
    more = re.match(
        r"(?i)^(?:(?P<and>and|also|plus|oh and)\b[\s,]*)?(?P<x>[^,;?]{1,60}?)(?P<too>,? (?:too|as well|also))?(?:,? please)?[\s.!]*$",
        message,
    )
    if more is None or not (more["and"] or more["too"]) or _SENTENCE.search(more["x"]):
        return message
    asked = (form for said, form in _DONE_SO if answer.startswith(said))
    return next(asked, "{}").format(more["x"]) if answer.startswith(_BEGINNINGS) else message


_SENTENCE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|do|did|done|finished|completed|i|we|you|need|needs|should|must|can|not)\b|'s\b|n't\b",
    re.IGNORECASE,
)
_BEGINNINGS = tuple(said for said, _ in _DONE_SO)


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
    """Read a message that starts with a yes; it agrees when the yes is clear."""
    same = rf"(?:i (?:really )?want (?:you )?to )?{_SAME[pending.action.kind]} {_OBJECT}(?: as (?:done|completed?))?"
    agreed = rf"(?:{_YES}|{_SOFT}|{same}|as done)"
    found = re.match(rf"^(?:{agreed}(?=$|[\s,.!;:-])[\s,.!;:-]*)+", flat, re.IGNORECASE)
    said, rest = (flat[: found.end()], flat[found.end() :].strip()) if found else ("", flat)
    if pending.form == "which":
        if rest:
            if command_of(rest) is None or re.search(_RESERVE, rest, re.IGNORECASE):
                return _chosen(pending, rest) or Reply("unclear")
            return None
        if re.search(_TOGETHER, flat, re.IGNORECASE) or len(pending.tasks) == 1:
            return Reply("chosen", pending.tasks)
        return Reply("unclear")
    if not rest:
        sarcastic = re.fullmatch(r"(?i)(?:please|(?:yeah|sure|ok),? right)[\s.!]*", flat)
        return Reply("unclear" if sarcastic else "yes")
    return _agreed_and(pending, said, re.sub(r"(?i)^(?:but|and|also)\s+", "", rest))


def _agreed_and(pending: Pending, said: str, rest: str) -> Reply | None:
    """Read the words after a yes: an exception, a choice, or a further command."""
    if found := re.match(r"(?i)^(?:except(?: for)?|not|without|keep|leave|all but)\s+(.+)$", rest):
        kept = _chosen(pending, found[1])
        if kept and kept.sort == "chosen":
            return Reply("chosen", [t for t in pending.tasks if t not in kept.tasks])
        return Reply("unclear")
    if found := re.match(
        r"(?i)^(?:(?:delete|mark|complete|remove|do)\s+)?(?:only|just)\s+(?:delete |mark |complete |remove )?(.+)$",
        rest,
    ):
        return _chosen(pending, found[1]) or Reply("unclear")
    kind = command_of(rest)
    if kind is None:
        return _chosen(pending, rest) or Reply("unclear")
    if not re.search(rf"(?i)\b{_CLEAR}\b", said):
        # "Okay, so what is left" is not an answer.
        return None
    joined = re.search(r"(?i)(?:[.;!]|\band|\bthen)\s*$", said)
    if re.search(_RESERVE, rest, re.IGNORECASE):
        return Reply("unclear")
    if joined or kind == "add":
        return Reply("yes", rest=rest)
    if kind == pending.action.kind:
        # "Yes, delete the milk" agrees to a part of the question.
        object_ = re.sub(r"(?i)^(?:get rid of|\w+)\s+", "", strip_lead(rest))
        return _chosen(pending, object_) or Reply("unclear")
    return Reply("unclear")


_VERB = re.compile(r"(?:add|change|complete|delete|list|mark|remove|rename|show)\b", re.IGNORECASE)
# Answers to a question for a title that are not a title.
_NO_TITLE = re.compile(
    r"^(?:(?:yes|yeah|yep|sure|sorry|oops|god|hell|nah|nope)\b.+|help|(?:yes|yeah|ok|okay|sure|well|so|oh|fine|certainly|definitely),? )*(?:(?:hm+|er|u[hm]+|ha(?:ha)+|lol|oops|nein|why|who|when|(?:the )?(?:title|name|description|details?|notes?)|it|that|this|one|these|those|them|later|tomorrow|not? .*|never.*|"
    r"(?:i|you) (?:can(?:not|'?t)?|do|don'?t|won'?t|guess|think|said|was|did|am|will|changed|want(?:ed)? to (?:cancel|keep|stop|leave|wait))\b.*|i'?m .*|(?:just )?kidding|just (?:a )?joking|"
    r"(?:that|this|one|which)(?: one)?|probably.*|possibly.*|(?:it )?depends.*|could be|up to you|you (?:decide|choose)|as you like|if you (?:want|like)|"
    rf"(?:keep|leave|cancel|stop|forget) {_OBJECT}\b.*|(?:hang|hold) on|excuse me|my mistake|go (?:away|back|on)|do nothing|do it.*|please(?: (?:wait|stop|explain|do nothing|show|no|don't)\b.*)?)[\s.!]*)?$",
    re.IGNORECASE,
)


def _new_text(text: str) -> Reply | None:
    flat = bare(text)
    agreed = re.fullmatch(rf"(?:(?:{_YES}|{_SOFT})[\s,.!;:-]*)+", flat, re.IGNORECASE)
    if agreed or CHAT.match(flat) or _NO_TITLE.match(flat) or not re.search(r"\w", flat):
        return Reply("unclear")
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
    """Remove "please" and fillers at both ends; all other words may belong to a title."""
    s = re.sub(
        r"(?i)^(?:(?:please|just|maybe|ok|okay|u[hm]+|well|oh|ah|hm+|er+)[\s,]+|right,\s*)+",
        "",
        text.strip(),
    )
    return re.sub(r"(?i)[\s,]+(?:please|thanks|thank you|from now on)[\s.!]*$", "", s)


def _chosen(pending: Pending, text: str) -> Reply | None:
    """Read which of the todos in the question is meant."""
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
    if ref.either or re.search(_SOME, s, re.IGNORECASE):
        return Reply("unclear")
    if ref.it and len(tasks) == 1:
        return Reply("chosen", tasks)
    if ref.status != "all":
        return _of_status(pending, ref.status) if ref.query is None else Reply("unclear")
    if ref.them or (ref.every and ref.query is None and ref.excluded is None):
        together = re.search(_TOGETHER, s, re.IGNORECASE)
        return Reply("chosen", tasks) if together else Reply("unclear")
    if ref.every and ref.excluded is not None:
        spared = _chosen(pending, ref.excluded)
        kept = (spared.tasks if spared else []) or match(ref.excluded, tasks).tasks
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
    parts = re.split(r"\s*,\s*|\s+and\s+", ref.query)
    several = [match(part, tasks) for part in parts] if len(parts) <= len(tasks) else []
    if len(several) > 1 and all(m.sure and len(m.tasks) == 1 for m in several):
        return Reply("chosen", [m.tasks[0] for m in several])
    return Reply("unclear") if found.tasks else None


def _of_status(pending: Pending, status: Status) -> Reply:
    """Read "only the completed ones"; unclear when these are all todos or none."""
    some = [t for t in pending.tasks if t.completed == (status == "completed")]
    return Reply("chosen", some) if 0 < len(some) < len(pending.tasks) else Reply("unclear")


def _numbered(ref: Ref, tasks: list[Task]) -> Reply:
    """Read numbers as ids, or as places in the list when none of them is an id."""
    have = {task.id: task for task in tasks}
    if all(n in have for n in ref.ids):
        return Reply("chosen", [have[n] for n in ref.ids])
    if not any(n in have for n in ref.ids) and all(1 <= n <= len(tasks) for n in ref.ids):
        return Reply("chosen", [tasks[n - 1] for n in ref.ids])
    return Reply("unclear")
