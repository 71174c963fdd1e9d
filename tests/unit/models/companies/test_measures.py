"""Measures of a company's members, against companies that are easy to think of."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import pytest

from models.companies.measures import MEASURES, alive, silent
from models.durations import WEEK
from profiles.companies.days import DAY, note_day
from profiles.companies.team import count_team
from profiles.types import Company, Part, Profile, Subscription

MONDAY = 20_000 - 20_003 % 7  # a day
NOW = (MONDAY + 7 * 20) * DAY + 3600.0


def member(days: Iterable[int], **more: object) -> Part:
    """Who worked with the product on these days, counted from a Monday twenty weeks ago."""
    return Part(
        MONDAY * DAY, 0, Profile(""), days=reduce(note_day, [(MONDAY + day) * DAY for day in days], b""), **more
    )


def company(*parts: Part, **more: object) -> Profile:
    return Profile("~acme", company=Company("company", "acme", team=count_team(parts)), **more)


def read(name: str, acme: Profile, now: float = NOW, within: float | None = None) -> float | None:
    return MEASURES[name].read(acme, now, within)


EVERY_WEEK = range(2, 141, 7)
UNTIL_THREE_WEEKS_AGO = range(2, 119, 7)


def test_a_fall_is_told_against_the_weeks_before() -> None:
    """Of five who came every week, two stopped three weeks ago."""
    acme = company(*[member(EVERY_WEEK)] * 3, *[member(UNTIL_THREE_WEEKS_AGO)] * 2)

    assert read("active_change", acme) == pytest.approx(-0.4)
    assert read("active_change", acme, within=8 * WEEK) == pytest.approx(-0.4)
    assert read("active_change", acme, NOW - 5 * WEEK) == 0.0
    assert read("active_members", acme) == 5, "within 28 days"
    assert read("active_members", acme, NOW + WEEK) == 3 + 0


def test_a_fall_is_unusual_beyond_what_the_weeks_of_the_company_differ_by() -> None:
    """Of twelve, five who stopped; of two, one on holiday; of ten, of whom most come two weeks and stay away two."""
    many = company(*[member(EVERY_WEEK)] * 7, *[member(UNTIL_THREE_WEEKS_AGO)] * 5)
    few = company(member(EVERY_WEEK), member(UNTIL_THREE_WEEKS_AGO))
    restless = company(
        *[member(day for day in EVERY_WEEK if day // 14 % 2 == 0) for _ in range(8)], *[member(EVERY_WEEK)] * 2
    )

    assert read("active_change", many) == pytest.approx(-5 / 12)
    assert read("active_unusual", many) == pytest.approx(-5 / (0.25 * 12 / 2) ** 0.5)
    assert read("active_unusual", many, NOW - 5 * WEEK) == 0.0
    assert read("active_change", few) == -0.5
    assert read("active_unusual", few) == pytest.approx(-2.0)
    assert read("active_change", restless) == pytest.approx(-0.8)
    assert -2.5 < (read("active_unusual", restless) or 0.0) < -1
    assert read("active_unusual", few, within=8 * WEEK) == pytest.approx(-2.0)
    assert read("active_unusual", Profile("p")) is None


def test_nothing_is_said_of_a_fall_where_the_usual_is_not_known() -> None:
    """Of one member on holiday, and of a company that began a month ago."""
    assert read("active_change", company(member(UNTIL_THREE_WEEKS_AGO))) is None
    young = [member(range(119, 140, 7)) for _ in range(4)]
    for part in young:
        part.since = (MONDAY + 119) * DAY
    assert read("active_change", company(*young)) is None
    assert read("active_change", Profile("p")) is None


def test_a_champion_who_falls_silent_is_gone_after_two_weeks() -> None:
    """And is none any more; until then is one."""
    acme = company(member(range(100)), member(EVERY_WEEK))

    def at(day: int) -> tuple[float | None, float | None]:
        now = (MONDAY + day) * DAY + 60
        return read("champions", acme, now), read("champions_gone", acme, now, 8 * WEEK)

    assert (at(99), at(112)) == ((1, 0), (1, 0))
    assert (at(113), at(113 + 55), at(113 + 56)) == ((0, 1), (0, 1), (0, 0))


def test_seats_are_used_by_who_is_active_and_by_whom_nobody_may_look_at() -> None:
    """Of the company's own word where no contract says."""
    acme = company(member(EVERY_WEEK), member([3]), Part(0.0, 0, Profile(""), limited=True))
    acme.traits = {"seats": (8, 0.0, b"")}

    assert (read("seats", acme), read("seats_used", acme), read("seats_free", acme)) == (8, 0.25, 6)
    assert read("seats_used", company(member([3]))) is None
    acme.subscriptions = [Subscription("s", started=5.0)]
    assert read("seats", acme) == 8, "a contract that does not say"


def test_a_feature_counts_if_two_members_use_it() -> None:
    """Or one, where nobody else works with it."""
    late, early = int(NOW - 5 * DAY), int(NOW - 50 * DAY)
    used = [{"reports": late, "exports": late, "charts": early}, {"reports": late, "charts": late}]
    parts = [member(EVERY_WEEK) for _ in used]
    for part, features in zip(parts, used, strict=True):
        part.state.used = features

    assert read("features", company(*parts)) == 1
    assert read("features", company(parts[0])) == 2


def test_who_came_more_regularly_has_sooner_stopped() -> None:
    """The chance is told by silence against habit, and weighed by use and worth."""
    acme = company(member(UNTIL_THREE_WEEKS_AGO, worth=900), member([0, 35, 119], worth=100), member(EVERY_WEEK))
    found = silent(acme.company.team, NOW)  # type: ignore[union-attr]

    assert found is not None
    assert found.worth is not None
    assert alive(17, 17, 17) > 0.95 > alive(17, 17, 19) > alive(17, 17, 20)
    assert alive(3, 17, 19) > 0.9
    assert found.worth > found.members
    assert found.most == pytest.approx(1 - alive(17, 17, 20))
    assert silent(acme.company.team, NOW + 30 * WEEK) is None  # type: ignore[union-attr]
