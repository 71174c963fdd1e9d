"""What a customer is called in messages to others: never by how they are reached."""

from __future__ import annotations

from plan import Plan
from profiles.claims import believed_traits
from profiles.types import Profile

__all__ = ["ids_of", "name_of"]

_MOST = 80  # characters
_REACHED_BY = ("email", "phone")
_OF_BROWSERS = ("anonymous_id", "device_id")  # which tell nobody who it is


def name_of(profile: Profile, plan: Plan) -> str:
    """A customer's name, without one an identity as "user 42"; of a company its name. "" if there is none."""
    traits = {name: value for name, (value, *_) in believed_traits(profile).items() if isinstance(value, str)}
    parts = [traits[part].strip() for part in ("firstName", "lastName") if traits.get(part, "").strip()]
    name = " ".join(parts) or traits.get("name", "").strip()
    if profile.company is not None:
        return (name or profile.company.key)[:_MOST]
    if name:
        return name[:_MOST]
    told = ids_of(profile, plan)
    kind = next((kind for kind in told if kind not in _OF_BROWSERS), None)
    return f"{kind.removesuffix('_id').replace('_', ' ')} {told[kind]}"[:_MOST] if kind else ""


def ids_of(profile: Profile, plan: Plan) -> dict[str, str]:
    """The customer's identities, the oldest of each type, the strongest type first: no address, no number, no hash."""
    found: dict[str, str] = {}
    for rule in plan.identities:
        known = {value: at for value, at in profile.identities.get(rule.type, {}).items() if "@" not in value}
        if known and not rule.hashed and rule.pii not in _REACHED_BY:
            found[rule.type] = min(known, key=lambda one: (known[one], one))
    return found
