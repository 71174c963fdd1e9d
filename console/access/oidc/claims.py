"""Who an OpenID provider says that somebody is: by `iss` and `sub` alone, which it gives to nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

__all__ = ["Person", "person_of", "subject_of"]


class Person(NamedTuple):
    """Somebody whom a provider knows."""

    subject: str  # digest of who says so, and whom they mean
    names: tuple[str, ...]  # that they may be called by, the best first; anybody else may be called so, too
    groups: tuple[str, ...]
    complete: bool  # whether the token itself says names and groups
    sid: str = ""  # what the provider calls its session, if it says so


def person_of(issuer: str, claims: Mapping[str, Any], group_claim: str) -> Person:
    """A person by the claims of a token that was checked.

    Args:
        issuer: the provider.
        claims: with `sub`.
        group_claim: which of them says the groups: a list, or texts with spaces or commas between.
    """
    verified = claims.get("email_verified") is True
    said = [claims.get("preferred_username"), claims.get("email") if verified else None]
    names = tuple(name for name in said if isinstance(name, str) and name)
    groups = _inner(claims, group_claim)
    if isinstance(groups, str):
        groups = groups.replace(",", " ").split()
    known = tuple(group for group in groups if isinstance(group, str)) if isinstance(groups, list) else ()
    sid = claims.get("sid")
    complete = bool(names) and groups is not None
    return Person(subject_of(issuer, claims["sub"]), names, known, complete, sid if isinstance(sid, str) else "")


def subject_of(issuer: str, sub: str) -> str:
    """What an account keeps of who says so, and whom they mean."""
    return sha256(f"{issuer}\n{sub}".encode()).hexdigest()


def _inner(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, which may have dots, or the claim within claims that the dots say."""
    if name in claims:
        return claims[name]
    first, dot, rest = name.partition(".")
    held = claims.get(first)
    return _inner(held, rest) if dot and isinstance(held, Mapping) else None
