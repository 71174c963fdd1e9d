"""Whether customers are satisfied, as a text says: a regression taught by those who gave a rating with their text.

One for each language, learned online: what a text says is foretold first, then learned from its rating. It speaks only
where it has been right in nine of ten among the latest rated texts; else nobody can tell.
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from typing import Any, Literal

import msgspec

from models.libraries import load

__all__ = ["LATEST", "LEAST", "Bounds", "Sentiment", "SentimentState", "Tone", "bounds_of"]

Tone = Literal["negative", "middle", "positive", ""]
"""What a text says; "" is not known."""

LEAST = 300
"""Rated texts that must have been learned from, and LEAST_OF_EACH satisfied and dissatisfied ones."""
LEAST_OF_EACH = 50

LATEST = 500
"""Rated texts by which it is judged, the latest."""

RIGHT = 0.9
"""The share of what it says that must have been right among them."""

_FEWEST = 20  # texts beyond a bound, of the latest: fewer prove nothing
_LOOK_EVERY = 25  # rated texts; bounds are drawn anew after so many
_CUSTOMERS = 5  # who must have used a piece of text before it is learned, so that no weight is of one of them
_WAITING = 50_000  # pieces that fewer have used and that are remembered, the latest
_KNOWN = 200_000  # pieces that have a weight, at most
_RATE = 0.5  # of the first steps of a weight


class Bounds(msgspec.Struct, frozen=True):
    """Chances of being satisfied at which it speaks: up to `low`, from `high`; None: never."""

    low: float | None = None
    high: float | None = None

    def tone(self, chance: float | None) -> Tone:
        """What a chance says."""
        if chance is None:
            return ""
        if self.low is not None and chance <= self.low:
            return "negative"
        return "positive" if self.high is not None and chance >= self.high else ""


class SentimentState(msgspec.Struct):
    """What is kept of it. Pieces that fewer than five customers have used are there as digests only."""

    weights: dict[str, float] = {}
    squares: dict[str, float] = {}  # of their gradients, by which steps grow smaller
    waiting: dict[int, list[int]] = {}  # digest of a piece → digests of the customers who used it
    latest: list[tuple[float, bool]] = []  # chance that was foretold, and whether they were satisfied
    satisfied: int = 0  # rated texts that were learned from
    dissatisfied: int = 0
    bounds: Bounds = Bounds()


class Sentiment:
    """The regression of one language. The same texts in the same order give the same one, to the bit.

    Args:
        state: to go on from.
    """

    def __init__(self, state: SentimentState | None = None) -> None:
        optim = load("river.optim")
        self._state = state or SentimentState(latest=[])
        self._weights = self._state.weights
        self._steps: Any = optim.AdaGrad(_RATE)
        self._steps.g2.update(self._state.squares)
        self._waiting = self._state.waiting
        self._latest = deque(self._state.latest, LATEST)

    @property
    def state(self) -> SentimentState:
        """To be kept."""
        return msgspec.structs.replace(self._state, squares=dict(self._steps.g2), latest=list(self._latest))

    @property
    def bounds(self) -> Bounds:
        """Beyond which it speaks now."""
        return self._state.bounds

    def chance(self, grams: list[str]) -> float | None:
        """The chance that who wrote these pieces is satisfied; None before anything was learned.

        Pieces that are not known say nothing.
        """
        if not self._state.satisfied + self._state.dissatisfied:
            return None
        return _sigmoid(self._sum(self._known(grams)))

    def says(self, grams: list[str]) -> Tone:
        """What these pieces say; nothing, if none of them is known."""
        known = any(gram in self._weights for gram in grams)
        return self.bounds.tone(self.chance(grams)) if known else ""

    def learn(self, grams: list[str], *, satisfied: bool, who: str) -> None:
        """Learn from a text with its rating.

        Args:
            grams: its pieces.
            satisfied: what the rating says.
            who: the customer.
        """
        held = self._state
        if (chance := self.chance(grams)) is not None and any(gram in self._weights for gram in grams):
            self._latest.append((chance, satisfied))
        self._meet(grams, who)
        known = self._known(grams)
        gradient = _sigmoid(self._sum(known)) - satisfied
        self._steps.step(self._weights, {gram: gradient * value for gram, value in known.items()})
        held.satisfied += satisfied
        held.dissatisfied += not satisfied
        learned = held.satisfied + held.dissatisfied
        if learned >= LEAST and not learned % _LOOK_EVERY:
            enough = min(held.satisfied, held.dissatisfied) >= LEAST_OF_EACH
            held.bounds = bounds_of(list(self._latest)) if enough else Bounds()

    def _known(self, grams: list[str]) -> dict[str, float]:
        """The pieces that are learned, each as much as any other of a text of such a length; "" is in every text."""
        found = [gram for gram in grams if gram in self._weights]
        each = 1.0 / math.sqrt(len(found)) if found else 0.0
        return {"": 0.5, **dict.fromkeys(found, each)}

    def _sum(self, known: dict[str, float]) -> float:
        weights = self._weights
        return math.fsum(weights.get(gram, 0.0) * value for gram, value in known.items())

    def _meet(self, grams: list[str], who: str) -> None:
        """Remember who used which pieces; those of enough customers are learned from now on."""
        weights, waiting = self._weights, self._waiting
        weights.setdefault("", 0.0)
        customer = _digest(who)
        for gram in grams:
            if gram in weights:
                continue
            key = _digest(gram)
            users = waiting.get(key)
            if users is None:
                waiting[key] = [customer]
            elif customer not in users:
                users.append(customer)
                if len(users) >= _CUSTOMERS:
                    del waiting[key]
                    if len(weights) < _KNOWN:
                        weights[gram] = 0.0
        if len(waiting) > _WAITING:
            for key in list(waiting)[: len(waiting) - _WAITING // 2]:
                del waiting[key]


def bounds_of(latest: list[tuple[float, bool]]) -> Bounds:
    """The widest bounds beyond which it would have been right often enough among what it foretold.

    Right often enough also if there were as many of either kind: where nine of ten are satisfied, saying so of
    everybody is right in nine of ten and says nothing. As bounds are chosen afterwards, more wrong ones are assumed
    than there were, by their standard error.

    Args:
        latest: chance of being satisfied, and whether they were.
    """
    dissatisfied = sorted((chance, not satisfied) for chance, satisfied in latest)
    low = _reach(dissatisfied, 0.5)
    high = _reach([(-chance, not wanted) for chance, wanted in reversed(dissatisfied)], -0.5)
    return Bounds(low, None if high is None else -high)


def _reach(ordered: list[tuple[float, bool]], end: float) -> float | None:
    """The furthest place before `end` up to which enough are of the wanted kind; None if there is none.

    Args:
        ordered: places, and whether what is there is of that kind, in the order of the places.
    """
    wanted = sum(is_wanted for _, is_wanted in ordered)
    others = len(ordered) - wanted
    if not wanted or not others:
        return None
    furthest, right, missed = None, 0, 0
    for place, (at, is_wanted) in enumerate(ordered):
        if at >= end:
            break
        right += is_wanted
        missed += not is_wanted
        if right + missed < _FEWEST or (place + 1 < len(ordered) and ordered[place + 1][0] == at):
            continue
        wrong = missed + math.sqrt(missed + 1)
        alike = right / wanted, wrong / others
        if wrong <= (1 - RIGHT) * (right + wrong) and alike[1] <= (1 - RIGHT) * sum(alike):
            furthest = at
    return furthest


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, value))))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
