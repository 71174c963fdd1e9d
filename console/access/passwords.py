"""Passwords, by argon2id with the library's own parameters, never on the event loop: one takes some 50 ms."""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache

from argon2.exceptions import Argon2Error
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from profiles.errors import WrongUse

__all__ = ["LEAST", "MOST", "hash_password", "is_hash", "is_password"]

LEAST = 12
"""Characters of a password (NIST SP 800-63B asks for 8; nothing but its length is asked for)."""

MOST = 200
"""Characters: nobody types more."""

_FORM = re.compile(
    r"\$argon2id\$v=19\$m=[0-9]{1,7},t=[0-9]{1,3},p=[0-9]{1,3}\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}"
)

_hasher = PasswordHash((Argon2Hasher(),))


def hash_password(password: str) -> str:
    """What is kept of a password.

    Raises:
        WrongUse: it is too short, or longer than anybody types.
    """
    if not LEAST <= len(password) <= MOST:
        raise WrongUse(f"a password has {LEAST} to {MOST} characters; this one has {len(password)}")
    return _hasher.hash(password)


def is_hash(kept: str) -> bool:
    """Whether this is an argon2id hash, in the form in which it is kept everywhere (PHC string)."""
    return _FORM.fullmatch(kept) is not None


async def is_password(password: str, kept: str) -> bool:
    """Whether this is the password; takes as long where there is none to compare with."""
    return await asyncio.to_thread(_verify, password[: MOST + 1], kept) and bool(kept)


def _verify(password: str, kept: str) -> bool:
    try:
        return _hasher.verify(password, kept or _nobodys())
    except (UnknownHashError, Argon2Error):  # written by something else: nobody comes in by it
        return False


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return _hasher.hash("nobody has this one")
