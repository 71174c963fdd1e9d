"""A value that is read again when it changed, and kept when the new one is damaged."""

from __future__ import annotations

import asyncio
import logging

import pytest

from profiles.errors import Misconfigured
from streams.refreshed import Refreshed


class Shelf:
    """A store of one text, with a version; what begins with `!` is damaged."""

    def __init__(self) -> None:
        self.version: int | None = None
        self.text: str | None = None
        self.reads = 0
        self.away = False
        self.told: list[tuple[str, str]] = []
        self.value = Refreshed("nothing", self.look, self.read, "still {}".format, lambda *both: self.told.append(both))

    def put(self, text: str | None) -> None:
        self.text, self.version = text, (self.version or 0) + 1

    def refresh(self) -> bool:
        return asyncio.run(self.value.refresh())

    async def look(self) -> int | None:
        return self.version

    async def read(self, version: int) -> str | None:
        assert version == self.version
        self.reads += 1
        if self.away:
            raise ConnectionError
        if self.text and self.text.startswith("!"):
            raise Misconfigured(f"{self.text} is damaged")
        return self.text


def test_the_first_value_is_used_until_there_is_another() -> None:
    shelf = Shelf()
    assert not shelf.refresh()
    assert (shelf.value(), shelf.reads) == ("nothing", 0)


def test_it_is_read_once_for_each_version() -> None:
    shelf = Shelf()
    shelf.put("a")
    assert [shelf.refresh(), shelf.refresh()] == [True, False]
    shelf.put("b")
    assert [shelf.refresh(), shelf.refresh()] == [True, False]
    assert (shelf.value(), shelf.reads) == ("b", 2)
    assert shelf.told == [("nothing", "a"), ("a", "b")]


def test_a_damaged_one_changes_nothing_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    shelf.put("a")
    shelf.refresh()
    shelf.put("!b")
    with caplog.at_level(logging.WARNING):
        assert not any([shelf.refresh(), shelf.refresh()])
    assert caplog.messages == ["still a: !b is damaged"]
    assert (shelf.value(), shelf.reads) == ("a", 2)
    shelf.put("c")
    assert shelf.refresh()
    assert shelf.value() == "c"


def test_one_that_is_gone_meanwhile_changes_nothing() -> None:
    shelf = Shelf()
    shelf.put(None)
    assert not shelf.refresh()
    assert shelf.value() == "nothing"


def test_a_store_that_is_away_is_asked_again() -> None:
    """Its error is the caller's; what could not be read then is read the next time."""
    shelf = Shelf()
    shelf.put("a")
    shelf.away = True
    with pytest.raises(ConnectionError):
        shelf.refresh()
    shelf.away = False
    assert shelf.refresh()
    assert shelf.value() == "a"
