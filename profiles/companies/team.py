"""Team: what can be told of a company's members only one by one, added up.

How many of them worked with the product, who of them are champions and which of those went, how long each has been
silent against how regularly they came, which features how many use. All of it are sums, latest times and counts of
members who are alike, so parts of a company add up in any order; and all of it is kept so that it can be asked for any
time from the latest day of use on, without looking at the members again.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from profiles.companies.days import KEPT, day_of, days_of
from profiles.types import Part, Quiet, Team

__all__ = ["AHEAD", "FORGOTTEN", "MONTH", "PAST", "WEEK", "Champions", "count_team", "week_of"]

MONTH, WEEK = 28, 7
"""Days up to one on which whoever was active counts as active on it: in the figures by month, and by week."""

PAST = KEPT - MONTH - 2
"""Days before the latest of a team of which it is still known how many were active."""

AHEAD = MONTH
"""Days after the latest until which somebody counts as active."""

FORGOTTEN = 26
"""Weeks of silence after which a member is no measure of anything any more."""

_GONE = FORGOTTEN * 7  # days for which it is kept that champions went
_FEATURES = 32  # that are kept, the latest used
_SPAN = PAST + 1 + AHEAD
_DAYS = (1 << _SPAN) - 1
_ZEROS = int.from_bytes(b"0" * _SPAN)


class Champions(msgspec.Struct, frozen=True):
    """Who carries the product in a company, by the plan (`groups.COMPANY.champions`)."""

    days: int = 12  # of the 28 up to one, on which such a member worked with it
    silent: int = 14  # days after which a champion counts as gone
    key_days: int = 4  # the same as `days`, of members whose trait says that they matter
    trait: str = ""  # of people
    values: frozenset[object] = frozenset()


def week_of(day: int) -> int:
    """The week of a day; weeks begin on Monday."""
    return (day + 3) // 7


class _Told(NamedTuple):
    """What the days of one member say; bits as those of `days_of`, from AHEAD days after the latest on."""

    latest: int
    month: int
    week: int
    champion: int
    went: int  # the day on which a champion went; 0: is none, or is there
    weeks: int  # with a day of use
    spanned: int  # from the first to the last of those
    days: int  # of use


def count_team(parts: Iterable[Part], champions: Champions = Champions()) -> Team:  # noqa: B008  (it is frozen)
    """The team of some members, and of parts of a company."""
    alone: list[tuple[Part, _Told]] = []
    teams: list[Team] = []
    found = Team()
    used: dict[str, list[int]] = {}
    begun: list[int] = []
    for part in parts:
        if part.team is not None:
            teams.append(part.team)
            continue
        begun.append(day_of(part.since))
        found.members += not part.until
        found.left += bool(part.until)
        found.unseen += part.limited and not part.until
        for feature, second in part.state.used.items():
            used.setdefault(feature, []).append(second)
        if part.days:
            until = day_of(part.until) if part.until else 0
            alone.append((part, _told(part.days, until, part.key, champions)))
    for team in teams:
        begun.append(team.since)
        found.members, found.left = found.members + team.members, found.left + team.left
        found.unseen += team.unseen
        for feature, latest in team.used.items():
            used.setdefault(feature, []).extend(latest)
    found.latest = max([*(told.latest for _, told in alone), *(team.latest for team in teams)], default=0)
    found.since = min(begun, default=0)
    found.used = _latest_used(used)
    if found.latest:
        went = Counter(told.went for _, told in alone if told.went)
        for team in teams:
            went.update(dict(team.went))
        found.went = sorted((day, count) for day, count in went.items() if day > found.latest - _GONE)
        _count_days(found, [told for _, told in alone], teams)
        _count_quiet(found, alone, teams)
    return found


def _count_days(found: Team, alone: Sequence[_Told], teams: Sequence[Team]) -> None:
    begin = found.latest - PAST
    for name in ("month", "week", "champion"):
        counts = _sums(
            getattr(told, name) << (found.latest - told.latest) for told in alone if found.latest - told.latest < _SPAN
        )
        for team in teams:
            for at, count in enumerate(getattr(team, name), team.latest - PAST - begin):
                if 0 <= at < _SPAN:
                    counts[at] += count
        setattr(found, name, counts)


def _sums(bits: Iterable[int]) -> list[int]:
    """How many of these have the bit of each day of a team, from the first on.

    Bits are added as numbers whose digits lie in planes, one for each power of two: all days at once.
    """
    planes: list[int] = []
    for carry in bits:
        for at, plane in enumerate(planes):
            planes[at], carry = plane ^ carry, plane & carry  # noqa: PLW2901
            if not carry:
                break
        if carry:
            planes.append(carry)
    counts = _spread(planes[:8])
    return (
        counts
        if len(planes) <= 8
        else [low + 256 * high for low, high in zip(counts, _spread(planes[8:]), strict=True)]
    )


def _spread(planes: Sequence[int]) -> list[int]:
    """The numbers of at most eight planes: each bit of a plane becomes a byte, and bytes are added all at once."""
    total = 0
    for power, plane in enumerate(planes):
        total += (int.from_bytes(f"{plane & _DAYS:0{_SPAN}b}".encode()) - _ZEROS) << power
    return list(total.to_bytes(_SPAN))


def _count_quiet(found: Team, alone: Sequence[tuple[Part, _Told]], teams: Sequence[Team]) -> None:
    """Count members who came as regularly, and last in the same week, together."""
    oldest = week_of(found.latest) - FORGOTTEN
    together: dict[tuple[int, int, int], Quiet] = {}
    counted = [
        Quiet(week_of(told.latest), told.weeks, told.spanned, 1, told.days, part.worth)
        for part, told in alone
        if not part.until
    ]
    for one in itertools.chain(counted, *(team.quiet for team in teams)):
        if one.last <= oldest:
            continue
        held = together.setdefault((one.last, one.weeks, one.spanned), Quiet(one.last, one.weeks, one.spanned))
        held.members += one.members
        held.days += one.days
        held.worth += one.worth
    found.quiet = [together[key] for key in sorted(together)]


def _latest_used(used: dict[str, list[int]]) -> dict[str, list[int]]:
    """Of each feature the latest use by one member, and by another; of the features those used latest."""
    latest = {feature: sorted(seconds)[-2:] for feature, seconds in used.items()}
    kept = sorted(latest, key=lambda feature: (-latest[feature][-1], feature))[:_FEATURES]
    return {feature: latest[feature] for feature in sorted(kept)}


@lru_cache(maxsize=50_000)
def _told(packed: bytes, until: int, key: bool, champions: Champions) -> _Told:
    """What days say, until the day on which the member left (0: has not)."""
    latest, bits = days_of(packed)
    limit = champions.key_days if key else champions.days
    ahead = bits << AHEAD
    month, week, champion = _within(ahead, MONTH), _within(ahead, WEEK), 0
    if bits.bit_count() >= limit:
        often, lately = (1 << MONTH) - 1, (1 << champions.silent) - 1
        for at in range(_SPAN):  # from the last day on
            window = ahead >> at
            if window & lately and (window & often).bit_count() >= limit:
                champion |= 1 << at
    all_days = _DAYS
    if until and (later := latest + AHEAD - until + 1) > 0:  # nobody counts from the day on which they left
        all_days = all_days >> later << later
    was = champion >> AHEAD & ((1 << MONTH) - 1)  # on one of the 28 days up to the last one of use
    went = 0
    if was:
        went = latest + champions.silent
        went = min(went, until) if until else went
    monday = (latest + 3) % 7
    weeks = {(day + 6 - monday) // 7 for day in range(bits.bit_length()) if bits >> day & 1}
    return _Told(
        latest, month & all_days, week & all_days, champion & all_days, went, len(weeks), max(weeks) + 1,
        bits.bit_count(),
    )  # fmt: skip


def _within(bits: int, days: int) -> int:
    """A bit for each day on which one of the `days` up to it has one: each bit is spread over the days after it."""
    spread, width = bits, 1
    while width < days:
        step = min(width, days - width)
        spread |= spread >> step
        width += step
    return spread & _DAYS
