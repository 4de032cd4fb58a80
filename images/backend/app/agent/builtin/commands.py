"""Finds the kind of command at the start of a text."""

from app.agent.builtin import patterns as re
from app.agent.builtin.patterns import once
from app.agent.builtin.text import fix_first_word
from app.agent.builtin.wording import reworded

LEAD = re.compile(
    r"^(?:(?:hey|hi|hello|hiya|ok(?:ay)?|so|well|now|please(?: to)?|kindly|also|then|and|but|just|actually|"
    r"alright|great|perfect|cool|awesome|nice|good|lovely|brilliant|excellent|splendid|wonderful|super|thanks|thank you|dear|assistant|bot|chatbot|oh|um+|uh|yay|woo ?hoo|hooray|hurray|finally|phew|oops|whoops|ah|er|hmm+|next|finally|lastly|"
    r"firstly|first(?=[\s,]+(?:of all|please|add|create|delete|remove|mark|complete|show|list|rename|change|update)\b)|second(?:ly)?|yes|yeah|yep|sure|no(?! (?:need|reason|point|way|use|more)\b| \w+ing\b)|nope|sorry|wait|there|again|quickly|system:|"
    r"only(?= (?:show|list|display)\b)|yo|bro|dude|mate|fyi|for your information|good news|guess what|of all|quick (?:one|question|thing|favou?r)|"
    r"(?:just )?(?:(?:wanted|want) to (?:say|tell you|let you know)|letting you know|so you know)(?: that)?|"
    r"if it'?s not too much trouble|i was (?:just )?(?:wondering|hoping)(?: if| that)? you (?:could|can|would)|do you think you (?:could|can)|"
    r"be able to|we can(?: now)?(?= (?:delete|remove|mark|complete|close|tick|check|cross|drop|cancel)\b)|"
    r"before i forget|if (?:you (?:can|could|please|don'?t mind)|possible|i may(?: trouble you)?(?: again)?)|when(?:ever)? you (?:can|get a (?:chance|moment|minute)|have (?:time|a (?:moment|minute|second)))|"
    r"(?:two|three|four|a few|a couple of|some)(?: more| other)? things(?=\s*:)|"
    r"right(?=[\s,]+(?:so|then|now|what|let|show|add|i|mark|delete)\b)|by the way|btw|afterwards|after that|"
    r"(?:i )?(?:almost|nearly) forgot|"
    r"would you mind(?: terribly)?|do you mind|(?:would you )?be so (?:kind|good) (?:as )?to|(?:would|could) you be so (?:kind|good)(?: as)? to|"
    r"i wonder (?:if|whether) you (?:could|would|might)(?: mind)?|(?:could|may|might) i (?:trouble|ask|bother) you to|(?:please )?be (?:advised|informed|aware) that|"
    r"(?:i|we) (?:should|would) like you to|"
    r"(?:can|could|would|will|can't|couldn't) (?:you|ya|u|we)(?: please| kindly| also| just| maybe)*|"
    r"(?:i|me)(?:'d| would)? (?:like|love|want|need|wish)(?: for| that)* you(?: to)?|you (?:can|should|may|must|need to)|"
    r"(?:can|could|may) (?:i|we)(?: please)?(?= (?:please )?(?:add|create|put|insert|note|jot)\b)|let me(?= (?:add|create|remove|delete|rename|change|update|mark|complete)\b)|help me(?: to)?|go ahead and|let's|let us|feel free to|"
    r"(?:it (?:would|will)|it'?(?:d|ll)) be (?:really |very |so )?(?:great|nice|good|lovely|cool|kind|helpful|perfect|awesome) (?:if|when) you(?: (?:could|can|would|will))?|"
    r"i(?:'d| would) (?:really )?(?:appreciate it|be (?:most |very |so |really )?(?:grateful|glad|happy|thankful|obliged)) if you(?: (?:could|can|would|will))?|(?:would|will) you be able to|"
    r"(?:it'?s )?time to|(?:i )?(?:think|guess|suppose|believe)(?: that)?(?= (?:i|we)(?:'ve)? (?:need|have|must|should|gotta|ought|got)\b)|(?:remember|don'?t forget|note)(?=,)|try to|"
    r"(?:is|would|will) it (?:be )?possible(?: for you)? to|(?:is there )?any (?:chance|way)(?: that)? (?:you (?:can|could)|to)|can i ask you to|may i ask you to|i'?m going to need you to)(?=[\s,.!:-])[\s,.!:-]*)+",
    re.IGNORECASE,
)
WANT = re.compile(
    r"^(?:i|me)(?:'d| would| should| am|'m)? (?:really )?(?:(?:wanting|looking|hoping|trying) to\s+|(?:like|want|wish|love|prefer) to\s+|(?:want|need|wish|like)\s+(?=(?:delete|remove|add|create|mark|complete|show|see|list|rename|change|update|edit|remember)\b))|^(?:can|could|may) i (?:please )?(?=(?:see|view|get|have a look|look)\b)",
    re.IGNORECASE,
)
_GERUND = re.compile(
    r"^(delet|remov|add|creat|mark|complet|show|list|renam|chang|updat|edit|cancel+|eras|putt|"
    r"finish|clear|display|check|tick|modify|tell)ing\b",
    re.IGNORECASE,
)
# An emoji, a bullet or a number before a command.
_SYMBOLS = re.compile(r"^(?:[^\w\s\ue000\ue001#'\"<({\[]+|\d{1,2}[.)]\s)\s*(?=\w)")
_BASES = {
    "delet": "delete", "remov": "remove", "creat": "create", "complet": "complete",
    "renam": "rename", "chang": "change", "updat": "update", "eras": "erase", "putt": "put",
    "cancell": "cancel",
}  # fmt: skip

_ADD = (
    r"(?:add|insert|create|new (?:task|to-?do|item|reminder|entry)|remind me|remember\b|note down|note:|note that|"
    r"make (?:me )?(?:a |another )?(?:new )?(?:task|to-?do|note|reminder|entry|item)|jot down|"
    r"write (?:this |it )?down|make a note|(?:put|stick|pop|place|throw|include)\b.*\b(?:on|in|onto|to)\b.*\b(?:list|to-?dos?|tasks)|notes? to (?:self|myself)\b|"
    r"put (?:for )?(?:me )?(?:an?|another|one more) (?:new )?(?:task|to-?do|reminder|entry|item)\b|"
    r"(?:(?:i|we) )?(?:must(?: not|n't)|can'?t|cannot|can not|should(?: not|n't)) forget|"
    r"set (?:up )?(?:me )?(?:(?:a |another )(?:new )?(?:reminder|task|to-?do)(?! (?:to|as) (?:done|completed?|finished))|reminders?\b)|don'?t (?:let me )?forget|"
    r"do not (?:let me )?forget|never forget|(?:i|we) (?:don'?t|do not) want to forget|(?:i|we) (?:still |also |really |just )*(?:need|have|got|ought) to|(?:i|we)'ve got to|(?:i|we) (?:must|should|gotta)|"
    r"i'?ll need to|i'?ll have to|gotta|need to|have to|(?:(?:new|next) )?(?:to-?do|task|reminder)(?: item| entry)?(?::| [-–])|add:|make sure|schedule|keep in mind|"
    r"i (?:also )?(?:need|want|would like|'d like) (?:an?|another|one more)(?: new)? (?:task|reminder|to-?do))"
)
_COMPLETE = (
    r"(?:complete\b|finish\b|mark\b|check off|tick\b|cross (?:off|out)|check\b.+\boff\b|"
    r"cross\b.+\b(?:off|out)\b|close\b|(?:make|consider|count|treat|declare)\b.+\b(?:done|completed?|finished)$|set\b.+\b(?:to|as) (?:done|completed?|finished)|"
    r"(?:i|we)(?:'ve|'m|'re| have| am| are| just| already| finally| now)* (?:all )?(?:done|finished|completed)\b|"
    r"(?:i'm|we're|i am|all) (?:all |just |finally |now )*done\b|done\b|finished\b|completed\b|get\b.+\bdone$|got\b.+\bdone$|"
    r"flag\b.+\bas (?:done|completed?|finished)|(?:i'm|i am) (?:all )?(?:through|finished|over) with\b|"
    r"i(?:'ve| have)? (?:just |already |finally )*(?:got|gotten)\b.+\bdone\b|"
    r"i (?:finish|complete)\b(?!.*\b(?:tomorrow|tonight|later|soon|next|if|when)\b))"
)
DELETE = (
    r"(?:(?:delete|remove|cancel|get rid of|erase|drop(?! table)|scratch|discard|clear|trash|wipe|"
    r"throw (?:away|out)|take\b.+\boff|purge|eliminate|nuke|dump|bin|toss|empty|destroy|ditch|"
    r"scrap|dismiss|kill)\b|strike\b.+\b(?:from|off)\b)"
)
_UPDATE = (
    r"(?:change|update|rename|edit|modify|correct|revise|reword|rephrase|alter|replace|retitle|"
    r"turn\b.+\binto|put\b.+\binstead of|swap\b.+\b(?:for|with)|call (?:task|#\d+|it)|make (?:it|task \d+|#\d+)|"
    r"(?:set|make) (?:the |its )?(?:title|name|description|details)|set\b.+'s (?:title|name|description)|describe\b|"
    r"fix\b(?=.*(?:\b(?:to|title|name|typo|spelling|tasks?|to-?do|it|as|description|should)\b|:|#\d|->))|give (?!me\b|us\b).+\b(?:title|name|description|details|notes?)\b|add\b.+\b(?:as|to) (?:the |a |its )?(?:description|notes?|details?)\b|(?:task \d+|it|#\d+) should (?:say|read|be(?! (?:done|finished|completed?|closed|deleted|removed|erased|cancel\w*|marked|ticked|crossed|checked|dropped|taken|thrown|changed|renamed|updated|moved|assigned|postponed|repeated|easy|hard|quick|simple|fun|urgent|important|high|low|due|first|last|next|top|at|on|by|before|in|ready|fine|ok|okay|possible|enough)\b))|[^,;]{1,60} should (?:now |rather )?be (?:called|named|renamed)|"
    r"add (?:a |the |this |some )?(?:description|notes?|details?|comment)\b)"
)
_REOPEN = (
    r"(?:re-?open|un-?(?:complete|check|tick|mark|finish)|"
    r"(?:(?:mark|set|change|make|revert|return|restore|switch)\b|(?:put|move|bring|turn)\b.+\bback\b).+?\b(?:as |to )?(?:not (?:yet )?(?:done|completed?|finished)|undone|"
    r"in-?complete|uncompleted|unfinished|pending|not complete|active|open|to-?do)(?: list)?(?: again)?$)"
)
_LIST = (
    r"(?:show|list|display|view|see\b|print|give me|tell me|what|which|how many|do i have|have i got|are there|"
    r"is there|any(?:thing)?\b|(?:all|everything)(?: that| which)? (?:i|we) (?:still )?(?:have|need|must|should|haven't|did|do)\b|my (?:tasks|list|to-?dos?)|find|search|look up|look for|read (?:me|out|my|all|back)|let me see|"
    r"get (?:me )?(?:all|my|the)\b(?=.*\b(?:tasks|list|to-?dos?)\b)|check (?:my|the) (?:list|tasks)|"
    r"(?:all|pending|completed|open|finished|done) tasks)"
)

STRONG = re.compile(
    rf"^(?:(?P<reopen>{_REOPEN})|(?P<update>{_UPDATE})|(?P<add>{_ADD})|(?P<delete>{DELETE})|"
    rf"(?P<complete>{_COMPLETE})|(?P<list>{_LIST}))(?!\w)",
    re.IGNORECASE,
)
# "... is done": the words before it name the finished todo.
SUFFIX = re.compile(
    r"^(?P<what>.+?)\s*(?:(?:is|are|was|were|'s|has been|have been|got)\s+)?(?:now |already |all |finally |just |both )*"
    r"(?:done|finished|completed?|ready|(?:(?<=is )|(?<=are )|(?<='s ))finish)(?: now| already| too| as well| today)?$",
    re.IGNORECASE,
)
# Before "is done", words that look like a command are a title.
STATED = re.compile(
    r"^(?P<what>.+(?<! that)(?<! which)(?<! what)(?<! who)(?<! \d)(?<! everything)(?<! whatever)(?<! all)(?<! tasks)(?<! ones))\s+(?:is|are|was|were|has been|have been)\s+"
    r"(?:now |already |all |finally )*(?:done|finished|completed?)(?: now| already| too| as well| today)?$",
    re.IGNORECASE,
)
CHAT = re.compile(
    r"^(?:(?:(?:many |kind |warm )?thanks|thank you|thx|ty|cheers|kind regards|please|ok|okay|great|cool|yes|no|hi|hello|hey|bye|perfect|nice|"
    r"good (?:morning|evening|afternoon|night|job)|awesome|wonderful|well done|how are you|(?:i(?:'m| am) )?(?:so |very )?sorry|lovely|brilliant|excellent|splendid|fine|alright|i see|got it|you're? (?:the best|great|welcome))\b[\s!,.?]*"
    r"(?:so much|a lot|very much|again|there|everyone|you|job|work|assistant|bot|for (?:that|everything|your help)|man|buddy|today)*[\s!,.?]*)+$",
    re.IGNORECASE,
)

CALM = re.compile(
    r"^(?:never ?mind|forget (?:it|that|about it)|cancel(?: that| it)?|stop|no|nope|nah|nothing|no thanks|no thank you|"
    r"(?:leave|keep) (?:it|them|all|both|everything)|abort|not now|maybe|hm+|idk|i don'?t know|dunno|not sure|no idea|whatever|huh|what|eh+|let me think|don't|skip(?: it)?|nvm|quit|exit|it's nothing|yes|yeah|yep|y|n|ok|sure)$",
    re.IGNORECASE,
)


@once
def _led(s: str) -> str:
    for _ in range(3):
        s = fix_first_word(LEAD.sub("", s, count=1).strip()) or s
    return s


@once
def strip_lead(text: str) -> str:
    """Remove polite and other opening words, and rewrite the rest in known words."""
    if found := re.match(r"\s*\+\s*(?=[^\W\d])", text):
        return f"add: {text[found.end() :]}"
    return reworded(led(text), lambda s: (STRONG.match(s) or WANT.match(s)) is not None)


@once
def led(text: str) -> str:
    """Remove greetings and "could you please", and correct the first word."""
    s = _led(text.strip())
    plain = _led(_SYMBOLS.sub("", s))
    if plain != s and STRONG.match(plain):
        s = plain
    if found := _GERUND.match(s):
        base = found[1].lower()
        s = _BASES.get(base, base) + s[found.end() :]
    return s


@once
def command_of(text: str, *, plain: bool = False) -> str | None:
    """Return the kind of command that a part starts with, or None."""
    s = led(text) if plain else strip_lead(text)
    if found := WANT.match(s):
        s = s[found.end() :]
    found = STRONG.match(s)
    return found.lastgroup if found else None
