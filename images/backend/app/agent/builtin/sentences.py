"""Rewrites sentences that would be split at the wrong comma."""

from app.agent.builtin import patterns as re
from app.agent.builtin.refs import DONE
from app.agent.builtin.wording import MORE, NAME, TASK

# "In task 3, change dentist to doctor": one intent with a comma.
_FRONTED = re.compile(rf"^(?:please )?(?:in|for|on|to) {TASK},\s+", re.IGNORECASE)
_WHOLE = re.compile(
    r"^(?:(?:please )?instead of [^,;]+|there'?s (?:an? )?(?:typo|mistake|error) in [^,;]+),",
    re.IGNORECASE,
)
# "The note on the report is wrong, change it to ..."
_WRONG = re.compile(
    rf"^the (?P<what>{MORE}|{NAME}) (?:on|of|for|in) (?P<ref>[^,;]+?) (?:is|are) (?:wrong|old|out of date|outdated|incorrect|not right)[,;.]? (?:and |so )?(?:please )?(?:change|set|make|update) it(?: to| say)? (?P<x>.+)$",
    re.IGNORECASE,
)
# "Delete the passport and replace it with the visa".
_REPLACED = re.compile(
    r"^(?:please )?(?:delete|remove|drop) (?P<a>[^,;]+?),? and (?:then )?(?:replace|swap) (?:it|that) (?:with|by|for) (?P<b>.+)$",
    re.IGNORECASE,
)
# "Task 3 is complete, and so is 4".
_SO_IS = re.compile(
    rf"^(?P<a>[^,;]+?) (?P<is>is|are) (?P<done>{DONE}),? and (?:so|also) (?:is|are) (?P<b>[^,;.]+?)[\s.!]*$",
    re.IGNORECASE,
)


def joined_up(text: str) -> str:
    """Return the sentence in a form that is split correctly."""
    if found := _WRONG.match(text):
        return f"change the {found['what']} of {found['ref']} to {found['x']}"
    if found := _REPLACED.match(text):
        return f"change {found['a']} to {found['b']}"
    if found := _SO_IS.match(text):
        return f"{found['a']} {found['is']} {found['done']}; {found['b']} is {found['done']}"
    if (found := _FRONTED.match(text)) or (found := _WHOLE.match(text)):
        rest = text[found.end() :]
        if not re.search(r"[,;\n]|(?<=[.!?])\s", rest):
            return re.sub(r",\s*$", " ", found[0]) + rest
    return text
