"""The Bayes filter of the simulated shop: the best anybody could know who sees the events and nothing else.

It knows every rule and each customer's own rates, and works out week by week how likely it is that a customer has left,
and in what mood those are who have not. Given that a customer is here, the four moods are independent: each moves by
itself, shows by signs of its own, and adds to the hazard, so that the chance of staying is a product. So one filter a
mood is exact together with the chance of still being here.

It leaves out which features are used (it counts them), the amounts of orders, and what subscribers who cancel and app
users who remove the app say with it: `goodbye` is certain news of who has left already, told an hour before the end of
the last week. For the weeks to come it takes the mean of the trouble that orders and tickets will bring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from tests.worlds.lives import (
    DELIVERY_SIGNS,
    FINE_SIGNS,
    PAUSES,
    TIMELY_SIGNS,
    UNINSTALLS,
    WRONG_SIGNS,
    Lives,
    renews,
)
from tests.worlds.rules import LEVELS, trouble_decay

__all__ = ["Foresight", "Oracle"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Foresight:
    """What can be said at the beginning of each week, of the events before it; (customers, weeks)."""

    gone: Array  # P(has left)
    leaves: Array  # P(leaves within the horizon | still here)
    silent: Array  # P(no order within the horizon)


@dataclass
class _Moods:
    """What is believed of the moods of all customers, if they are here: (customers, levels)."""

    use: Array
    price: Array
    delivery: Array
    support: Array


class Oracle:
    """Both oracles of a shop: `seen` by the events, `latent` by what nobody sees."""

    def __init__(self, lives: Lives) -> None:
        self._lives = lives
        habits, rules = lives.habits, lives.rules
        self._n, self._weeks = len(habits.kind), lives.weeks
        self._decay = trouble_decay(rules.heals)
        self._worse = np.eye(LEVELS, k=1)
        self._worse[-1, -1] = 1.0
        # Of each pattern of signs: how likely if it went wrong, and if it did not.
        self._late, self._timely = _patterns(DELIVERY_SIGNS), _patterns(TIMELY_SIGNS)
        self._ticket = _patterns(WRONG_SIGNS) * rules.wrong, _patterns(FINE_SIGNS) * (1 - rules.wrong)
        self._pressure, self._base, self._orders = habits.pressure, habits.base, habits.orders

    @cached_property
    def _beliefs(self) -> tuple[Array, list[_Moods]]:
        """P(has left) at the beginning of each week, and the moods then."""
        n = self._n
        gone = np.zeros((n, self._weeks + 1))
        moods = self._first()
        held = [moods]
        for week in range(self._weeks):
            known = self._lives.habits.begins <= week
            seen, likely = self._look(week, moods)
            stay = np.exp(-self._base[:, week]) * self._survival(week, seen)
            here = (1 - gone[:, week]) * likely * stay
            left = (1 - gone[:, week]) * likely * (1 - stay) + gone[:, week] * self._if_gone(week)
            gone[:, week + 1] = np.where(known, left / np.maximum(here + left, 1e-300), 0.0)
            following = self._move(week, seen)
            moods = _Moods(*(np.where(known[:, None], getattr(following, name), getattr(moods, name))
                             for name in _Moods.__dataclass_fields__))  # fmt: skip
            held.append(moods)
        return gone, held

    def seen(self, weeks: Sequence[int], horizon: int) -> Foresight:
        """What the events before each of these weeks tell of the `horizon` weeks from it on, all of them simulated."""
        gone, moods = self._beliefs
        leaves, silent = np.zeros((self._n, len(weeks))), np.zeros((self._n, len(weeks)))
        for column, week in enumerate(weeks):
            leaves[:, column], quiet = self._future(week, horizon, moods[week])
            silent[:, column] = gone[:, week] + (1 - gone[:, week]) * quiet
        return Foresight(gone[:, list(weeks)], leaves, silent)

    def latent(self, weeks: Sequence[int], horizon: int) -> Foresight:
        """The same for who also knows who has left, and in what mood everybody is."""
        truth = self._lives.truth
        leaves, silent = np.zeros((self._n, len(weeks))), np.zeros((self._n, len(weeks)))
        gone = np.zeros((self._n, len(weeks)))
        for column, week in enumerate(weeks):
            moods = _Moods(*(self._known(name, week) for name in _Moods.__dataclass_fields__))
            leaves[:, column], quiet = self._future(week, horizon, moods)
            gone[:, column] = truth.left <= week
            silent[:, column] = np.where(truth.left <= week, 1.0, quiet)
        return Foresight(gone, leaves, silent)

    def _known(self, name: str, week: int) -> Array:
        """Certainty of the level of the week before, moved on by a week."""
        levels = getattr(self._lives.truth, name)[:, max(week - 1, 0)]
        habits = self._lives.habits
        if name in ("use", "price"):
            steps: Array = getattr(habits, name).steps[np.arange(self._n), levels]
            return steps
        return np.asarray(self._decay[levels])

    def _first(self) -> _Moods:
        def certain(levels: int) -> Array:
            return np.tile(np.eye(levels)[0], (self._n, 1))

        habits = self._lives.habits
        return _Moods(certain(habits.use.steps.shape[1]), certain(4), certain(LEVELS), certain(LEVELS))

    def _look(self, week: int, moods: _Moods) -> tuple[_Moods, Array]:
        """The moods after the signs of a week, and how likely these were of somebody who is here."""
        use = moods.use * self._use_likelihood(week)
        price = moods.price * self._price_likelihood(week)
        signs, habits = self._lives.signs, self._lives.habits
        orders, shown = signs.orders[:, week], signs.delivery[:, week]
        bad = 1 - (1 - habits.goes_wrong) ** orders
        wrong = bad * self._late[shown]
        fine = (1 - bad) * np.where(orders > 0, self._timely[shown], 1.0)
        delivery = _mixed(moods.delivery, self._worse, wrong / np.maximum(wrong + fine, 1e-300))
        asked, pattern = signs.tickets[:, week] > 0, signs.support[:, week]
        bad_ticket, fine_ticket = self._ticket[0][pattern], self._ticket[1][pattern]
        odds = np.where(asked, bad_ticket / (bad_ticket + fine_ticket), 0.0)
        support = _mixed(moods.support, self._worse, odds)
        tickets = np.where(asked, habits.tickets * (bad_ticket + fine_ticket), 1 - habits.tickets)
        likely = use.sum(axis=1) * price.sum(axis=1) * (wrong + fine) * tickets
        return _Moods(_normal(use), _normal(price), delivery, support), likely

    def _use_likelihood(self, week: int) -> Array:
        signs, habits = self._lives.signs, self._lives.habits
        factor = habits.use.factor
        found = np.zeros((self._n, len(factor)))
        for count, rate in ((signs.visits, habits.visits), (signs.logins, habits.logins), (signs.uses, habits.uses)):
            found += _log_poisson(count[:, week, None], rate[:, None] * factor)
        lost = np.arange(len(factor)) == len(factor) - 1
        paused = _log_whether(signs.paused[:, week], PAUSES * (lost & habits.subscribed[:, None]))
        removed = _log_whether(signs.uninstalled[:, week], UNINSTALLS * (lost & habits.app[:, None]))
        return np.exp(found + paused + removed)

    def _price_likelihood(self, week: int) -> Array:
        signs, habits, rules = self._lives.signs, self._lives.habits, self._lives.rules
        orders = signs.orders[:, week, None]
        rate = habits.orders[:, week, None] * habits.price.factor
        none = np.exp(-rate)
        single = np.where(orders > 0, np.log1p(-np.minimum(none, 1 - 1e-12)), -rate)
        found = np.where(habits.single[:, None], single, _log_poisson(orders, rate))
        found[habits.begins == week] = 0.0  # the first order is certain
        coupons, coupon = signs.coupons[:, week, None], np.array(rules.coupon)
        found += coupons * np.log(coupon) + (orders - coupons) * np.log1p(-coupon)
        looks = (habits.visits > 0)[:, None]
        for count, rates in ((signs.denied, rules.denied), (signs.carts, rules.carts)):
            found += _log_poisson(count[:, week, None], np.array(rates) * looks)
        found += _log_whether(signs.price_complaints[:, week], np.array(rules.price_complaint) * looks)
        found += _log_whether(signs.dearer[:, week], np.array(rules.dearer) * renews(habits, week)[:, None])
        return np.exp(found)

    def _if_gone(self, week: int) -> Array:
        """How likely the signs of a week are of somebody who has left: nothing but some visits."""
        signs, habits = self._lives.signs, self._lives.habits
        alive = sum(getattr(signs, name)[:, week] for name in signs.__dataclass_fields__ if name not in ("visits",))
        looks = _log_poisson(signs.visits[:, week], habits.visits * self._lives.rules.leak)
        return np.where(alive > 0, 0.0, np.exp(looks))

    def _survival(self, week: int, moods: _Moods) -> Array:
        found = np.ones(self._n)
        for belief, hazard in self._hazards(week, moods):
            found *= (belief * np.exp(-hazard)).sum(axis=1)
        return found

    def _hazards(self, week: int, moods: _Moods) -> list[tuple[Array, Array]]:
        habits, rules = self._lives.habits, self._lives.rules
        return [
            (moods.use, habits.use.hazard),
            (moods.price, habits.price.hazard * self._pressure[:, week, None]),
            (moods.delivery, np.array(rules.trouble_hazard)[None, :]),
            (moods.support, np.array(rules.support_hazard)[None, :]),
        ]

    def _move(self, week: int, moods: _Moods) -> _Moods:
        """The moods of the next week, of those who are still here."""
        use, price, delivery, support = (belief * np.exp(-hazard) for belief, hazard in self._hazards(week, moods))
        habits = self._lives.habits
        return _Moods(
            _normal(np.einsum("nl,nlm->nm", use, habits.use.steps)),
            _normal(np.einsum("nl,nlm->nm", price, habits.price.steps)),
            _normal(delivery @ self._decay),
            _normal(support @ self._decay),
        )

    def _future(self, week: int, horizon: int, moods: _Moods) -> tuple[Array, Array]:
        """(P(leaves within the horizon), P(no order within it)), of those who are here.

        `quiet` follows those who do not order: their price mood weighed by the chance of no order; no new trouble.
        """
        habits, rules = self._lives.habits, self._lives.rules
        stays = {"use": moods.use, "price": moods.price, "delivery": moods.delivery, "support": moods.support}
        calm, waiting = moods.delivery, moods.price
        base, unordered, silent = np.ones(self._n), np.ones(self._n), np.zeros(self._n)
        bad_ticket = habits.tickets * rules.wrong
        for j in range(horizon):
            at = week + j
            rate = self._orders[:, at, None] * habits.price.factor
            bad_order = 1 - np.exp(-self._orders[:, at] * habits.goes_wrong)
            bad_order = np.where(habits.single, (1 - np.exp(-self._orders[:, at])) * habits.goes_wrong, bad_order)
            stays["delivery"] = _mixed(stays["delivery"], self._worse, bad_order)
            stays["support"] = _mixed(stays["support"], self._worse, bad_ticket)
            hazards = dict(zip(stays, (hazard for _, hazard in self._hazards(at, moods)), strict=True))
            waiting = waiting * np.exp(-rate)
            others = stays["use"].sum(axis=1) * stays["support"].sum(axis=1) * calm.sum(axis=1) * base
            before = others * waiting.sum(axis=1)  # here until the end of this week, without an order
            stays = {name: belief * np.exp(-hazards[name]) for name, belief in stays.items()}
            base = base * np.exp(-self._base[:, at])
            calm, waiting = calm * np.exp(-hazards["delivery"]), waiting * np.exp(-hazards["price"])
            unordered = (
                stays["use"].sum(axis=1) * stays["support"].sum(axis=1) * calm.sum(axis=1) * base * waiting.sum(axis=1)
            )
            silent += before - unordered
            stays = {
                "use": np.einsum("nl,nlm->nm", stays["use"], habits.use.steps),
                "price": np.einsum("nl,nlm->nm", stays["price"], habits.price.steps),
                "delivery": stays["delivery"] @ self._decay,
                "support": stays["support"] @ self._decay,
            }
            calm = calm @ self._decay
            waiting = np.einsum("nl,nlm->nm", waiting, habits.price.steps)
        here = base * np.prod([belief.sum(axis=1) for belief in stays.values()], axis=0)
        return 1 - here, silent + unordered


def _patterns(signs: dict[str, float]) -> Array:
    """How likely each pattern of bits is, the signs coming independently of one another."""
    chances = np.array(list(signs.values()))
    bits = (np.arange(1 << len(chances))[:, None] >> np.arange(len(chances))) & 1
    return np.asarray(np.where(bits > 0, chances, 1 - chances).prod(axis=1))


def _mixed(belief: Array, steps: Array, chance: Array) -> Array:
    return np.asarray(belief * (1 - chance)[:, None] + (belief @ steps) * chance[:, None])


def _normal(belief: Array) -> Array:
    return np.asarray(belief / np.maximum(belief.sum(axis=1, keepdims=True), 1e-300))


def _log_poisson(count: NDArray[np.int64], rate: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(count > 0, count * np.log(np.maximum(rate, 1e-300)), 0.0)
    return np.asarray(logs - rate - gammaln(count + 1))


def _log_whether(happened: NDArray[np.int64], chance: Array) -> Array:
    return np.asarray(np.log(np.maximum(np.where(happened[:, None] > 0, chance, 1 - chance), 1e-300)))
