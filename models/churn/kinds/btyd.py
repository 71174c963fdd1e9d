"""BTYD with visits: the customer who orders and visits until they leave for good (`models.churn.lifetimes`).

Eight numbers, fitted by maximum likelihood to a sample of customers, without any label. Besides P(no order within the
horizon) it tells two causes of silence apart: who has left, and who is only slow. What counts as a visit is whatever
a customer does by themselves besides ordering: visits, logins, uses.
"""

from __future__ import annotations

import msgspec
import numpy as np

from models.churn.lifetimes import ACTIVE, NUMBERS, Known, Lifetimes
from models.churn.model import Kind, LearningModel, Orders, Scores, require_finite
from models.churn.scaling import Scaling
from models.churn.shapley import shapley
from models.codec import Array, decode, encode
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.matrix import matrix
from models.features.table import COLUMN, ORDERED
from models.libraries import load

__all__ = ["KIND", "MIN_CUSTOMERS", "MIN_REPEATS", "TYPICAL", "Btyd", "FittedBtyd", "fit", "known", "read"]

MIN_CUSTOMERS, MIN_REPEATS = 200, 50
"""What a fit rests on at least: customers, and those among them who came back."""

_START = Lifetimes(r=0.5, alpha=5.0, s=0.5, beta=20.0, a=1.0, b=1.0, leak=0.2, clump=1.5)
_LEAST = Lifetimes(r=1e-2, alpha=1e-2, s=1e-2, beta=1e-1, a=1e-2, b=1e-3, leak=1e-3, clump=1.0)
_MOST = Lifetimes(r=1e2, alpha=1e3, s=1e2, beta=1e4, a=1e2, b=1e3, leak=0.95, clump=1e2)
_RIDGE = 1e-5  # on the logarithms of the numbers, per customer: holds what the data leave open
_STEPS = 60  # of the search; a later fit goes on from the one before and takes fewer

_ORDERS, _RECENCY, _TENURE, _GAP = (COLUMN[name] for name in ("orders", "recency", "tenure", "usual_gap"))
_FAST, _SLOW = (np.array([COLUMN[f"{role}_{weeks}w"] for role in ACTIVE]) for weeks in (2, 8))
_PLAYERS = ((0, 2), (1,), (3, 4))  # the habit of ordering, silence, visits


class Btyd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fitted model."""

    lifetimes: Lifetimes
    average: tuple[float, float, float, float, float]  # what is known of the average customer; reasons compare with it
    customers: int  # fitted to

    def __post_init__(self) -> None:
        if not np.isfinite(self.average).all():
            raise ValueError(f"model {self.id} is damaged: its numbers are not finite")

    @property
    def id(self) -> str:
        """The model id."""
        return f"btyd-{self.customers}"

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """Risk and contributions of customers (rows of `features.raws`) at the times `at`.

        Raises:
            ValueError: a number is not finite.
        """
        require_finite(raws, at)
        values = matrix(raws, at)
        weeks = config.horizon / WEEK
        seen = np.array(known(values.T))
        average = np.array(self.average)
        baseline, shares = shapley(lambda rows: self._log_odds(Known(*rows), weeks), seen, average, _PLAYERS)
        contributions = np.zeros_like(values)
        contributions[:, _ORDERS], contributions[:, _RECENCY] = shares[:2]
        busy = values[:, _SLOW] ** 2
        total = busy.sum(axis=1, keepdims=True)
        divided = np.where(total > 0, busy / np.where(total > 0, total, 1.0), np.eye(len(ACTIVE))[0])
        contributions[:, _FAST] = shares[-1][:, None] * divided
        silence = np.zeros((len(values), ORDERED))
        usual = Known(*seen)._replace(recency=values[:, _GAP], tenure=seen[2] - seen[1] + values[:, _GAP])
        silence[:, _RECENCY] = self._log_odds(Known(*seen), weeks) - self._log_odds(usual, weeks)
        return Scores(self._none(Known(*seen), weeks), baseline, contributions, values, silence)

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The risk alone, of features rolled `ahead`, of which it needs those of now."""
        return self._none(known(x[:, 0]), config.horizon / WEEK)

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """P(order within the label horizon) of rows of `features.matrix`."""
        return np.exp(self.lifetimes.log_order(known(x.T), config.label_horizon / WEEK))

    def departures(self, values: Array, config: ChurnConfig) -> tuple[Array, Array]:
        """(P(has left), P(is here and leaves within `leaving_within`)) of rows of `features.matrix`."""
        seen = known(values.T)
        odds = self.lifetimes.log_odds_left(seen)
        here = np.exp(-np.logaddexp(0.0, odds))
        return 1.0 - here, here * self.lifetimes.leaves(seen.tenure, config.leaving_within / WEEK)

    def _none(self, seen: Known, weeks: float) -> Array:
        return -np.expm1(self.lifetimes.log_order(seen, weeks))

    def _log_odds(self, seen: Known, weeks: float) -> Array:
        """Of no order; finite also where the risk rounds to 1."""
        order = self.lifetimes.log_order(seen, weeks)
        return np.log(-np.expm1(order)) - order

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        return encode(self)

    def numbers(self) -> dict[str, float]:
        """What is inside."""
        averages = (f"average_{name}" for name in Known._fields)
        return {
            **{name: getattr(self.lifetimes, name) for name in NUMBERS},
            "customers": self.customers,
            **dict(zip(averages, self.average, strict=True)),
        }


TYPICAL = Btyd(Lifetimes(0.8, 6.4, 0.5, 15.0, 0.5, 0.5, 0.2, 2.0), (1.0, 8.0, 16.0, 1.0, 4.0), 0)
"""Numbers set by hand, for the leaving score before anything fits: an order every eight weeks, and two in five leave
within half a year."""


def read(data: bytes) -> Btyd:
    """What `to_json` gave.

    Raises:
        Misconfigured: it is damaged.
    """
    return decode(data, Btyd, "a BTYD model")


def known(x: Array) -> Known:
    """What is known of customers, out of columns of features."""
    fast, slow = ((x[columns] ** 2).sum(axis=0) for columns in (_FAST, _SLOW))
    return Known(np.maximum(x[_ORDERS] - 1.0, 0.0), x[_RECENCY], x[_TENURE], fast, slow)


def fit(orders: Orders, start: Btyd | None = None) -> Btyd | None:
    """The numbers of maximum likelihood; None if there is too little to go by.

    Args:
        orders: of the customers to fit to, with their visits.
        start: where the search begins, such as the fit before.

    Raises:
        ValueError: a number is not finite or negative.
    """
    seen = Known(orders.repeats, orders.age - orders.last, orders.age, orders.fast, orders.slow)
    if not np.isfinite(seen).all() or any((column < 0).any() for column in (*orders, seen.recency)):
        raise ValueError("orders and visits must be finite, not negative, and not later than the age of the customer")
    if len(orders.age) < MIN_CUSTOMERS or np.count_nonzero(orders.repeats) < MIN_REPEATS:
        return None
    gammaln, minimize = load("scipy.special").gammaln, load("scipy.optimize").minimize

    def loss(logs: Array) -> float:
        likelihood = _of(logs).log_likelihood(seen, gammaln)
        return float(-likelihood.mean() + _RIDGE * logs @ logs)

    bounds = list(zip(_logs(_LEAST), _logs(_MOST), strict=True))
    first = _logs(_START if start is None else start.lifetimes)
    found = minimize(loss, first, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS})
    if not np.isfinite(found.fun):
        return None
    average = [float(column.mean()) for column in seen]
    return Btyd(_of(found.x), (average[0], average[1], average[2], average[3], average[4]), len(orders.age))


def _logs(lifetimes: Lifetimes) -> Array:
    return np.log(msgspec.structs.astuple(lifetimes))


def _of(logs: Array) -> Lifetimes:
    return Lifetimes(*np.exp(logs).tolist())


class FittedBtyd(LearningModel):
    """The latest fit to a sample of customers."""

    def __init__(self, config: ChurnConfig, scaling: Scaling) -> None:
        self.steady: Btyd | None = None

    def learn_orders(self, orders: Orders) -> bool:
        """Fit to these customers; whether there was something to be found."""
        found = fit(orders, self.steady)
        self.steady = found or self.steady
        return found is not None

    def export(self, config: ChurnConfig) -> Btyd | None:
        """The latest fit."""
        return self.steady

    def state(self) -> Btyd | None:
        """The latest fit."""
        return self.steady

    def resume(self, state: bytes) -> FittedBtyd:
        """Go on from the fit that was kept."""
        self.steady = None if state == b"null" else read(state)
        return self


KIND = Kind(
    name="btyd",
    column=7,
    meaning="BTYD of orders and visits: both at steady rates until the customer leaves for good; needs no labels",
    basis="from the pattern of orders and visits alone",
    learns_from=("orders",),
    read=lambda data, config: read(data),
    start=FittedBtyd,
    promoted=False,  # its reasons know of no trouble; the stack says what it says, with the hazard's
)
