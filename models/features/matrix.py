"""What the models see of a customer: one definition of each feature for scoring, learning and backtests.

`reading.raws` reads each profile once; `matrix` computes the features of many customers at any later time from that,
without another look at the profiles: every feature has an exact path when time passes and nothing happens. `rolled`
gives what is to be expected while no order comes, so that the hazard can be rolled forward. A source that is missing
gives zeros. There are no calendar features: in a first year the week of the year is a clock, and a model that has one
extrapolates along it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from models.durations import WEEK
from models.features.feature import Age, Alike, Array, Fading, FadingOrders, Formula, Held, OfOrders, Together
from models.features.orders import FADING, FIGURES, LAST, Orders, weeks_between, weeks_since
from models.features.reading import FADES, PLACE, STAYS, TIME, TIMES, VALUES
from models.features.sheet import Sheet
from models.features.table import COLUMN, NAMES, ORDERED, TABLE

__all__ = ["ENGAGED", "matrix", "ordered", "pack", "rolled", "unpack", "usually"]

ENGAGED = 26 * WEEK
"""Half-life of the part of visits, use and shopping that is expected to go on although no order comes, seconds.

In a simulated shop whose truth is known (`tests/models/world.py`), the log loss of the rolled hazard was .388 with all
of it stopping at once, .357 with none of it ever stopping and .330 so; from 26 weeks up and down it hardly changed.
"""


def _runs(pairs: list[tuple[int, int]]) -> list[tuple[slice, slice]]:
    """Pairs of places, with those that follow one another on both sides together."""
    runs: list[tuple[slice, slice]] = []
    for left, right in pairs:
        if runs and (runs[-1][0].stop, runs[-1][1].stop) == (left, right):
            runs[-1] = (slice(runs[-1][0].start, left + 1), slice(runs[-1][1].start, right + 1))
        else:
            runs.append((slice(left, left + 1), slice(right, right + 1)))
    return runs


def _on_end(columns: list[int]) -> slice:
    """Columns of which each follows the one before."""
    (_, run), *gaps = _runs([(column, column) for column in columns])
    assert not gaps, "rows that are worked out together stand together"
    return run


_ENGAGEMENT = [
    run for run, _ in _runs([(j, j) for j, row in enumerate(TABLE) if row.group in ("visits", "use", "shopping")])
]
_RATES = np.array([-WEEK / (figure.half_life or 1.0) for figure in FADES])
_FADING = {figure.name: k for k, figure in enumerate(FADES)}
_SHOWN = {row.path.figure.name: COLUMN[row.name] for row in TABLE if isinstance(row.path, (Fading, Held))}
_FADING_ROWS = _runs([(k, _SHOWN[name]) for name, k in _FADING.items() if name in _SHOWN])
_HELD_ROWS = _runs([(PLACE[figure.name], _SHOWN[figure.name]) for figure in STAYS if figure.name in _SHOWN])
_AGES = [(COLUMN[row.name], row.path) for row in TABLE if isinstance(row.path, Age)]
_ROOTS = [(COLUMN[row.name], row.path) for row in TABLE if isinstance(row.path, Together)]
_ROOT_ROWS = _runs([(k, column) for k, (column, _) in enumerate(_ROOTS)])
_TOGETHER = [[_FADING[figure.name] for figure in path.figures] for _, path in _ROOTS]
_LESS = [(k, [_FADING[figure.name] for figure in path.besides]) for k, (_, path) in enumerate(_ROOTS) if path.besides]
_SUMMED = sorted({k for figures in (*_TOGETHER, *(besides for _, besides in _LESS)) for k in figures})
_FORMULAS = [
    (COLUMN[row.name], row.path.formula, [PLACE[figure.name] for figure in row.path.only])
    for row in TABLE
    if isinstance(row.path, Formula)
]
_ALIKE = [
    (_on_end([column for column, _ in rows]), formula, [role for _, role in rows])
    for formula in dict.fromkeys(row.path.formula for row in TABLE if isinstance(row.path, Alike))
    for rows in [
        [
            (COLUMN[row.name], row.path.role)
            for row in TABLE
            if isinstance(row.path, Alike) and row.path.formula is formula
        ]
    ]
]
_ROUNDING = 1e-9
_BY_ORDERS = [row.path.formula for row in TABLE if isinstance(row.path, OfOrders)]
_FADING_ORDERS = [row.path for row in TABLE if isinstance(row.path, FadingOrders)]
_ORDER_RATES = np.array([-WEEK / path.half_life for path in _FADING_ORDERS])[:, None]
_LOGS = [columns for columns, _ in _runs([(k, k) for k, path in enumerate(_FADING_ORDERS) if path.log])]


class _Steps:
    """What depends on the steps alone, which are the same for every batch.

    Args:
        ahead: seconds.
    """

    def __init__(self, ahead: Array) -> None:
        later = ahead / WEEK
        self.later = later[:, None]  # weeks
        self.orders = np.exp2(later * _ORDER_RATES)[:, :, None]  # what fades with every step
        self.figures = np.exp2(later * _RATES[:, None])[:, :, None]
        self.engaged = np.exp2(-ahead / ENGAGED)[:, None]


@lru_cache(maxsize=64)
def _steps(*ahead: float) -> _Steps:
    return _Steps(np.array(ahead))


class _Fades:
    """The figures of a batch that fade: what they are now, and how that goes on.

    Args:
        cols: the figures, by column.
        live: of each column, whether anybody has something there.
        at: times, seconds.
        decay: what fades with every step.
    """

    def __init__(self, cols: Array, live: list[bool], at: Array, decay: Array) -> None:
        values = cols[VALUES].reshape(-1)
        some = np.flatnonzero(values)  # most customers have no trace of most things
        which, who = np.divmod(some, len(at))
        ages = weeks_since(cols[TIMES].reshape(-1)[some], at[who])
        self._now = np.zeros((len(FADES), len(at)))
        self._now.put(some, values[some] * np.exp2(ages * _RATES[which]))
        self._decay = decay
        self._live = live[VALUES]

    def of(self, name: str) -> Array:
        """(steps, n) of one of them."""
        return self._faded(_FADING[name])

    def _faded(self, k: int) -> Array:
        faded: Array = self._now[k] * self._decay[k]
        return faded

    def fill(self, out: Array) -> None:
        """The features that are such figures."""
        for figures, columns in _FADING_ROWS:
            if any(self._live[figures]):
                np.multiply(self._now[figures, None], self._decay[figures], out=out[columns])
            else:
                out[columns] = 0.0

    def fill_roots(self, out: Array) -> None:
        """The features that are roots of what several of them hold together."""
        live = [k for k in _SUMMED if self._live[k]]
        sums = np.zeros((len(_TOGETHER), *out.shape[1:]))
        if live:
            counts = dict(zip(live, (self._now[live, None] * self._decay[live]) ** 2, strict=True))
            for total, figures in zip(sums, _TOGETHER, strict=True):
                _add(total, counts, figures)
            for k, figures in _LESS:
                besides = np.zeros(out.shape[1:])
                _add(besides, counts, figures)
                sums[k] -= besides
                sums[k] *= sums[k] > _ROUNDING
            np.sqrt(sums, out=sums)
        for rows, columns in _ROOT_ROWS:
            out[columns] = sums[rows]


def _add(total: Array, counts: Mapping[int, Array], figures: Sequence[int]) -> None:
    """Add up the counts of some figures, in their order."""
    for k in figures:
        if k in counts:
            total += counts[k]


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
    cols, steps = np.ascontiguousarray(raws.T), _steps(*ahead.tolist())
    out = np.empty((len(NAMES), len(ahead), len(raws)))
    _fill_orders(out, cols, at, steps)
    live: list[bool] = np.asarray(cols.any(axis=1)).tolist()
    if not any(live[FIGURES:]):
        out[ORDERED:] = 0.0  # nobody here has done anything but order
        return out
    fades = _Fades(cols, live, at, steps.figures)
    fades.fill(out)
    for figures, columns in _HELD_ROWS:
        out[columns] = cols[figures, None]
    fades.fill_roots(out)
    sheet = Sheet(out, COLUMN, cols, PLACE, TIME, at, steps.later, fades.of)
    _follow(out, sheet, live)
    if len(ahead) > 1:
        for columns in _ENGAGEMENT:
            faded = out[columns]
            faded += (faded[:, :1] - faded) * steps.engaged
    return out


def _follow(out: Array, sheet: Sheet, live: list[bool]) -> None:
    """The features that follow from others."""
    for column, formula, only in _FORMULAS:
        out[column] = formula(sheet) if not only or any(live[place] for place in only) else 0.0
    for columns, of_each, roles in _ALIKE:
        out[columns] = of_each(sheet, roles)
    for column, age in _AGES:
        out[column] = sheet.age(sheet.figure(age.figure.name), age.unit) if live[PLACE[age.figure.name]] else 0.0


def ordered(raws: Array, at: Array, ahead: Array) -> Array:
    """The first rows of `rolled`, which orders decide: (ORDERED, steps, n). `at` may be any time after the last."""
    out = np.empty((ORDERED, len(ahead), len(raws)))
    _fill_orders(out, np.ascontiguousarray(raws.T), at, _steps(*ahead.tolist()))
    return out


def usually(raws: Array) -> Array:
    """When the next order usually comes: the last one and the usual gap (n,), seconds."""
    then: Array = raws[:, LAST] + weeks_between(raws.T) * WEEK
    return then


def _fill_orders(out: Array, cols: Array, at: Array, steps: _Steps) -> None:
    orders = Orders(cols, at, steps.later)
    for column, formula in enumerate(_BY_ORDERS):
        out[column] = formula(orders)
    faded = out[len(_BY_ORDERS) : ORDERED]
    now = cols[FADING] * np.exp2(orders.silence * _ORDER_RATES)
    np.multiply(now[:, None], steps.orders, out=faded)
    for columns in _LOGS:
        faded[columns] = np.log(1.0 + faded[columns])


def pack(row: Array) -> bytes:
    """A row of `matrix` as it is kept until its label is known: float32, little-endian."""
    return row.astype("<f4").tobytes()


def unpack(x: bytes) -> Array:
    """The row that `pack` kept."""
    return np.frombuffer(x, dtype="<f4").astype(np.float64)
