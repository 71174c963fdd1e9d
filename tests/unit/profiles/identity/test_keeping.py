"""To whom an identity has gone, by claims in any order."""

from __future__ import annotations

import itertools

import pytest

from profiles.identity.keeping import MOST_CLAIMS, noted, owner
from profiles.identity.links import Claim
from profiles.types import Identity

A, B, C = (("user_id", name) for name in "abc")


def of(*said: tuple[Identity, float], same: tuple[Identity, ...] = ()) -> set[str]:
    """The owners that come of these claims, in every order; those of `same` are one customer."""
    found = set()
    for order in itertools.permutations(said):
        claims: list[Claim] = []
        for anchor, time in order:
            claims = noted(claims, Claim(anchor, time, time))
        anchor = owner(claims, lambda anchor: "same" if anchor in same else anchor[1]).anchor
        found.add("same" if anchor in same else anchor[1])
    return found


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        ([(A, 1.0)], "a"),
        ([(A, 1.0), (B, 2.0)], "b"),
        ([(A, 1.0), (A, 2.0), (B, 3.0), (B, 4.0), (C, 5.0)], "c"),
        ([(A, 1.0), (B, 2.0), (A, 3.0), (B, 4.0)], "a"),
        ([(A, 1.0), (B, 2.0), (A, 3.0), (C, 4.0)], "c"),
        ([(B, 1.0), (A, 1.0)], "a"),
    ],
)
def test_an_identity_is_whose_it_was_last_unless_both_go_on_to_claim_it(
    said: list[tuple[Identity, float]], whose: str
) -> None:
    assert of(*said) == {whose}


def test_two_accounts_of_one_customer_claim_together() -> None:
    assert of((A, 1.0), (B, 2.0), (C, 3.0), same=(A, C)) == {"same"}


def test_only_so_many_claims_are_kept() -> None:
    claims: list[Claim] = []
    for number in range(40, 0, -1):
        claims = noted(claims, Claim(("user_id", str(number)), number, number))

    assert [claim.first for claim in claims] == list(range(1, MOST_CLAIMS + 1))
