"""Regular expressions that cannot run away, with the interface of `re` as far as it is used here.

PCRE2 counts the steps of a match and stops at a limit, and each message has an amount of work that
reading it may take. Beyond either the whole message is given up with TooHardError: half of it may
be misread. Both are counted, not timed, so that a plan that is run again ends where it did before.
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

# Steps of one match; none of the tables takes 4,000, and plain prose of 400 characters 11,000. A
# step takes about 20 ns.
STEPS = 16_000
_STEPS_LONG = 40_000
_LONG = 400  # characters from which a text may take more steps: a step or two for each of them

# Work that reading a message may take, roughly in microseconds; the tables' take 5,000 at most.
WORK = 9_000
WORK_PER_CHARACTER = 30


class TooHardError(Exception):
    """A message would take too long to read."""


class _Meter:
    left = WORK
    lists = 0
    forget: ClassVar[list[Callable[[], None]]] = []


def begin(message: str) -> None:
    """Start to read a message."""
    _Meter.left = WORK + WORK_PER_CHARACTER * len(message)
    _Meter.lists = 0
    for forget in _Meter.forget:
        forget()


def once(reader: Callable[P, T]) -> Callable[P, T]:
    """Read the same words once for each message; nothing of it is kept for the next."""
    kept = lru_cache(maxsize=512)(reader)
    _Meter.forget.append(kept.cache_clear)
    return cast("Callable[P, T]", kept)


def spend(work: int) -> None:
    """Take work off what the message may take; raises TooHardError when nothing is left."""
    _Meter.left -= work
    if _Meter.left < 0:
        raise TooHardError


def spend_on_list(work: int) -> None:
    """Take off the work that a list is; the first of a message is free, however long it is."""
    _Meter.lists += 1
    if _Meter.lists > 1:
        spend(work)


class Match:
    """Where a pattern fits, as re.Match tells it."""

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
        """Return where a group begins."""
        return int(self._found.span(group)[0])

    def end(self, group: int | str = 0) -> int:
        """Return where a group ends."""
        return int(self._found.span(group)[1])

    @property
    def lastgroup(self) -> str | None:
        """Return the name of the group that took part, of a pattern where only one can."""
        return next((name for name, text in self.groupdict().items() if text is not None), None)

    def expand(self, template: str) -> str:
        """Write out a template: \\1 and \\g<name> stand for groups."""
        return _REFERENCE.sub(lambda ref: self[ref[1] or int(ref[2])] or "", template)


_REFERENCE = re.compile(r"\\g<(\w+)>|\\(\d)")


class Pattern:
    """A pattern."""

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
            # PCRE2 starts to count again at each place that it searches from, unless the search is a part
            # of the pattern.
            form = rf"\G(?s:.*?)\K(?:{self.pattern})" if anywhere else self.pattern
            steps = _STEPS_LONG if len(text) > _LONG else STEPS
            # As machine code it is no faster here, takes memory, and a hardened pod may forbid it.
            found = pcre2.compile(f"(*LIMIT_MATCH={steps})(*LF){form}", self._options, jit=False)
            self._compiled[kind] = found
        return found

    def match(self, text: str) -> Match | None:
        """Match at the start."""
        try:
            found = self._for(text, anywhere=False).match(text)
        except pcre2.LibraryError as error:
            raise TooHardError from error
        return None if found is None else Match(found, text)

    def search(self, text: str) -> Match | None:
        """Match anywhere."""
        try:
            found = self._for(text, anywhere=True).search(text)
        except pcre2.LibraryError as error:
            raise TooHardError from error
        return None if found is None else Match(found, text)

    def fullmatch(self, text: str) -> Match | None:
        """Match the whole."""
        try:
            found = self._for(text, anywhere=False).fullmatch(text)
        except pcre2.LibraryError as error:
            raise TooHardError from error
        return None if found is None else Match(found, text)

    def finditer(self, text: str) -> Iterator[Match]:
        """Return the matches one after the other."""
        try:
            for found in self._for(text, anywhere=True).finditer(text):
                spend(3)
                yield Match(found, text)
        except pcre2.LibraryError as error:
            raise TooHardError from error

    def sub(self, to: str | Callable[[Match], str], text: str, count: int = 0) -> str:
        """Replace the matches, or as many as count says."""
        parts: list[str] = []
        at = 0
        for number, found in enumerate(self.finditer(text), 1):
            parts += [text[at : found.start()], to(found) if callable(to) else found.expand(to)]
            at = found.end()
            if number == count:
                break
        return "".join([*parts, text[at:]]) if parts else text

    def split(self, text: str) -> list[str]:
        """Return what stands between the matches."""
        parts: list[str] = []
        at = 0
        for found in self.finditer(text):
            parts.append(text[at : found.start()])
            at = found.end()
        return [*parts, text[at:]]


compiled = cache(Pattern)  # as many as are written down in this package


def compile(pattern: str, flags: int = 0) -> Pattern:  # noqa: A001 - re's name
    """Return the pattern."""
    return compiled(pattern, flags)


def match(pattern: str, text: str, flags: int = 0) -> Match | None:
    """Match at the start."""
    return compiled(pattern, flags).match(text)


def search(pattern: str, text: str, flags: int = 0) -> Match | None:
    """Match anywhere."""
    return compiled(pattern, flags).search(text)


def fullmatch(pattern: str, text: str, flags: int = 0) -> Match | None:
    """Match the whole."""
    return compiled(pattern, flags).fullmatch(text)


def finditer(pattern: str, text: str, flags: int = 0) -> Iterator[Match]:
    """Return the matches one after the other."""
    return compiled(pattern, flags).finditer(text)


def findall(pattern: str, text: str, flags: int = 0) -> list[str]:
    """Return the text of the matches; the pattern has no groups."""
    return [found[0] for found in compiled(pattern, flags).finditer(text)]


def sub(pattern: str, to: str | Callable[[Match], str], text: str, flags: int = 0) -> str:
    """Replace the matches."""
    return compiled(pattern, flags).sub(to, text)


def split(pattern: str, text: str, flags: int = 0) -> list[str]:
    """Return what stands between the matches."""
    return compiled(pattern, flags).split(text)
