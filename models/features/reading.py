"""Reads what the features need of each profile: numbers that change with its events, not with time.

The figures follow from the rows of the table. What most customers have is read as one list a customer; what few have
is collected beside it, so that the others do not pay for it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np

from models.features.feature import (
    LIMIT,
    Age,
    Array,
    Fading,
    Figure,
    Formula,
    Held,
    OfAnswer,
    OfPart,
    OfRole,
    as_it_is,
)
from models.features.orders import FIGURES, REVENUE, read_baskets, read_gaps, read_orders
from models.features.table import TABLE
from profiles.types import Opinion, Profile, Purchases, Tally

__all__ = ["COMMON", "PLACE", "RARE", "RAW", "TIME", "raws"]


def _figures() -> list[Figure]:
    """What the rows name, in the order in which they first do."""
    named: dict[str, Figure] = {}
    for feature in TABLE:
        match feature.path:
            case Fading(figure) | Held(figure) | Age(figure, _):
                named.setdefault(figure.name, figure)
            case Formula(_, figures):
                named.update((figure.name, figure) for figure in figures if figure.name not in named)
            case _:
                pass  # of orders
    return list(named.values())


_Part = Callable[[Profile, str], Sequence[float] | None]


class Block:
    """The figures that most customers have, or those that few have: first what fades, then its times, then the rest."""

    def __init__(self, figures: Iterable[Figure], start: int) -> None:
        every = list(figures)
        self.fading = [figure for figure in every if figure.half_life is not None]
        self.held = [figure for figure in every if figure.half_life is None]
        self.values = slice(start, start + len(self.fading))
        self.times = slice(self.values.stop, self.values.stop + len(self.fading))
        self.start, self.stop = start, self.times.stop + len(self.held)
        self.place = {figure.name: start + k for k, figure in enumerate(self.fading)}
        self.time = {figure.name: self.times.start + k for k, figure in enumerate(self.fading)}
        self.place |= {figure.name: self.times.stop + k for k, figure in enumerate(self.held)}
        self.tallies: dict[str, list[tuple[int, int, int]]] = {}  # by role: (place, place of its time, which)
        self.answers: dict[str, list[tuple[int, int, Callable[[Opinion], float]]]] = {}
        self.parts: dict[_Part, list[tuple[int, int]]] = {}  # (place, field)
        for figure in every:
            place = self.place[figure.name]
            match figure.source:
                case OfRole(role, which):
                    self.tallies.setdefault(role, []).append((place, self.time[figure.name], which))
                case OfAnswer(kind, say):
                    self.answers.setdefault(kind, []).append((place, self.time[figure.name], say))
                case OfPart(part, field, time):
                    self.parts.setdefault(part, []).append((place, field))
                    if time is not None:
                        self.parts[part].append((self.time[figure.name], time))
        placed = sorted(((self.place[figure.name], figure.tidy) for figure in every), key=itemgetter(0))
        self._tidy = [
            (slice(run[0][0], run[-1][0] + 1), tidy)
            for tidy, run in ((tidy, list(places)) for tidy, places in groupby(placed, key=itemgetter(1)))
            if tidy is not as_it_is
        ]

    def tidy(self, out: Array) -> None:
        """Bring the figures into range and scale, in place."""
        for columns, tidy in self._tidy:
            out[:, columns] = tidy(out[:, columns])


COMMON = Block((figure for figure in _figures() if not figure.rare), FIGURES)
RARE = Block((figure for figure in _figures() if figure.rare), COMMON.stop)

RAW = RARE.stop
"""How many numbers `raws` returns for a customer."""

PLACE = COMMON.place | RARE.place
"""The columns of `raws` by the name of the figure; those of orders are in `models.features.orders`."""

TIME = COMMON.time | RARE.time
"""The columns of the times of the latest events, of what fades."""

_NOTHING = [0.0] * COMMON.stop
_pack_row = struct.Struct(f"<{COMMON.stop}d").pack
_TALLIES, _RARE_TALLIES = COMMON.tallies, RARE.tallies
_PARTS = [(part, COMMON.parts.get(part, ()), RARE.parts.get(part, ())) for part in {**COMMON.parts, **RARE.parts}]


def raws(profiles: Sequence[Profile], currency: str) -> Array:
    """The figures of each profile.

    Args:
        profiles: any profiles; without orders the figures of orders are zeros.
        currency: revenue in other currencies is left out, since sums need one unit.

    Returns:
        An array (profiles, RAW) for `matrix` and `rolled`.
    """
    times: list[float] = []
    amounts: list[int] = []
    lengths: list[int] = []
    rows: list[bytes] = []
    rare: dict[int, float] = {}  # by place in the whole array
    start = 0
    for profile in profiles:
        recent = profile.purchases.recent
        times += recent
        amounts += _amounts(profile.purchases)
        lengths.append(len(recent))
        rows.append(_pack_row(*_read(profile, currency, rare, start)))
        start += RAW
    out = np.zeros((len(rows), RAW))
    out[:, : COMMON.stop] = np.frombuffer(b"".join(rows), dtype="<f8").reshape(-1, COMMON.stop)
    if rare:
        out.put(list(rare), list(rare.values()))
    if times:
        read_gaps(out, np.array(times), np.array(lengths))
        read_baskets(out, np.array(amounts, dtype=np.float64), np.array(lengths))
    np.nan_to_num(out, copy=False, nan=0.0, posinf=LIMIT, neginf=-LIMIT)
    out[:, REVENUE:FIGURES] = out[:, REVENUE:FIGURES].clip(0.0, LIMIT)
    COMMON.tidy(out)
    if rare:
        RARE.tidy(out)
    return out


def _amounts(bought: Purchases) -> list[int]:
    """One for each of the latest orders; 0 of those that were kept before their amounts were."""
    missing = len(bought.recent) - len(bought.amounts)
    return bought.amounts if not missing else [0] * missing + bought.amounts


def _read(profile: Profile, currency: str, rare: dict[int, float], start: int) -> list[float]:
    """What most customers have, as a list; the rest into `rare`, from the place `start` on."""
    values = _NOTHING.copy()
    if profile.purchases.orders:
        values[:FIGURES] = read_orders(profile, currency)
    for role, tally in profile.roles.items():
        if role in _TALLIES:
            for place, time, which in _TALLIES[role]:
                values[place] = tally.decayed[which]
                values[time] = tally.last
        if role in _RARE_TALLIES:
            for place, time, which in _RARE_TALLIES[role]:
                rare[start + place], rare[start + time] = tally.decayed[which], tally.last
    if profile.narrowed:
        _read_kinds(profile.narrowed, rare, start)
    if profile.opinions:
        _read_opinions(values, profile.opinions, rare, start)
    for part, common_fields, rare_fields in _PARTS:
        held = part(profile, currency)
        if held is not None:
            for place, field in common_fields:
                values[place] = held[field]
            for place, field in rare_fields:
                rare[start + place] = held[field]
    return values


def _read_kinds(narrowed: Mapping[str, Tally], rare: dict[int, float], start: int) -> None:
    for part, tally in narrowed.items():
        for place, time, which in _RARE_TALLIES.get(part, ()):
            rare[start + place], rare[start + time] = tally.decayed[which], tally.last


def _read_opinions(values: list[float], opinions: Mapping[str, Opinion], rare: dict[int, float], start: int) -> None:
    for kind, opinion in opinions.items():
        if opinion.count:
            for place, time, say in COMMON.answers.get(kind, ()):
                values[place], values[time] = say(opinion), opinion.time
            for place, time, say in RARE.answers.get(kind, ()):
                rare[start + place], rare[start + time] = say(opinion), opinion.time
