"""A value that is kept in memory and read again when the store holds another one."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from profiles.errors import Misconfigured

__all__ = ["Refreshed"]

log = logging.getLogger(__name__)

Value = TypeVar("Value")
Mark = TypeVar("Mark")


class Refreshed(Generic[Value]):
    """Answers the latest value that could be read. A damaged one changes nothing, and is told once.

    Args:
        value: what is used until the store holds one.
        look: answers, cheaply, what tells the stored value from the one before it (a version, a count, or the bytes
            themselves); None while the store holds none.
        read: makes a value of what `look` answered, or answers None if it is gone meanwhile.
        kept: says what is used instead of a damaged value.
        changed: is told the value before and the new one.
    """

    def __init__(
        self,
        value: Value,
        look: Callable[[], Awaitable[Mark | None]],
        read: Callable[[Mark], Awaitable[Value | None]],
        kept: Callable[[Value], str],
        changed: Callable[[Value, Value], None] = lambda before, after: None,
    ) -> None:
        self._value = value
        self._look: Callable[[], Awaitable[Any]] = look
        self._read: Callable[[Any], Awaitable[Value | None]] = read
        self._kept = kept
        self._changed = changed
        self._mark: object = None  # of what was read last, or could not be
        self._damage = ""

    def __call__(self) -> Value:
        """The value."""
        return self._value

    async def refresh(self) -> bool:
        """Look whether the store holds another value; True if it is used from now on.

        Raises:
            Exception: whatever `look` and `read` raise, except Misconfigured, which is what damaged values raise.
        """
        mark: object = None
        try:
            mark = await self._look()
            if mark is None or mark == self._mark:
                return False
            value = await self._read(mark)
        except Misconfigured as error:
            self._mark = mark
            if str(error) != self._damage:
                log.warning("%s: %s", self._kept(self._value), error)
                self._damage = str(error)
            return False
        self._mark, self._damage = mark, ""
        if value is None:
            return False
        before, self._value = self._value, value
        self._changed(before, value)
        return True
