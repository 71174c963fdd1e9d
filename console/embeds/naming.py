"""Whom a tool means: the first of what it calls a customer that somebody is known as."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from console.api.error_answers import ApiError
from console.api.paths import PROFILE_ID, parse_identity
from console.services.ports import ApiDeps
from profiles.types import Profile

__all__ = ["known_as", "spelt"]

_MOST = 8  # identities looked up for one question
_LONGEST = 500  # characters of one


async def known_as(deps: ApiDeps, said: Iterable[str]) -> Profile | None:
    """The customer of the first identity, as `email:ada@example.com`, by which there is one.

    What the plan knows no identity of is passed over: a tool says all that it knows of somebody.
    """
    for text in [one for one in dict.fromkeys(said) if one and len(one) <= _LONGEST][:_MOST]:
        try:
            kind, value = parse_identity(quote(text, safe=""), deps.plan)
        except ApiError:
            continue
        id_ = value if kind == PROFILE_ID else await deps.reader.resolve((kind, value))
        found = await deps.reader.profile(id_)
        if found is not None and found.company is None:
            return found
    return None


def spelt(**identities: object) -> list[str]:
    """`TYPE:VALUE` of each that has a value, a text or a whole number."""
    return [f"{kind}:{value}" for kind, value in identities.items() if isinstance(value, str | int) and value]
