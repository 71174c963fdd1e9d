"""Signed user ids: how a page proves to us that the shop has logged this user in.

The shop's server writes HMAC-SHA256 of the user id, under a key that it shares with Rapport, in hexadecimal into the
page it serves; the SDK sends it along. Whoever has only the write key cannot make it for anybody else. (RFC 2104; the
scheme that chat widgets know as identity verification.)
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import lru_cache

__all__ = ["signature_of", "verifier"]

_REMEMBERED = 20_000  # (user id, signature) that are not computed again
_LENGTH = 64  # hexadecimal digits of a SHA-256


def signature_of(key: bytes, user: str) -> str:
    """The signature of a user id: 64 hexadecimal digits."""
    return hmac.digest(key, user.encode("utf-8", "surrogatepass"), "sha256").hex()


def verifier(key: bytes) -> Callable[[str, object], bool]:
    """A function that answers whether a signature is the one of a user id. In either case of letters."""

    @lru_cache(maxsize=_REMEMBERED)
    def fits(user: str, signature: str) -> bool:
        return hmac.compare_digest(signature_of(key, user), signature)

    def is_valid(user: str, signature: object) -> bool:
        return (
            isinstance(signature, str)
            and len(signature) == _LENGTH
            and signature.isascii()
            and fits(user, signature.lower())
        )

    return is_valid
