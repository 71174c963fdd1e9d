"""What a customer allows: their latest word, else the default."""

from __future__ import annotations

import pytest

from profiles.consent import ANALYTICS, OUTREACH, PROFILING, PURPOSES, Consent, Said, said, trait_of
from profiles.types import Profile


def spoken(**words: bool) -> Profile:
    """A customer who said these things."""
    return Profile("p", traits={trait_of(purpose): (word, 5.0, b"12345678") for purpose, word in words.items()})


@pytest.mark.parametrize("purpose", [*PURPOSES, "research"])
@pytest.mark.parametrize("default", [None, True, False])
@pytest.mark.parametrize("word", [None, True, False])
def test_a_word_counts_before_the_default_and_no_plan_means_granted(
    purpose: str, default: bool | None, word: bool | None
) -> None:
    """Also for a purpose of the plan's own."""
    consent = Consent({} if default is None else {purpose: default})
    profile = Profile("p") if word is None else spoken(**{purpose: word})
    expected = word if word is not None else default is not False

    assert consent.allows(profile, purpose) is expected
    if purpose in consent.purposes:
        assert (purpose in consent.denied(profile)) is not expected


def test_what_is_denied_is_a_set_of_all_purposes() -> None:
    """Those that Rapport obeys and the plan's own."""
    consent = Consent({"research": False, OUTREACH: True, ANALYTICS: False})

    assert consent.purposes == (*PURPOSES, "research")
    assert consent.denied(Profile("p")) == {"research", ANALYTICS}
    assert consent.denied(spoken(research=True, analytics=True)) == set()
    assert consent.denied(spoken(profiling=False)) == {"research", ANALYTICS, PROFILING}


def test_a_word_comes_with_its_time_and_event() -> None:
    """So that it can be shown when it was said, and found in the archive."""
    assert said(spoken(profiling=False), PROFILING) == Said(False, 5.0, b"12345678")
    assert said(Profile("p"), PROFILING) is None
