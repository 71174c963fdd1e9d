"""How good what a model said of texts was, once their ratings were known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from models.texts.sentiment import Tone

__all__ = ["Foretold", "Quality", "quality_of"]


class Foretold(NamedTuple):
    """What the model said of a text, and what its rating then said."""

    chance: float  # of being satisfied
    guess: Tone
    satisfied: bool


class Quality(NamedTuple):
    """Of some texts. A figure is None where it has no meaning."""

    texts: int
    accuracy: float | None  # share right if it had to say something of each
    coverage: float | None  # share of which it said something
    right: float | None  # share right of these
    auc: float | None  # chance that of two texts the one of who is satisfied has the higher chance


def quality_of(foretold: Sequence[Foretold]) -> Quality:
    """The figures of texts that were foretold before anything was learned from them."""
    said = [each for each in foretold if each.guess]
    return Quality(
        texts=len(foretold),
        accuracy=_share([(each.chance >= 0.5) == each.satisfied for each in foretold]),
        coverage=len(said) / len(foretold) if foretold else None,
        right=_share([(each.guess == "positive") == each.satisfied for each in said]),
        auc=_auc(foretold),
    )


def _share(right: list[bool]) -> float | None:
    return sum(right) / len(right) if right else None


def _auc(foretold: Sequence[Foretold]) -> float | None:
    """Ties count half."""
    chances = sorted(each.chance for each in foretold)
    ranks: dict[float, float] = {}
    for place, chance in enumerate(chances):
        ranks.setdefault(chance, place + (chances.count(chance) + 1) / 2)
    satisfied = [ranks[each.chance] for each in foretold if each.satisfied]
    others = len(foretold) - len(satisfied)
    if not satisfied or not others:
        return None
    return (sum(satisfied) - len(satisfied) * (len(satisfied) + 1) / 2) / (len(satisfied) * others)
