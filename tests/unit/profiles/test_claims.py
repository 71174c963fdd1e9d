"""What is only claimed stays beside what counts, and a visitor's claims do not follow them into a person's profile."""

from __future__ import annotations

from typing import Any

from profiles.claims import believed_trait, believed_traits
from profiles.consent import Consent, said
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.timeline import latest_events
from profiles.types import Claim, Event, Identity, Profile

LIMITS = Limits(timeline=4, persons=frozenset({"user_id"}), claimed=3)
BROWSER, USER = ("anonymous_id", "b"), ("user_id", "42")
CONSENT = Consent({"profiling": True})


def event(time: float, who: Identity, role: str = "", claim: Claim | None = None, **parts: Any) -> Event:
    name = parts.pop("name", role or (claim.role if claim else "") or "identify")
    return Event("p", f"{time}", "web", "track", name, role, time, time, [who], claim=claim, **parts)


def profile_of(*events: Event, id_: str = "p") -> Profile:
    profile = Profile(id_)
    for each in events:
        apply(profile, each, "EUR", LIMITS)
    return profile


def test_a_claimed_order_is_seen_and_counts_nowhere() -> None:
    claimed = Claim("purchase", named=True)
    profile = profile_of(event(1, USER, claim=claimed, amount=500, currency="EUR", subject="o1"))

    assert profile.purchases.orders == 0
    assert not profile.roles
    assert latest_events(profile, 9) == []
    assert profile.claims is not None
    [entry] = latest_events(profile.claims, 9)
    assert (entry.name, entry.amount, entry.about) == ("purchase", 500, "o1")
    assert profile.activity["web"].count == 1


def test_the_order_of_another_source_counts_as_if_there_had_been_no_claim() -> None:
    order = event(2, USER, "purchase", amount=700, currency="EUR", subject="o1")
    claimed = event(1, USER, claim=Claim("purchase"), amount=999_999, currency="EUR", subject="o1")

    for events in ((order, claimed), (claimed, order)):
        assert profile_of(*events).purchases == profile_of(order).purchases
        assert profile_of(*events).roles == profile_of(order).roles


def test_who_claims_much_pushes_nothing_out_of_the_timeline() -> None:
    flood = [event(10 + n, USER, claim=Claim("purchase"), subject=f"{n}") for n in range(20)]
    profile = profile_of(event(1, USER, "visit"), *flood)

    assert [entry.name for entry in latest_events(profile, 9)] == ["visit"]
    assert profile.claims is not None
    assert profile.claims.timeline_count <= 2 * LIMITS.timeline


def test_of_a_visitor_a_claimed_trait_counts_and_of_a_person_it_does_not() -> None:
    says = Claim(traits={"country": "NL", "consent.profiling": False})
    visitor = profile_of(event(1, BROWSER, claim=says))
    person = profile_of(event(1, USER, claim=says))

    assert believed_trait(visitor, "country") == believed_traits(visitor)["country"]
    assert not CONSENT.allows(visitor, "profiling")
    assert CONSENT.denied(visitor) == {"profiling"}
    word = said(visitor, "profiling")
    assert word is not None
    assert (word.granted, word.claimed) == (False, True)

    assert believed_trait(person, "country") is None
    assert believed_traits(person) == {}
    assert CONSENT.allows(person, "profiling")
    assert CONSENT.denied(person) == frozenset()
    assert said(person, "profiling") is None


def test_a_claim_never_wins_over_what_counts() -> None:
    """Also not a later one: only another source can take its word back."""
    profile = profile_of(
        event(1, BROWSER, traits={"country": "NL", "plan": None}),
        event(2, BROWSER, claim=Claim(traits={"country": "BE", "plan": "plus"})),
    )

    assert believed_traits(profile)["country"][0] == "NL"
    trait = believed_trait(profile, "plan")
    assert trait is not None
    assert trait[0] is None


def test_claims_of_a_browser_do_not_count_for_whom_it_is_linked_to() -> None:
    """Else a stranger would set a customer's traits and consent by way of a browser of their own."""
    browser = profile_of(event(5, BROWSER, claim=Claim(traits={"country": "BE", "consent.profiling": False})), id_="q")
    person = profile_of(event(1, USER, traits={"plan": "plus"}))

    for winner, loser in ((person, browser), (profile_of(event(5, BROWSER), id_="q"), person)):
        merge(winner, loser, LIMITS)
        assert "country" not in believed_traits(winner)
        assert CONSENT.allows(winner, "profiling")
        assert believed_traits(winner)["plan"][0] == "plus"
    assert person.claims is not None
    assert person.claims.traits["country"][0] == "BE"


def test_a_browser_becomes_a_persons_by_their_first_event() -> None:
    """Also when its claims arrived first."""
    profile = profile_of(event(5, BROWSER, claim=Claim(traits={"country": "BE"})), event(6, USER, "visit"))

    assert believed_trait(profile, "country") is None


def test_claims_have_bounds() -> None:
    many = {f"t{number}": number for number in range(9)}
    profile = profile_of(event(1, USER, claim=Claim(traits={**many, "consent.profiling": False})))

    assert profile.claims is not None
    assert len(profile.claims.traits) == LIMITS.claimed + 1  # consent never gives way


def test_who_was_named_and_not_linked_is_noted_by_type() -> None:
    profile = profile_of(
        event(3, BROWSER, claim=Claim(identities=[USER], named=True)),
        event(2, BROWSER, claim=Claim(identities=[USER, ("email", "x")], named=True)),
    )

    assert profile.claims is not None
    assert profile.claims.unlinked == {"user_id": 3, "email": 2}
