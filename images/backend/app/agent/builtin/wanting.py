"""Reads the words after "I want to": a command, or something to do."""

from dataclasses import replace

from app.agent.builtin import changing
from app.agent.builtin import patterns as re
from app.agent.builtin.commands import CALM, STRONG, WANT, command_of, strip_lead
from app.agent.builtin.intents import Intent
from app.agent.builtin.refs import DONE, NOUN, OPEN, trim
from app.agent.builtin.text import Quotes


def wanted_of(s: str, quotes: Quotes, source: str) -> str | Intent:
    """Return the words after "I want to" as a command or an intent; other text is returned as is."""
    found = WANT.match(s)
    if found is None:
        return s
    s = s[found.end() :]
    s = known if command_of(known := strip_lead(s)) == "list" else s
    if CALM.match(trim(s)):
        return Intent("calm")
    return _soft_change(s, quotes, source) or _wanted(s)


def _soft_change(s: str, quotes: Quotes, source: str) -> Intent | None:
    """Read "I want to change the report": a change when a todo matches, else a new todo."""
    if not re.match(r"(?i)(?:change|fix|correct|adjust) ", s) or re.search(
        rf"(?i)\b{NOUN}\b|#?\d|\bit\b", s
    ):
        return None
    if STRONG.match(s) is None:
        return None
    return replace(changing.read_change(s, quotes, source), soft=True, title=quotes.release(s))


def _wanted(s: str) -> str:
    """Read "I want to X": a command when X speaks of the list, something to do otherwise."""
    s = re.sub(
        rf"(?i)^(?:have|get|put|make|set)\s+(?=(?:an?|another)\s+(?:new\s+)?{NOUN}\b)", "", s
    )
    found = STRONG.match(s)
    if found is None:
        return "add " + s
    if found.lastgroup == "add":
        return s
    strong = re.match(
        r"(?i)^(?:delete|remove|add|create|rename|mark|show|list|update|edit|complete)\b", s
    )
    about = re.search(
        rf"(?i)\b(?:{NOUN}|list|it|pending|everything|#\d+|(?:{DONE}|{OPEN}) stuff)\b|what", s
    )
    return s if strong or about else "add " + s
