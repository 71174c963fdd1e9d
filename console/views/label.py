"""What a customer is called: one rule for lists, cases, search, pages and the terminal."""

from __future__ import annotations

from console.access.hiding import hidden
from plan import Plan
from profiles.claims import believed_traits
from profiles.types import Profile

__all__ = ["label"]

_MOST = 80  # characters
_OF_BROWSERS = ("anonymous_id", "device_id")  # which tell nobody who it is


def label(profile: Profile, plan: Plan, *, masked: bool = False) -> str:
    """A customer's name; without one their strongest identity, such as "user 42"; "" for a visitor nobody knows. Of a
    company its name, or what events call it.

    The name of a company is shown where the plan says that it is nobody's personal data, and to who may see names where
    it is classed as one.

    Args:
        profile: whose.
        plan: knows which identities are stronger.
        masked: for somebody who may not see personal data: initials, and of an identity its end.
    """
    traits = {name: value for name, (value, *_) in believed_traits(profile).items() if isinstance(value, str)}
    parts = [traits[part].strip() for part in ("firstName", "lastName") if traits.get(part, "").strip()]
    name = " ".join(parts) or traits.get("name", "").strip()
    if profile.company is not None:
        return ((_shows_name(plan, masked=masked) and name) or profile.company.key)[:_MOST]
    if name:
        return " ".join(f"{word[0]}." for word in name.split()[:4]) if masked else name[:_MOST]
    for rule in plan.identities:
        known = profile.identities.get(rule.type)
        if known and not rule.hashed and rule.type not in _OF_BROWSERS:
            value = min(known, key=lambda one: (known[one], one))
            kind = rule.type.removesuffix("_id").replace("_", " ")
            if rule.pii not in ("none", "id", "name"):  # how to reach somebody is no name of theirs
                return f"{kind} {hidden(value, rule.pii)}"[:_MOST]
            return f"{kind} …{value[-2:]}" if masked and rule.pii != "none" else f"{kind} {value}"[:_MOST]
    return ""


def _shows_name(plan: Plan, *, masked: bool) -> bool:
    """Whether what companies are called may stand in a list."""
    traits = plan.file.groups[plan.group].traits if plan.group else {}
    pii = traits["name"].pii if "name" in traits else None
    return pii == "none" or (not masked and pii in ("name", "id"))
