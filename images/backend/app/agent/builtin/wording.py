"""Rewrites other wordings of an intent into commands that the readers know."""

from collections.abc import Callable

from app.agent.builtin import patterns as re
from app.agent.builtin.refs import DONE, NOUN, OPEN

_LIST = r"(?:my|the|our|this|that) (?:[\w-]+ )?(?:list|tasks|to-?dos?)"
# A certain reference to a todo: it says "task" or has a number.
_AFTER_NUMBER = (
    r"should|must|can|could|has|needs?|is|are|to|into|as|be|say|read|become|delete|remove|erase|change|rename|"
    r"update|edit|done|closed|resolved|settled|off|out|gone|removed|deleted|change|replace|add|set|swap|description|notes?"
)
_POINTED = (
    rf"(?=[^,;:]*\b(?:{NOUN})\b|(?:the )?(?:number |no\.? ?|id ?)?#?\d+(?:st|nd|rd|th)?(?:(?:, ?| and | & )#?\d+)*"
    rf"\s*(?:$|[:,.!?–-]|(?:{_AFTER_NUMBER})\b))"
)
_REF = r"(?P<ref>[^,;:]{1,80}?)"
TASK = rf"{_POINTED}(?!(?:i|we|you|what|which|how|who|when|where|why|is|are|can|could|should|do|does|did|if|not|don't|never)\b){_REF}"
_HELD = "\ue000"
MORE = r"(?:description|details?|notes?|comments?)"
NAME = r"(?:title|name|text|wording)"
_A_TASK = r"(?:an?|another|one more)\s+(?:new |quick |small )*(?:task|to-?do|reminder|entry|item)(?: item| entry)?"
_ONES = r"(?:tasks?|to-?dos?|items?|ones?|things?|stuff|jobs|chores|entries)"
_COUNT = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_MUST = r"(?:should|must|can|could|may|needs? to|has to|have to|ought to|is to|are to)"
_REMOVED = (
    r"(?:deleted|removed|erased|cancel+ed|scrapped|dropped|discarded|taken off|thrown (?:out|away))"
)
_PROMISED = r"(?:promised|agreed|was told|was asked|was reminded|been meaning|been asked|been told)"
_WHEN = (
    r"(?:today|tomorrow|tonight|later(?: today)?|soon|(?:this|next) \w+|on \w+day(?: \w+)?|"
    r"(?:before|by|until) (?:\w+day|tomorrow|tonight|noon|\d[\w:.]*(?: ?[ap]m)?|the end of \w+(?: \w+)?))"
)
_SETTLED = (
    r"(?:(?:took|taken) care of|dealt with|sorted(?: out)?|handled|wrapped up|knocked (?:out|off)|"
    r"ticked off|crossed (?:off|out)|checked off|accomplished|achieved|resolved)"
)
_SETTLED_BE = (
    r"(?:taken care of|dealt with|sorted(?: out)?|handled|wrapped up|out of the way|ticked off|"
    r"crossed (?:off|out)|checked off|accomplished|resolved|over and done(?: with)?|in the bag)"
)
_SAY = r"(?:say|read|be called|be named|be titled|be renamed(?: to| as)?|be changed(?: to| into)?|be updated to|become)"

# Rules for every text, also for commands that the readers know.
_ALWAYS: tuple[tuple[str, str], ...] = (
    # Adding, with verbs for writing down.
    (
        r"(?:jot|note|write|put|get|type) (?:this|that|it|the following|something)(?: down)?(?: for me)?(?: please)?\s*[:–-]\s*(?P<x>.+)",
        r"add: \g<x>",
    ),
    (
        r"(?:remember|save|record|log|store|keep|note|track|don't forget) (?:this|that|the following|something|one thing)(?: in mind)?(?: for me)?(?: please)?\s*[:–-]\s*(?P<x>.+)",
        r"add: \g<x>",
    ),
    (
        r"(?:take|make|leave|write)(?: me)? (?:an?|another|this|one more) (?:quick |short )?(?:note|memo)(?: of (?:this|that))?(?: for me)?(?: please)?\s*[:–-]\s*(?P<x>.+)",
        r"add: \g<x>",
    ),
    (
        rf"(?P<x>(?!(?:what|which|everything|all|that|it|this|don't|does|nothing)\b).+?) (?:{_MUST} (?:be|go)|goes|belongs) (?:on|onto|in) {_LIST}",
        r"add: \g<x>",
    ),
    (
        rf"(?:(?:write|chuck|slot|jot|pop) (?P<x>(?!(?:what|everything|all|down|on)\b).+?) (?:onto|on to|on|into|in) {_LIST})",
        r"add \g<x>",
    ),
    (rf"(?:drop|toss) (?P<x>(?!(?:what|everything|all)\b).+?) (?:onto|on to|into) {_LIST}", r"add \g<x>"),
    (
        rf"(?:put|write|add|note|jot|get|stick) (?:this|it|the following)? ?(?:down )?(?:on|onto|in|to) {_LIST}(?: please)?\s*:\s*(?P<x>.+)",
        r"add: \g<x>",
    ),
    (rf"(?:put|pop|stick|slot) (?P<t>{_A_TASK}) (?:in|on there|down|on) (?:to|for) (?P<x>.+)", r"add a task to \g<x>"),
    (
        r"(?:what|all|the (?:only |next |first |one )?thing)(?: that)? (?:i|we) (?:still |really )?(?:need|have|want|must|should)(?: to)?(?: do)?(?: now| today| next)? is(?: to)? (?P<x>.+)",
        r"i need to \g<x>",
    ),
    (
        rf"(?:(?:new|next|another|my|a) )*(?:{NOUN}|reminder) for (?P<when>today|tomorrow|tonight|\w+day|(?:this|next) \w+)\s*[:–-]\s*(?P<x>.+)",
        r"add: \g<x>",
    ),
    (
        r"(?P<must>(?:i|we) (?:should|must|need to|have to|ought to|got to|gotta)) (?:really|definitely|probably|absolutely|seriously|finally|actually) (?P<x>.+)",
        r"\g<must> \g<x>",
    ),
    (r"not (?:to )?forget (?:to |about )?(?P<x>.+)", r"remember to \g<x>"),
    (
        rf"(?:(?:there are|here are|i have) )?(?:{_COUNT}|some|a few|a couple of|several|these) (?:more |other )?(?:things|tasks|to-?dos) (?:that )?(?:i|we) (?:still |also )*(?:need|have|must|should|want)(?: to)?(?: (?:do|remember|get done|not forget|take care of))?\s*[:–-]\s*(?P<x>.+)",
        r"add these tasks: \g<x>",
    ),
    (r"(?:i |we )?did (?P<x>(?:the|my|our) [^?]+)", r"finished \g<x>"),
    (r"(?:i |we )?did (?P<x>(?:both|all)(?: (?:of )?(?:them|these|those))?|them|these|those|both)", r"finished \g<x>"),
    (r"(?:i|we) (?:keep forgetting|always forget|often forget|tend to forget) to (?P<x>.+)", r"i need to \g<x>"),
    (r"(?:remember|note|save) for (?:me|later)\s*[:–-]\s*(?P<x>.+)", r"add: \g<x>"),
    (rf"{_LIST} {_MUST} (?:now |also )?(?:include|contain|have|say|get) (?P<x>.+)", r"add \g<x>"),
    (
        r"(?:i|we)(?:'d| would)? (?:like|need|want|love) (?P<x>(?:an?|the|my) (?:\w+ )?(?:overview|summary|list|look|rundown|recap|view)\b(?: (?:of|at|over)\b.+)?)",
        r"show me \g<x>",
    ),
    (rf"remind me (?:of |about )?(?P<x>(?:what|which|how many)\b.+|{_LIST})", r"show me \g<x>"),
    (
        r"(?:i|we)(?:'d)? (?:need|want|like|would like|would love|have) to (?:know|see|check|hear|find out|view|review|look (?:at|over)|go (?:over|through)) "
        rf"(?P<x>(?:what|which|how many)\b.+|(?:all |all of )?{_LIST})",
        r"show me \g<x>",
    ),
    (
        r"(?:(?:i )?(?:already|just) (?:did|done|finished|completed)(?: it| that)?|(?:i )?(?:did|done|finished) (?:it|that|already)(?: already)?|i (?:did|have)(?: now)?)",
        "it is done",
    ),
    (rf"its (?P<x>(?:already |now |all )*(?:{DONE}))(?: now| already)?", r"it is \g<x>"),
    (r"(?:show me |list )?(?:everything|all of it|all of them|the whole list|all)(?: please)?,? (?:both )?(?:(?:done|completed|finished) (?:and|or) (?:not done|undone|pending|open|unfinished)|(?:pending|open) (?:and|or) (?:done|completed|finished))", "show me all tasks"),
    (rf"(?:call|name|title) (?P<ref>(?:(?:{NOUN}|number|no\.?) ?)?#?\d+) (?P<x>{_HELD}.+?)(?: instead| now)?", r"rename \g<ref> to \g<x>"),
    (
        r"there(?:'?s| is) (?:an? )?(?:typo|mistake|error) in (?P<ref>[^,;]{1,60}?)[,;:.]? (?:it|that|this) (?:should|must|needs to|has to) (?:be|say|read) (?P<x>.+)",
        r"change the title of \g<ref> to \g<x>",
    ),
    (
        rf"(?:i|we)(?:'d| would)? (?:should|need to|must|ought to|have to|like to|want to) (?:have|get|make) (?P<x>{_A_TASK} (?:to(?! do$)|for|about|called|named)\b.+)",
        r"add \g<x>",
    ),
    (rf"(?:have|take|get) a (?:quick |good )?look (?:at|over) (?P<x>(?:[\w'-]+ )*(?:{_ONES}|list))", r"show me \g<x>"),
    (r"(?:(?:just|only) )?(?:mine|my own(?: ones)?)", "show me my tasks"),
    (r"(?:i |we )?did (?P<x>it|(?:that|this)(?: one)?)(?: too| as well| already| now)*", r"finished \g<x>"),
    (
        rf"(?:change|update|edit|fix|correct) {TASK}\s*[:,–-]\s*(?:the |its )?(?:new )?{MORE}(?: to| is| should be| should say|:)? (?P<x>.+)",
        r"change the description of \g<ref> to \g<x>",
    ),
    (rf"(?P<x>{DONE})\?", r"show me \g<x> tasks"),
    (rf"(?:i|we) (?:should|would) like {TASK} to {_SAY} (?P<x>.+)", r"change \g<ref> to \g<x>"),
    (r"(?:(?:just|only) )(?:the )?(?:ones|tasks|things|stuff) (?:that )?(?P<x>(?:i|we)\b.+)", r"show me the ones \g<x>"),
    # "Only completed", "the open ones".
    (
        rf"(?:what about |how about )?(?P<x>(?:(?:only|just|the|my|all|any|all of)\s+)*(?!complete )(?:{DONE}|{OPEN})\s+(?!task\b){_ONES}(?: only| please)?|(?:only|just)(?: the)? (?:{DONE}|{OPEN})|{OPEN})[?.!]*",
        r"show me \g<x> tasks",
    ),
    # "Instead of Rome it should be Milan".
    (
        r"instead of (?P<a>.+?),? (?:it|this|that|the \w+) (?:should|must|needs to|has to|ought to) (?:be|say|read)(?: called)? (?P<b>.+)",
        r"put \g<b> instead of \g<a>",
    ),
    (
        r"instead of (?P<a>.+?),? (?:make it|put|write|use|call it|say|have|i want|i meant)(?: say| to)? (?P<b>.+)",
        r"put \g<b> instead of \g<a>",
    ),
    (
        r"(?:(?:make|change) it(?: to)?|put|write|use|it should (?:be|say|read)|change to) (?P<b>.+?),? (?:instead of|rather than) (?P<a>.+)",
        r"put \g<b> instead of \g<a>",
    ),
    (
        rf"{TASK} should (?:be|say|read) (?P<b>.+?),? (?:instead of|rather than) (?P<a>.+)",
        r"replace \g<a> with \g<b> in \g<ref>",
    ),
    # "In task 3, change dentist to doctor".
    (
        rf"(?:in|for|on|at|of) {TASK},? (?:please )?(?:change|update|set|edit)(?: the| its)? {NAME}(?: to| into| as|:) (?P<x>.+)",
        r"change the title of \g<ref> to \g<x>",
    ),
    (
        rf"(?:in|for|on|at|of|to) {TASK},? (?:please )?(?:add|change|update|set|edit|put|write)(?: the| a| an| its| this)? {MORE}(?: to| into| as| saying|:)? (?P<x>.+)",
        r"change the description of \g<ref> to \g<x>",
    ),
    (
        rf"(?:in|for) {TASK},? (?:please )?(?:change|replace|swap|switch|turn) (?P<a>.+?) (?:to|into|with|by|for) (?P<b>.+)",
        r"replace \g<a> with \g<b> in \g<ref>",
    ),
    (r"get (?P<x>.+?) (?:off|out of|removed from|deleted from) " + _LIST, r"delete \g<x>"),
    (rf"(?:get|return|fetch)(?: me)? (?P<x>(?:(?:all|the|my) )*(?:{DONE}|{OPEN}))", r"show me \g<x>"),
    (rf"(?:my |the )*(?:tasks|to-?dos|items) (?P<x>{DONE}|{OPEN})(?: so far| yet| already)?", r"show me \g<x> tasks"),
    (
        r"(?:add|set|give it|write|put)(?: it)?(?: an?| the| this| its)? (?:description|details)\s*(?::|saying|that says)\s*(?P<x>.+)",
        r"set its description to \g<x>",
    ),
    (r"(?:change|rename|set|turn|switch|put) (?:it|that|this) back (?:to|into) (?P<x>(?!(?:what|how|the way) it\b|before\b|normal\b|the (?:old|original|previous)\b).+)", r"rename it to \g<x>"),
    (rf"(?:change|set|update|make|edit) (?:the|this|that) {MORE} (?:to|as|into) (?P<x>.+)", r"set its description to \g<x>"),
    (rf"(?:put|pop|stick|get|add) (?P<x>{_HELD}\d+\ue001|(?!it\b|that\b|this\b|them\b).+?) (?:on|in) there(?: too| as well| please)*", r"add \g<x>"),
    (r"give (?P<ref>.+?) (?:an?|another) (?:new |different |better |other )*(?:title|name)", r"rename \g<ref>"),
    (r"(?:update me on|brief me on) (?P<x>.+)", r"show me \g<x>"),
    (
        rf"(?:change|update|edit|fix|correct) {TASK}\s*[:,–-]\s*(?:the |its )?(?:new )?{NAME}(?: to| is| should be|:)? (?P<x>.+)",
        r"change the title of \g<ref> to \g<x>",
    ),
    (
        rf"(?:change|update|edit|fix|correct) {TASK}\s*[:–-]\s*(?:it|this|that) should (?:now )?(?:be|say|read) (?P<x>.+)",
        r"change the title of \g<ref> to \g<x>",
    ),
    (
        rf"(?:change|update|edit|fix|correct|set) (?:the )?{NAME} (?:of|for) (?P<ref>[^:]+?)\s*:\s*(?P<x>.+)",
        r"change the title of \g<ref> to \g<x>",
    ),
    (r"(?:rename|retitle|change|update|edit) (?:to|into) (?P<x>.+)", r"rename it to \g<x>"),
    (rf"make (?:that|this) (?P<x>(?!{DONE}|{OPEN}|a\b|an\b|{NOUN}).+)", r"rename it to \g<x>"),
    (rf"make {TASK} (?P<x>{_HELD}.+)", r"change \g<ref> to \g<x>"),
    (rf"(?P<x>.+ (?:is|are) (?:{DONE})),? but (?:not|n't)\b.*", r"\g<x>"),
    (r"strike (?:out|through) (?P<x>.+)", r"cross out \g<x>"),
    (rf"(?:resolve|accomplish|settle) {TASK}", r"complete \g<ref>"),
    (rf"(?:call|turn|flip|switch|set|move|put) {TASK} (?:to|as|into) (?:{DONE})", r"mark \g<ref> as done"),
    (rf"(?:give|get|write|make|create|set|draw up)(?: me| us)? (?P<x>{_A_TASK} (?:to(?! do$)|for|about|called|named)\b.+)", r"add \g<x>"),
    (r"(?:tell|ping|nudge|alert|notify|prompt) me (?P<x>(?:to|that i (?:need|have) to)\b.+)", r"remind me \g<x>"),
    (
        rf"(?:which|what)? ?(?:of )?(?P<x>(?:the |all (?:the )?|any )?{_ONES} (?:that |which )?(?:i|we)(?:'ve| have|'d| did)?(?: not|n't)? (?:yet |already |just )*(?:done|do|finish|finished|completed|accomplished|ticked off)(?: so far| already| today| yet)?)",
        r"show me \g<x>",
    ),
    (r"(?:mark|tick) off (?P<x>.+)", r"check off \g<x>"),
    (r"call off (?P<x>.+)", r"cancel \g<x>"),
    (rf"clean (?:up|out) (?P<x>(?:(?:all|the|my|of) )*(?:{DONE}|{OPEN})\b.+)", r"clear \g<x>"),
    (rf"set {TASK} to (?P<x>(?!{DONE}|{OPEN}).+)", r"change \g<ref> to \g<x>"),
    (rf"make {TASK} (?:say|read) (?P<x>.+)", r"change \g<ref> to \g<x>"),
)  # fmt: skip

# Rules for text that does not start with a command.
_ELSE: tuple[tuple[str, str], ...] = (
    # Adding.
    (
        rf"(?:(?:there(?:'s| is)|here(?:'s| is)|i(?:'ve| have)(?: got)?|we have) )?(?:something|(?:an?|one|another|the)(?: (?:more|new|last|other|next))* {_ONES}) "
        r"(?:that )?(?:i|we)(?:'ve)? (?:still |also |really )*(?:need|have|got|must|should|want|ought)(?: to)?(?: (?:do|get done|remember|take care of|add|note))?\s*(?::|–|-|is(?: to)?)\s*(?P<x>.+)",
        r"i need to \g<x>",
    ),
    (
        rf"(?:(?:there(?:'s| is)|here(?:'s| is)|i(?:'ve| have)(?: got)?|we have) )?(?:something|(?:an?|one|another)(?: (?:more|new|last|other|next))* {_ONES}|(?:more|new|next|last|other) {_ONES})"
        rf"(?: (?:for|on|to) (?:{_LIST}|me|you|do|add|remember|note|today|tomorrow))*\s*[:–-]\s*(?P<x>.+)",
        r"add: \g<x>",
    ),
    (
        r"(?:for )?(?P<when>today|tomorrow|tonight|(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:this|next) \w+)(?:'s (?:task|to-?do|job|plan))?\s*[:–]\s*(?P<x>.+)",
        r"add: \g<x>",
    ),
    (r"(?:notes?|memo|reminder)(?: to (?:self|myself|me))?(?: for (?:me|later))?\s*[:–-]\s*(?P<x>.+)", r"add: \g<x>"),
    (r"(?:an? )?(?:new )?(?:reminder|task|to-?do) to (?P<x>.+)", r"add a task to \g<x>"),
    (r"(?:this is )?(?:my|the) (?:next|new|other) (?:task|to-?do|thing)\s*(?::|is(?: to)?)\s*(?P<x>.+)", r"add: \g<x>"),
    (r"(?:one of )?my (?:\w+ )?(?:tasks?|job|to-?do)(?: for \w+)? (?:is|are|will be) to (?P<x>.+)", r"i need to \g<x>"),
    (r"(?P<x>.+?)\s*(?:\(|-|–)\s*(?:add|new task|new to-?do|new)\)?", r"add: \g<x>"),
    (r"(?P<x>.+?) is (?:a|another|my|the) new (?:task|to-?do)", r"add: \g<x>"),
    (r"(?:must|got to|(?:(?:i|we)(?:'d| had) |had )?better)(?: also)? (?P<x>(?!(?:not|i|we|you|be)\b)\w.*[^?\s])", r"i need to \g<x>"),
    (rf"(?:for|on|onto|to|in) {_LIST}(?: please)?\s*[:–-]\s*(?P<x>.+)", r"add: \g<x>"),
    (rf"(?:to-?do|task) (?P<x>(?!(?:number|id|no|called|about|with|{_COUNT})\b)(?!.*\b(?:is|are|was|has|{DONE}|finish|{_REMOVED}|delete|remove|erase)\b)[a-z{_HELD}].+)", r"add: \g<x>"),
    (r"to do\s*[:–-]\s*(?P<x>.+)", r"add: \g<x>"),
    (
        rf"(?:the following|this|these)(?: things| tasks)? {_MUST} (?:be (?:added|noted|put|included|remembered)|go)(?: (?:to|on|onto|in) {_LIST})?\s*[:–-]\s*(?P<x>.+)",
        r"add: \g<x>",
    ),
    (
        rf"(?:(?:can|could|would) )?(?P<x>(?!you\b|i\b|we\b).+?) (?:{_MUST} )?(?:please )?be (?:added|noted|included|put|entered)(?: down)?(?: (?:to|on|onto|in) {_LIST}| as an? (?:new )?task)?",
        r"add \g<x>",
    ),
    (rf"(?P<x>.+?) (?:{_MUST} go|goes|belongs?|to go) (?:on|onto|to|in) {_LIST}", r"add \g<x>"),
    (
        rf"(?:have|get|i want|i(?:'d| would) like|i need|is it possible to (?:get|have)) (?P<x>(?!to\b|all\b|everything\b|(?:an?|the) (?:overview|summary|list|look)\b).+?) (?:added|(?:(?:added|put) )?(?:on|onto|to|in) {_LIST})",
        r"add \g<x>",
    ),
    (rf"(?P<x>.+?)\s+[–—-]\s+(?:please )?(?:add|note|save)(?: (?:this|that|it))?(?: down)?(?: (?:to|on|onto|in) {_LIST})?", r"add \g<x>"),
    (rf"(?:(?:can|could|may) (?:i|we) (?:have|get)|(?:i|we)(?: would|'d)? (?:need|want|like)|have|register|start|open|log|record|file|enter|save|track|make|set|generate|prepare|produce)? ?(?P<x>{_A_TASK} (?:to(?! do$)|for|about|called|named|titled)\b.+)", r"add \g<x>"),
    (rf"(?:register|start|open|log|record|file|enter|save|make|write|create)? ?{_A_TASK}\s*[:–-]\s*(?P<x>.+)", r"add: \g<x>"),
    (rf"(?:append|attach|enter|track|log|save|record|register|file|keep|list|include) (?P<x>.+?) (?:as (?:an?|my next) (?:new )?{NOUN}|(?:on|in|to|into|onto|under) {_LIST})", r"add \g<x>"),
    (rf"(?:note|jot|write|put) (?P<x>.+?) (?:down )?as (?:an?|my|another) (?:new )?{NOUN}", r"add \g<x>"),
    (r"(?:note|jot|write) (?P<x>.+?) down", r"add \g<x>"),
    (r"pencil in (?P<x>.+)", r"add \g<x>"),
    (r"(?:keep|make|take) (?:a )?(?:note|track) of (?P<x>.+)", r"add \g<x>"),
    (r"(?:ensure|see to it)(?: that)? (?:i|we) (?P<x>.+)", r"i need to \g<x>"),
    (r"make me remember (?P<x>.+)", r"remember \g<x>"),
    (rf"(?:my |the )?next (?:{NOUN}|up|job) (?:is|will be|would be)(?: to)? (?P<x>.+)", r"add: \g<x>"),
    (r"(?:i am|i'm|we're|we are) (?:supposed|meant|obliged|required|expected) to (?P<x>.+)", r"i have to \g<x>"),
    (r"(?:i|we)(?:'ll| will) (?:also |still )?(?:need|have) to (?P<x>.+)", r"i need to \g<x>"),
    (rf"(?:i|we)(?:'ve| have)? {_PROMISED} to (?P<x>.+)", r"i have to \g<x>"),
    (
        rf"(?P<when>{_WHEN}),? (?P<x>(?:i|we)(?:'ve| have|'ll)? (?:need|have|got|must|should|ought|gotta)(?: to)?\b.+)",
        r"\g<x> \g<when>",
    ),
    (r"(?:it is|it's) (?:important|essential|vital|crucial|necessary)(?: that i| for me to| to) (?P<x>.+)", r"i need to \g<x>"),
    (rf"(?P<x>(?!(?:is|are|what|go|back|add|return)\b)\S+(?: \S+){{0,4}}?) (?:to|on|onto) {_LIST}", r"add \g<x>"),
    # Showing.
    (
        r"(?:(?:pull|bring|call|print|read) (?:up|out)|open|fetch|load|return|count|grab|output|print|review|inspect|look (?:at|over|through)|(?:go|run) (?:over|through)|"
        r"(?:run|walk|take|talk) me through|summari[sz]e|recap|enumerate|update me on|brief me on|tell me about|hit me with|throw me|"
        r"(?:have|take) a look at|update me on)"
        rf" (?P<x>(?:(?:all|the|my|our|of|current|whole|entire|full|{DONE}|{OPEN}) )*(?:tasks|list|to-?dos?|to-?do list|task list))",
        r"show me \g<x>",
    ),
    (r"(?:the )?number of (?:my )?(?P<x>.*(?:tasks|to-?dos|items))", r"how many \g<x>"),
    (r"(?:is there|got|have i got|do i have) (?:something|anything|any ?(?:tasks|thing|to-?dos))(?: (?:that )?i (?:should|must|need to|have to|can) (?:do|finish|complete)| to do| left)?", "show me my pending tasks"),
    (r"(?:my |the |today's )*(?:agenda|plan|schedule|day|to do list|list)", "show me my tasks"),
    (r"(?:(?:a|the) )?(?:recap|overview|summary|rundown|status(?: update)?)(?: of (?:my|the) (?:list|tasks|day|to-?dos?))?", "show me my tasks"),
    # Completing.
    (r"mission accomplished\s*[:,–-]\s*(?P<x>.+)", r"finished \g<x>"),
    (rf"{TASK} (?:closed|resolved|settled)", r"\g<ref> is done"),
    (
        rf"(?:(?:i|we)(?:'ve| have)? )?(?:just |already |finally |now )*{_SETTLED}(?: with| off)? (?P<x>.+)",
        r"finished \g<x>",
    ),
    (
        rf"(?!.*\bbe (?:ticked|crossed|checked)\b)(?P<x>.+?)\s*(?:\b(?:is|are|was|were|'s|has been|have been|got|all)\s+)?(?:now |already |all |finally |just )*{_SETTLED_BE}(?: now| already)?",
        r"\g<x> is done",
    ),
    (
        rf"(?P<x>.+?) {_MUST} (?:now )?be (?:(?:marked|set|flagged|considered|counted)(?: as| to)? (?:{DONE})|(?:ticked|checked|crossed) (?:off|out))(?: (?:from |off |of )?{_LIST})?",
        r"mark \g<x> as done",
    ),
    (r"(?:put|place|make) (?:an? )?(?:check|tick|x|cross|checkmark|check mark|line)(?: mark)? (?:next to|on|by|against|through|beside|at|in front of|before) (?P<x>.+)", r"mark \g<x> as done"),
    (r"(?P<x>.+?)\s*[✓✔✅☑]\ufe0f?", r"mark \g<x> as done"),
    (r"(?:[✓✔✅☑]\ufe0f?|\[x\])\s*(?P<x>.+)", r"mark \g<x> as done"),
    # Deleting.
    (rf"{TASK} (?:{_MUST} )?(?:please )?be {_REMOVED}(?: from {_LIST})?\??", r"delete \g<ref>"),
    (rf"(?:see (?:to it )?that|i(?:'d| would)? (?:want|like|need))? ?{TASK} (?:is |be |to be )?(?:gone|{_REMOVED}|off {_LIST})(?: from {_LIST})?", r"delete \g<ref>"),
    (rf"(?:i(?:'d| would)? (?:want|like|need)) (?P<x>[^,;:]{{1,80}}?) (?:to be )?(?:gone|{_REMOVED}|off {_LIST})(?: from {_LIST})?", r"delete \g<x>"),
    (rf"(?:lose|axe|chuck|kick|nix|zap|yank|do away with|take (?:out|away)|leave out)(?: out| off)? {TASK}(?: from {_LIST})?", r"delete \g<ref>"),
    (rf"{TASK}\s*[:,–-]?\s+(?:please )?(?:delete|remove|erase)(?: it| this| that)?", r"delete \g<ref>"),
    (r"(?P<x>[^,;:–-]{2,60}?)(?:\s*[:]|\s+[–-])\s+(?:please )?(?:delete|remove|erase)(?: it| this| that)?", r"delete \g<x>"),
    (r"(?:about|regarding|as for) (?P<x>[^,;:]{2,60}?)[:,]\s+(?:please )?(?P<verb>delete|remove|complete|finish|rename) it", r"\g<verb> \g<x>"),
    # Changing.
    (r"(?:amend|adjust|rewrite|retype|tweak) (?P<x>.+)", r"change \g<x>"),
    (rf"(?:switch|convert|make) {TASK} (?:to|into|say|read|be|become)(?: say| read| be)? (?P<x>(?!{DONE}|{OPEN}).+)", r"change \g<ref> to \g<x>"),
    (rf"(?:i want|i(?:'d| would| should) like|i need) {TASK} to {_SAY} (?P<x>.+)", r"change \g<ref> to \g<x>"),
    (rf"(?:i want|i(?:'d| would) like|i need) {TASK} to be (?P<x>(?!{DONE}\b|{OPEN}\b)(?:{_HELD}|\S+ ).+)", r"change \g<ref> to \g<x>"),
    (rf"(?:can |could )?{TASK} (?:(?:{_MUST} )?(?:now )?{_SAY}) (?P<x>(?!{DONE}$).+)", r"change \g<ref> to \g<x>"),
    (rf"(?:can |could )?(?P<ref>[^,;:]{{1,60}}?) (?:{_MUST} )?be (?:renamed|changed|updated|reworded|rephrased|retitled|edited|corrected|replaced)(?: to| into| as| by| with)? (?P<x>.+)", r"change \g<ref> to \g<x>"),
    (rf"{TASK} (?:{_MUST} (?:now |actually )?be|is (?:now|actually|really)) (?P<x>(?!{DONE}|{OPEN}|{_REMOVED})(?-i:[A-Z{_HELD}]).+)", r"change \g<ref> to \g<x>"),
    (rf"{TASK}\s*[:,–-]?\s+(?:please )?(?:change|rename|update|edit)(?: it)? (?:to|into|as) (?P<x>.+)", r"change \g<ref> to \g<x>"),
    (rf"use (?P<x>.+?) (?:for|in) {TASK}", r"change \g<ref> to \g<x>"),
    (rf"(?:use|take|put|write) (?P<x>.+?) as (?:the |a )?(?:new )?{NAME} (?:of|for) (?P<ref>.+)", r"change the title of \g<ref> to \g<x>"),
    (rf"(?:the )?(?:new )?{NAME} (?:of|for) (?P<ref>[^:]+?)\s*(?:->|=>|=|:|(?:{_MUST} )?be(?: called)?|is(?: now)?|to)\s+(?P<x>.+)", r"change the title of \g<ref> to \g<x>"),
    (rf"(?:the )?(?:new )?{MORE} (?:of|for|on) (?P<ref>[^:]+?)\s*(?:->|=>|=|:|(?:{_MUST} )?(?:be|say)|is(?: now)?|to)\s+(?P<x>(?!(?:wrong|old|out of date|outdated|missing|incorrect|not)\b).+)", r"change the description of \g<ref> to \g<x>"),
    (rf"{TASK} (?:needs|gets|has|should have|should get)? ?(?:an?|the|this)? ?{MORE}\s*:\s*(?P<x>.+)", r"change the description of \g<ref> to \g<x>"),
    (rf"(?:attach|append|write|put|leave|insert) (?:an?|the|this) {MORE} (?:to|on|for|in) (?P<ref>[^:]+?)\s*(?::|saying|that says)\s*(?P<x>.+)", r"change the description of \g<ref> to \g<x>"),
    (rf"(?:attach|append|write|put|insert) (?P<x>.+?) (?:to|on|in|into|as) (?:the|a) {MORE} (?:of|for|on|to) (?P<ref>.+)", r"change the description of \g<ref> to \g<x>"),
)  # fmt: skip


_END = r"(?:[\s,]+(?:also|would you|will you|could you|can you|please|thanks|thank you|for me|now|too|as well))*[\s.!?]*"


def _compiled(rules: tuple[tuple[str, str], ...]) -> tuple[tuple[re.Pattern, str], ...]:
    return tuple((re.compile(rf"^{rule}{_END}$", re.IGNORECASE), to) for rule, to in rules)


# characters; longer text is not a short command in other words, and slow to compare
_LONGEST = 400
_FIRST = _compiled(_ALWAYS)
_THEN = _compiled(_ELSE)


def reworded(s: str, is_command: Callable[[str], bool]) -> str:
    """Return the text as a known command, or unchanged."""
    if len(s) > _LONGEST:
        return s
    for pattern, known in _FIRST:
        if found := pattern.match(s):
            return _timed(found, known)
    if is_command(s):
        return s
    for pattern, known in _THEN:
        if found := pattern.match(s):
            # "One more thing: delete task 3" contains a complete command.
            inner: str | None = found.groupdict().get("x")
            if known.startswith("add: ") and inner and is_command(inner):
                return inner
            return _timed(found, known)
    return s


def _timed(found: re.Match, known: str) -> str:
    """Return the command with the time at its end."""
    when = found.groupdict().get("when")
    text: str = found.expand(known.replace(r" \g<when>", ""))
    return f"{text} {when[0].lower()}{when[1:]}" if when else text
