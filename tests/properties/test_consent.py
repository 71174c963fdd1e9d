"""Consent is order-free: the latest word by event time holds, whatever the order, the repeats, the split, the
limits."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from profiles.consent import PURPOSES, Consent, trait_of
from profiles.merge import merge
from profiles.state import Limits, apply, remember
from profiles.types import Event, Profile, event_digest

LIMITS = Limits(timeline=8, seen=64, traits=3)
CONSENT = Consent({"analytics": False})
Word = tuple[float, str, bool]  # (time, purpose, granted)

words = st.lists(
    st.tuples(st.integers(0, 30).map(float), st.sampled_from(PURPOSES), st.booleans()), min_size=1, max_size=12
)


def event(number: int, word: Word) -> Event:
    """One word, in an event that carries more traits than a profile keeps."""
    time, purpose, granted = word
    traits: dict[str, Any] = {f"t{number}-{n}": n for n in range(4)}
    return Event("p", f"m{number}", "web", "identify", "identify", "", time, time, [("user_id", "1")],
                 traits={**traits, trait_of(purpose): granted})  # fmt: skip


def fold(events: list[Event], id_: str = "p") -> Profile:
    """The profile of these events."""
    profile = Profile(id_)
    for each in events:
        if remember(profile, event_digest(each.source, each.id), LIMITS.seen):
            apply(profile, each, "EUR", LIMITS)
    return profile


def allowed(events: list[Event]) -> dict[str, bool]:
    """What the latest words say; of words at the very same moment, the one with the larger digest."""
    answer = {}
    for purpose in PURPOSES:
        spoken = [each for each in events if trait_of(purpose) in each.traits]
        last = max(spoken, key=lambda each: (each.time, event_digest(each.source, each.id)), default=None)
        answer[purpose] = last.traits[trait_of(purpose)] if last else CONSENT.defaults.get(purpose, True)
    return answer


def held(profile: Profile) -> dict[str, bool]:
    return {purpose: CONSENT.allows(profile, purpose) for purpose in PURPOSES}


@settings(max_examples=150, deadline=None)
@given(words, st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_give_the_latest_word(said: list[Word], random: Any) -> None:
    """Against the plain definition; a profile that is full of traits still takes the word in."""
    events = [event(number, word) for number, word in enumerate(said)]
    again = events + [random.choice(events) for _ in range(4)]
    random.shuffle(again)

    assert held(fold(again)) == allowed(events)


@settings(max_examples=150, deadline=None)
@given(words, st.randoms(use_true_random=False))
@example([(1.0, "profiling", True), (2.0, "profiling", False)], None)
def test_a_merge_takes_the_later_word_of_both(said: list[Word], random: Any) -> None:
    """Split over three profiles that merge in any order; the winner's own word does not count more."""
    events = [event(number, word) for number, word in enumerate(said)]
    parts: list[list[Event]] = [[], [], []]
    for number, each in enumerate(events):
        parts[random.randrange(3) if random else number % 3].append(each)
    winner, *losers = (fold(part, str(number)) for number, part in enumerate(parts))
    if random:
        random.shuffle(losers)
    for loser in losers:
        merge(winner, loser, LIMITS)

    assert held(winner) == allowed(events)
