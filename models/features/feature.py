"""A feature: one row of the table, with all that scoring, learning, reasons and docs ask of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from profiles.types import Opinion, Profile, Reason

if TYPE_CHECKING:
    from models.features.orders import Orders
    from models.features.sheet import Sheet

__all__ = [
    "LIMIT", "Age", "Array", "Fading", "FadingOrders", "Feature", "Figure", "Formula", "Held", "OfAnswer", "OfOrders",
    "OfPart", "OfRole", "Path", "Say", "Tidy", "as_it_is", "log_of", "points", "root_of", "within",
]  # fmt: skip

Array = NDArray[np.float64]

LIMIT = 1e9
"""Keeps every feature finite, whatever was sent."""

Tidy = Callable[[Array], Array]
"""Brings figures of a batch into their range and scale, once they are read. Neighbours with the same share a call."""

Say = Callable[[Profile, float, Reason], str]
"""(profile, time of the score, reason) → the reason in words."""


@dataclass(frozen=True)
class OfRole:
    """Read from the tally of a role, or of a kind of its events: one of its decayed counts."""

    role: str
    which: int  # index of the half-life in HALF_LIVES


@dataclass(frozen=True)
class OfAnswer:
    """Read from the answers to a kind of survey."""

    kind: str
    read: Callable[[Opinion], float]


@dataclass(frozen=True)
class OfPart:
    """Read from any other part of a profile."""

    part: Callable[[Profile, str], Sequence[float] | None]  # of the profile and the plan's currency; None for nothing
    field: int  # index of what the part gives
    time: int | None = None  # index of the time from which it fades


@dataclass(frozen=True)
class Figure:
    """A number that is read from a profile: it changes with the profile's events, not with time."""

    name: str
    source: OfRole | OfAnswer | OfPart
    tidy: Tidy
    half_life: float | None = None  # seconds in which it halves by the time of its event; None: it does not fade
    rare: bool = False  # few customers have it, and the others shall not pay for it


@dataclass(frozen=True)
class OfOrders:
    """The path of what orders and time alone decide. These rows come first in the table."""

    formula: Callable[[Orders], Array]


@dataclass(frozen=True)
class FadingOrders:
    """The path of a decayed sum of orders. These rows follow those `OfOrders`, in the order of `Purchases`."""

    half_life: float
    log: bool = False


@dataclass(frozen=True)
class Fading:
    """The path of a figure that fades."""

    figure: Figure


@dataclass(frozen=True)
class Held:
    """The path of a figure that stays as it is."""

    figure: Figure


@dataclass(frozen=True)
class Age:
    """The path of log(1 + the time since a figure, which is a time); 0 while that is 0."""

    figure: Figure
    unit: float  # seconds


@dataclass(frozen=True)
class Formula:
    """The path of what follows from other features and figures. A rare one is 0 while nobody has a rare figure."""

    formula: Callable[[Sheet], Array]
    figures: tuple[Figure, ...] = ()  # besides those of the rows before
    rare: bool = False
    alone: bool = False  # it is 0 of whom all of these figures are, so that it need not be worked out for others


Path = OfOrders | FadingOrders | Fading | Held | Age | Formula


class Feature(NamedTuple):
    """One column: its group is what a reason speaks of, its path how it moves with time when nothing happens."""

    name: str
    group: str
    unit: str
    meaning: str
    path: Path
    say: Say


def root_of(x: Array) -> Array:
    """Of a count."""
    roots: Array = np.sqrt(x.clip(0.0, LIMIT))
    return roots


def log_of(x: Array) -> Array:
    """log(1 + x) of a length."""
    logs: Array = np.log1p(x.clip(0.0, LIMIT))
    return logs


def points(x: Array) -> Array:
    """Of a survey."""
    return x.clip(-10.0, 10.0)


def within(most: float) -> Tidy:
    """From 0 up to this."""
    return lambda x: x.clip(0.0, most)


def as_it_is(x: Array) -> Array:
    """Finite already."""
    return x
