"""A company's team: the same as looking at every member anew, in any order and however it is divided."""

from __future__ import annotations

from functools import reduce
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.companies.days import DAY, days_of, note_day
from profiles.companies.team import AHEAD, FORGOTTEN, PAST, Champions, count_team, week_of
from profiles.types import Part, Profile, Team

RULE = Champions(days=5, silent=7, key_days=2, trait="role")
FIRST = 20_000  # day
DAYS = st.lists(st.integers(0, 260), max_size=50)


@st.composite
def members(draw: st.DrawFn) -> list[Part]:
    """Up to six members, some of whom left."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        near = draw(st.integers(0, 230))  # most of what they do is close together, or nobody would be a champion
        days = [*draw(DAYS), *(near + day for day in draw(st.lists(st.integers(0, 20), max_size=20)))]
        packed = reduce(note_day, [(FIRST + day) * DAY for day in days], b"")
        until = draw(st.one_of(st.just(0), st.integers(100, 260).map(lambda day: (FIRST + day) * DAY)))
        used = draw(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), max_size=3))
        part = Part(FIRST * DAY, until, Profile("", used=used), days=packed, key=draw(st.booleans()))
        part.worth = draw(st.integers(0, 5))
        found.append(part)
    return found


def days_on(part: Part) -> set[int]:
    latest, bits = days_of(part.days)
    return {latest - ago for ago in range(bits.bit_length()) if bits >> ago & 1}


def is_champion(part: Part, day: int) -> bool:
    days = days_on(part)
    often = sum(day - 28 < one <= day for one in days)
    return often >= (2 if part.key else 5) and any(day - 7 < one <= day for one in days)


def is_there(part: Part, day: int) -> bool:
    return not part.until or day < part.until // DAY


@settings(max_examples=60, deadline=None)
@given(members())
def test_it_says_what_looking_at_each_member_says(parts: list[Part]) -> None:
    """Of every day that it keeps."""
    team = count_team(parts, RULE)
    latest = max((max(days_on(part)) for part in parts if part.days), default=0)

    assert (team.members, team.left) == (sum(not part.until for part in parts), sum(part.until > 0 for part in parts))
    assert team.latest == latest
    for at, day in enumerate(range(latest - PAST, latest + AHEAD + 1) if latest else ()):
        here = [part for part in parts if is_there(part, day)]
        for counts, width in ((team.month, 28), (team.week, 7)):
            assert counts[at] == sum(any(day - width < one <= day for one in days_on(part)) for part in here)
        assert team.champion[at] == sum(is_champion(part, day) for part in here)


@settings(max_examples=60, deadline=None)
@given(members())
def test_a_champion_goes_with_silence_or_by_leaving(parts: list[Part]) -> None:
    """One who was none in the four weeks up to the last day of use has no day on which they went."""
    went: list[int] = []
    latest = max((max(days_on(part)) for part in parts if part.days), default=0)
    for part in parts:
        if part.days and any(is_champion(part, max(days_on(part)) - ago) for ago in range(28)):
            silent = max(days_on(part)) + 7
            went.append(int(min(silent, part.until // DAY)) if part.until else silent)

    expected = sorted(day for day in went if day > latest - FORGOTTEN * 7)
    assert [day for day, count in count_team(parts, RULE).went for _ in range(count)] == expected


@settings(max_examples=60, deadline=None)
@given(members(), st.randoms(use_true_random=False))
def test_the_parts_of_a_company_add_up_to_the_whole(parts: list[Part], random: Any) -> None:
    """To the byte, whoever is in which part, and in which order they come."""
    again = list(parts)
    random.shuffle(again)
    cut = random.randrange(len(again) + 1)
    divided = [
        Part(FIRST * DAY, 0, Profile(""), team=count_team(some, RULE)) for some in (again[:cut], again[cut:]) if some
    ]

    whole = msgspec.msgpack.encode(count_team(parts, RULE))

    assert msgspec.msgpack.encode(count_team(again, RULE)) == whole
    assert msgspec.msgpack.encode(count_team(divided, RULE)) == whole


def test_members_who_are_alike_are_counted_together() -> None:
    """And those who were silent for half a year not at all."""
    days = [(FIRST + 7 * week) * DAY for week in range(4)]
    alike = [Part(0.0, 0, Profile(""), days=reduce(note_day, days, b""), worth=worth) for worth in (1, 2)]
    old = Part(0.0, 0, Profile(""), days=note_day(b"", (FIRST - 200) * DAY))

    (both,) = count_team([*alike, old]).quiet

    assert (both.weeks, both.spanned, both.members, both.days, both.worth) == (4, 4, 2, 8, 3)
    assert both.last == week_of(FIRST + 21)
    assert count_team([]) == Team()
