"""A feature: one row of the table, with all that scoring, learning, reasons and docs ask of it."""

from __future__ import annotations

import math
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
    "LIMIT", "Age", "Alike", "Array", "Fading", "FadingOrders", "Feature", "Figure", "Formula", "Held", "OfAnswer",
    "OfOrders", "OfPart", "OfRole", "Path", "Say", "Tidy", "Together", "as_it_is", "log_of", "points", "root_of",
    "within",
]  # fmt: skip

Array = NDArray[np.float64]

LIMIT = 1e9
"""Keeps every feature finite, whatever was sent."""


class Tidy(NamedTuple):
    """What figures are brought into once they are read: a range, and then a scale. 0 stays 0."""

    low: float = -math.inf
    high: float = math.inf
    scale: np.ufunc | None = None


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


@dataclass(frozen=True)
class OfOrders:
    """The path of what orders and time alone decide. These rows come first in the table."""

    formula: Callable[[Orders], Array | float]


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
class Together:
    """The path of the root of what counts that fade hold together: figures that are roots of them."""

    figures: tuple[Figure, ...]
    besides: tuple[Figure, ...] = ()  # which hold a part of it that is not meant


@dataclass(frozen=True)
class Formula:
    """The path of what follows from other features and figures."""

    formula: Callable[[Sheet], Array]
    figures: tuple[Figure, ...] = ()  # besides those of the rows before
    only: tuple[Figure, ...] = ()  # it is 0 of whom all of these figures are, and need not be worked out for others


@dataclass(frozen=True)
class Alike:
    """The path of rows next to each other that follow from the same features of several roles, each its own."""

    formula: Callable[[Sheet, Sequence[str]], Array]  # of all roles: (roles, steps, n)
    role: str


Path = OfOrders | FadingOrders | Fading | Held | Age | Together | Formula | Alike


class Feature(NamedTuple):
    """One column: its group is what a reason speaks of, its path how it moves with time when nothing happens."""

    name: str
    group: str
    unit: str
    meaning: str
    path: Path
    say: Say


root_of = Tidy(0.0, LIMIT, np.sqrt)
"""Of a count."""

log_of = Tidy(0.0, LIMIT, np.log1p)
"""log(1 + x) of a length."""

points = Tidy(-10.0, 10.0)
"""Of a survey."""

as_it_is = Tidy()
"""Finite already."""


def within(most: float) -> Tidy:
    """From 0 up to this."""
    return Tidy(0.0, most)
