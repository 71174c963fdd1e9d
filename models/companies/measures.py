"""Measures of a company's members, as of any time: for conditions, health, risk and everybody who shows them.

What is not known is None, which satisfies no condition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from statistics import median
from typing import NamedTuple

from models.durations import DAY, WEEK
from models.features.readers import lasting
from profiles.companies.days import day_of
from profiles.companies.team import FORGOTTEN, MONTH, PAST, week_of
from profiles.types import Profile, Team

__all__ = [
    "CHAMPIONS_GONE",
    "MEASURES",
    "Measure",
    "active",
    "alive",
    "champions",
    "champions_gone",
    "change",
    "features",
    "figures",
    "moves_until",
    "seats",
    "silent",
    "unusual",
    "usual",
    "worked",
]  # fmt: skip

LEAST = 2.0
"""Members a week below which there is no usual number of active members to compare with: one may be on holiday."""

CHAMPIONS_GONE = 8 * WEEK
"""How far back it counts that champions went, unless somebody says."""

_WEEKS = 4  # of history that a usual number needs
_LATELY = 2  # weeks that are compared with those before
_OVER = 12 * WEEK
_RESTLESS = 0.25  # least variance of active members a week, of each who usually is
_SPENT = (1.0, 1.5, 1.0, 60.0)  # α, β of a member's chance to come in a week; γ, δ of the chance to stop after one


def active(team: Team, now: float, days: int = MONTH) -> int:
    """Members who worked with the product within the 7 or 28 days up to now."""
    return _on(team, team.month if days == MONTH else team.week, day_of(now)) or 0


def usual(team: Team, now: float, over: float = _OVER) -> float | None:
    """Active members a week in most weeks: the median from `over` ago until two weeks ago; None while too few are known
    or too few members came."""
    known = _weeks_before(team, now, over)
    if len(known) < min(_WEEKS, int(over // WEEK) - _LATELY + 1):
        return None
    found = median(known)
    return found if found >= LEAST else None


def change(team: Team, now: float, over: float = _OVER) -> float | None:
    """Active members a week within the last two weeks against the usual number: −0.4 is 40 % fewer."""
    before = usual(team, now, over)
    return None if before is None else _lately(team, now) / before - 1.0


def unusual(team: Team, now: float, over: float = _OVER) -> float | None:
    """The same in standard deviations of what is usual there: −3 is far fewer than its weeks differ by chance.

    Their spread is that of the weeks before about the usual number, and no less than that of so many members each of
    whom comes in three weeks of four: a few equal weeks are no law.
    """
    before = usual(team, now, over)
    if before is None:
        return None
    known = _weeks_before(team, now, over)
    spread = sum((count - before) ** 2 for count in known) / max(len(known) - 1, 1)
    return (_lately(team, now) - before) / math.sqrt(max(spread, _RESTLESS * before) / _LATELY)


def _lately(team: Team, now: float) -> float:
    """Active members a week, on average of the last two weeks."""
    today = day_of(now)
    return sum(_on(team, team.week, today - 7 * ago) or 0 for ago in range(_LATELY)) / _LATELY


def _weeks_before(team: Team, now: float, over: float) -> list[int]:
    """Active members in each week from `over` ago until two weeks ago, as far as it is known."""
    today = day_of(now)
    return [
        count
        for ago in range(_LATELY, int(over // WEEK) + 1)
        if (day := today - 7 * ago) - 7 >= team.since and (count := _on(team, team.week, day)) is not None
    ]


def champions(team: Team, now: float) -> int:
    """Members who are champions now."""
    return _on(team, team.champion, day_of(now)) or 0


def champions_gone(team: Team, now: float, within: float = CHAMPIONS_GONE) -> int:
    """Champions who left or fell silent within a time up to now."""
    today = day_of(now)
    return sum(count for day, count in team.went if today - within / DAY < day <= today)


def features(team: Team, now: float, key: Collection[str] | None = None) -> int:
    """Features that two members or more used within 28 days; of a company in which only one is active, one.

    Args:
        team: of the company.
        now: seconds.
        key: only these.
    """
    begin = now - MONTH * DAY
    needed = min(2, max(active(team, now), 1))
    return sum(
        len(seconds) >= needed and seconds[-needed] >= begin
        for feature, seconds in team.used.items()
        if key is None or feature in key
    )


class Silent(NamedTuple):
    """How much of a company has probably stopped, each a share from 0 to 1."""

    members: float  # of the members, each as much as another
    use: float  # weighed by on how many days each worked with it
    worth: float | None  # by what each has bought for; None if nobody has
    most: float  # of whom it is most likely


def silent(team: Team, now: float) -> Silent | None:
    """The chance that members have stopped, by how regularly they came and how long they have been silent.

    None if nobody was there for half a year.
    """
    this, count, days, worth, most = week_of(day_of(now)), 0, 0, 0, 0.0
    gone = [0.0, 0.0, 0.0]
    for one in team.quiet:
        away = max(this - one.last - 1, 0)  # the week that is not over says nothing yet
        if away >= FORGOTTEN:
            continue
        chance = 1.0 - alive(one.weeks, one.spanned, one.spanned + away)
        count, days, worth, most = count + one.members, days + one.days, worth + one.worth, max(most, chance)
        for at, weight in enumerate((one.members, one.days, one.worth)):
            gone[at] += weight * chance
    if not count:
        return None
    return Silent(gone[0] / count, gone[1] / days, gone[2] / worth if worth else None, most)


@lru_cache(maxsize=10_000)
def alive(came: int, last: int, weeks: int) -> float:
    """The chance that somebody has not stopped who came in so many of these weeks, in the `last` one for the last time.

    BG/BB (Fader, Hardie, Shang: Customer-Base Analysis in a Discrete-Time Noncontractual Setting, Marketing Science
    29(6), 2010, eq. 9): every week they come with a chance of their own, and after each they may stop for good.
    """
    a, b, c, d = _SPENT
    stays = math.exp(_beta(a + came, b + weeks - came) + _beta(c, d + weeks))
    stopped = sum(
        math.exp(_beta(a + came, b + last - came + more) + _beta(c + 1, d + last + more))
        for more in range(weeks - last)
    )
    return stays / (stays + stopped)


def seats(company: Profile) -> int | None:
    """The seats of the contracts that last; else what the trait `seats` says."""
    told: list[list[tuple[int, int]]] = [each.seats for each in lasting(company)]
    if any(told):
        return sum(said[-1][1] for said in told if said)
    value = company.traits.get("seats", (None,))[0]
    return int(value) if isinstance(value, int | float) and 0 < value < 1e9 else None


def worked(team: Team, after: float, until: float) -> bool | None:
    """Whether anybody worked with the product in (after, until], by whole days; None if too little is known."""
    first, last = day_of(after) + 1, day_of(until)
    if team.latest <= last:
        return team.latest >= first
    known = [_on(team, team.week, day) for day in range(max(first + 6, team.latest - PAST), last + 1)]
    if any(known):
        return True
    return None if team.latest - PAST > first or not known else False


def moves_until(team: Team | None) -> float:
    """The time from which on time alone changes nothing any more."""
    if team is None or not team.latest:
        return 0.0
    return (team.latest + 7 * (FORGOTTEN + 5)) * DAY


class Measure(NamedTuple):
    """What conditions may ask of a company."""

    words: str
    read: Callable[[Profile, float, float | None], float | None]  # (company, now, within)
    within: tuple[float, float] | None = None  # least and most that may be given


def _of_team(read: Callable[[Team, float], float | None]) -> Callable[[Profile, float, float | None], float | None]:
    def found(company: Profile, now: float, within: float | None) -> float | None:
        team = _team(company)
        return None if team is None else read(team, now)

    return found


def _within(
    read: Callable[[Team, float, float], float | None], otherwise: float
) -> Callable[[Profile, float, float | None], float | None]:
    def found(company: Profile, now: float, within: float | None) -> float | None:
        team = _team(company)
        return None if team is None else read(team, now, otherwise if within is None else within)

    return found


def _of_seats(read: Callable[[int, int], float | None]) -> Callable[[Profile, float, float | None], float | None]:
    def found(company: Profile, now: float, within: float | None) -> float | None:
        bought, team = seats(company), _team(company)
        if not bought or team is None or not team.latest:
            return None
        return read(active(team, now) + team.unseen, bought)

    return found


def _health(company: Profile, now: float, within: float | None) -> float | None:
    held = company.company
    return held.health.value if held is not None and held.health is not None else None


def _seats(company: Profile, now: float, within: float | None) -> float | None:
    return seats(company)


MEASURES: dict[str, Measure] = {
    "members": Measure("members", _of_team(lambda team, now: team.members)),
    "active_members": Measure("active members", _of_team(active)),
    "active_change": Measure(
        "change of the active members a week", _within(change, _OVER), (4 * WEEK, PAST // 7 * WEEK)
    ),
    "active_unusual": Measure(
        "change of the active members a week in standard deviations",
        _within(unusual, _OVER),
        (4 * WEEK, PAST // 7 * WEEK),
    ),
    "champions": Measure("champions", _of_team(champions)),
    "champions_gone": Measure(
        "champions who left or fell silent", _within(champions_gone, CHAMPIONS_GONE), (DAY, FORGOTTEN * WEEK)
    ),
    "features": Measure("features that several members use", _of_team(features)),
    "seats": Measure("seats", _seats),
    "seats_used": Measure("share of the seats that is used", _of_seats(lambda used, bought: used / bought)),
    "seats_free": Measure("seats that are not used", _of_seats(lambda used, bought: bought - used)),
    "silent_members": Measure(
        "share of the members who have probably stopped",
        _of_team(lambda team, now: found.members if (found := silent(team, now)) else None),
    ),
    "silent_use": Measure(
        "share of the use that has probably stopped",
        _of_team(lambda team, now: found.use if (found := silent(team, now)) else None),
    ),
    "silent_worth": Measure(
        "share of what is bought whose buyers have probably stopped",
        _of_team(lambda team, now: found.worth if (found := silent(team, now)) else None),
    ),
    "silent_most": Measure(
        "chance that a member has stopped, of the one who most probably has",
        _of_team(lambda team, now: found.most if (found := silent(team, now)) else None),
    ),
    "health": Measure("health", _health),
}
"""By the name that a condition has for it."""


def figures(company: Profile, now: float) -> Iterator[tuple[str, float | None]]:
    """Every measure, for who shows them."""
    for name, measure in MEASURES.items():
        yield name, measure.read(company, now, None)


def _team(company: Profile) -> Team | None:
    return company.company.team if company.company is not None else None


def _on(team: Team, counts: list[int], day: int) -> int | None:
    """The entry of a day; 0 after the last one, None of before the first."""
    at = day - team.latest + PAST
    return None if at < 0 or not counts else counts[at] if at < len(counts) else 0


def _beta(x: float, y: float) -> float:
    return math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y)
