"""Customers who order and visit until they leave for good: what is known of one who is seen from outside.

A "buy till you die" model (Schmittlein, Morrison and Colombo 1987, the Pareto/NBD) with a second process. While a
customer is there, orders come at a rate λ and visits at a rate ν of their own, and the chance of leaving is μ a week.
Who has left orders no more, and visits at ε·ν: a newsletter is still opened, an app still installed. Over the customers
λ varies as Gamma(r, α), μ as Gamma(s, β), ν as Gamma(a, b). Times are in weeks.

With x repeat orders, the last at age t_x of a customer of age T, the weight of having left at age τ in (t_x, T) and of
being there are

    s β^s (β + τ)^−(s+1) · (α + τ)^−(r+x) · V(T − τ)        (β / (β + T))^s · (α + T)^−(r+x) · V(0)

**Visits** are kept as two fading counts, of half-lives of two and eight weeks. The faster one c₁ and the difference of
both c₂ look at two stretches of time that hardly overlap, as a window of the latest weeks and one of those before do.
Events clump, so a count divided by its dispersion is taken for a Poisson count (a quasi-likelihood: Wedderburn 1974).
If the customer left d weeks ago, E_k(d) is what a rate of one would have left in each, and with ν integrated out

    V(d) = E₁(d)^c₁ · E₂(d)^c₂ · (b + E₁(d) + E₂(d))^−(a + c₁ + c₂)

The integral over τ is a Gauss-Legendre sum, so everything is numpy for whole batches; what is said of a customer does
not depend on the others of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from models.codec import Array
from models.durations import WEEK
from profiles.types import HALF_LIVES, Profile

__all__ = ["ACTIVE", "NUMBERS", "Known", "Lifetimes", "visits"]

ACTIVE = ("visit", "login", "feature_use")
"""The roles that count as visits."""

NUMBERS = ("r", "alpha", "s", "beta", "a", "b", "leak", "clump")
"""The fitted numbers, in order."""

_FAST, _SLOW = (half_life / WEEK / math.log(2) for half_life in HALF_LIVES)  # mean ages of what fades, weeks
# A fading count times this varies as a Poisson count does: the mean of its kernel over the mean of its square.
_FRESH = 2.0
_OLDER = (_SLOW - _FAST) / (_SLOW / 2 + _FAST / 2 - 2 / (1 / _SLOW + 1 / _FAST))

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_NODES, _LOG_WEIGHTS = (_NODES + 1.0) / 2.0, np.log(_WEIGHTS / 2.0)  # on (0, 1)
_AHEAD, _AHEAD_WEIGHTS = np.polynomial.legendre.leggauss(8)
_AHEAD, _AHEAD_WEIGHTS = (_AHEAD + 1.0) / 2.0, _AHEAD_WEIGHTS / 2.0


class Known(NamedTuple):
    """What is known of customers, as arrays (customers,)."""

    repeats: Array  # orders but the first
    recency: Array  # weeks since the last order
    tenure: Array  # weeks since the first one
    fast: Array  # visits, each halving in worth every two weeks
    slow: Array  # visits, each halving in worth every eight weeks


class Lifetimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers that say how customers differ."""

    r: float
    alpha: float  # weeks
    s: float
    beta: float  # weeks
    a: float
    b: float  # weeks
    leak: float  # visits after leaving, as a share of those before
    clump: float  # variance of visits over their mean

    def __post_init__(self) -> None:
        numbers = np.array(msgspec.structs.astuple(self))
        if not (np.isfinite(numbers).all() and (numbers > 0).all()):
            raise ValueError("its numbers are not finite and positive")

    def log_odds_left(self, known: Known) -> Array:
        """The log-odds of having left by now."""
        return self._weigh(known)[0]

    def left_before(self, known: Known, ago: Array) -> Array:
        """P(left so many weeks ago, or more), given all that is known by now: 0 of who has ordered since."""
        silent = _silent(known)
        then = np.minimum(np.maximum(ago, 0.0), silent)
        before, since = self._gone(known, then, silent), self._gone(known, np.zeros_like(then), then)
        left: Array = np.exp(before - np.logaddexp(np.logaddexp(before, since), self._here(known)))
        return left

    def log_likelihood(self, known: Known, gammaln: Callable[[Array | float], Array]) -> Array:
        """Of each customer; what does not depend on the numbers is left out.

        Args:
            known: of the customers.
            gammaln: log Γ, which the scorers do without.
        """
        odds, here = self._weigh(known)
        fresh, older = self._counts(known)
        orders = gammaln(self.r + known.repeats) - gammaln(self.r) + self.r * math.log(self.alpha)
        visits = gammaln(self.a + fresh + older) - gammaln(self.a) + self.a * math.log(self.b)
        visits -= gammaln(fresh + 1.0) + gammaln(older + 1.0) + 2.0 * math.log(self.clump)
        likelihood: Array = orders + visits + here + np.logaddexp(0.0, odds)
        return likelihood

    def log_order(self, known: Known, horizon: float | Array) -> Array:
        """log P(an order within `horizon` weeks).

        Finite for any silence, where the chance itself rounds to 0.
        """
        left = self.log_odds_left(known)
        # The time of the next order, were the customer to stay for good, is Lomax; leaving must come after it.
        shape, scale = self.r + known.repeats, self.alpha + known.tenure
        within = -np.expm1(shape * np.log(scale / (scale + horizon)))
        quantile = np.multiply.outer(within, _AHEAD)
        after = scale[:, None] * np.expm1(-np.log1p(-quantile) / shape[:, None])
        stay = self.beta + known.tenure
        stays = np.exp(-self.s * np.log1p(after / stay[:, None])) * _AHEAD_WEIGHTS
        here = -np.logaddexp(0.0, left)
        log_order: Array = here + np.log(within) + np.log(stays.sum(axis=1))
        return log_order

    def leaves(self, tenure: Array, within: float | Array) -> Array:
        """P(leaves within so many weeks | still there)."""
        stay = self.beta + tenure
        return -np.expm1(self.s * np.log(stay / (stay + within)))

    def _counts(self, known: Known) -> tuple[Array, Array]:
        """The visits of the latest weeks and those of the weeks before, as Poisson counts."""
        older = np.maximum(known.slow - known.fast, 0.0)
        return known.fast * (_FRESH / self.clump), older * (_OLDER / self.clump)

    def _weigh(self, known: Known) -> tuple[Array, Array]:
        """The log-odds of having left, and the log of the weight of being there."""
        silent, here = _silent(known), self._here(known)
        return self._gone(known, np.zeros_like(silent), silent) - here, here

    def _gone(self, known: Known, low: Array, high: Array) -> Array:
        """The log of the weight of having left between so many weeks ago: an integral over the time since."""
        width = high - low
        gone = np.multiply.outer(width, _NODES)
        gone += low[:, None]
        then = known.tenure[:, None] - gone
        weight = -(self.r + known.repeats)[:, None] * np.log(self.alpha + then)
        weight -= (self.s + 1.0) * np.log(self.beta + then)
        weight += self._log_visits(known, gone) + _LOG_WEIGHTS
        highest = weight.max(axis=1)
        weight -= highest[:, None]
        with np.errstate(divide="ignore"):  # of no time at all
            left: Array = highest + np.log(np.exp(weight).sum(axis=1)) + np.log(width)
        return left + math.log(self.s) + self.s * math.log(self.beta)

    def _here(self, known: Known) -> Array:
        """The log of the weight of being there."""
        x, tenure = known.repeats, known.tenure
        here = self.s * np.log(self.beta / (self.beta + tenure)) - (self.r + x) * np.log(self.alpha + tenure)
        seen: Array = here + self._log_visits(known, np.zeros((len(x), 1)))[:, 0]
        return seen

    def _log_visits(self, known: Known, gone: Array) -> Array:
        """log V: how well leaving so many weeks ago, (customers, times), agrees with the visits."""
        fresh, older = (count[:, None] for count in self._counts(known))
        age = known.tenure[:, None] + 0.01
        missed = 1.0 - self.leak
        fast = _faded(age, _FAST) - missed * _faded(gone, _FAST)
        slow = _faded(age, _SLOW) - missed * _faded(gone, _SLOW)
        e1 = fast * (_FRESH / self.clump)
        e2 = (slow - fast) * (_OLDER / self.clump)
        return fresh * np.log(e1) + older * np.log(e2) - (self.a + fresh + older) * np.log(self.b + e1 + e2)


def _silent(known: Known) -> Array:
    """Weeks since the last order, within which whoever has left must have left."""
    bought = np.maximum(known.tenure - known.recency, 0.0)
    return np.maximum(known.tenure - bought, 1e-6)


def _faded(age: Array, mean: float) -> Array:
    """What a rate of one for so long has left in a count that fades."""
    return mean * -np.expm1(-age / mean)


def visits(profile: Profile, at: float) -> tuple[float, float]:
    """The fading counts of all that a customer did by themselves besides ordering, at a time after the latest."""
    fast = slow = 0.0
    for role in ACTIVE:
        if (tally := profile.roles.get(role)) is not None:
            age = max(at - tally.last, 0.0)
            fast += tally.decayed[0] * 2.0 ** (-age / HALF_LIVES[0])
            slow += tally.decayed[1] * 2.0 ** (-age / HALF_LIVES[1])
    return fast, slow
