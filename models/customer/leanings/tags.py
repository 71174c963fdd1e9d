"""Tags of the catalogue that what a customer buys has more often than what all customers buy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["BASE", "LEAST", "LIFT", "Tag", "Tagged", "tags_of"]

LEAST = 3
"""Items of a tag."""

LIFT = 1.5
"""Times as often as among what all customers buy."""

BASE = 100
"""Items of all customers, below which nothing is compared."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What all customers bought, of the items that they keep: by tag, how many of all have it."""

    items: int = 0
    tags: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that somebody leans to."""

    tag: str
    items: int  # of theirs, that have it
    whole: int  # items of theirs that are in the catalogue
    lift: float


def tags_of(bought: Iterable[str], tags: Mapping[str, tuple[str, ...]], base: Tagged) -> list[Tag]:
    """The tags that somebody leans to who bought these products, those with the most items first.

    Args:
        bought: products, each as often as it was bought.
        tags: by product of the catalogue.
        base: of all customers.
    """
    items = [tags[product] for product in bought if product in tags]
    counts = Counter(tag for each in items for tag in each)
    if base.items < BASE:
        return []
    found = [
        Tag(tag, count, len(items), count * base.items / (len(items) * among))
        for tag, count in counts.items()
        if count >= LEAST and (among := base.tags.get(tag, 0))
    ]
    return sorted((each for each in found if each.lift >= LIFT), key=lambda each: (-each.items, -each.lift, each.tag))
