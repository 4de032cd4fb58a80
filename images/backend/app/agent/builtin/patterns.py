"""Regular expressions with a limit on their work, and the functions of `re` that are used here.

PCRE2 counts the steps of a match and stops at a limit, and each message has a budget of work. Above
either limit TooHardError ends the reading of the whole message, because a partly read message could
be misunderstood. Work is counted, not timed, so that repeating a plan gives the same result.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, ClassVar, ParamSpec, TypeVar, cast

import pcre2

P = ParamSpec("P")
T = TypeVar("T")

IGNORECASE = 1
DOTALL = 2

# Steps of one match. The test dialogues take less than 4,000, prose of 400 characters takes 11,000.
# A step takes about 20 ns.
STEPS = 16_000
_STEPS_LONG = 40_000
_LONG = 400  # characters of a text above which the larger limit holds

# Work for one message, roughly in microseconds; the test dialogues take at most 5,000.
WORK = 9_000
WORK_PER_CHARACTER = 30


class TooHardError(Exception):
    """Reading a message would take too much work."""


class _Meter:
    left = WORK
    lists = 0
    forget: ClassVar[list[Callable[[], None]]] = []


def begin(message: str) -> None:
    """Start a message with a full budget and empty caches."""
    _Meter.left = WORK + WORK_PER_CHARACTER * len(message)
    _Meter.lists = 0
    for forget in _Meter.forget:
        forget()


def once(reader: Callable[P, T]) -> Callable[P, T]:
    """Cache the results of a reader until the next message."""
    kept = lru_cache(maxsize=512)(reader)
    _Meter.forget.append(kept.cache_clear)
    return cast("Callable[P, T]", kept)


def spend(work: int) -> None:
    """Take work from the budget of the message; raises TooHardError when it is used up."""
    _Meter.left -= work
    if _Meter.left < 0:
        raise TooHardError


def spend_on_list(work: int) -> None:
    """Take the work for a list of todos from the budget; the first list of a message is free."""
    _Meter.lists += 1
    if _Meter.lists > 1:
        spend(work)


class Match:
    """A match, with the methods of re.Match that are used here."""

    __slots__ = ("_found", "string")

    def __init__(self, found: Any, string: str) -> None:
        self._found = found
        self.string = string

    def __getitem__(self, group: int | str) -> str | Any:
        return self._found[group]

    def groups(self) -> tuple[str | None, ...]:
        """Return the text of all groups."""
        return tuple(self._found.groups())

    def groupdict(self) -> dict[str, Any]:
        """Return the text of the named groups."""
        return dict(self._found.groupdict())

    def start(self, group: int | str = 0) -> int:
        """Return the start of a group."""
        return int(self._found.span(group)[0])

    def end(self, group: int | str = 0) -> int:
        """Return the end of a group."""
        return int(self._found.span(group)[1])

    @property
    def lastgroup(self) -> str | None:
        """Return the name of the matched group; the pattern allows only one."""
        return next((name for name, text in self.groupdict().items() if text is not None), None)

    def expand(self, template: str) -> str:
        """Return a template with \\1 and \\g<name> replaced by the groups."""
        return _REFERENCE.sub(lambda ref: self[ref[1] or int(ref[2])] or "", template)


_REFERENCE = re.compile(r"\\g<(\w+)>|\\(\d)")


class Pattern:
    """A compiled pattern with a limit on its steps."""

    __slots__ = ("_compiled", "_options", "pattern")

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = pattern
        self._options = pcre2.IGNORECASE if flags & IGNORECASE else pcre2.NOFLAG
        if flags & DOTALL:
            self._options |= pcre2.DOTALL
        self._compiled: dict[tuple[bool, bool], Any] = {}
        self._for("", anywhere=False)

    def _for(self, text: str, *, anywhere: bool) -> Any:
        spend(3 + len(text) // 60)
        kind = (anywhere, len(text) > _LONG)
        found = self._compiled.get(kind)
        if found is None:
            # PCRE2 restarts its count at each start position, unless the search is part of the pattern.
            form = rf"\G(?s:.*?)\K(?:{self.pattern})" if anywhere else self.pattern
            steps = _STEPS_LONG if len(text) > _LONG else STEPS
            # The JIT is not faster here, takes memory, and a hardened pod may forbid it.
            found = pcre2.compile(f"(*LIMIT_MATCH={steps})(*LF){form}", self._options, jit=False)
            self._compiled[kind] = found
        return found

    def match(self, text: str) -> Match | None:
        """Match at the start of the text."""
        try:
            found = self._for(text, anywhere=False).match(text)
        except pcre2.LibraryError as error:
            raise TooHardError from error
        return None if found is None else Match(found, text)

    def search(self, text: str) -> Match | None:
        """Find the first match in the text."""
        try:
            found = self._for(text, anywhere=True).search(text)
        except pcre2.LibraryError as error:
            raise TooHardError from error
        return None if found is None else Match(found, text)

    def fullmatch(self, text: str) -> Match | None:
        """Match the whole text."""
        try:
            found = self._for(text, anywhere=False).fullmatch(text)
        except pcre2.LibraryError as error:
            raise TooHardError from error
        return None if found is None else Match(found, text)

    def finditer(self, text: str) -> Iterator[Match]:
        """Yield all matches."""
        try:
            for found in self._for(text, anywhere=True).finditer(text):
                spend(3)
                yield Match(found, text)
        except pcre2.LibraryError as error:
            raise TooHardError from error

    def sub(self, to: str | Callable[[Match], str], text: str, count: int = 0) -> str:
        """Replace all matches, or the first `count`."""
        parts: list[str] = []
        at = 0
        for number, found in enumerate(self.finditer(text), 1):
            parts += [text[at : found.start()], to(found) if callable(to) else found.expand(to)]
            at = found.end()
            if number == count:
                break
        return "".join([*parts, text[at:]]) if parts else text

    def split(self, text: str) -> list[str]:
        """Split the text at the matches."""
        parts: list[str] = []
        at = 0
        for found in self.finditer(text):
            parts.append(text[at : found.start()])
            at = found.end()
        return [*parts, text[at:]]


compiled = cache(Pattern)  # one entry for each pattern of this package


def compile(pattern: str, flags: int = 0) -> Pattern:  # noqa: A001 - re's name
    """Return the compiled pattern."""
    return compiled(pattern, flags)


def match(pattern: str, text: str, flags: int = 0) -> Match | None:
    """Match at the start of the text."""
    return compiled(pattern, flags).match(text)


def search(pattern: str, text: str, flags: int = 0) -> Match | None:
    """Find the first match in the text."""
    return compiled(pattern, flags).search(text)


def fullmatch(pattern: str, text: str, flags: int = 0) -> Match | None:
    """Match the whole text."""
    return compiled(pattern, flags).fullmatch(text)


def finditer(pattern: str, text: str, flags: int = 0) -> Iterator[Match]:
    """Yield all matches."""
    return compiled(pattern, flags).finditer(text)


def findall(pattern: str, text: str, flags: int = 0) -> list[str]:
    """Return the text of all matches; the pattern must not have groups."""
    return [found[0] for found in compiled(pattern, flags).finditer(text)]


def sub(pattern: str, to: str | Callable[[Match], str], text: str, flags: int = 0) -> str:
    """Replace all matches."""
    return compiled(pattern, flags).sub(to, text)


def split(pattern: str, text: str, flags: int = 0) -> list[str]:
    """Split the text at the matches."""
    return compiled(pattern, flags).split(text)
