"""Days and how each began: the first coming of a day, the latest days, whatever the order."""

from __future__ import annotations

import random
from functools import partial, reduce

from profiles.traces.begun import DAYS, begun_of, code_of, join_begun, key_of, note_begun
from profiles.types import Event
from tests.build import event

Coming = tuple[int, float, bytes]

NOBODY = event("visit", 0)
WEB, APP = code_of("direct", "web", "desktop"), code_of("campaign", "app", "mobile")


def _say(code: bytes, event: Event) -> bytes:
    return code


def _never(event: Event) -> bytes:
    raise AssertionError


def noted(*comings: Coming) -> bytes:
    held = b""
    for day, time, code in comings:
        held = note_begun(held, key_of(day, time), partial(_say, code), NOBODY)
    return held


def test_the_first_coming_of_a_day_stays() -> None:
    found = begun_of(noted((5, 500.0, WEB), (5, 400.0, APP), (5, 450.0, WEB), (7, 700.0, WEB), (6, 600.0, APP)))

    assert [(each.day, each.second, each.origin, each.channel, each.device) for each in found] == [
        (5, 400, "campaign", "app", "mobile"), (6, 600, "campaign", "app", "mobile"),
        (7, 700, "direct", "web", "desktop"),
    ]  # fmt: skip


def test_what_has_no_place_of_its_own() -> None:
    (found,) = begun_of(note_begun(b"", key_of(5, 500.0), lambda _: code_of("a friend", "pigeon", "fridge"), NOBODY))

    assert (found.origin, found.channel, found.device) == ("", "other", "")


def test_nobody_asks_how_a_later_coming_was() -> None:
    held = noted((5, 500.0, WEB), (7, 700.0, WEB))

    for day, time in ((5, 501.0), (7, 701.0)):
        assert note_begun(held, key_of(day, time), _never, NOBODY) == held


def test_neither_order_nor_splits_show_and_the_latest_days_stay() -> None:
    draw = random.Random(7)
    for _ in range(50):
        comings = [
            (day, day * 100.0 + draw.randrange(3), draw.choice((WEB, APP)))
            for day in (draw.randrange(200) for _ in range(draw.choice((3, 60, 200))))
        ]
        told = noted(*comings)
        parts: list[list[Coming]] = [[], [], []]
        for coming in draw.sample(comings, len(comings)):
            parts[draw.randrange(3)].append(coming)

        assert noted(*draw.sample(comings, len(comings))) == told
        assert reduce(join_begun, (noted(*part) for part in parts)) == told
        assert len(begun_of(told)) <= DAYS
        assert {each.day for each in begun_of(told)} == set(sorted({day for day, _, _ in comings})[-DAYS:])
