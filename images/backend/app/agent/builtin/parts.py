"""Splits a message into parts with one intent each."""

from dataclasses import dataclass
from itertools import islice
from typing import Literal

from app.agent.builtin import patterns as re
from app.agent.builtin.commands import CHAT, LEAD, SUFFIX, command_of, led, strip_lead
from app.agent.builtin.refs import DONE
from app.agent.builtin.text import bare

# After a part that adds, these may continue its title: "buy paint and remove the wallpaper".
_LOOSE = re.compile(
    r"^(?:cancel|remove|drop|clear|finish|complete|change|update|check|fix|close|clear|erase|edit|"
    r"replace|get rid|throw|take|correct|trash|dump|empty|toss|ditch|make|write|find|read|need|have|"
    r"see|tell|give|print|look|get|schedule|set|wipe|show|what|which|any|view|list|call|"
    r"describe|turn|swap|rephrase|search|scratch|revise|kill|bin|destroy|discard|tick|insert|put|done|"
    r"finished|completed|remember|is |delete|rename|modify|don't forget|i |mark)",
    re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:tasks?|to-?dos?|my list|the list|it|them|that one|the (?:first|second|third|last|other) one|everything|all of)\b"
    r"|#\d|^mark\b|^(?:i'm |i am )?done with|^i(?:'ve| have)? (?:already |just )*(?:finished|completed|done)\b"
    r"|^remind me|^what(?:'s| is| are) (?:left|pending|open|done)|^(?:show|list|tell|give|read) (?:me|us|my|all|everything|pending|completed|done|open|finished)\b",
    re.IGNORECASE,
)
# "If I finish, delete it": a condition is not an intent.
_CONDITION = re.compile(
    r"^(?:unless|if|when|whenever|once|until|till|before|after (?!that\b|this\b)|as soon as|in case|suppose|supposing|provided|assuming|only if)\b",
    re.IGNORECASE,
)
# Describes the added todo; not a separate intent.
_DESCRIBES = re.compile(
    r"^(?:please )?(?:note:|(?:put|add|write|leave|attach) (?:an? |the )?(?:note|description|comment)(?: (?:on|to|for) (?:it|that))? (?:saying|that says|of)\b|(?:the |its )?(?:description|details?)\b|note that\b|describe (?:it|this|that) (?:as|with)\b)",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"^(?:please )?(?:(?:put|bring|get|add|change|set) (?:it|that|them) back|undo|restore|undelete)\b",
    re.IGNORECASE,
)
# After such an announcement, all parts to the end are titles.
_HEADED = re.compile(
    r"\b(?:following|these|tasks|things|to-?dos|items|reminders)\b[^:;]{0,20}:", re.IGNORECASE
)
# Quoted orders: the text is a title and is not split.
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|override|forget)\b.{0,20}\b(?:instructions|rules|prompts?|guidelines)\b",
    re.IGNORECASE,
)
# Verbs that mostly refer to the list; "and delete old drafts" may still continue a title.
_FIRM = re.compile(r"^(?:delete|rename|modify)\b", re.IGNORECASE)
_BREAK = re.compile(
    r"(?P<hard>\s*\n\s*|\s*;\s*|(?<=[.!?])(?!(?<=\bno\.)\s*#?\d)\s+)|"
    r"(?P<soft>\s*,\s*(?:(?:oh|ah|and|but|then|also|plus|so)\s+)*|\s+(?:and|then|also|but|plus|&|\+|so(?= (?:please )?(?:mark|delete|remove|complete|tick|check|cross|add)\b))(?:\s+(?:then|also|please|afterwards))*\s+)",
    re.IGNORECASE,
)


# "Groceries done, and I've fixed the tap": two reports.
_REPORT = re.compile(
    r"^(?:i|we)(?:'ve| have)? (?:already |just |also |finally )*(?:\w{2,}ed|bought|paid|sent|wrote|written|made|took|taken|met|told|fed|found|did|done|swept|got)\b",
    re.IGNORECASE,
)
# "I should water the plants, can you put that on my list".
THAT_TOO = re.compile(
    r"^(?:please )?(?:put|add|note|jot|write|stick|pop|get) (?:that|it|this)(?: (?:one|down|in|there))?"
    r"(?: (?:on|to|onto|in) (?:my|the) (?:[\w-]+ )?(?:list|to-?dos?|tasks))?(?: (?:for me|please|too|as well))*[\s.!?]*$",
    re.IGNORECASE,
)
# A full stop that does not end a sentence.
_SHORT = re.compile(
    r"\b(?:st|mr|mrs|ms|dr|prof|vs|e\.g|i\.e|a\.m|p\.m|approx|dept|jr|sr)\.$|\b(?-i:[A-Z])\.$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message with one intent."""

    text: str
    # The part may continue the title before it: "buy paint and remove the wallpaper".
    loose: bool = False
    # The text between this part and the part before.
    gap: str = ""


# "1, 2 and 3" continues, so the text after each number need not be checked.
_COUNTING = re.compile(r"#?\d+(?=\s*(?:,|\band\b|&|$))", re.IGNORECASE)
# Maximum number of parts: the check of each break reads the rest of the message.
_MOST = 50


def cut(text: str) -> list[Part]:
    """Split a message where a new intent starts."""
    parts: list[Part] = []
    start, loose, joint = 0, False, ""
    for gap in islice(_BREAK.finditer(text), _MOST):
        left, right = text[start : gap.start()].strip(), text[gap.end() :].strip()
        if gap["hard"] and _SHORT.search(left):
            continue
        if not gap["hard"] and left[-1:].isdigit() and _COUNTING.match(right):
            continue
        if not left or not right or not LEAD.sub("", left + gap[0]).strip(" ,"):
            continue
        cutting = _starts_new_part(left, right, gap[0], hard=gap["hard"] is not None)
        if cutting == "loose" and re.search(r"(?i)\b(?:also|plus)\b", gap[0]):
            cutting = "surely" if command_of(right) == "add" else cutting
        if cutting is None:
            continue
        parts.append(Part(left, loose, joint))
        start, loose, joint = gap.end(), cutting == "loose", gap[0]
    parts.append(Part(text[start:].strip(), loose, joint))
    return [part for part in parts if part.text]


def _first_part(text: str) -> str:
    gap = _BREAK.search(text)
    return text[: gap.start()] if gap else text


def _starts_new_part(
    left: str, right: str, gap: str, *, hard: bool
) -> Literal["surely", "loose"] | None:
    kind = command_of(left)
    if hard and _BACK.match(right):
        return "surely"
    # "Milk and bread need to be added" is one sentence.
    following = command_of(right, plain=kind in (None, "add") and not hard)
    next_part = bare(_first_part(right))
    if not hard and _CONDITION.match(strip_lead(left)) and following not in ("add", "list"):
        return None
    if kind == "add" and (_DESCRIBES.match(right) or _ORDERS.search(left)):
        return None
    if (
        kind == "add"
        and (not hard or gap.strip() == ";")
        and _HEADED.search(left)
        and not _POINTS.search(_first_part(right))
    ):
        return None
    if kind == "add" and THAT_TOO.match(led(right)):
        return "surely"
    if CHAT.match(left) or (CHAT.match(next_part) and (hard or kind != "add")):
        return "surely"
    shown = r"(?: (?:tasks|ones|items|separately|too|as well|please))*" if kind == "list" else ""
    if re.fullmatch(rf"(?i){DONE}{shown}|paid", next_part):
        return None
    negated = re.match(r"(?i)^(?:no|not|don't|do not|never)\b", strip_lead(right))
    if following is None and negated:
        forbidden = command_of(strip_lead(right)[negated.end() :]) is not None
        return "surely" if hard or (forbidden and kind not in (None, "add")) else None
    suffix = SUFFIX.match(next_part)
    if suffix and re.search(r"(?i)(?:^(?:get|have)\b.*|\b(?:as|to|off|not))$", suffix["what"]):
        suffix = None
    if (
        following is None
        and _REPORT.match(strip_lead(right))
        and (kind == "complete" or SUFFIX.match(left))
    ):
        return "surely"
    if following is None and not hard and kind is None and not SUFFIX.match(left):
        # "Tasks 1, 2 and 3 are done" is one sentence.
        return None
    if following is None and not suffix:
        return "surely" if hard and kind not in (None, "add") else None
    if kind != "add" or hard:
        return "surely"
    # Such words may continue a title, unless they refer to the list.
    head = strip_lead(right)
    if following is None:
        pointing = re.search(r"(?i)\b(?:task|#)\s*\d|\b(?:is|are|'s)\b", next_part)
        return "surely" if pointing else None
    firm = _FIRM.match(head) and gap.strip().lower() not in ("and", "&")
    if _LOOSE.match(head) and not firm and not _POINTS.search(_first_part(head)):
        return "loose"
    return "surely"
