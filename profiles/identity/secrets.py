"""The keyed hash that stands for personal data where the value itself is not needed.

HMAC-SHA256 cut to 128 bits, in 22 characters of base64url. Without the key nobody can tell whose hash it is, also not
by hashing every address or number there is; with the key the same value always gives the same hash, so identities
meet and lookups find them. Each use has its own domain: an identity's hash is never a suppression entry's.
"""

from __future__ import annotations

import hmac
import re
import uuid
from base64 import urlsafe_b64encode
from hashlib import sha256

__all__ = ["LEAST", "derived_key", "fingerprint", "hashed", "is_hash", "sender", "suppression"]

LEAST = 16
"""Characters of a key that is given; a shorter one could be guessed."""

_HASH = re.compile(r"[A-Za-z0-9_-]{22}")


def hashed(key: bytes, type: str, value: str) -> str:
    """What an identity is held as.

    Args:
        key: the installation's.
        type: of the identity, so that one value under two types gives two hashes.
        value: in its one spelling (`profiles.identity.spelling`).
    """
    return _mac(key, f"identity\0{type}\0{value}")


def suppression(key: bytes, profile: str) -> str:
    """The entry that keeps an erased customer away, by the profile id of a home."""
    return _mac(key, f"suppression\0{profile}")


def sender(key: bytes, who: str) -> str:
    """What a sender of events is told apart by: where its requests come from, or who it says it is."""
    return _mac(key, f"sender\0{who}")


def fingerprint(key: bytes) -> str:
    """Tells two keys apart, and nothing else about them."""
    return _mac(key, "fingerprint")


def derived_key(namespace: uuid.UUID) -> bytes:
    """The key of an installation that was given none. Whoever has the plan has it, too."""
    return sha256(b"rapport pii key\0" + namespace.bytes).digest()


def is_hash(text: str) -> bool:
    """Whether a text has the form of a hash."""
    return _HASH.fullmatch(text) is not None


def _mac(key: bytes, message: str) -> str:
    return urlsafe_b64encode(hmac.digest(key, message.encode(), "sha256")[:16])[:22].decode()
