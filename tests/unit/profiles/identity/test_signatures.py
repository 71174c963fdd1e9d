"""Signatures of user ids, against the standard's own examples."""

from __future__ import annotations

import pytest

from profiles.identity.signatures import signature_of, verifier

KEY = b"Jefe"
USER = "what do ya want for nothing?"
SIGNATURE = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"  # RFC 4231, 4.3


def test_it_is_hmac_sha256_in_hexadecimal() -> None:
    """What any language's library gives."""
    assert signature_of(KEY, USER) == SIGNATURE


@pytest.mark.parametrize(
    ("user", "signature", "valid"),
    [
        (USER, SIGNATURE, True),
        (USER, SIGNATURE.upper(), True),
        ("42", SIGNATURE, False),
        (USER, SIGNATURE[:-1] + "4", False),
        (USER, SIGNATURE[:32], False),
        (USER, SIGNATURE + "00", False),
        (USER, "é" * 64, False),
        (USER, "", False),
        (USER, None, False),
        (USER, 5, False),
        (USER, [SIGNATURE], False),
        ("\ud800", SIGNATURE, False),
    ],
)
def test_only_the_whole_signature_of_this_user_is_valid(user: str, signature: object, valid: bool) -> None:
    """Whatever is sent in its place is answered, not raised."""
    is_valid = verifier(KEY)

    assert [is_valid(user, signature) for _ in range(2)] == [valid, valid]


def test_another_key_makes_another_signature() -> None:
    assert not verifier(b"another key")(USER, SIGNATURE)
