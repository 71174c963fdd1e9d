"""The one spelling of an identity's value."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.identity.spelling import BLOCKED, MAX_LENGTH, normalise


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("06 1234 5678", "+31612345678"),
        ("+31 (0)6-123.456.78", "+31612345678"),
        ("0031 6 12345678", "+31612345678"),
        ("31612345678", "+31612345678"),
        (31612345678, "+31612345678"),
        ("tel:+31-6-12345678", "+31612345678"),
        ("\u0660\u0666\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", "+31612345678"),
        ("00 44 (0)20 7946 0958", "+442079460958"),
        ("+39 06 6982", "+39066982"),  # in Italy the zero belongs to the number
        ("+31 20 1234567 ext. 12", "+31201234567;ext=12"),  # one switchboard, many people
        ("call me", None),
        ("12", None),
        ("112", None),
        ("0000000000", None),
        ("+31 000000000", None),
        ("+999 12345678", None),
        ("+31612345678901234", None),
    ],
)
def test_telephone_numbers_become_e164(sent, kept):
    """Spaces, punctuation and the way of dialling do not make another customer."""
    assert normalise(sent, "phone", frozenset(), "NL") == kept


@pytest.mark.parametrize(
    ("sent", "region", "kept"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("06 1234 5678", "DE", "+49612345678"),
        ("06 1234 5678", None, None),
        ("0031612345678", None, "+31612345678"),
        ("+31612345678", None, "+31612345678"),
    ],
)
def test_a_national_number_is_of_the_plans_region(sent, region, kept):
    """Without one it identifies nobody: it might be anybody's."""
    assert normalise(sent, "phone", frozenset(), region) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (" Ada@Example.COM\n", "ada@example.com"),
        ("ada+shop@example.com", "ada+shop@example.com"),
        ("a.d.a@gmail.com", "a.d.a@gmail.com"),
        ("Jos\u00e9@example.com", "jos\u00e9@example.com"),
        ("Jose\u0301@example.com", "jos\u00e9@example.com"),
        ("ada@B\u00fccher.example", "ada@xn--bcher-kva.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"),
        ("ada@\u2603\ufe0f.\u0000", None),
        ("nobody", None),
        ("a b@c.nl", None),
        ("@", None),
        ("a@", None),
        ("a@b@c", None),
        (3, None),
    ],
)
def test_addresses_have_one_spelling(sent, kept):
    """Case, composition and the script of the domain do not make another customer; dots and tags might."""
    assert normalise(sent, "email", frozenset()) == kept


def test_text_is_composed():
    """What looks the same is the same, whatever keyboard wrote it."""
    assert normalise("Zoe\u0308", "id", frozenset()) == "Zo\u00eb"


@given(st.text(max_size=40), st.sampled_from(["id", "email", "phone"]))
def test_any_text_has_a_spelling_or_none_and_keeps_it(text, pii):
    """Nothing raises; what has been spelt once stays as it is."""
    once = normalise(text, pii, BLOCKED, "NL")

    if once is not None:
        assert once.encode()
        assert once == once.strip()
        assert pii == "phone" or unicodedata.is_normalized("NFC", once)
        assert normalise(once, pii, BLOCKED, "NL") == once


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.lists(st.none()), st.binary()))
def test_any_value_is_taken_or_left(value):
    """An event may hold anything."""
    for pii in ("id", "email", "phone"):
        spelt = normalise(value, pii, BLOCKED, "NL")

        assert spelt is None or (isinstance(value, (int, float)) and len(spelt) <= MAX_LENGTH)
