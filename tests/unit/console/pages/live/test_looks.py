"""Looks by streams: each person's at each customer is written down once, until it is another one."""

from __future__ import annotations

from typing import Any, cast

from fastapi import Request

from console.access.scopes import Viewer
from console.pages.live.looks import ONE_LOOK, Looks
from profiles.types import Profile

REQUEST = cast(Request, None)
KIM, LEE = (Viewer(name, "agent", frozenset(), "page") for name in ("kim", "lee"))


class Trail:
    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.now = 0.0

    def note(self, request: Request, viewer: Viewer, action: str, profile: str, **more: Any) -> None:
        self.rows.append((viewer.name, profile))


def test_a_stream_belongs_to_the_look_before_it_for_ten_minutes() -> None:
    trail = Trail()
    looks = Looks(trail.note, "profile.view", lambda: trail.now)
    looks.page(REQUEST, KIM, "p")
    looks.stream(REQUEST, KIM, "p", Profile("p"))
    assert trail.rows == [("kim", "p")]
    looks.stream(REQUEST, LEE, "p", Profile("p"))
    looks.stream(REQUEST, KIM, "q", Profile("q"))
    looks.stream(REQUEST, KIM._replace(via="embed"), "p", Profile("p"))
    assert trail.rows[1:] == [("lee", "p"), ("kim", "q"), ("kim", "p")]
    looks.stream(REQUEST, LEE, "r", None)
    looks.page(REQUEST, KIM, "p")  # a page is a look each time
    trail.now = ONE_LOOK
    looks.stream(REQUEST, KIM, "p", Profile("p"))
    looks.stream(REQUEST, KIM, "p", Profile("p"))
    assert trail.rows[4:] == [("kim", "p")] * 2
