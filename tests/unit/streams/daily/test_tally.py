"""The commit changes counters by what its documents add more than before."""

from __future__ import annotations

from profiles.calendar.local_time import LocalTime
from profiles.consent import Consent
from profiles.daily.contribution import Contribution
from profiles.daily.counters import CUSTOMERS, EVENTS
from profiles.documents import decode_profile, encode_profile
from profiles.state import Limits, apply
from profiles.store import Loaded
from profiles.types import Profile
from streams.daily.tally import tally
from streams.steps.work import Work
from tests.build import T0, event

DAYS = LocalTime()
TODAY = DAYS.of(T0)
LIMITS = Limits(days=DAYS)
STEP = tally(Contribution(DAYS, Consent()))


def changed(work: Work, *profiles: Profile) -> dict[tuple[int, int], int]:
    """What a commit of these changes."""
    for profile in profiles:
        work.touch(profile)
    STEP(work)
    return {key: number for key, number in work.changes(1, 0).counted.items() if number}


def test_counters_change_by_the_difference() -> None:
    profile = Profile("p")
    apply(profile, event("visit", 0), "EUR", LIMITS)
    assert changed(Work(0, Loaded(), 4), profile) == {(TODAY, EVENTS): 1, (TODAY, CUSTOMERS): 1}

    held = decode_profile("p", encode_profile(profile))
    work = Work(0, Loaded(profiles={"p": held}), 4)
    apply(held, event("view", 0), "EUR", LIMITS)
    assert changed(work, held) == {(TODAY, EVENTS): 1}
    assert changed(work, held) == {(TODAY, EVENTS): 1}, "whoever asks twice is told the same"


def test_who_goes_takes_along_what_they_added() -> None:
    profile = Profile("p", created=T0, counted={TODAY: {EVENTS: 3, CUSTOMERS: 1}})
    for tombstone in (True, False):
        work = Work(0, Loaded(profiles={"p": profile}), 4)
        if tombstone:
            work.replace(Profile("p", redirect="q"))
        else:
            work.remove(profile)
        assert changed(work) == {(TODAY, EVENTS): -3, (TODAY, CUSTOMERS): -1}
