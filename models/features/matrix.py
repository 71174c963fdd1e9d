"""What the models see of a customer: one definition of each feature for scoring, learning and backtests.

`reading.raws` reads each profile once; `matrix` computes the features of many customers at any later time from that,
without another look at the profiles: every feature has an exact path when time passes and nothing happens. `rolled`
gives what is to be expected while no order comes, so that the hazard can be rolled forward. A source that is missing
gives zeros. There are no calendar features: in a first year the week of the year is a clock, and a model that has one
extrapolates along it.
"""

from __future__ import annotations

import numpy as np

from models.durations import WEEK
from models.features.feature import Age, Array, Fading, FadingOrders, Formula, Held, OfOrders
from models.features.orders import FADING, FIGURES, LAST, Orders, weeks_between
from models.features.reading import COMMON, PLACE, RARE, TIME, Block
from models.features.sheet import Sheet
from models.features.table import COLUMN, NAMES, ORDERED, TABLE

__all__ = ["ENGAGED", "matrix", "ordered", "pack", "rolled", "unpack", "usually"]

ENGAGED = 26 * WEEK
"""Half-life of the part of visits, use and shopping that is expected to go on although no order comes, seconds.

In a simulated shop whose truth is known (`tests/models/world.py`), the log loss of the rolled hazard was .388 with all
of it stopping at once, .357 with none of it ever stopping and .330 so; from 26 weeks up and down it hardly changed.
"""

_ENGAGEMENT = np.array([COLUMN[feature.name] for feature in TABLE if feature.group in ("visits", "use", "shopping")])


class _Columns:
    """How the features of a block are filled in: neighbours by one call."""

    def __init__(self, block: Block, rare: bool) -> None:
        shown = {row.path.figure.name: COLUMN[row.name] for row in TABLE if isinstance(row.path, (Fading, Held))}
        names = [figure.name for figure in block.fading]
        self.values, self.times, self.rare = block.values, block.times, rare
        self.rates = np.array([-WEEK / (figure.half_life or 1.0) for figure in block.fading])[:, None]
        self.fading = _runs([(k, shown[name]) for k, name in enumerate(names) if name in shown])
        self.hidden = {name: k for k, name in enumerate(names) if name not in shown}
        self.held = _runs([(PLACE[held.name], shown[held.name]) for held in block.held if held.name in shown])
        named = {figure.name for figure in (*block.fading, *block.held)}
        self.ages = [
            (COLUMN[row.name], row.path) for row in TABLE if isinstance(row.path, Age) and row.path.figure.name in named
        ]
        self.block = slice(block.start, block.stop)
        self.formulas = [
            (
                COLUMN[row.name],
                row.path.formula,
                [PLACE[figure.name] - block.start for figure in row.path.figures] if row.path.alone else [],
            )
            for row in TABLE
            if isinstance(row.path, Formula) and row.path.rare == rare
        ]
        filled = [
            *(column for column, _ in self.ages),
            *(column for column, *_ in self.formulas),
            *(shown[n] for n in named if n in shown),
        ]
        self.all = [columns for _, columns in _runs([(column, column) for column in sorted(filled)])]

    def fill(self, out: Array, cols: Array, sheet: Sheet, later: Array) -> None:
        """The features, if nothing happens."""
        ages = sheet.weeks_since(cols[self.times])
        sheet.ages.append((self.times.start, ages))
        now = cols[self.values] * np.exp2(ages * self.rates)
        decay = np.exp2(later * self.rates)[:, :, None]
        for figures, columns in self.fading:
            np.multiply(now[figures, None], decay[figures], out=out[columns])
        sheet.hidden.append((self.hidden, now, decay))
        for figures, columns in self.held:
            out[columns] = cols[figures, None]
        live = np.atleast_1d(cols[self.block].any(axis=1))
        for column, formula, places in self.formulas:
            out[column] = formula(sheet) if not places or any(live[place] for place in places) else 0.0
        for column, path in self.ages:
            out[column] = sheet.age(sheet.figure(path.figure.name), path.unit)


def _runs(pairs: list[tuple[int, int]]) -> list[tuple[slice, slice]]:
    """Pairs of places, with those that follow one another on both sides together."""
    runs: list[tuple[slice, slice]] = []
    for left, right in pairs:
        if runs and (runs[-1][0].stop, runs[-1][1].stop) == (left, right):
            runs[-1] = (slice(runs[-1][0].start, left + 1), slice(runs[-1][1].start, right + 1))
        else:
            runs.append((slice(left, left + 1), slice(right, right + 1)))
    return runs


_COMMON, _RARE = _Columns(COMMON, rare=False), _Columns(RARE, rare=True)
_BY_ORDERS = [row.path.formula for row in TABLE if isinstance(row.path, OfOrders)]
_FADING_ORDERS = [row.path for row in TABLE if isinstance(row.path, FadingOrders)]
_ORDER_RATES = np.array([-WEEK / path.half_life for path in _FADING_ORDERS])[:, None]
_LOGS = [columns for columns, _ in _runs([(k, k) for k, path in enumerate(_FADING_ORDERS) if path.log])]


def matrix(raws: Array, at: Array) -> Array:
    """The features (n, len(NAMES)) of customers at the times `at` (n,), with no event after what `raws` saw."""
    return np.ascontiguousarray(rolled(raws, at, np.zeros(1))[:, 0].T)


def rolled(raws: Array, at: Array, ahead: Array) -> Array:
    """The features at `at` (n,) and `ahead` (steps,) seconds later if no order comes: (len(NAMES), steps, n).

    What orders say has an exact path, and so has the rest if nothing happens at all; but who does not order may well
    go on visiting. So visits, use and shopping are expected between staying as they are and their path, nearer to it
    the later (`ENGAGED`). An event after `at` counts as happening at `at`.

    Args:
        raws: rows of `raws`.
        at: times, seconds.
        ahead: seconds from there, the first 0.
    """
    cols = np.ascontiguousarray(raws.T)
    later = ahead / WEEK
    out = np.empty((len(NAMES), len(ahead), len(raws)))
    _fill_orders(out, cols, at, later)
    if not cols[FIGURES:].any():
        out[ORDERED:] = 0.0  # nobody here has done anything but order
        return out
    sheet = Sheet(out, COLUMN, cols, PLACE, TIME, at, later)
    _COMMON.fill(out, cols, sheet, later)
    if cols[RARE.start :].any():
        _RARE.fill(out, cols, sheet, later)
    else:
        for columns in _RARE.all:
            out[columns] = 0.0
    fades = out[_ENGAGEMENT]
    out[_ENGAGEMENT] = fades + (fades[:, :1] - fades) * np.exp2(-ahead / ENGAGED)[:, None]
    return out


def ordered(raws: Array, at: Array, ahead: Array) -> Array:
    """The first rows of `rolled`, which orders decide: (ORDERED, steps, n). `at` may be any time after the last."""
    out = np.empty((ORDERED, len(ahead), len(raws)))
    _fill_orders(out, np.ascontiguousarray(raws.T), at, ahead / WEEK)
    return out


def usually(raws: Array) -> Array:
    """When the next order usually comes: the last one and the usual gap (n,), seconds."""
    then: Array = raws[:, LAST] + weeks_between(raws.T) * WEEK
    return then


def _fill_orders(out: Array, cols: Array, at: Array, later: Array) -> None:
    orders = Orders(cols, at, later)
    for column, formula in enumerate(_BY_ORDERS):
        out[column] = formula(orders)
    faded = out[len(_BY_ORDERS) : ORDERED]
    now = cols[FADING] * np.exp2(orders.silence * _ORDER_RATES)
    np.multiply(now[:, None], np.exp2(later * _ORDER_RATES)[:, :, None], out=faded)
    for columns in _LOGS:
        faded[columns] = np.log(1.0 + faded[columns])


def pack(row: Array) -> bytes:
    """A row of `matrix` as it is kept until its label is known: float32, little-endian."""
    return row.astype("<f4").tobytes()


def unpack(x: bytes) -> Array:
    """The row that `pack` kept."""
    return np.frombuffer(x, dtype="<f4").astype(np.float64)
