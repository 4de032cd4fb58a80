"""Reads the intents of a message: each part goes to the reader for its kind."""

from dataclasses import replace
from itertools import pairwise

from app.agent.builtin import adding, changing
from app.agent.builtin import patterns as re
from app.agent.builtin.commands import (
    CALM,
    CHAT,
    DELETE,
    STATED,
    STRONG,
    SUFFIX,
    led,
    strip_lead,
)
from app.agent.builtin.correcting import corrected
from app.agent.builtin.ending import REASON, read_completion, read_deletion, what_done
from app.agent.builtin.intents import Intent, Kind
from app.agent.builtin.lists import read_list
from app.agent.builtin.parts import THAT_TOO, cut
from app.agent.builtin.refs import DONE, NOUN, OPEN, Ref, read_ref, trim
from app.agent.builtin.sentences import joined_up
from app.agent.builtin.stating import NOT_DONE, loose_words, not_done
from app.agent.builtin.text import Quotes, bare, fix_slips, sentence_case, tidy
from app.agent.builtin.wanting import wanted_of

_OTHERS = re.compile(
    r"\buser[_ -]?ids?\b|\bfor (?:everyone|everybody)\s*:|\b(?:all|other|another|every|any|different) (?:the )?(?:users?|people|accounts?|persons?)\b|"
    r"\b(?:everyone|everybody|someone|somebody|anyone|anybody)(?: else)?'?s? (?:else'?s? )?(?:tasks?|lists?|to-?dos?)\b|someone else'?s|"
    r"\b(?:of|for|from|as|to|by|belonging to|in) (?:the )?(?:user|account|customer|admin)s?\b(?:\s*#?\d+|\s+[\w.@-]+)?|\buser\s*#?\d+'?s?\b|"
    r"\b[\w.+-]+@[\w-]+\.\w+(?:'s)? (?:tasks|list|to-?dos?)|(?:tasks|list|to-?dos?) (?:of|for|from|belonging to|owned by) (?:user |the user )?[\w.+-]+@",
    re.IGNORECASE,
)
_IMPERSONATION = re.compile(
    r"^(?:act|pretend|log ?in|sign in|switch|change|become|be|behave|impersonate|i am|i'm|as)\b.*\b(?:user|admin\w*|root|someone else|somebody else)\b",
    re.IGNORECASE,
)
_WHOSE = re.compile(
    r"\b(?:his|her|their) (?:tasks|to-?dos|to-?do list|list|task list)\b|\b(?!(?:today|tomorrow|yesterday|tonight|week|month|year|day|what|that|let|it|here|there|who|how|"
    r"everything|where|morning|weekend)'s)([a-z]+)'s (?:other |open |pending |completed |whole )?(?:tasks|to-?dos|to-?do list|list|task list)\b",
    re.IGNORECASE,
)
_NEVER = re.compile(
    r"^(?:no,? )?(?:please )?(?:don'?t|do not|never|you (?:must|should|may)n'?t|stop|you (?:must|should|may) not|make sure (?:not to|(?:that )?you (?:don'?t|do not|never)))\s+(?:you |ever |please |just )*"
    r"(?!forget|let me forget)",
    re.IGNORECASE,
)
# After such a command, "not" may be part of the title.
_ORDERED = re.compile(r"^(?:mark|flag|complete|finish|check|tick|cross|close|set)\b", re.IGNORECASE)
_LATER = re.compile(
    r"\b(?:soon|about to|when|once|before|until|if|unless)\b|\b(?:not|never|don'?t|do not)(?: (?:yet|now|done|complete\w*|finish\w*|it|this|that))*$",
    re.IGNORECASE,
)
_MUSING = re.compile(
    r"\b(?:maybe|perhaps|might(?! i (?:ask|trouble|bother))|should i|shall i|what (?:if|happens|would happen)|if (?:i|we|you) (?:asked?|told|tell|said|say|want(?:ed)?|were|was)|thinking (?:of|about)|"
    r"wondering|not sure|do you think|i guess|could i|would it|hypothetically|someday i'?ll|am i allowed|may i|can i)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^(?:is|are|was|were|did|do|does|has|have (?:i|you|we)|had|when|why|who|whom|whose|how|where|am i|isn'?t|aren'?t|"
    r"didn'?t|haven'?t|hasn'?t|should (?:i|we)|shall (?:i|we)|can i|could i|may i|will)\b",
    re.IGNORECASE,
)
_HELP = re.compile(
    r"^(?:help\b.{0,12}$|what (?:can|could|do|else can) you (?:do|help)|what are you\b|who are you|how (?:do|can|does|should|would|to)\b|"
    r"what (?:commands|features)|how are you|what is this|explain|instructions|what's your name|are you (?:a|an|human|real|there))",
    re.IGNORECASE,
)
_CANNOT = re.compile(
    r"\b(?:weather|joke|system prompt|your (?:prompt|instructions)|poem|translate|e-?mail (?:him|her|them)|"
    r"previous instructions|jwt|auth(?:entication)? token|password|secret key|api key|database|environment variables?|prioriti[sz]e|"
    r"due date|deadline|priority|high priority|sort|order by|reorder|snooze|postpone|reschedule|move|assign|share|export)\b",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"\b(?:weather|joke|poem|story|system prompt|your (?:prompt|instructions|rules|secrets?)|"
    r"(?:jwt|auth(?:entication)?) (?:token|secret)|api key|environment variables?|connection string|"
    r"password|capital of|what time|the time)\b",
    re.IGNORECASE,
)
_UNDO = re.compile(
    r"^(?:undo\b.*|revert\b.*|restore\b.*|bring (?:it|that|them) back|(?:add|put|get) (?:it|that|them) back.*|"
    r"(?:change|rename|turn|set|put|switch) (?:it|that|this|them) back\b(?! to\b(?! (?:(?:what|how|the way) it|before|normal|the (?:old|original|previous))\b)).*|(?:that|it) was (?:a mistake|wrong)|i didn't mean (?:that|it|to).*|(?:can you )?undelete.*)$",
    re.IGNORECASE,
)
# "Scratch that" may mean the last words or a todo.
_IDIOM = re.compile(
    r"^(?:drop|scratch|scrap|dismiss|ditch|cancel|kill|toss) (?:it|that|this)$", re.IGNORECASE
)
_NEEDLESS = re.compile(
    r"^(?!.{1,12}\bwant to forget)(?:(?:(?:i|we) )?(?:do not|don't|no longer) (?:need|want)(?: to)?|(?:i|we) (?:do not|don't|no longer) have(?: to)?|(?:i|we) needn't|(?:(?:i|we)(?:'ve| have)? )?decided (?:not to|against)|(?:i|we) (?:won't|will not) (?:be needing|need)(?: to)?|there'?s no need (?:to|for)|no need (?:to|for)|forget(?: about)?|never ?mind(?: about)?(?= (?:the|my|our)\b)|i won't (?:need|be)(?: to)?|skip)\s+"
    r"(?P<what>.+?)(?:\s+(?:anymore|any more|any longer|now|after all))?$",
    re.IGNORECASE,
)


_UNNEEDED = re.compile(
    r"^(?P<what>.+?) (?:(?:is|are|was)(?:n't| not| no longer)|no longer) (?:needed|necessary|required|relevant|important)(?: any ?(?:more|longer))?$",
    re.IGNORECASE,
)
_START_OVER = re.compile(
    r"^(?:i (?:want|would like|'d like) to )?(?:start (?:over|afresh|anew|fresh|from scratch)|reset)\b(?: (?:with )?.*\b(?:list|tasks|to-?dos|everything|all)\b.*)?[\s.!]*$",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"^(?:oh |oops |sorry |hm+ )*(?:no|nope|nah|wait|actually|sorry|rather|i mean|i meant|scratch that|instead|never ?mind)\b",
    re.IGNORECASE,
)


# "We're out of coffee", "forgot to buy nappies": the missing thing becomes the title.
_LACK = re.compile(
    r"^(?:(?:i|we)(?:'re|'m| are| am)? (?:almost |nearly |all )?(?:out of|low on)|(?:(?:i|we) )?(?:forgot|always forget|keep forgetting) to(?: add)?)\s+",
    re.IGNORECASE,
)
_LESS = re.compile(r"(?:but |so |and )?(?:just|only)\b", re.IGNORECASE)
# Words that make the intent before them uncertain.
_HEDGE = re.compile(
    r"^(?:(?:but |only )*(?:if|unless|when|once|until)\b|(?:i'?m |i am )?(?:not sure|unsure|kidding|joking)\b|just (?:kidding|joking)\b|"
    r"maybe\b|perhaps\b|i (?:think|guess)\b|or not\b|jk\b)",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"^(?:i (?:think|believe|guess|suppose)|(?:i'?m )?pretty sure|(?:it )?(?:looks like|seems)|probably)(?: that)?,?\s+(?=\S+ \S)",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"\b(?:can|could|would|will|please|pls|plz|mind|possible|chance|kindly)\b", re.IGNORECASE
)


def read(message: str) -> list[Intent]:
    """Return the intents of a message, in order."""
    quotes = Quotes()
    text = joined_up(corrected(_enumerated(fix_slips(quotes.hold(tidy(message))))))
    listed = adding.read_lines(text, quotes)
    if listed:
        return listed
    intents: list[Intent] = []
    before = ""
    for part in cut(text):
        if (
            intents
            and intents[-1].kind in ("add", "ask_add")
            and intents[-1].title
            and THAT_TOO.match(led(part.text))
        ):
            title = sentence_case(_LACK.sub("", intents[-1].title))
            intents[-1] = replace(intents[-1], kind="add", title=title)
            continue
        found = read_part(part.text, quotes)
        if found[0].kind == "refuse" and _IMPERSONATION.match(strip_lead(part.text)):
            # The rest of the message is also for someone else.
            return found
        if part.loose and intents and intents[-1].kind == "add":
            whole = read_part(before + part.gap + part.text, quotes)
            added = [intent for intent in whole if intent.kind == "add" and intent.title]
            # Titles of a list before this one are already separate intents.
            titles = [intent.title for intent in intents[:-1]]
            intents[-1] = replace(
                intents[-1],
                whole=tuple(intent for intent in added if intent.title not in titles),
                loose=(*intents[-1].loose, *found),
            )
            before = before + part.gap + part.text
            continue
        if intents and intents[-1].kind in _TENTATIVE and _HEDGE.match(part.text):
            intents[-1] = _tentative(intents[-1])
            continue
        if intents and intents[-1].source == "never" and part.gap.strip().lower() in ("and", "or"):
            # "Don't delete milk and remove eggs": "don't" may cover both, so ask.
            found = [_tentative(intent) for intent in found]
        correctable = ("delete", "complete", "ask_delete", "ask_complete")
        if intents and intents[-1].kind in correctable and _CORRECTION.match(part.text):
            # "Delete milk? No, complete it": the second intent replaces the first.
            found = [replace(w, ref=intents[-1].ref) if w.ref.it else w for w in found]
            intents.pop()
        if intents and intents[-1].kind == found[0].kind == "list" and _LESS.match(part.text):
            intents.pop()  # "my tasks, just the open ones"
        intents.extend(found)
        before = part.text
    for index, (said, then) in enumerate(pairwise(intents), 1):
        if said.kind == "calm" and not said.ref.empty and then.ref.it:
            intents[index] = replace(then, ref=said.ref)
    loud = [
        intent for intent in intents if intent.kind not in ("greet", "thank", "calm", "not_done")
    ]
    return loud or intents[:1]


_TENTATIVE: dict[Kind, Kind] = {
    "delete": "ask_delete",
    "complete": "ask_complete",
    "update": "unclear",
}


def _tentative(intent: Intent) -> Intent:
    """Return the intent as one that is asked about first."""
    return replace(intent, kind=_TENTATIVE.get(intent.kind, intent.kind))


def _enumerated(text: str) -> str:
    """Put each item of "1. add tea 2. add coffee" on its own line."""
    if re.search(r"(?:^|[\s:])1[.)]\s.*\s2[.)]\s", text):
        return re.sub(r"(?:^|\s)(?=\d{1,2}[.)]\s)", "\n", text).strip()
    return text


def _chatting(plain: str) -> Kind:
    if re.fullmatch(r"(?i)(?:ok|okay|yes|no|sorry|please)[\s.!]*", plain):
        return "calm"
    thanking = re.search(r"(?i)thank|thx|\bty\b|cheers|great|perfect|nice|cool", plain)
    return "thank" if thanking else "greet"


def read_part(part: str, quotes: Quotes) -> list[Intent]:
    """Return the intents of one part of a message."""
    plain = bare(re.sub(r"^\s*-(?=\d)", "minus ", part))
    source = quotes.release(plain)
    if CHAT.match(plain):
        return [Intent(_chatting(plain))]
    s = strip_lead(plain)
    if CALM.match(trim(s)):
        return [Intent("calm")]
    if _UNDO.match(trim(s)):
        return [Intent("undo")]
    if _START_OVER.match(s):
        return [Intent("delete", Ref(every=True), source=source)]
    wanted = wanted_of(s, quotes, source)
    if isinstance(wanted, Intent):
        return [wanted]
    s = wanted
    if (hedged := _HEDGED.match(s)) and not s.endswith("?"):
        # "I think the dentist is done" is uncertain.
        return [_tentative(intent) for intent in read_part(s[hedged.end() :], quotes)]
    command = STRONG.match(s)
    kind = command.lastgroup if command else None
    if (_OTHERS.search(s) and _is_foreign(s, kind)) or (kind != "add" and _WHOSE.search(s)):
        return [Intent("refuse")]
    if kind == "add" and re.search(
        rf"(?i)\b(?:to|on|in|into|for) (?:the )?(?:{_WHOSE.pattern})", s
    ):
        return [Intent("refuse")]
    if _HELP.match(s):
        return [Intent("help")]
    if kind in (None, "list") and _SECRET.search(s):
        return [Intent("cannot", source=source)]
    if found := _NEEDLESS.match(s) or (kind != "delete" and _UNNEEDED.match(trim(s))) or None:
        whole = trim(s[found.start("what") :])
        reasoned = REASON.sub("", whole)
        what = reasoned if reasoned != whole else found["what"]
        return [Intent("ask_delete", read_ref(what, quotes), source=source)]
    if _NEVER.match(s) and not re.match(r"(?i)^(?:don'?t|do not|never) (?:let me )?forget", s):
        # "Don't delete milk, complete it": keep the todo for "it".
        object_ = STRONG.sub("", _NEVER.sub("", s, count=1), count=1)
        return [Intent("calm", read_ref(object_, quotes), source="never")]
    if kind in ("delete", "complete", "update") and _MUSING.search(plain):
        maybe = [w for w in _by_command(str(kind), s, quotes, source) if w.kind == "delete"]
        return [Intent("ask_delete", maybe[0].ref, source=source)] if maybe else [Intent("unclear")]
    if _MUSING.search(plain) and (inner := re.search(rf"(?i)\b{DELETE}\s+(.+)$", s)):
        return [Intent("ask_delete", read_ref(inner[1], quotes), source=source)]
    if kind == "list" or _QUESTION.match(s):
        return [read_list(s, quotes)]
    if kind != "add":
        # There is no todo -1. Without its sign the number would name another todo.
        s = re.sub(r"(?i)^((?:\w+ ){1,4}(?:no\. ?|#)?)-(?=\d)", r"\1minus ", s)
    if (
        kind == "complete"
        and re.match(r"(?i)(?:finish|complete|close|check)\b", s)
        and STATED.match(trim(s))
    ):
        kind = "update"
    naming = kind == "add" and re.match(r"(?i)(?:create|schedule|remember)\b", s)
    if (naming or kind in ("delete", "update")) and (stated := STATED.match(trim(s))):
        ref = Ref(query=quotes.release(stated["what"]))
        return [Intent("ask_complete", ref, stated=True, source=source)]
    if kind == "delete" and _IDIOM.match(trim(s)):
        return [Intent("ask_delete", Ref(it=True), source=source)]
    doubtful = part.rstrip().endswith("?") and not _POLITE.search(part)
    if kind == "delete" and doubtful:
        return [_tentative(intent) for intent in _by_command(kind, s, quotes, source)]
    if kind in ("reopen", "update", "add", "delete"):
        return _by_command(str(kind), s, quotes, source)
    suffix = SUFFIX.match(trim(s))
    if kind == "complete" or suffix:
        ordered = kind == "complete" and _ORDERED.match(s)
        if (_LATER if ordered else NOT_DONE).search(s):
            return [not_done(suffix["what"] if suffix else what_done(s), quotes)]
        if kind == "complete":
            found_done = _by_command("complete", s, quotes, source)
            return [_tentative(intent) for intent in found_done] if doubtful else found_done
        assert suffix is not None  # noqa: S101 - for the type checker
        if doubtful:
            return [read_list(f"is {s}", quotes)]
        return read_completion(suffix["what"], quotes, source)
    if re.fullmatch(
        rf"(?i)(?:(?:the|my|all)\s+)*(?:{DONE}|{OPEN})?\s*(?:tasks|list|to-?do list|to-?dos|ones)?",
        trim(s),
    ):
        return [read_list(s, quotes)]
    if _CANNOT.search(s):
        return [Intent("cannot", source=source)]
    return [loose_words(s, quotes, source)]


def _is_foreign(s: str, kind: str | None) -> bool:
    """Report whether a command is about another user. A title may contain the word "user"."""
    if kind != "add":
        return True
    return (
        re.search(
            r"(?i)\buser[_ -]?ids?\b|\b(?:for|as|to) (?:the )?(?:user|account)\s*#?\d|\bfor (?:everyone|everybody)\s*:|\bfor user (?!manual|guide|interface|experience|stor|research|test|interview|accept)\w+|(?:everyone|every user|all users|user \d+|other users?)(?:'s)?(?: list)?$",
            s,
        )
        is not None
    )


def _by_command(kind: str, s: str, quotes: Quotes, source: str) -> list[Intent]:
    if kind == "reopen":
        return [Intent("reopen")]
    if kind == "update":
        if both := _TWO_CHANGES.match(s):
            halves = (both["first"], f"{both['verb']} {both['second']}")
            return [changing.read_change(half, quotes, source) for half in halves]
        return [changing.read_change(s, quotes, source)]
    if kind == "add":
        return _read_need(s, quotes, source) or adding.read_add(s, quotes, source)
    if kind == "delete":
        return [read_deletion(s, quotes, source)]
    return read_completion(what_done(s), quotes, source)


# "Change the dentist to Call doctor and task 4 to Pay taxes": two intents.
_TWO_CHANGES = re.compile(
    rf"^(?P<first>(?P<verb>change|rename|update|edit) .+? to .+?),? and (?P<second>(?:(?:task|number|no\.?|#) ?\d+|the [^,;]{{1,40}}? {NOUN}) to \S.*)$",
    re.IGNORECASE,
)
_NEED = re.compile(
    r"^(?:(?:i|we) (?:still |also |really |just )*(?:need|have|got|ought) to|(?:i|we)'ve got to|(?:i|we) (?:must|should|gotta)|i'?ll (?:need|have) to|gotta|need to|have to|make sure(?: to| you| i)?)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)


# "I need to create a task", but not "I need to create a budget" or "to add sugar to the jar".
_LISTING = re.compile(
    rf"^(?:remember|remind)\b|^(?:add|create|make)\b.*\b(?:{NOUN}|list)\b|^add\b(?!.*\b(?:to|in|into|on) (?:the|my|our)\b)",
    re.IGNORECASE,
)


def _read_need(s: str, quotes: Quotes, source: str) -> list[Intent] | None:
    """Read "I need to delete task 3" as a command; other needs become new todos."""
    found = _NEED.match(s)
    if found is None:
        return None
    rest = led(found["rest"])
    command = STRONG.match(rest)
    if command is None or command.lastgroup in ("add",):
        if command and _LISTING.match(rest):
            return adding.read_add(rest, quotes, source)
        return None
    kind = str(command.lastgroup)
    pointed = re.search(r"(?i)\b(?:tasks?|to-?dos?|my list|everything)\b|#\d", rest)
    if kind in ("delete", "complete"):
        intent = _by_command(kind, rest, quotes, source)[0]
        ours = kind == "delete" and re.match(r"(?i)(?:delete|remove|erase)\b", rest)
        if not pointed and (intent.ref.empty or (intent.ref.query is not None and not ours)):
            return None
        # A person who needs to finish something has not finished it.
        unfinished = re.match(r"(?i)(?:finish|complete|close)\b", rest)
        if kind == "delete" and not pointed:
            # A change of the list when a todo matches, otherwise a new todo.
            return [replace(intent, kind="ask_delete", title=quotes.release(rest), soft=True)]
        return [replace(intent, kind="ask_complete") if unfinished else intent]
    if kind == "update" and re.match(r"(?i)fix\b", rest):
        return None
    if kind == "list":
        return (
            [read_list(rest, quotes)] if pointed or re.search(r"(?i)pending|left", rest) else None
        )
    return _by_command(kind, rest, quotes, source) if pointed else None
