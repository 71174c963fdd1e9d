"""Cases are followed by their states: what a feed did not tell while it was away is told when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from console.clients import following
from console.clients.following import follow, standing
from console.clients.support import Support
from profiles.errors import Misconfigured, NotFound, WrongUse


def case(id_: str, *actions: str) -> dict[str, Any]:
    return {"id": id_, "profile": f"p{id_}", "history": [{"action": action} for action in actions], "notes": []}


class Served:
    """Lists of cases, one after the other, and a feed that ends in some way each time it is listened to."""

    def __init__(self, lists: list[list[dict[str, Any]]], feeds: list[Exception | str], page: int = 200) -> None:
        self._lists, self._feeds, self._page = lists, feeds, page

    def call(self, method: str, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Of `/v1/cases`, or one that has ended."""
        if params is None:
            if path.endswith("gone"):
                raise NotFound("there is no such case")
            return case(path.rpartition("/")[2], "opened", "resolved")
        begin = int(params.get("cursor", 0))
        rows = self._lists[0][begin : begin + self._page]
        more = begin + self._page < len(self._lists[0])
        if not more and len(self._lists) > 1:
            self._lists.pop(0)
        return {"data": rows, "next": str(begin + self._page) if more else None}

    def listen(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Begins, tells one thing, and ends."""
        feed = self._feeds.pop(0) if len(self._feeds) > 1 else self._feeds[0]
        if isinstance(feed, Exception):
            raise feed
        yield "", {}
        yield feed, {}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_BETWEEN", 0.001)


def test_what_changed_is_new_or_over_is_told_whatever_the_feed_said() -> None:
    first = [case("a", "opened"), case("b", "opened"), case("gone", "opened")]
    api = Served(
        [first, [case("a", "opened", "acknowledged"), case("c", "opened")]], [Misconfigured("away"), "profile", "alert"]
    )
    said: list[str] = []
    told = follow(cast(Support, api), {}, standing(cast(Support, api), {}), said.append)
    found = [next(told) for _ in range(3)]
    assert [(change.now["id"], change.before is None) for change in found] == [("a", False), ("c", True), ("b", False)]
    assert found[2].now["history"][-1]["action"] == "resolved"
    assert said == ["the feed is away, and is asked again: away", "the feed is back"]


def test_whoever_may_not_listen_is_told_so() -> None:
    api = Served([[]], [WrongUse("this wants the scope events:read")])
    with pytest.raises(WrongUse, match="events:read"):
        next(follow(cast(Support, api), {}, {}, str))


def test_all_pages_are_read_as_far_as_they_are_followed() -> None:
    api = Served([[case(str(number)) for number in range(1500)]], [""])
    assert len(standing(cast(Support, api), {})) == following.MOST
    assert len(standing(cast(Support, Served([[case(str(n)) for n in range(450)]], [""])), {})) == 450
