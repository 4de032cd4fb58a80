"""Reads statements: something is done, is not done, or is to do."""

from app.agent.builtin import patterns as re
from app.agent.builtin.ending import WHEN
from app.agent.builtin.intents import Intent
from app.agent.builtin.lists import read_list
from app.agent.builtin.refs import Ref, read_ref, trim
from app.agent.builtin.text import Quotes

NOT_DONE = re.compile(
    r"\b(?:haven'?t|hasn'?t|didn'?t|don'?t|wasn'?t|isn'?t|aren'?t|not|never|can'?t|couldn'?t|won'?t|"
    r"nearly|almost|half(?:way)?|partly|partially|soon|about to|going to|will|i'll|yet to|when i(?:'ve| have|'m)?|once i(?:'ve| have|'m)?|before i|until i|if i)\b",
    re.IGNORECASE,
)


def not_done(what: str, quotes: Quotes) -> Intent:
    """Read a statement that something is not done."""
    what = re.sub(
        r"(?i)^(?:i|we)\b|(?:'s|\b(?:is|are|was|were))$", "", NOT_DONE.sub(" ", what).strip()
    )
    return Intent("not_done", read_ref(what, quotes), source="not done")


def loose_words(s: str, quotes: Quotes, source: str) -> Intent:
    """Read words without a command: a report, something to do, or a title."""
    done = re.match(
        r"(?i)^(?:i|we)(?:'ve| have)?\s+(?:just |already |finally )*(?P<what>(?:(?!need|feed|speed)\w+ed|bought|paid|sent|wrote|went|had|held|got|made|took|ran|met|told|"
        r"fed|found|did|gave|brought|spoke|sold|built|swept|drove|read|picked|cut|put|did)\b.*)$",
        s,
    )
    if done and not NOT_DONE.search(s):
        what = re.sub(r"(?i)^did\s+", "", done["what"])
        pointed = read_ref(what, quotes)
        if what != done["what"] and pointed.query is None:
            return Intent("complete", pointed, source=source)
        report = quotes.release(trim(WHEN.sub("", trim(what))))
        return Intent("ask_complete", Ref(query=report), stated=True, source=source)
    past = re.match(
        r"(?i)^(?:just |already |finally )*(?:\w{3,}(?<!ne)(?<!fe)(?<!see)ed|bought|paid|sent|wrote|got|took|ran|met|told|fed|did|swept|drove)\b\s+(?P<what>.+)$",
        s,
    )
    if re.match(r"(?i)^(?:i|we)\b", s) and re.search(r"(?i)\b(?:not|never)\b|n't\b", s):
        return not_done(s, quotes)
    if past and not NOT_DONE.search(s):
        return Intent(
            "ask_complete",
            Ref(query=quotes.release(trim(WHEN.sub("", trim(s))))),
            title=quotes.release(trim(s)),
            stated=True,
            source=source,
        )
    off = re.match(
        r"(?i)^(?P<what>.+?)(?:'s| (?:is|are|was|were|has been|have been|got|is being)) (?:now |already |all )*"
        r"(?:cancel+ed|called off|off|not happening|not needed)(?: any ?more| now)?$",
        trim(s),
    )
    if off:
        return Intent(
            "ask_delete",
            read_ref(off["what"], quotes),
            title=quotes.release(trim(s)),
            source=source,
        )
    may = r"(?:can|could|should|must|may|has to|needs to) (?:now |please )?"
    gone = re.match(
        rf"(?i)^(?:(?:can |could )?(?P<what>.+?) (?:{may}go|(?:{may})?be (?:deleted|removed|erased|cancel+ed|dropped|scrapped|thrown out))"
        r"|(?:axe|chuck|nix|zap) (?P<thing>.+?))(?: (?:out|away))?$",
        trim(s),
    )
    if gone and not NOT_DONE.search(s):
        what = gone["what"] or gone["thing"]
        return Intent(
            "ask_delete", read_ref(what, quotes), title=quotes.release(trim(s)), source=source
        )
    over = re.match(
        r"(?i)^(?P<what>.+?)(?:(?:'s| is| are| was) (?:now |already )*(?:over|behind me|history)| (?:has |already )*(?:happened|took place|taken place|went well))$",
        trim(s),
    )
    if over:
        return Intent(
            "ask_complete",
            read_ref(over["what"], quotes),
            title=quotes.release(trim(s)),
            source=source,
        )
    passive = re.match(
        r"(?i)^(?P<what>.+?) (?:is|are|was|were|has been|have been|got|'s been) (?:now |already |finally )*"
        r"(?P<verb>\w{2,}ed|bought|paid|sent|written|made|taken|met|told|fed|found|sold|built|swept|read|cut)$",
        trim(s),
    )
    if passive and not NOT_DONE.search(s):
        what = f"{passive['what']} {passive['verb']}"
        return Intent("ask_complete", Ref(query=quotes.release(what)), source=source)
    if found := re.match(r"(?i)^check\s+(.+)$", s):
        return Intent("ask_complete", read_ref(found[1], quotes), source=source)
    if found := re.match(r"(?i)^(?:i|we) (?:also |still )?need\s+(.+)$", trim(s)):
        return Intent(
            "ask_add", read_ref(found[1], quotes), title=quotes.release(found[1]), source=source
        )
    ref = read_ref(s, quotes)
    if ref.query is None and not ref.empty:
        return Intent("ask_done", ref, source=source)
    if s.rstrip().endswith("?"):
        return read_list(s, quotes)
    return Intent("ask_add", ref, title=quotes.release(trim(s)), source=source)
