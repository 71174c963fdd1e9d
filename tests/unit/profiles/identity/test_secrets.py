"""The keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from base64 import urlsafe_b64decode

from hypothesis import given
from hypothesis import strategies as st

from profiles.identity.secrets import derived_key, fingerprint, hashed, is_hash, suppression

KEY = b"a key of the tests"


def test_it_is_the_first_half_of_an_hmac():
    """Of the standard library's, spelt out: whoever has the key can recompute it anywhere."""
    expected = hmac.new(KEY, b"identity\0email\0ada@example.com", hashlib.sha256).digest()[:16]

    assert urlsafe_b64decode(hashed(KEY, "email", "ada@example.com") + "==") == expected


@given(st.binary(min_size=1), st.text(st.characters(codec="utf-8")))
def test_every_use_has_its_own_hash(key, value):
    """Whatever the value: another type, another key or another use gives another one, in the same form."""
    found = [
        hashed(key, "email", value),
        hashed(key, "phone", value),
        hashed(key + b"!", "email", value),
        suppression(key, value),
        fingerprint(key),
    ]

    assert len(set(found)) == 5
    assert all(is_hash(text) for text in found)
    assert hashed(key, "email", value) == found[0]


def test_a_derived_key_is_the_namespaces():
    """So an installation without a key hashes the same on every machine."""
    one, other = uuid.UUID(int=1), uuid.UUID(int=2)

    assert derived_key(one) == derived_key(one) != derived_key(other)
    assert len(derived_key(one)) == 32
