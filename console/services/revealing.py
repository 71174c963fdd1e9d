"""Revealing: personal data of one customer that somebody sees masked, piece by piece, each written down."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple

from console.access.masking import Sight, masked
from console.api.error_answers import ApiError
from console.views.profile import ProfileView, profile_view
from plan import Plan
from profiles.types import Profile
from streams.scrub import scrub

__all__ = ["REVEALED", "Veils", "nameable", "revealed", "veils_of"]

REVEALED = "profile.reveal"
"""As the audit trail and the limits call it."""


class Veils(NamedTuple):
    """What of a customer somebody sees masked."""

    profile: str
    fields: frozenset[str]

    def id_of(self, field: str, nth: int = 0) -> str:
        """The id of the element of a page that shows it; the same for the same, whatever else there is."""
        return f"veil-{sha256(f'{self.profile} {field} {nth}'.encode()).hexdigest()[:16]}"


def veils_of(view: ProfileView, sight: Sight) -> Veils:
    """What of a customer somebody does not see as it is."""
    before, after = _fields(view), _fields(masked(view, sight))
    return Veils(view.id, frozenset(name for name, value in before.items() if after[name] != value))


def revealed(profile: Profile, now: float, plan: Plan, fields: Iterable[str]) -> dict[str, Any]:
    """The values of fields of a customer, as they are.

    Raises:
        ApiError: 404, the customer has no such field.
    """
    held = _fields(profile_view(profile, now, plan))
    asked = list(dict.fromkeys(fields))
    if unknown := [name for name in asked if name not in held]:
        there_are = ", ".join(nameable(held))[:500]
        raise ApiError(404, "not_found", f"this customer has no {unknown[0][:100]!r}; there are {there_are}")
    return {name: held[name] for name in asked}


def nameable(fields: Iterable[str]) -> list[str]:
    """Names of fields for the audit trail: what a sender made up as the name of a trait may itself be personal."""
    return [scrub(name)[:200] for name in fields]


def _fields(view: ProfileView) -> dict[str, Any]:
    """What may be personal: `label`; `identities.TYPE`, all of the type; `traits.NAME`; `claims.NAME`."""
    found: dict[str, Any] = {"label": view.label} if view.label else {}
    for identity in view.identities:
        found.setdefault(f"identities.{identity.type}", []).append(identity.value)
    found |= {f"traits.{name}": trait.value for name, trait in view.traits.items()}
    if view.claims is not None:
        found |= {f"claims.{name}": trait.value for name, trait in view.claims.traits.items()}
    return found
