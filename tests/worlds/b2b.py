"""A simulated business that sells software to companies: who leaves, when, why, and what the money is, all known.

Companies have seats, people and a contract, by the month or by the year. Week by week three moods move, each a Markov
chain of its own: *use* fades, *support* goes wrong, the *champion* (who uses it most) leaves the company and may be
followed by another. Each adds to the hazard that the company decides to leave; it then pays on until the end of what is
paid, and MRR is 0 from there on. A business review halves the hazard for twelve weeks: who gets one is drawn by lot, so
that its effect is known. As events: `b2b_events`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.durations import DAY, WEEK
from tests.worlds.lives import FINE_SIGNS, HERE, WRONG_SIGNS
from tests.worlds.rules import LEVELS, trouble_decay

__all__ = ["B2B", "CAUSES", "HELD_B2B", "Companies", "CompanyRules", "Members", "b2b"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

CAUSES = ("base", "usage", "support", "champion")
MONTH, YEAR = 365.25 / 12 * DAY, 365.25 * DAY


@dataclass(frozen=True)
class CompanyRules:
    """All numbers; hazards and chances are a week."""

    yearly: float = 0.4  # share of the contracts
    base: float = 0.0013
    fades: float = 0.008
    recovers: float = 0.07
    use_factor: tuple[float, ...] = (1.0, 0.75, 0.5, 0.3, 0.15)
    use_hazard: tuple[float, ...] = (0.0, 0.003, 0.015, 0.04, 0.08)
    tickets: float = 0.01  # of each seat
    wrong: float = 0.1
    heals: float = 0.15
    support_hazard: tuple[float, ...] = (0.0, 0.012, 0.035, 0.07)
    champion_leaves: float = 0.005
    champion_follows: float = 0.04
    champion_hazard: float = 0.025  # while there is none
    resigned: float = 0.5  # what use is multiplied by once the company has decided
    tells: float = 0.6  # chance that a company cancels as soon as it has decided, not at the end
    reviewed: float = 0.02  # chance of a business review
    review_helps: float = 0.5  # what the hazard is multiplied by…
    review_lasts: int = 12  # …for so many weeks
    grows: float = 0.01  # chance of more seats while all is well; five times that when they run out
    turnover: float = 0.003  # of people, other than the champion
    seat: int = 2900  # price of one a month, minor units; by the year a fifth less


B2B = CompanyRules()
"""The business that choices may be fitted on."""

HELD_B2B = CompanyRules(
    yearly=0.3, base=0.0016, fades=0.01, recovers=0.1, use_hazard=(0.0, 0.004, 0.02, 0.04, 0.07), wrong=0.13,
    support_hazard=(0.0, 0.01, 0.04, 0.08), champion_leaves=0.007, champion_hazard=0.02, resigned=0.65, tells=0.45,
)  # fmt: skip
"""A business of other numbers, kept to judge by."""


@dataclass(frozen=True)
class Members:
    """The people of all companies; arrays are (people,)."""

    company: Ints
    joins: Ints  # week
    leaves: Ints  # the first week in which the person is not in the company any more; HERE if there is none
    rate: Array  # sessions a week while all is well
    sessions: Ints  # (people, weeks)


@dataclass(frozen=True)
class Companies:
    """All companies, and what is true of them; arrays are (companies,) or (companies, weeks)."""

    rules: CompanyRules
    weeks: int
    seed: int
    members: Members
    begins: Ints  # week
    begins_at: Array  # seconds after the beginning of the world
    yearly: Flags
    seats: Ints  # (companies, weeks)
    mrr: Ints  # (companies, weeks): minor units a month, at the end of the week; 0 when it has left
    due: Flags  # (companies, weeks): a paid period ends
    decided: Ints  # week at the end of which it made up its mind; HERE if it did not
    left: Ints  # the first week without a contract
    told: Ints  # week in which it cancels
    cause: tuple[str, ...]
    use: Ints  # (companies, weeks)
    support: Ints
    champion: Ints  # (companies, weeks): the person, or −1
    tickets: Ints  # (companies, weeks)
    signs: Ints  # of the week's last ticket: a bit for each of WRONG_SIGNS
    reviewed: Flags  # (companies, weeks): a business review is held
    hazard: Array  # of deciding, while undecided

    def here(self) -> Flags:
        """(companies, weeks): has a contract."""
        week = np.arange(self.weeks)
        return np.asarray((self.begins[:, None] <= week) & (self.left[:, None] > week))

    def retention(self, week: int, over: int = 52) -> tuple[float, float]:
        """(NRR, GRR) of the companies that paid `over` weeks before."""
        then, now = self.mrr[:, week - over].astype(np.float64), self.mrr[:, week].astype(np.float64)
        paid = then > 0
        return float(now[paid].sum() / then.sum()), float(np.minimum(now, then)[paid].sum() / then.sum())

    def logo_churn(self, week: int, over: int = 52) -> float:
        """Share of the companies of then that have left."""
        then, now = self.mrr[:, week - over] > 0, self.mrr[:, week] > 0
        return float(1 - now[then].mean())

    def latent(self, week: int, horizon: int) -> Array:
        """P(MRR is 0 within `horizon` weeks from `week` on), by who knows the moods and who has decided.

        Of those who have a contract and are undecided; 1 or 0 for who has decided.
        """
        rules, level = self.rules, max(week - 1, 0)
        moods = [
            (_use_steps(rules)[self.use[:, level]], np.array(rules.use_hazard), _use_steps(rules)),
            (trouble_decay(rules.heals)[self.support[:, level]], np.array(rules.support_hazard), self._troubled()),
            (_champion_steps(rules)[(self.champion[:, level] < 0) * 1], np.array([0.0, rules.champion_hazard]),
             _champion_steps(rules)),
        ]  # fmt: skip
        ends = np.array([[w for w in np.flatnonzero(row) if w > week][:1] or [HERE] for row in self._due_ahead()])[:, 0]
        undecided, leaves = np.ones(len(self.begins)), np.zeros(len(self.begins))
        helped = self._helped(week)
        for j in range(horizon):
            stay = np.exp(-rules.base * helped[:, j])
            for k, (belief, hazard, steps) in enumerate(moods):
                kept = belief * np.exp(-hazard * helped[:, j, None])
                stay = stay * kept.sum(axis=1) / belief.sum(axis=1)
                moved = kept @ steps if steps.ndim == 2 else np.einsum("nl,nlm->nm", kept, steps)
                moods[k] = (moved / moved.sum(axis=1, keepdims=True), hazard, steps)
            ends = np.where(ends <= week + j, self._next_due(week + j), ends)
            leaves += undecided * (1 - stay) * (ends <= week + horizon)
            undecided *= stay
        decided = self.decided < week
        return np.where(decided, (self.left <= week + horizon) * 1.0, leaves)

    def _troubled(self) -> Array:
        """(companies, levels, levels): tickets that go wrong, then a week in which trouble is forgotten."""
        worse = np.eye(LEVELS, k=1)
        worse[-1, -1] = 1.0
        chance = 1 - np.exp(-self.rules.tickets * self.rules.wrong * self.seats[:, -1])
        step = np.eye(LEVELS) * (1 - chance)[:, None, None] + worse * chance[:, None, None]
        return np.asarray(step @ trouble_decay(self.rules.heals))

    def _due_ahead(self) -> Flags:
        return _due(self.begins_at, self.yearly, self.weeks + 60)

    def _next_due(self, week: int) -> Ints:
        ahead = self._due_ahead()
        ahead[:, : week + 1] = False
        return np.where(ahead.any(axis=1), ahead.argmax(axis=1), HERE)

    def _helped(self, week: int, weeks: int = 60) -> Array:
        """(companies, weeks ahead): what reviews make of the hazard: those held, and on average those to come."""
        lasts = self.rules.review_lasts
        held = np.zeros((len(self.begins), weeks))
        for ago in range(1, lasts):
            if week - ago >= 0:
                held[:, : lasts - ago] += self.reviewed[:, week - ago, None]
        soon = 1 - (1 - self.rules.reviewed) ** np.minimum(np.arange(weeks) + 1, lasts)
        helps = self.rules.review_helps
        return np.where(held > 0, helps, 1 - (1 - helps) * soon)


def b2b(
    companies: int = 600, people: int = 8000, weeks: int = 104, seed: int = 1, rules: CompanyRules = B2B
) -> Companies:
    """The business of a seed; the same arguments give the same lives."""
    return _Simulation(companies, people, weeks, seed, rules).run()


def _use_steps(rules: CompanyRules) -> Array:
    levels = len(rules.use_factor)
    steps = np.zeros((levels, levels))
    steps[0, 0], steps[0, 1] = 1 - rules.fades, rules.fades
    for level in range(1, levels):
        onward = 0.3 if level < levels - 1 else 0.0
        steps[level, 0] = rules.recovers
        steps[level, min(level + 1, levels - 1)] += onward
        steps[level, level] += 1 - rules.recovers - onward
    return steps


def _champion_steps(rules: CompanyRules) -> Array:
    return np.array([[1 - rules.champion_leaves, rules.champion_leaves],
                     [rules.champion_follows, 1 - rules.champion_follows]])  # fmt: skip


def _due(begins_at: Array, yearly: Flags, weeks: int) -> Flags:
    period = np.where(yearly, YEAR, MONTH)
    due = np.zeros((len(begins_at), weeks), dtype=bool)
    for k in range(1, int(weeks * WEEK / MONTH) + 2):
        week = ((begins_at + k * period) // WEEK).astype(np.int64)
        inside = week < weeks
        due[np.flatnonzero(inside), week[inside]] = True
    return due


class _Simulation:
    """All companies at once, a week at a time."""

    def __init__(self, companies: int, people: int, weeks: int, seed: int, rules: CompanyRules) -> None:
        self._rng = rng = np.random.default_rng(seed)
        self._weeks, self._seed, self._rules, n = weeks, seed, rules, companies
        size = rng.lognormal(0.0, 0.9, n)
        self._size = np.maximum(2, np.round(size / size.sum() * people)).astype(np.int64)
        self._begins_at = np.where(rng.random(n) < 0.6, rng.random(n) * MONTH, rng.random(n) * (weeks - 20) * WEEK)
        self._yearly = rng.random(n) < rules.yearly
        self._begins = (self._begins_at // WEEK).astype(np.int64)
        self._due = _due(self._begins_at, self._yearly, weeks + 60)
        self._seats = np.maximum(self._size + rng.integers(0, 4, n), 3)
        self._members()
        grid = ("seats", "mrr", "use", "support", "champion", "tickets", "signs")
        self._held = {name: np.zeros((n, weeks), dtype=np.int64) for name in grid}
        self._reviewed = np.zeros((n, weeks), dtype=bool)
        self._hazard = np.zeros((n, weeks))
        self._use, self._support = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self._decided, self._left, self._told = (np.full(n, HERE) for _ in range(3))
        self._cause = np.full(n, -1)

    def _members(self) -> None:
        rng, n = self._rng, len(self._size)
        company = np.repeat(np.arange(n), self._size)
        first = np.concatenate([[0], np.cumsum(self._size)[:-1]])
        joins = self._begins[company] + rng.geometric(0.35, len(company)) - 1
        joins[first] = self._begins
        late = rng.random(len(company)) < 0.15
        late[first] = False
        joins[late] += rng.integers(4, 60, late.sum())
        leaves = joins + rng.geometric(self._rules.turnover, len(company))
        leaves[first] = HERE
        rate = rng.lognormal(np.log(0.9), 0.6, len(company))
        rate[first] = 4.0
        self._company, self._joins, self._leaves, self._rate = company, joins, leaves, rate
        self._champion = first.copy()
        self._sessions = np.zeros((len(company), self._weeks), dtype=np.int64)

    def run(self) -> Companies:
        for week in range(self._weeks):
            here = (self._begins <= week) & (self._left > week)
            self._money(week, here)
            self._act(week, here)
            self._decide(week, here)
            self._move(week, here)
        members = Members(self._company, self._joins, self._leaves, self._rate, self._sessions)
        return Companies(
            rules=self._rules, weeks=self._weeks, seed=self._seed, members=members, begins=self._begins,
            begins_at=self._begins_at, yearly=self._yearly, due=self._due[:, : self._weeks], decided=self._decided,
            left=self._left, told=self._told, cause=tuple(CAUSES[c] if c >= 0 else "" for c in self._cause),
            reviewed=self._reviewed, hazard=self._hazard, **self._held,
        )  # fmt: skip

    def _money(self, week: int, here: Flags) -> None:
        """Seats are added when they run out, and given up at a renewal when hardly anybody comes."""
        rng, n = self._rng, len(here)
        used = np.bincount(self._company[(self._joins <= week) & (self._leaves > week)], minlength=n)
        chance = self._rules.grows * np.where(used >= 0.9 * self._seats, 5, 1)
        grows = here & (self._use == 0) & (self._decided >= week) & (rng.random(n) < chance)
        shrinks = here & self._due[:, week] & (self._use >= 2) & (self._seats > 3) & (rng.random(n) < 0.4)
        self._seats = np.where(grows, self._seats + np.maximum(1, self._seats // 8), self._seats)
        self._seats = np.where(shrinks, np.maximum(3, self._seats - np.maximum(1, self._seats // 5)), self._seats)
        price = np.where(self._yearly, self._rules.seat * 4 // 5, self._rules.seat)
        self._held["seats"][:, week] = self._seats
        self._held["mrr"][:, week] = np.where(here, self._seats * price, 0)

    def _act(self, week: int, here: Flags) -> None:
        rng, rules, n = self._rng, self._rules, len(here)
        factor = np.array(rules.use_factor)[self._use] * np.where(self._decided < week, rules.resigned, 1.0)
        inside = here[self._company] & (self._joins <= week) & (self._leaves > week)
        rate = self._rate * factor[self._company]
        self._sessions[:, week] = np.where(inside, rng.poisson(np.where(inside, rate, 0.0)), 0)
        tickets = np.where(here, rng.poisson(rules.tickets * self._seats), 0)
        wrong = (tickets > 0) & (rng.random(n) < 1 - (1 - rules.wrong) ** tickets)
        shows = np.where(wrong, self._bits(WRONG_SIGNS, n), self._bits(FINE_SIGNS, n))
        self._held["tickets"][:, week], self._held["signs"][:, week] = tickets, np.where(tickets > 0, shows, 0)
        self._support = np.minimum(self._support + wrong, LEVELS - 1)
        self._reviewed[:, week] = here & (self._decided >= HERE) & (rng.random(n) < rules.reviewed)

    def _bits(self, chances: dict[str, float], n: int) -> Ints:
        drawn = self._rng.random((n, len(chances))) < np.array(list(chances.values()))
        return np.asarray(drawn @ (1 << np.arange(len(chances))))

    def _decide(self, week: int, here: Flags) -> None:
        rules, rng, n = self._rules, self._rng, len(here)
        held = self._held
        held["use"][:, week], held["support"][:, week] = self._use, self._support
        held["champion"][:, week] = self._champion
        parts = np.stack([
            np.full(n, rules.base), np.array(rules.use_hazard)[self._use],
            np.array(rules.support_hazard)[self._support], np.where(self._champion < 0, rules.champion_hazard, 0.0),
        ], axis=1)  # fmt: skip
        lately = self._reviewed[:, max(0, week - rules.review_lasts + 1) : week + 1].any(axis=1)
        parts = parts * np.where(lately, rules.review_helps, 1.0)[:, None]
        chance = -np.expm1(-parts.sum(axis=1))
        open_ = here & (self._decided >= HERE)
        self._hazard[:, week] = np.where(open_, chance, 0.0)
        decides = open_ & (rng.random(n) < chance)
        drawn = (rng.random(n)[:, None] * parts.sum(axis=1)[:, None] > parts.cumsum(axis=1)).sum(axis=1)
        ahead = self._due.copy()
        ahead[:, : week + 1] = False
        end = np.where(ahead.any(axis=1), ahead.argmax(axis=1), HERE)
        tells = rng.random(n) < rules.tells
        self._decided[decides], self._left[decides] = week, end[decides]
        self._told[decides] = np.where(tells, week, end - 1)[decides]
        self._cause[decides] = np.minimum(drawn, len(CAUSES) - 1)[decides]

    def _move(self, week: int, here: Flags) -> None:
        rng, rules, n = self._rng, self._rules, len(here)
        steps, decay = _use_steps(rules), trouble_decay(rules.heals)
        moved = (rng.random(n)[:, None] > steps[self._use].cumsum(axis=1)).sum(axis=1)
        self._use = np.where(here, np.minimum(moved, len(steps) - 1), self._use)
        healed = (rng.random(n)[:, None] > decay[self._support].cumsum(axis=1)).sum(axis=1)
        self._support = np.minimum(healed, LEVELS - 1)
        goes = here & (self._champion >= 0) & (rng.random(n) < rules.champion_leaves)
        comes = here & (self._champion < 0) & (rng.random(n) < rules.champion_follows)
        self._leaves[self._champion[goes]] = week + 1
        self._champion[goes] = -1
        inside = (self._joins <= week) & (self._leaves > week + 1)
        for company in np.flatnonzero(comes).tolist():
            candidates = np.flatnonzero(inside & (self._company == company))
            if len(candidates):
                chosen = int(candidates[self._rate[candidates].argmax()])
                self._champion[company], self._leaves[chosen] = chosen, HERE
                self._rate[chosen] = 4.0
