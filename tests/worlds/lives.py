"""The lives of all customers of a simulated shop, week by week: what shows of them, and what is true of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.worlds.rules import CAUSES, LEVELS, Mood, Rules, price_mood, trouble_decay, use_mood

__all__ = ["HERE", "Habits", "Lives", "Signs", "Truth", "live", "renews"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

HERE = 1_000_000
"""Stands for the week of leaving of whoever has not left."""

# How a wrong delivery, a fine one, a wrong ticket and a fine ticket show: chance of each sign.
DELIVERY_SIGNS = {"complaint": 0.3, "ticket": 0.3, "return": 0.25, "refund": 0.15, "late": 0.45, "failed": 0.15}
TIMELY_SIGNS = {"complaint": 0.0, "ticket": 0.0, "return": 0.0, "refund": 0.0, "late": 0.03, "failed": 0.002}
WRONG_SIGNS = {"reopened": 0.5, "long": 0.4, "csat": 0.45, "ces": 0.3}
FINE_SIGNS = {"reopened": 0.03, "long": 0.05, "csat": 0.03, "ces": 0.02}
PAUSES, UNINSTALLS = 0.12, 0.12  # chance a week of who has lost interest and has a subscription or the app
GOODBYE = 0.5  # chance that who leaves cancels the subscription or removes the app in the last week


@dataclass(frozen=True)
class Habits:
    """What each customer is like; arrays are (customers,) unless said otherwise."""

    kind: Ints  # index into the rules' kinds
    begins: Ints  # week of the first order
    orders: Array  # (customers, weeks): rate of orders, before moods
    visits: Array
    logins: Array
    uses: Array
    tickets: Array  # chance a week
    goes_wrong: Array  # chance that an order does
    single: Flags  # one order a week at most
    subscribed: Flags
    app: Flags
    base: Array  # (customers, weeks): hazard for no reason that shows
    pressure: Array  # (customers, weeks): what the hazard of prices is multiplied by
    use: Mood
    price: Mood


@dataclass(frozen=True)
class Signs:
    """What an observer sees, (customers, weeks); nothing after a customer has left, but some visits."""

    orders: Ints
    coupons: Ints  # orders with one
    denied: Ints
    price_complaints: Ints
    carts: Ints  # that came to nothing
    dearer: Ints  # renewals that cost more than the last
    visits: Ints
    logins: Ints
    uses: Ints
    paused: Ints
    uninstalled: Ints
    tickets: Ints
    delivery: Ints  # a bit for each of DELIVERY_SIGNS
    support: Ints  # a bit for each of WRONG_SIGNS, of the week's ticket


@dataclass(frozen=True)
class Truth:
    """What nobody sees."""

    kind: tuple[str, ...]  # of each customer
    begins: Ints
    left: Ints  # the first week without the customer; HERE if there is none
    cause: tuple[str, ...]  # "" if still here
    hazard: Array  # (customers, weeks): of leaving at the end of the week, while here; 0 before and after
    use: Ints  # (customers, weeks): level of each mood
    price: Ints
    delivery: Ints
    support: Ints
    shown: Flags  # there is a trace of the cause within the twelve weeks before leaving


@dataclass(frozen=True)
class Lives:
    """Everybody."""

    rules: Rules
    weeks: int
    habits: Habits
    signs: Signs
    truth: Truth
    goodbye: Flags = field(repr=False)  # says so in the last week


def live(rules: Rules, customers: int, weeks: int, seed: int) -> Lives:
    """Simulate; the same arguments give the same lives."""
    rng = np.random.default_rng(seed)
    habits = _habits(rules, customers, weeks, rng)
    return _Simulation(rules, weeks, habits, rng).run()


def renews(habits: Habits, week: int) -> Flags:
    """Whose subscription is renewed in this week: every fourth from the first order on."""
    since = week - habits.begins
    return np.asarray(habits.subscribed & (since > 0) & (since % 4 == 0))


def _habits(rules: Rules, n: int, weeks: int, rng: np.random.Generator) -> Habits:
    kinds = rules.kinds
    shares = np.array([kind.share for kind in kinds])
    kind = rng.choice(len(kinds), n, p=shares / shares.sum())

    def of(name: str) -> Array:
        return np.array([float(getattr(each, name)) for each in kinds])[kind]

    def own(name: str) -> Array:
        """Each customer's own rate, of the kind's mean."""
        return of(name) * rng.lognormal(-(rules.spread**2) / 2, rules.spread, n)

    begins = np.where(rng.random(n) < 0.4, rng.integers(0, 4, n), rng.integers(4, max(weeks - 26, 5), n))
    week = np.arange(weeks)
    every, burst = of("every"), of("burst")
    phase = (week - begins[:, None]) % np.maximum(every, 1)[:, None]
    in_season = np.where(every[:, None] > 0, phase < burst[:, None], True)
    rates = np.where(every > 0, of("orders"), own("orders"))
    orders = np.where(in_season, rates[:, None], np.where(every[:, None] > 0, 0.02 * rates[:, None], 0.0))
    young = np.where(week - begins[:, None] < 8, rules.young, 1.0)
    price = np.array([each.name == "price" for each in kinds])[kind]
    uses = own("uses")
    return Habits(
        kind=kind, begins=begins, orders=orders, visits=own("visits"), logins=own("logins"), uses=uses,
        tickets=np.clip(own("tickets"), 0, 0.5),
        goes_wrong=np.where(rng.random(n) < rules.bad_carriers, rules.careless, rules.careful) * (of("base") < 1),
        single=of("single") > 0, subscribed=of("subscribed") > 0, app=uses > 0,
        base=of("base")[:, None] * young,
        pressure=np.where(price[:, None] & (week >= rules.drift), rules.drifted, 1.0),
        use=use_mood(rules, of("fades")), price=price_mood(rules, of("coupons"), of("sensitive")),
    )  # fmt: skip


class _Simulation:
    """All customers at once, a week at a time."""

    def __init__(self, rules: Rules, weeks: int, habits: Habits, rng: np.random.Generator) -> None:
        self._rules, self._weeks, self._habits, self._rng = rules, weeks, habits, rng
        n = len(habits.kind)
        self._signs = {name: np.zeros((n, weeks), dtype=np.int64) for name in Signs.__dataclass_fields__}
        self._moods = {name: np.zeros((n, weeks), dtype=np.int64) for name in ("use", "price", "delivery", "support")}
        self._level = {name: np.zeros(n, dtype=np.int64) for name in self._moods}
        self._hazard = np.zeros((n, weeks))
        self._left = np.full(n, HERE)
        self._cause = np.full(n, -1)
        self._goodbye = rng.random(n) < GOODBYE

    def run(self) -> Lives:
        habits = self._habits
        for week in range(self._weeks):
            here = (habits.begins <= week) & (self._left > week)
            self._act(week, here)
            self._trouble(week, here)
            for name, level in self._level.items():
                self._moods[name][:, week] = level
            self._leave(week, here)
            self._linger(week, self._left <= week)
            self._move(here)
        kinds = self._rules.kinds
        truth = Truth(
            kind=tuple(kinds[k].name for k in habits.kind), begins=habits.begins, left=self._left,
            cause=tuple(CAUSES[c] if c >= 0 else "" for c in self._cause), hazard=self._hazard,
            **self._moods, shown=self._shown(),
        )  # fmt: skip
        return Lives(self._rules, self._weeks, habits, Signs(**self._signs), truth, self._goodbye)

    def _act(self, week: int, here: Flags) -> None:
        """What the habits and moods of a week make of it."""
        habits, rules, rng, signs = self._habits, self._rules, self._rng, self._signs
        use, price = self._level["use"], self._level["price"]
        interest = habits.use.factor[use]

        def some(rate: Array) -> Ints:
            return np.where(here, rng.poisson(np.where(here, rate, 0.0)), 0)

        def whether(chance: Array) -> Ints:
            return (here & (rng.random(len(here)) < chance)).astype(np.int64)

        orders = some(habits.orders[:, week] * habits.price.factor[price])
        orders = np.where(habits.single, np.minimum(orders, 1), orders)
        first = here & (habits.begins == week)
        orders = np.where(first & (habits.single | (orders == 0)), 1, orders)
        signs["orders"][:, week] = orders
        signs["coupons"][:, week] = rng.binomial(orders, np.array(rules.coupon)[price])
        looks = habits.visits > 0
        signs["denied"][:, week] = some(np.array(rules.denied)[price] * looks)
        signs["carts"][:, week] = some(np.array(rules.carts)[price] * looks)
        signs["price_complaints"][:, week] = whether(np.array(rules.price_complaint)[price] * looks)
        signs["dearer"][:, week] = whether(np.array(rules.dearer)[price] * renews(habits, week))
        signs["visits"][:, week] = some(habits.visits * interest)
        signs["logins"][:, week] = some(habits.logins * interest)
        signs["uses"][:, week] = some(habits.uses * interest)
        lost = use == len(rules.use_factor) - 1
        signs["paused"][:, week] = whether(PAUSES * (lost & habits.subscribed))
        signs["uninstalled"][:, week] = whether(UNINSTALLS * (lost & habits.app))
        signs["tickets"][:, week] = whether(habits.tickets)

    def _trouble(self, week: int, here: Flags) -> None:
        """Which orders and tickets of the week go wrong, and what shows of it."""
        signs, rng, n = self._signs, self._rng, len(here)
        orders = signs["orders"][:, week]
        wrong = rng.random(n) < 1 - (1 - self._habits.goes_wrong) ** orders
        timely = np.where(orders > 0, self._bits(TIMELY_SIGNS, n), 0)
        signs["delivery"][:, week] = np.where(wrong, self._bits(DELIVERY_SIGNS, n), timely)
        self._level["delivery"] = np.minimum(self._level["delivery"] + wrong, LEVELS - 1)
        asked = signs["tickets"][:, week] > 0
        bad = asked & (rng.random(n) < self._rules.wrong)
        shows = np.where(bad, self._bits(WRONG_SIGNS, n), self._bits(FINE_SIGNS, n))
        signs["support"][:, week] = np.where(asked, shows, 0)
        self._level["support"] = np.minimum(self._level["support"] + bad, LEVELS - 1)

    def _bits(self, chances: dict[str, float], n: int) -> Ints:
        drawn = self._rng.random((n, len(chances))) < np.array(list(chances.values()))
        return np.asarray(drawn @ (1 << np.arange(len(chances))))

    def _leave(self, week: int, here: Flags) -> None:
        habits, rules, rng = self._habits, self._rules, self._rng
        every = np.arange(len(here))
        parts = np.stack(
            [
                habits.base[:, week],
                habits.price.hazard[every, self._level["price"]] * habits.pressure[:, week],
                np.array(rules.trouble_hazard)[self._level["delivery"]],
                habits.use.hazard[every, self._level["use"]],
                np.array(rules.support_hazard)[self._level["support"]],
            ],
            axis=1,
        )
        chance = -np.expm1(-parts.sum(axis=1))
        self._hazard[:, week] = np.where(here, chance, 0.0)
        leaves = here & (rng.random(len(here)) < chance)
        drawn = (rng.random(len(here))[:, None] * parts.sum(axis=1)[:, None] > parts.cumsum(axis=1)).sum(axis=1)
        self._left[leaves] = week + 1
        self._cause[leaves] = np.minimum(drawn, len(CAUSES) - 1)[leaves]

    def _linger(self, week: int, gone: Flags) -> None:
        """Who has left still has a look now and then."""
        looks = self._rng.poisson(self._habits.visits * self._rules.leak)
        self._signs["visits"][gone, week] = looks[gone]

    def _move(self, here: Flags) -> None:
        """The moods of the next week."""
        every, n, rng = np.arange(len(here)), len(here), self._rng
        for name, mood in (("use", self._habits.use), ("price", self._habits.price)):
            drawn = rng.random(n)
            following = (drawn[:, None] > mood.steps[every, self._level[name]].cumsum(axis=1)).sum(axis=1)
            self._level[name] = np.where(here, np.minimum(following, mood.steps.shape[1] - 1), self._level[name])
        decay = trouble_decay(self._rules.heals)
        for name in ("delivery", "support"):
            following = (rng.random(n)[:, None] > decay[self._level[name]].cumsum(axis=1)).sum(axis=1)
            self._level[name] = np.minimum(following, LEVELS - 1)

    def _shown(self) -> Flags:
        signs, week = self._signs, np.arange(self._weeks)
        late = (week >= self._left[:, None] - 12) & (week < self._left[:, None])
        faded = self._moods["use"] >= 2
        fan = signs["coupons"] > 0
        traces = {
            "price": (signs["denied"] + signs["price_complaints"] + signs["dearer"] > 0) | fan,
            "delivery": signs["delivery"] > 0,
            "usage": faded & (self._habits.visits + self._habits.logins + self._habits.uses > 0)[:, None],
            "support": signs["support"] > 0,
        }
        shown = np.zeros(len(self._left), dtype=bool)
        for cause, trace in traces.items():
            shown |= (self._cause == CAUSES.index(cause)) & (trace & late).any(axis=1)
        return shown
