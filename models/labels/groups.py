"""The groups that a customer belongs to, for which chances have to be right on average, too.

They are what the plan says may be looked at (`churn.groups`: traits that are not personal, and segments that hang on no
risk), and what everybody is: where they are met, whether they are subscribed, ever look around, or ordered once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from models.features.kinds import part_of
from models.labels.habits import HABIT, habit_in_words
from profiles.claims import believed_trait
from profiles.types import Profile

__all__ = ["groups_of", "in_words"]

_LONGEST = 40  # characters of a value that names a group

_WORDS = {
    "kind:once": "who ordered once",
    "kind:again": "who ordered again",
    "kind:subscribed": "with a subscription",
    "kind:discounts": "who have ordered at a discount",
    "kind:unseen": "who are never seen on pages or in apps",
}


def groups_of(profile: Profile, asked: Sequence[str] | None) -> list[str]:
    """The groups of a customer, each once.

    Args:
        profile: who ordered.
        asked: `ChurnConfig.groups`.
    """
    found = ["kind:again" if profile.purchases.orders > 1 else "kind:once"]
    if any(one.started > one.ended for one in profile.subscriptions):
        found.append("kind:subscribed")
    if not profile.roles.keys() & _SEEN:
        found.append("kind:unseen")
    if _DISCOUNTED in profile.narrowed:
        found.append("kind:discounts")
    found += [f"source:{name}" for name in sorted(profile.activity)]
    traits, segments = _sorted(tuple(asked or ()))
    for name in traits:
        held = believed_trait(profile, name)
        if held is not None and (isinstance(held[0], str | bool | int)) and len(value := str(held[0])) <= _LONGEST:
            found.append(f"trait:{name}={value}")
    if segments:
        found += [f"segment:{name}" for name in sorted(profile.segments) if name in segments]
    return found


_DISCOUNTED = part_of("purchase", "discount")
_SEEN = frozenset({"visit", "login", "feature_use"})


@lru_cache(maxsize=16)
def _sorted(asked: tuple[str, ...]) -> tuple[list[str], frozenset[str]]:
    """The traits and the segments among them."""
    parts = [name.partition(":")[::2] for name in asked]
    return [key for kind, key in parts if kind == "trait"], frozenset(key for kind, key in parts if kind == "segment")


def in_words(group: str) -> str:
    """Who is in a group, as in "customers with country NL"."""
    if group in _WORDS:
        return _WORDS[group]
    if group.startswith(HABIT):
        return habit_in_words(group)
    kind, _, key = group.partition(":")
    if kind == "source":
        return f"who are met in {key}"
    if kind == "trait":
        name, _, value = key.partition("=")
        return f"with {name} {value}"
    return f"in the segment {key}"
