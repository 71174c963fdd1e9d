"""What conditions say, in words: each says its own, in messages that a catalogue translates.

A message has places for what differs, as `in segment %(name)s`; what is put there is said by itself. So a language has
its own order of words, and English is what the messages say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = ["ENGLISH", "UNITS", "Say", "duration_in_words", "either", "value_in_words"]

_UNITS = ((7 * 86400.0, "week"), (86400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))

UNITS = tuple(f"%(n)s {unit}" for _, unit in _UNITS)
"""The messages that a duration is said by."""


class Say:
    """Says messages in a language.

    Args:
        translate: from a message to that of the language; the message itself where there is none.
        name: from a name of the plan to what it is called.
        plural: whether several of something are called otherwise than one, by an s.
    """

    def __init__(self, translate: Callable[[str], str], name: Callable[[str], str], *, plural: bool = False) -> None:
        self._translate = translate
        self.name = name
        self._plural = plural

    def __call__(self, message: str, /, **parts: str) -> str:
        """A message with its parts."""
        said = self._translate(message)
        return said % parts if parts else said

    def all_of(self, parts: Iterable[str]) -> str:
        """`a and b`."""
        return self._translate(" and ").join(parts)

    def any_of(self, parts: Iterable[str]) -> str:
        """`a or b`."""
        return self._translate(" or ").join(parts)

    def duration(self, seconds: float) -> str:
        """`ENGLISH.duration(56 * 86400.0) == "8 weeks"`."""
        for size, unit in _UNITS:
            count = seconds / size
            if count >= 1 and count == int(count):
                return self._count(count, unit)
        return self._count(seconds, "second")

    def value(self, value: Any) -> str:
        """A value of a plan: `yes`, `2.5`, `NL`."""
        if isinstance(value, bool):
            return self._translate("yes") if value else self._translate("no")
        return f"{value:g}" if isinstance(value, float) else str(value)

    def either(self, values: str | Sequence[Any]) -> str:
        """`ENGLISH.either(["a", "b"]) == "a or b"`; a text is said as it is."""
        return values if isinstance(values, str) else self.any_of(map(self.value, values))

    def names(self, names: str | Sequence[str]) -> str:
        """The same of names of the plan, or of its vocabulary."""
        return self.name(names) if isinstance(names, str) else self.any_of(map(self.name, names))

    def _count(self, count: float, unit: str) -> str:
        several = "s" if self._plural and count != 1 else ""
        return self(f"%(n)s {unit}", n=f"{count:g}") + several


def _same(text: str) -> str:
    return text


ENGLISH = Say(_same, _same, plural=True)


def duration_in_words(seconds: float) -> str:
    """`duration_in_words(56 * 86400.0) == "8 weeks"`."""
    return ENGLISH.duration(seconds)


def either(values: str | Sequence[Any]) -> str:
    """`either(["a", "b"]) == "a or b"`; a text is said as it is."""
    return ENGLISH.either(values)


def value_in_words(value: Any) -> str:
    """A value of a plan: `yes`, `2.5`, `NL`."""
    return ENGLISH.value(value)
