"""BG/NBD: the customer who buys at a steady rate and, after each purchase, may quit for good.

Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24(2), 2005. The purchase rates of
customers vary as Gamma(r, α), their chances of quitting as Beta(a, b). With x repeat purchases, the last of them at
age t_x, of a customer of age T, all in weeks:

    P(no order within H) = 1 − p·(1 − ((α + T) / (α + T + H))^(r + x))
    p = P(alive) = 1 / (1 + [x > 0]·a / (b + x − 1)·((α + T) / (α + t_x))^(r + x))

It needs no labels, so it has an answer before any horizon has passed. `P(alive)` itself is not the risk: it is 1 for
everyone who bought once.

**Contributions** are the Shapley values (Shapley 1953) of the log-odds over orders, recency and tenure, against the
average customer; with three of them they are exact and cost eight evaluations.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from models.churn.model import Kind, LearningModel, Orders, Scores, require_finite
from models.churn.scaling import Scaling
from models.churn.shapley import shapley
from models.churn.weights import softplus
from models.codec import Array, decode, encode
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.matrix import matrix
from models.features.table import NAMES, ORDERED
from models.libraries import load

__all__ = ["KIND", "MIN_CUSTOMERS", "MIN_REPEATS", "BgNbd", "FittedBgNbd", "fit", "read"]

MIN_CUSTOMERS, MIN_REPEATS = 200, 50
"""What a fit rests on at least: customers, and those among them who came back."""

_SANE = (1e-3, 1e4)  # a parameter at or beyond these says that there was nothing to be found
_RIDGE = 1e-5  # on the logarithms of the parameters, per customer: holds what the data leave open
_GAP = NAMES.index("usual_gap")
_COLUMNS = tuple(NAMES.index(name) for name in ("orders", "recency", "tenure"))


class BgNbd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fitted model."""

    r: float
    alpha: float  # weeks
    a: float
    b: float
    average: tuple[float, float, float]  # repeat purchases, recency and tenure in weeks; what reasons compare with
    customers: int  # fitted to

    def __post_init__(self) -> None:
        parameters = np.array([self.r, self.alpha, self.a, self.b])
        if not (np.isfinite(parameters).all() and (parameters > 0).all() and np.isfinite(self.average).all()):
            raise ValueError(f"model {self.id} is damaged: its numbers are not finite and positive")

    @property
    def id(self) -> str:
        """The model id."""
        return f"bgnbd-{self.customers}"

    def p_none(self, x: Array, recency: Array, tenure: Array, horizon: float) -> Array:
        """P(no order within the horizon).

        Args:
            x: repeat purchases.
            recency: weeks since the last one, T − t_x.
            tenure: weeks since the first one, T.
            horizon: weeks.
        """
        return -np.expm1(self._log_return(np.array([x, recency, tenure]), horizon))

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """Risk and contributions of customers (rows of `features.raws`) at the times `at`.

        Raises:
            ValueError: a number is not finite.
        """
        require_finite(raws, at)
        values = matrix(raws, at)
        known = _inputs(values.T)
        weeks = config.horizon / WEEK
        baseline, shares = shapley(
            lambda rows: self._log_odds(rows, weeks), known, np.array(self.average), ((0,), (1,), (2,))
        )
        contributions = np.zeros_like(values)
        contributions[:, _COLUMNS] = np.array(shares).T
        silence = np.zeros((len(values), ORDERED))
        x, recency, tenure = known
        gap = values[:, _GAP]
        usual = np.array([x, gap, tenure - recency + gap])
        silence[:, _COLUMNS[1]] = self._log_odds(known, weeks) - self._log_odds(usual, weeks)
        return Scores(-np.expm1(self._log_return(known, weeks)), baseline, contributions, values, silence)

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The risk alone, of features rolled `ahead`, of which it needs those of now."""
        return -np.expm1(self._log_return(_inputs(x[:, 0]), config.horizon / WEEK))

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """P(order within the label horizon) of rows of `features.matrix`."""
        return np.exp(self._log_return(_inputs(x.T), config.label_horizon / WEEK))

    def _log_odds(self, known: Array, horizon: float) -> Array:
        """Of no order; finite also where the risk rounds to 1."""
        back = self._log_return(known, horizon)
        return np.log(-np.expm1(back)) - back

    def _log_return(self, known: Array, horizon: float) -> Array:
        """log P(order within the horizon), in logarithms throughout: long silences overflow anything else."""
        x, recency, tenure = known
        rate = self.r + x
        bought = self.alpha + np.maximum(tenure - recency, 0.0)
        gone = np.log(self.a / (self.b + np.maximum(x, 1.0) - 1.0)) + rate * np.log((self.alpha + tenure) / bought)
        alive = -softplus(np.where(x > 0, gone, -np.inf))
        none: Array = rate * np.log((self.alpha + tenure) / (self.alpha + tenure + horizon))
        log_return: Array = alive + np.log(-np.expm1(none))
        return log_return

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        return encode(self)

    def numbers(self) -> dict[str, float]:
        """What is inside."""
        repeats, recency, tenure = self.average
        return {
            "r": self.r, "alpha_weeks": self.alpha, "a": self.a, "b": self.b, "customers": self.customers,
            "average_repeats": repeats, "average_recency_weeks": recency, "average_tenure_weeks": tenure,
        }  # fmt: skip


def read(data: bytes) -> BgNbd:
    """What `to_json` gave.

    Raises:
        Misconfigured: it is damaged.
    """
    return decode(data, BgNbd, "a BG/NBD model")


def _inputs(x: Array) -> Array:
    """Repeat purchases, recency and tenure (3, customers) out of columns of features."""
    orders, recency, tenure = (x[column] for column in _COLUMNS)
    return np.array([np.maximum(orders - 1.0, 0.0), recency, tenure])


def fit(orders: Orders, start: BgNbd | None = None) -> BgNbd | None:
    """The parameters of maximum likelihood; None if there is too little to go by, or nothing sane is found.

    Args:
        orders: of the customers to fit to.
        start: where the search begins, such as the fit before.

    Raises:
        ValueError: a number is not finite or negative.
    """
    seen = np.column_stack(orders[:3]).astype(np.float64)
    if not np.isfinite(seen).all() or (seen < 0).any() or (orders.last > orders.age).any():
        raise ValueError("purchases must be finite, not negative, and not later than the age of the customer")
    if len(seen) < MIN_CUSTOMERS or np.count_nonzero(seen[:, 0]) < MIN_REPEATS:
        return None
    rows, counts = np.unique(np.round(seen, 1), axis=0, return_counts=True)
    first = [0.3, 5.0, 0.8, 2.0] if start is None else [start.r, start.alpha, start.a, start.b]
    bounds = [tuple(np.log(_SANE))] * 4
    weights, gammaln = counts / counts.sum(), load("scipy.special").gammaln
    minimize = load("scipy.optimize").minimize
    found = minimize(_loss, np.log(first), (rows.T, weights, gammaln), method="L-BFGS-B", bounds=bounds)
    parameters = np.exp(found.x)
    if not (np.isfinite(found.fun) and (parameters > _SANE[0] * 1.01).all() and (parameters < _SANE[1] / 1.01).all()):
        return None
    r, alpha, a, b = parameters.tolist()
    average = (float(seen[:, 0].mean()), float((seen[:, 2] - seen[:, 1]).mean()), float(seen[:, 2].mean()))
    return BgNbd(r, alpha, a, b, average, len(seen))


def _loss(logs: Array, rows: Array, weights: Array, gammaln: Callable[[Array], Array]) -> float:
    """The mean negative log-likelihood (equation 6 of the paper) at the logarithms of the parameters."""
    r, alpha, a, b = np.exp(logs)
    x, last, age = rows
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    common += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    alive = -(r + x) * np.log(alpha + age)
    quit_ = np.log(a / (b + np.maximum(x, 1.0) - 1.0)) - (r + x) * np.log(alpha + last)
    likelihood = common + np.where(x > 0, np.logaddexp(alive, quit_), alive)
    return float(-weights @ likelihood + _RIDGE * logs @ logs)


class FittedBgNbd(LearningModel):
    """The latest fit to a sample of customers."""

    def __init__(self, config: ChurnConfig, scaling: Scaling) -> None:
        self.steady: BgNbd | None = None

    def learn_orders(self, orders: Orders) -> bool:
        """Fit to these customers; whether there was something to be found."""
        found = fit(orders, self.steady)
        self.steady = found or self.steady
        return found is not None

    def export(self, config: ChurnConfig) -> BgNbd | None:
        """The latest fit."""
        return self.steady

    def state(self) -> BgNbd | None:
        """The latest fit."""
        return self.steady

    def resume(self, state: bytes) -> FittedBgNbd:
        """Go on from the fit that was kept."""
        self.steady = None if state == b"null" else read(state)
        return self


KIND = Kind(
    name="bgnbd",
    column=3,
    meaning="BG/NBD: buying at a steady rate until quitting for good; fitted to order histories, needs no labels",
    basis="from the pattern of orders alone",
    learns_from=("orders",),
    read=lambda data, config: read(data),
    start=FittedBgNbd,
)
