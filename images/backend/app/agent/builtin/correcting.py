"""Applies corrections in the same message: "mark 3, sorry, I mean 4 as done"."""

from app.agent.builtin import patterns as re
from app.agent.builtin.commands import command_of

_MARK = (
    r"(?:[\s,.;…–-]+)(?:oh |hmm+ |er |uh |ah )?"
    r"(?:no,? wait|wait,? no|(?<=,\s)wait(?=,)|(?<=,\s)wait wait|no,? sorry|sorry,? no|(?:sorry|no),? i (?:mean|meant)|i (?:mean|meant)(?! to)|hmm+,? no|hang on|hold on|scratch that|or rather|no,? rather|no(?=,? (?:what|show|list)\b))"
    r"[\s,:.…–-]+"
)
_CORRECTED = re.compile(rf"^(?P<before>.+?){_MARK}(?P<after>\S.*)$", re.IGNORECASE | re.DOTALL)
# "Add a reminder to go jogging, oh never mind".
_DROPPED = re.compile(
    r"^.+[,.;…–-]\s*(?:oh |hmm+ |actually |no |ah |wait )*(?:never ?mind|nvm|forget (?:it|that)|scratch that|ignore that)(?: then| please)?[\s.!]*$",
    re.IGNORECASE | re.DOTALL,
)
_NOT = re.compile(
    r"^(?:(?:no|please|just),? )*(?:don'?t|do not|no|nope|stop|cancel(?: (?:it|that))?|nothing|leave (?:it|that)|not)[\s.!]*$",
    re.IGNORECASE,
)
_OBJECT = re.compile(
    r"^(?:please )?(?:delete|remove|cancel|erase|drop)\s+(?P<what>.+?)[\s.…?!]*$", re.IGNORECASE
)
_IT = re.compile(r"\b(?:that one|this one|it|that|this|them)\b", re.IGNORECASE)
_NUMBER = r"#?\d+(?:st|nd|rd|th)?"
_POINT = r"(?:\d{1,2}(?:[:.]\d\d)?(?: ?[ap]m)?|(?:mon|tues|wednes|thurs|fri|satur|sun)day|today|tomorrow|tonight)"


# characters; a longer message is not a short correction, and slow to compare
_LONGEST = 400


def corrected(text: str) -> str:
    """Return the message with its correction applied."""
    if len(text) > _LONGEST:
        return text
    if _DROPPED.match(text):
        return "never mind"
    found = _CORRECTED.match(text)
    if found is None:
        return text
    before, after = found["before"].rstrip(), corrected(found["after"])
    if command_of(before) is None:
        return text
    after = re.sub(r"(?i)^(?:make|change) (?:it|that)(?: to)?\s+", "", after)
    if _NOT.match(after):
        return "never mind"
    object_ = _OBJECT.match(before)
    if object_ and _IT.search(after):
        # "It" in the new intent or question is the todo of the first intent.
        return _IT.sub(object_["what"], after, count=1)
    kind = command_of(after)
    if kind == "update" and not re.search(r"(?i)\b(?:to|with|into|by)\b", after):
        kind = None  # "Replace the hinges" is a title
    if kind is not None and not (kind == "add" and command_of(before) == "add"):
        # The new intent replaces the first one, unless "it" needs the words of the first.
        return (
            text if re.search(r"(?i)\b(?:it|that|them|this)\b", after) and kind != "list" else after
        )
    return _replaced(before, after) or text


def _replaced(before: str, after: str) -> str | None:
    """Replace the corrected words: a number, a time, or the last words."""
    plain = re.sub(
        r"(?i)^(?:on|at|by|to|the|number|task)\s+(?=\d)|[\s.!]+$|^(?:on|at|by)\s+", "", after
    )
    for kind in (_NUMBER, _POINT):
        if re.fullmatch(kind, plain, re.IGNORECASE):
            places = list(re.finditer(rf"(?<!\w){kind}(?!\w)", before, re.IGNORECASE))
            if places:
                last = places[-1]
                return before[: last.start()] + plain + before[last.end() :]
    said, meant = before.split(), after.rstrip(".! ").split()
    if 0 < len(meant) < len(said) and said[-1].lower() == meant[-1].lower():
        # "Buy oat milk, no, soy milk".
        return " ".join([*said[: -len(meant)], *meant])
    thing = re.match(r"(?i)(?:the|an?|my|some)\s", after)
    place = re.match(r"(?i)(?P<head>.*\s)(?:the|an?|my|some)\s\S+(?:\s\S+)?$", before)
    if thing and place and command_of(before) in ("add", "delete", "complete"):
        return place["head"] + after
    renamed = re.match(r"(?i)(?P<head>.*(?:rename|change|update)\b.+\b(?:to|into))\s+\S", before)
    if renamed:
        return f"{renamed['head']} {after}"
    added = re.match(r"(?i)(?:please |can you |could you )?add\b\s*:?\s*", before)
    if added and command_of(after) in (None, "add"):
        return (
            after
            if command_of(after) == "add" and re.match(r"(?i)add\b", after)
            else f"add {after}"
        )
    return None
