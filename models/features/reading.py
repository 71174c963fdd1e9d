"""Reads what the features need of each profile: numbers that change with its events, not with time.

The figures follow from the rows of the table. Each source of figures has its place in a customer's row, into which its
numbers are written as they are: a tally, the answers to a kind of survey, what a part says. What a customer does not
have costs nothing. The figures of all are then put in order, those that fade first, and brought into range and scale.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from struct import Struct

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
    Together,
)
from models.features.orders import FIGURES, REVENUE, read_baskets, read_gaps, read_orders
from models.features.table import COLUMN, TABLE
from profiles.types import HALF_LIVES, Opinion, Profile, Purchases

__all__ = ["FADES", "PLACE", "RAW", "STAYS", "TIME", "TIMES", "VALUES", "raws"]

_Part = Callable[[Profile, str], Sequence[float] | None]


def _named() -> list[Figure]:
    """The figures of the rows, in the order in which these first name them."""
    named: dict[str, Figure] = {}
    for feature in TABLE:
        match feature.path:
            case Fading(figure) | Held(figure) | Age(figure, _):
                named.setdefault(figure.name, figure)
            case Together(figures, besides):
                named.update((figure.name, figure) for figure in (*figures, *besides) if figure.name not in named)
            case Formula(_, figures):
                named.update((figure.name, figure) for figure in figures if figure.name not in named)
            case _:
                pass  # of orders, or of the features before
    return list(named.values())


def _in_order(figures: list[Figure]) -> list[Figure]:
    """Those of one scale together, of these the features first, in their order."""
    shown = {row.path.figure.name: COLUMN[row.name] for row in TABLE if isinstance(row.path, (Fading, Held))}
    scales = list(dict.fromkeys(figure.tidy.scale for figure in figures))
    together = {
        f.name for row in TABLE if isinstance(row.path, Together) for f in (*row.path.figures, *row.path.besides)
    }
    last = len(TABLE)
    return sorted(
        figures,
        key=lambda one: (scales.index(one.tidy.scale), shown.get(one.name, last), one.name not in together),
    )


FADES = _in_order([figure for figure in _named() if figure.half_life is not None])
"""The figures that fade, in the order of their columns."""

STAYS = _in_order([figure for figure in _named() if figure.half_life is None])
"""The figures that stay, in the order of their columns."""

VALUES = slice(FIGURES, FIGURES + len(FADES))
TIMES = slice(VALUES.stop, VALUES.stop + len(FADES))
"""The columns of `raws` with what fades, and with the time of the latest event of each."""

RAW = TIMES.stop + len(STAYS)
"""How many numbers `raws` returns for a customer."""

PLACE = {figure.name: VALUES.start + k for k, figure in enumerate(FADES)}
PLACE |= {figure.name: TIMES.stop + k for k, figure in enumerate(STAYS)}
"""The columns of `raws` by the name of the figure; those of orders are in `models.features.orders`."""

TIME = {figure.name: TIMES.start + k for k, figure in enumerate(FADES)}
"""The columns of the times of the latest events, of what fades."""


class _Layout:
    """A customer's row as it is read, before it is put in order: orders, then the numbers of each source."""

    def __init__(self) -> None:
        self.size = FIGURES
        self.order = list(range(FIGURES)) + [0] * (RAW - FIGURES)  # where each column of `raws` comes from
        self.tallies: dict[str, int] = {}  # by role or kind of its events: the byte at which its numbers begin
        self.answers: dict[str, tuple[int, Struct, list[Callable[[Opinion], float]]]] = {}
        self.parts: list[tuple[_Part, int, int, Struct]] = []  # …and how many they are
        by_source: defaultdict[tuple[type, str | _Part], list[Figure]] = defaultdict(list)  # a survey is a role, too
        for figure in (*FADES, *STAYS):
            match figure.source:
                case OfRole(name, _) | OfAnswer(name, _) | OfPart(name, _):
                    by_source[type(figure.source), name].append(figure)
        for (_, source), figures in by_source.items():
            self._add(source, figures)

    def _add(self, source: str | _Part, figures: Sequence[Figure]) -> None:
        begin, numbers = 8 * self.size, 0
        says: list[Callable[[Opinion], float]] = []
        for figure in figures:
            match figure.source:
                case OfRole(role, which):
                    self.tallies[role], numbers = begin, len(HALF_LIVES) + 1
                    self._put(figure, which, len(HALF_LIVES))
                case OfAnswer(kind, say):
                    says.append(say)
                    numbers = len(figures) + 1
                    self.answers[kind] = begin, Struct(f"{numbers}d"), says
                    self._put(figure, len(says) - 1, len(figures))
                case OfPart(_, field, time):
                    numbers = max(numbers, field + 1, (time or 0) + 1)
                    self._put(figure, field, time)
        if not isinstance(source, str):
            self.parts.append((source, begin, numbers, Struct(f"{numbers}d")))
        self.size += numbers

    def _put(self, figure: Figure, value: int, time: int | None) -> None:
        self.order[PLACE[figure.name]] = self.size + value
        if time is not None:
            self.order[TIME[figure.name]] = self.size + time


_LAYOUT = _Layout()
_SIZE, _ORDER = 8 * _LAYOUT.size, np.array(_LAYOUT.order)
_TALLIES, _ANSWERS, _PARTS = _LAYOUT.tallies, _LAYOUT.answers, _LAYOUT.parts
_write_orders, _write_tally = Struct(f"{FIGURES}d").pack_into, Struct(f"{len(HALF_LIVES) + 1}d").pack_into


def _bounds() -> tuple[Array, Array, list[tuple[slice, np.ufunc]]]:
    """The range of each column, and the columns of each scale."""
    low, high = np.full(RAW, -np.inf), np.full(RAW, np.inf)
    low[REVENUE:FIGURES], high[REVENUE:FIGURES] = 0.0, LIMIT
    columns: defaultdict[np.ufunc, list[int]] = defaultdict(list)
    scales = []
    for figures in (FADES, STAYS):
        columns.clear()
        for figure in figures:
            column, tidy = PLACE[figure.name], figure.tidy
            low[column], high[column] = tidy.low, tidy.high
            if tidy.scale is not None:
                columns[tidy.scale].append(column)
        scales += [(slice(mine[0], mine[-1] + 1), scale) for scale, mine in columns.items()]
    return low, high, scales


_LOW, _HIGH, _SCALES = _bounds()


def raws(profiles: Sequence[Profile], currency: str) -> Array:
    """The figures of each profile.

    Args:
        profiles: any profiles; without orders the figures of orders are zeros.
        currency: revenue in other currencies is left out, since sums need one unit.

    Returns:
        An array (profiles, RAW) for `matrix` and `rolled`.
    """
    read = bytearray(_SIZE * len(profiles))
    times: list[float] = []
    amounts: list[int] = []
    lengths: list[int] = []
    start = 0
    for profile in profiles:
        bought = profile.purchases
        times += bought.recent
        amounts += _amounts(bought)
        lengths.append(len(bought.recent))
        _read(profile, currency, read, start)
        start += _SIZE
    out: Array = np.frombuffer(read).reshape(len(profiles), _LAYOUT.size).take(_ORDER, axis=1)
    if times:
        read_gaps(out, np.array(times), np.array(lengths))
        read_baskets(out, np.array(amounts, dtype=np.float64), np.array(lengths))
    if not np.isfinite(out).all():
        np.nan_to_num(out, copy=False, nan=0.0, posinf=LIMIT, neginf=-LIMIT)
    np.maximum(out, _LOW, out=out)
    np.minimum(out, _HIGH, out=out)
    for columns, scale in _SCALES:
        part = out[:, columns]
        scale(part, out=part)
    return out


def _amounts(bought: Purchases) -> list[int]:
    """One for each of the latest orders; 0 of those that were kept before their amounts were."""
    missing = len(bought.recent) - len(bought.amounts)
    return bought.amounts if not missing else [0] * missing + bought.amounts


def _read(profile: Profile, currency: str, out: bytearray, start: int) -> None:
    """Write what each source of the figures says of a profile into its row, which begins at this byte."""
    if profile.purchases.orders:
        _write_orders(out, start, *read_orders(profile, currency))
    for tallies in (profile.roles, profile.narrowed):
        for name, tally in tallies.items():
            if name in _TALLIES:
                _write_tally(out, start + _TALLIES[name], *tally.decayed, tally.last)
    for kind, opinion in profile.opinions.items():
        if kind in _ANSWERS and opinion.count:
            place, form, says = _ANSWERS[kind]
            form.pack_into(out, start + place, *[say(opinion) for say in says], opinion.time)
    for part, place, numbers, form in _PARTS:
        held = part(profile, currency)
        if held is not None:
            form.pack_into(out, start + place, *held[:numbers])
