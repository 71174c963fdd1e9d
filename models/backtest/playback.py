"""Backtest: a log of the past played through the product's own code, and every score judged by what came after it.

Time is event time. A day at a time, events change profiles (`profiles.state`), labels that are final are learned by the
`Learner`, and snapshots of customers are taken when they are due (`models.labels.snapshots`), as in the live pipeline.
Once a week everybody who ever ordered is scored by every model of the panel as it is then; a score of time t is judged
at t + H, when the horizon has passed, and neither it nor anything else from after t was known at t.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.backtest.records import Ahead, Repeatable, mentioned
from models.backtest.span import span
from models.churn.panel import MODELS, Panel
from models.churn.scores import GROUPS, group_shares
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import matrix
from models.features.reading import RAW, raws
from models.features.table import TABLE
from models.labels import snapshots
from models.labels.examples import GrownModel, OwnRecord
from models.labels.groups import groups_of
from models.labels.habits import habits
from models.labels.outages import EVENTS, ORDERS, arrived, label_clock, outages_of
from models.labels.outcomes import can_leave, held, keep, last_sign, signs_of, stayed
from models.learning.learner import Learner
from models.nightly.growing import grow
from models.nightly.sample import SnapshotSample
from profiles.consent import PROFILING, Consent
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.store import ArrivalRate
from profiles.types import Event, Merge, Profile

__all__ = ["Batch", "Judged", "Log", "Moved", "Outside", "Rival", "backtest", "weeks_judged"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

_CHUNK = 4096  # customers scored at once: their features, rolled, fit the processor's cache
_SAMPLE = 1000  # customers whose contributions are looked at, each judged week
_NEVER = math.inf


@dataclass(frozen=True)
class Outside:
    """Events at times that the orders do not span, which are left out."""

    count: int
    first: float  # the day of the first, seconds
    last: float  # of the last


@dataclass(frozen=True)
class Log:
    """What happened, and until when it is known.

    `start` is just before the day of the first order, so that a day of a log that has only dates counts as a whole.
    """

    records: Iterable[Event | Merge]  # ascending by time; gone through several times, and need not be in memory
    start: float
    end: float
    until: Mapping[str, float] = field(default_factory=dict)  # profile → when the log stops knowing it; else `end`
    outside: Outside | None = None

    @classmethod
    def of(cls, records: Iterable[Event | Merge], role: str = "purchase") -> Log:
        """The log of these records, as far as its orders reach: whole days (UTC), from the first to the last of them.

        A few times that cannot be right do not count (`models.backtest.span`). What comes after the last order is left
        out, since nobody knows who would have ordered; so are events long before everything else.

        Args:
            records: ascending by time.
            role: of the events that are orders; of a log without any, all events count.

        Raises:
            ValueError: there is no record.
        """
        events, orders = Counter[int](), Counter[int]()
        for record in records:
            if isinstance(record, Event):
                day = int(record.time // DAY)
                events[day] += 1
                if record.role == role:
                    orders[day] += 1
        first, last = span(orders or events)
        begin, start, end = span(events)[0] * DAY, first * DAY - 1.0, (last + 1) * DAY - 1.0
        out = [day for day in events if day * DAY < begin or day > last]
        if not out:
            return cls(records, start, end)

        def inside() -> Iterator[Event | Merge]:
            # That two profiles are one customer holds whenever it was said.
            return (one for one in records if one.time <= end and (one.time >= begin or isinstance(one, Merge)))

        outside = Outside(sum(events[day] for day in out), min(out) * DAY, max(out) * DAY)
        return cls(Repeatable(inside), start, end, outside=outside)

    @property
    def weeks(self) -> int:
        """Whole weeks from `start` to `end`."""
        return int((self.end - self.start) / WEEK + 1e-9)


def weeks_judged(log: Log, horizon: float) -> range:
    """The weeks whose scores are judged unless said otherwise: from the horizon and a month on, while it is known."""
    ahead = math.ceil(horizon / WEEK - 1e-9)
    return range(ahead + 4, log.weeks - ahead + 1)


@dataclass(frozen=True)
class Batch:
    """Customers as they were in one week, with what came of them once it is known."""

    week: int
    customers: Ints
    x: NDArray[np.float32]  # (customers, features)
    y: Array  # 1: no order within the horizon


class Rival(Protocol):
    """A model from outside the product that is shown the same rows."""

    name: str

    def learn(self, batch: Batch) -> None:
        """Take rows whose truth has just become known."""
        ...

    def risk(self, week: int, x: NDArray[np.float32]) -> Array | None:
        """What it says of these rows in this week; None if it cannot say anything yet."""
        ...


@dataclass(frozen=True)
class Moved:
    """What made the difference in one week: mean size of each group's contribution, log-odds."""

    week: int
    model: str
    groups: dict[str, float]


@dataclass(frozen=True)
class Judged:
    """Every judged score beside what came true; arrays are (rows,)."""

    week: Ints
    customer: Ints  # numbers from 0
    y: Array  # 1: churned
    active: NDArray[np.bool_]  # an order in the horizon before
    risks: dict[str, Array]  # by model, `champion` first; NaN where one said nothing
    champions: dict[int, str]  # by judged week, the name of the model
    moved: list[Moved]
    customers: int  # in the log
    events: int
    weeks: int  # of the log
    records: int  # examples learned from
    seconds: dict[str, float]  # by what took them
    learner: Learner
    leaving: dict[str, Array]  # `left`, `leaving`, `lost` of the score (`profiles.types.Score`); `lost` by BTYD alone


@dataclass(frozen=True)
class _Waiting:
    """Scores of one week whose truth is not known yet."""

    week: int
    at: float
    who: Ints
    x: NDArray[np.float32]
    risks: dict[str, Array]  # empty: not judged, only for rivals to learn from
    active: NDArray[np.bool_]
    leaving: dict[str, Array]


def backtest(
    log: Log,
    config: ChurnConfig,
    currency: str,
    *,
    judged: range | None = None,
    consent: Consent | None = None,
    persons: frozenset[str] = frozenset(),
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    rivals: Sequence[Rival] = (),
    advance: Callable[[float], object] = lambda _: None,
    seed: int = 0,
    refit_every: float = 0.0,
) -> Judged:
    """Play a log and judge the scores.

    Args:
        log: what happened.
        config: of churn: the horizons, and how often snapshots are taken.
        currency: of the plan.
        judged: weeks after the start of the log whose scores are judged; `weeks_judged` unless given.
        consent: who may be scored and learned from; everybody unless given.
        persons: types of identities that say who somebody is; what is only claimed of them does not count.
        limits: how repeats count, and what other currencies are worth.
        rivals: other models that see the same rows.
        advance: told which share of the log has been played.
        seed: of the order in which the training records of one day are learned.
        refit_every: seconds between two growings of the nightly survival model, which need scikit-learn; 0: none.

    Raises:
        ValueError: the log is too short to judge anything.
    """
    weeks = judged if judged is not None else weeks_judged(log, config.horizon)
    if not weeks:
        ahead = config.horizon / WEEK
        raise ValueError(
            f"the log covers {log.weeks} weeks; a horizon of {ahead:g} weeks needs {2 * ahead + 4:g} to be judged"
        )
    asked = () if config.definition is None else (config.definition,)
    limits = replace(limits, persons=persons, signs=signs_of(asked))
    return _Play(log, config, currency, weeks, consent or Consent({}), limits, rivals, seed, refit_every).run(advance)


class _Play:
    """One run of a log. Customers have numbers; what is asked of all of them at once is in arrays."""

    def __init__(
        self,
        log: Log,
        config: ChurnConfig,
        currency: str,
        weeks: range,
        consent: Consent,
        limits: Limits,
        rivals: Sequence[Rival],
        seed: int,
        refit_every: float,
    ) -> None:
        self._log, self._config, self._currency, self._weeks = log, config, currency, weeks
        self._consent, self._rivals = consent, rivals
        self._rng = np.random.default_rng(seed)
        self._limits = limits
        names = mentioned(log.records)
        self._number = {name: i for i, name in enumerate(names)}
        self._profiles = [Profile(name) for name in names]
        self._redirect: dict[int, int] = {}
        n = len(names)
        self._raws = np.zeros((n, RAW))
        self._stale: set[int] = set()  # whose row of `_raws` is older than the profile
        self._last = np.full(n, -_NEVER)  # of the latest order, or other sign of life
        self._due = np.full(n, _NEVER)  # next snapshot or label
        self._may = np.ones(n, dtype=bool)  # be scored, by what they said
        self._here = np.zeros(n, dtype=bool)  # ordered, may be scored, and is still observed
        self._until = np.array([log.until.get(name, log.end) for name in names])
        self._arrival_rates = {EVENTS: ArrivalRate(), ORDERS: ArrivalRate()}
        self._lasts = config.lasts
        self._signs: dict[int, list[float]] = {}  # of a definition by other events than orders: their times
        self._waiting: deque[_Waiting] = deque()
        self._batches: list[tuple[_Waiting, Ints, Array]] = []
        self._moved: list[Moved] = []
        self._champions: dict[int, str] = {}
        self._records = 0
        self._seconds = dict.fromkeys(("events", "labels", "learning", "growing", "scoring", "rivals"), 0.0)
        self.learner = Learner(config)
        self._panel: Panel | None = None  # as of the latest training record
        self._refit_every, self._refit_at = refit_every, log.start + refit_every
        self._sample = SnapshotSample(config)

    def run(self, advance: Callable[[float], object]) -> Judged:
        """Day by day to the end of the log."""
        log, records = self._log, Ahead(self._log.records)
        last_week = self._weeks[-1] + math.ceil(self._config.horizon / WEEK - 1e-9)
        for day in range(1, 7 * last_week + 1):
            now = log.start + day * DAY
            touched = self._apply(records.upto(now))
            self._teach(self._look(touched, now))
            self._grow(now)
            self._judge(now)
            if day % 7 == 0:
                self._score(day // 7, now)
            advance(day / (7 * last_week))
        for _ in records.upto(math.inf):  # counted, though too late to be judged
            pass
        return self._result(records.taken)

    def _apply(self, records: Iterable[Event | Merge]) -> list[int]:
        """What happened in a day; the customers it happened to."""
        started = time.perf_counter()
        touched: dict[int, None] = {}
        for record in records:
            i = self._home(self._number[record.profile])
            if isinstance(record, Merge):
                touched |= dict.fromkeys(self._merge(i, self._home(self._number[record.winner])))
            else:
                arrived(self._arrival_rates[EVENTS], record.time, self._config.outage)
                if record.role == self._config.role:
                    arrived(self._arrival_rates[ORDERS], record.time, self._config.outage)
                apply(self._profiles[i], record, self._currency, self._limits)
                if any(not about or record.subject in about for _, about in self._limits.signs.get(record.role, ())):
                    self._signs.setdefault(i, []).append(record.time)
                touched[i] = None
        self._stale |= touched.keys()
        self._seconds["events"] += time.perf_counter() - started
        return list(touched)

    def _merge(self, loser: int, winner: int) -> list[int]:
        if loser == winner:
            return []
        snapshots.censor(self._profiles[loser])
        merge(self._profiles[winner], self._profiles[loser], self._limits)
        if loser in self._signs:
            self._signs[winner] = sorted([*self._signs.get(winner, []), *self._signs.pop(loser)])
        self._redirect[loser] = winner
        self._here[loser] = False
        self._due[loser] = _NEVER
        self._until[winner] = min(self._until[winner], self._until[loser])
        return [winner]

    def _home(self, i: int) -> int:
        while i in self._redirect:
            i = self._redirect[i]
        return i

    def _look(self, touched: Sequence[int], now: float) -> list[OwnRecord]:
        """The labels that have become final; and new snapshots of those who are due."""
        started = time.perf_counter()
        records: list[OwnRecord] = []
        ready: list[Profile] = []
        outages = outages_of(self._arrival_rates, now, self._config)
        reached = label_clock(self._arrival_rates, now, now, self._config)
        due = np.flatnonzero(self._due <= now).tolist()
        for i in dict.fromkeys([*touched, *due]):
            profile = self._profiles[i]
            if i in self._redirect:
                continue
            self._last[i] = last_sign(profile, self._config) or -_NEVER
            allowed = now <= self._until[i] and self._consent.allows(profile, PROFILING)
            self._may[i] = allowed
            self._here[i] = allowed and can_leave(profile, now, self._config)
            if not allowed:
                snapshots.censor(profile)
                self._due[i] = _NEVER
                continue
            records += snapshots.mature(profile, reached, self._config, outages)
            holder = keep(profile, self._config)
            if holder.snapshot_at and holder.snapshot_at <= now:
                ready.append(profile)
            holder.snapshot_at = snapshots.next_snapshot(profile, now, self._config) or 0
        summaries = snapshots.take_all(ready, now, self._config, self._currency, self._panel_now())
        if self._config.definition is None:  # orders tell the models of a further one nothing
            records += summaries
        for i in dict.fromkeys([*touched, *due]):
            if self._here[i]:
                profile = self._profiles[i]
                next_label = snapshots.next_due(profile, self._config)
                snapshot_at = held(profile, self._config).snapshot_at
                self._due[i] = min(snapshot_at or _NEVER, next_label or _NEVER, self._until[i] + 1.0)
        self._seconds["labels"] += time.perf_counter() - started
        return records

    def _teach(self, records: list[OwnRecord]) -> None:
        if not records:
            return
        started = time.perf_counter()
        self._rng.shuffle(records)
        self._records += self.learner.take(records)
        if self._refit_every:
            self._sample.add(records)
        self._panel = None
        self._seconds["learning"] += time.perf_counter() - started

    def _grow(self, now: float) -> None:
        """Grow the nightly model anew, if it is time."""
        if not self._refit_every or now < self._refit_at:
            return
        started = time.perf_counter()
        self._refit_at += self._refit_every
        if (grown := grow(self._sample, self._config, now)) is not None:
            self.learner.take([GrownModel(f"{now!r}", "survival", now, grown.to_json())])
            self._panel = None
        self._seconds["growing"] += time.perf_counter() - started

    def _score(self, week: int, now: float) -> None:
        """Everybody whose next horizon is known, by every model of the panel and every rival."""
        judged = week in self._weeks
        if not judged and not (self._rivals and week < self._weeks[-1]):
            return
        if self._lasts:  # a paid period ends without any event
            self._here &= [can_leave(profile, now, self._config) for profile in self._profiles]
        who = np.flatnonzero(self._here & (now + self._config.horizon <= self._until))
        if not len(who):
            return
        started = time.perf_counter()
        self._refresh()
        panel, config = self._panel_now(), self._config
        x = np.empty((len(who) if self._rivals else 0, len(TABLE)), dtype=np.float32)
        said = np.empty((len(who), len(MODELS)), dtype=np.float32)
        departures = np.empty((3, len(who)))
        like: list[list[str]] = []
        for begin in range(0, len(who), _CHUNK):
            part = slice(begin, begin + _CHUNK)
            rows = self._raws[who[part]]
            at = np.full(len(rows), now)
            if self._rivals:
                x[part] = matrix(rows, at)
            if judged:
                said[part] = panel.risks(rows, at, config)
                values = matrix(rows, at)
                departures[:2, part] = panel.departures(values, config)
                departures[2, part] = np.sum(panel.lifetimes.departures(values, config), axis=0)
                like += habits(values) if panel.calibration else []
        risks: dict[str, Array] = {}
        if judged:
            columns = dict(zip(MODELS, said.T.astype(np.float64), strict=True))
            of = zip(who.tolist(), like, strict=True) if panel.calibration else ()
            groups = [[*groups_of(self._profiles[i], config.groups), *also] for i, also in of]
            risks = {"champion": panel.calibrated(columns[panel.champion_name], groups), **columns}
            self._champions[week] = panel.champion_name
            self._note_moved(week, now, who, panel)
        self._seconds["scoring"] += time.perf_counter() - started
        started = time.perf_counter()
        for rival in self._rivals if judged else ():
            answer = rival.risk(week, x)
            risks[rival.name] = np.full(len(who), np.nan) if answer is None else answer
        self._seconds["rivals"] += time.perf_counter() - started
        active = now - self._last[who] <= config.horizon
        left, leaving, uncorrected = departures
        told = {"left": left, "leaving": leaving, "lost": left + leaving, "lost_btyd": uncorrected}
        self._waiting.append(_Waiting(week, now, who, x, risks, active, told))

    def _panel_now(self) -> Panel:
        if self._panel is None:
            self._panel = self.learner.panel()
        return self._panel

    def _refresh(self) -> None:
        stale = [i for i in self._stale if self._here[i]]
        if stale:
            self._raws[stale] = raws([self._profiles[i] for i in stale], self._currency)
        self._stale.difference_update(stale)

    def _note_moved(self, week: int, now: float, who: Ints, panel: Panel) -> None:
        """What weighs most in the champion's scores, on a sample spread evenly over the customers."""
        some = who[:: max(1, len(who) // _SAMPLE)]
        scores = panel.champion.score(self._raws[some], np.full(len(some), now), self._config)
        groups = dict(zip(GROUPS, np.abs(group_shares(scores)).mean(axis=0).tolist(), strict=True))
        self._moved.append(Moved(week, panel.champion.id, groups))

    def _judge(self, now: float) -> None:
        """What was said a horizon ago, now that it has passed. Whose profile is another's since is left out."""
        while self._waiting and self._waiting[0].at + self._config.horizon <= now:
            waiting = self._waiting.popleft()
            who, due = waiting.who, waiting.at + self._config.horizon
            y = (self._last[who] <= waiting.at).astype(np.float64)
            whole = np.array([i not in self._redirect for i in who.tolist()], dtype=bool)
            for row in self._unclear(who, due):
                here = self._stayed(int(who[row]), waiting.at, due)
                y[row] = not here
                whole[row] &= here is not None  # else the profile no longer knows
            whole &= self._here[who] | (self._until[who] < now) | (self._may[who] & self._lasts)
            rows = np.flatnonzero(whole)
            if waiting.risks:
                self._batches.append((waiting, rows, y[rows]))
            if self._rivals:
                started = time.perf_counter()
                for rival in self._rivals:
                    rival.learn(Batch(waiting.week, who[rows], waiting.x[rows], y[rows]))
                self._seconds["rivals"] += time.perf_counter() - started

    def _unclear(self, who: Ints, due: float) -> Ints:
        """Whom the latest sign of life does not tell of: it is too late, or their state is what counts."""
        return np.arange(len(who)) if self._lasts else np.flatnonzero(self._last[who] > due)

    def _stayed(self, i: int, after: float, until: float) -> bool | None:
        """Whether there was a sign of life in (after, until], or the state held at its end; None if nobody knows."""
        if i not in self._signs:
            return stayed(self._profiles[i], after, until, self._config)
        signs = self._signs[i]
        return bisect_right(signs, until) > bisect_right(signs, after)

    def _result(self, records: int) -> Judged:
        batches = self._batches
        if not any(len(rows) for _, rows, _ in batches):
            raise ValueError("nobody could be judged: no customer who ordered was known for a whole horizon more")
        names = list(batches[0][0].risks)
        return Judged(
            week=np.concatenate([np.full(len(rows), waiting.week) for waiting, rows, _ in batches]),
            customer=np.concatenate([waiting.who[rows] for waiting, rows, _ in batches]),
            y=np.concatenate([y for _, _, y in batches]),
            active=np.concatenate([waiting.active[rows] for waiting, rows, _ in batches]),
            risks={name: np.concatenate([waiting.risks[name][rows] for waiting, rows, _ in batches]) for name in names},
            champions=self._champions,
            moved=self._moved,
            customers=len(self._profiles) - len(self._redirect),
            events=records,
            weeks=self._log.weeks,
            records=self._records,
            seconds=self._seconds,
            learner=self.learner,
            leaving={
                name: np.concatenate([waiting.leaving[name][rows] for waiting, rows, _ in batches])
                for name in batches[0][0].leaving
            },
        )
