"""With what a customer comes: of days, by weight."""

from __future__ import annotations

from functools import partial

import pytest

from models.customer.leanings.comings import Comings, ShareOf, comings_of
from models.durations import DAY
from profiles.traces.begun import code_of, key_of, note_begun
from profiles.types import Event, Profile, Traces
from tests.build import T0, event

NOW = T0 + 400 * DAY


def _say(code: bytes, event: Event) -> bytes:
    return code


def came(*days: tuple[int, str, str]) -> Profile:
    """So many days ago, through a channel, with a device."""
    held = b""
    for ago, channel, device in days:
        at = NOW - ago * DAY
        held = note_begun(
            held, key_of(int(at // DAY), at), partial(_say, code_of("direct", channel, device)), event("visit", 0)
        )
    return Profile("p", traces=Traces(begun=held))


def test_a_day_weighs_half_after_ninety() -> None:
    """What is 180 days old weighs nothing."""
    profile = came(
        (200, "store", ""), (180, "app", ""), (135, "app", ""), (90, "app", ""), (45, "web", "tablet"), (1, "web", ""),
        (0, "web", ""),
    )  # fmt: skip
    found = comings_of(profile, NOW)
    web, app = 2**-0.5 + 2 ** (-1 / 90) + 1, 2**-1.5 + 2**-1
    assert [each.name for each in found.channels] == ["web", "app"]
    assert found.channels[0].share == pytest.approx(web / (web + app))
    assert (found.days, found.devices) == (5, [])


def test_what_is_not_known_is_in_no_share() -> None:
    profile = came(*((ago, "", "mobile") for ago in range(5)), (9, "web", ""))

    assert comings_of(profile, NOW) == Comings([], [ShareOf("mobile", 1.0)], 6)
    assert comings_of(Profile("p"), NOW) == Comings([], [], 0)
