"""What is linked to a profile, as it is kept."""

from __future__ import annotations

from profiles.identity.links import Link, Linked, decode_linked, encode_linked
from profiles.types import Identity

ANN: Identity = ("user_id", "ann")
MAIL: Identity = ("email", "ann@example.com")
PHONE: Identity = ("anonymous_id", "30dd3a6b-9a3c-4d8b-8a7e-0b7f4f6f8f11")
TABLET: Identity = ("anonymous_id", "tablet")
TOGETHER = sorted([ANN, MAIL, PHONE, TABLET])

LOGIN = Link([ANN, MAIL, PHONE], 5.0, "web", "ajs-next-1", 3, 6.0, stated=True, remembered=[PHONE])
LATER = Link([ANN, TABLET], 7.0, "app", "2", 4, 8.0)


def test_what_linked_a_profile_comes_back_as_it_was() -> None:
    """By the identity that each link made join, in the order of the decisions."""
    links = {MAIL: [LOGIN], PHONE: [LOGIN, LATER], TABLET: [LATER]}

    assert decode_linked(encode_linked(TOGETHER, links)) == Linked(TOGETHER, links)
    assert decode_linked(encode_linked([ANN], {})) == Linked([ANN], {})


def test_a_link_is_kept_once_and_names_nobody_again() -> None:
    """However many it made join; an identity's text is in the record a single time."""
    record = encode_linked(TOGETHER, {MAIL: [LOGIN], PHONE: [LOGIN], TABLET: [LATER]})

    assert record.count(LOGIN.event.encode()) == 1
    assert [record.count(value.encode()) for _, value in (MAIL, PHONE, TABLET)] == [1, 1, 1]


def test_links_of_others_are_left_out_and_one_that_names_others_is_kept() -> None:
    """A log that was cut may tell of a link without all that it linked."""
    links = {MAIL: [LOGIN], TABLET: [LATER], PHONE: None}

    assert decode_linked(encode_linked([MAIL, ANN], links)) == Linked([MAIL, ANN], {MAIL: [LOGIN]})
