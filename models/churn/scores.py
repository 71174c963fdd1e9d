"""The scores of customers: their risk with its reasons, what it is compared with, and when it is due again.

**Reasons** are sums of contributions by group. Features of orders say nearly the same, and which of them a model has
put its weight on is chance. So what they say together is divided by a question: what would they say at the time when
this customer's next order usually comes? Silence is what has changed since in all of them; the rest is the habit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.churn.calibration import Calibration
from models.churn.course import kind_of, noted
from models.churn.kinds.btyd import TYPICAL
from models.churn.model import Model, Scores
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.reading import raws
from models.features.table import NAMES, ORDERED, TABLE
from models.features.tones import FACTS, Tones, tellable
from models.labels.groups import groups_of
from models.labels.habits import habits
from models.labels.outcomes import can_leave, last_sign
from profiles.types import Profile, Reason, Score

__all__ = [
    "GROUPS", "LIKE", "REASONS", "TOLD", "Told", "compared_with", "group_shares", "liken", "next_rescore",
    "score_profiles", "told",
]  # fmt: skip

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

REASONS = 4
"""How many reasons a score carries."""

LIKE = "like:"
"""Begins the name of a reason that is no feature, but a group of customers: `models.labels.groups`."""

_DIGITS = 9  # of a probability or a share of the log-odds that count
_FAINT = 0.01  # log-odds below which a reason says nothing


def score_profiles(
    profiles: Sequence[Profile],
    times: Sequence[float],
    model: Model,
    config: ChurnConfig,
    currency: str,
    departures: Callable[[Array, ChurnConfig], tuple[Array, Array]] = TYPICAL.departures,
    calibration: Calibration | None = None,
) -> list[Score | None]:
    """The score of each profile at its time; None for who cannot churn, as who never ordered. Changes nothing.

    Args:
        profiles: who is scored.
        times: when.
        model: whose risk it is.
        config: of churn, from the plan.
        currency: of the plan.
        departures: tells who has left and who leaves soon; not by a further definition of churn. Of a state that lasts
            it is known that nobody has left; who leaves within `leaving_within` follows from the risk.
        calibration: of the model's risks, by groups of customers.
    """
    bought = [i for i, profile in enumerate(profiles) if can_leave(profile, times[i], config)]
    found: list[Score | None] = [None] * len(profiles)
    if not bought:
        return found
    at = np.array([times[i] for i in bought], dtype=np.float64)
    scores = model.score(raws([profiles[i] for i in bought], currency), at, config)
    like: list[Sequence[str]] = []
    if calibration is not None:
        more = habits(scores.values)
        like = [[*groups_of(profiles[i], config.groups), *also] for i, also in zip(bought, more, strict=True)]
        scores = liken(scores, calibration, like)
    reasons = _reasons(scores, calibration, like)
    id_, bands = model.id, config.bands
    said: list[tuple[float | None, float | None]] = [(None, None)] * len(bought)
    if config.definition is None:
        left, leaving = departures(scores.values, config)
        said = list(zip(_settled(left), _settled(leaving), strict=True))
    elif config.lasts:  # it still does, and would end at a steady rate
        leaving = 1.0 - (1.0 - scores.risk) ** (config.leaving_within / config.horizon)
        said = [(0.0, chance) for chance in _settled(leaving)]
    for i, risk, because, (gone, goes) in zip(bought, _settled(scores.risk), reasons, said, strict=True):
        before = _before(profiles[i], config)
        earlier = compared_with(before, times[i], id_)
        course = noted(before, times[i], risk, id_)
        found[i] = Score(risk, bands.of(risk), times[i], id_, because, *earlier, left=gone, leaving=goes, course=course)
    return found


def _settled(chances: Array) -> list[float]:
    """Probabilities without the last digits, which depend on who else is in the batch: sums of arrays of another shape
    are added up in another order. Neither is certain."""
    least = 10.0**-_DIGITS
    found: list[float] = np.round(np.clip(chances, least, 1.0 - least), _DIGITS).tolist()
    return found


def _before(profile: Profile, config: ChurnConfig) -> Score | None:
    """The score of before, by the same definition."""
    if config.definition is None:
        return profile.score
    churn = (profile.churns or {}).get(config.name)
    return churn.score if churn is not None else None


def liken(scores: Scores, calibration: Calibration, groups: Sequence[Sequence[str]]) -> Scores:
    """The scores with what customers of the same groups have taught; contributions and it sum up as before."""
    odds = scores.baseline + scores.contributions.sum(axis=1)
    likeness = calibration.shifts(odds, groups)
    return replace(scores, risk=np.exp(-np.logaddexp(0.0, -(odds + likeness))), likeness=likeness)


def compared_with(
    before: Score | None, now: float, model: str
) -> tuple[float | None, float, list[tuple[float, float]]]:
    """The risk to compare with, its time, and the marks to compare with later.

    It is the newest mark that is a week old, or the oldest while none is; marks are at least half a week apart. What
    another kind of model said tells no trend.
    """
    if before is None or kind_of(before.model) != kind_of(model):
        return None, 0.0, []
    previous, previous_at, marks = before.previous, before.previous_at, before.marks
    newest = marks[-1][0] if marks else previous_at
    if before.at - newest >= 0.5 * WEEK:
        marks = [*marks, (before.at, before.risk)]
    while marks and (previous is None or now - marks[0][0] >= WEEK):
        (previous_at, previous), *marks = marks
    return previous, previous_at, marks


def next_rescore(profile: Profile, now: float, config: ChurnConfig) -> float | None:
    """When a silent customer's risk is due again: `rescore_every`, ever more rarely once past the horizon."""
    if not can_leave(profile, now, config):
        return None
    horizons = (now - last_sign(profile, config)) / config.horizon
    return now + config.rescore_every * (1.0 if horizons < 1 else 7.0 if horizons < 4 else 28.0)


GROUPS = tuple(dict.fromkeys(feature.group for feature in TABLE))
"""Every group of features, in the order of the columns of `group_shares`."""

_SILENCE = GROUPS.index("silence")
_MEMBER = np.array([[feature.group == group for group in GROUPS] for feature in TABLE], dtype=np.float64)
_REST = _MEMBER.copy()  # where silence is told apart, what its features would say without it is a matter of habit
_REST[:, GROUPS.index("habit")] += _REST[:, _SILENCE]
_REST[:, _SILENCE] = 0.0

_TOGETHER = {"tenure": "habit", "opinion": "support"}  # groups that speak of the same as another
TOLD = tuple(dict.fromkeys(_TOGETHER.get(group, group) for group in GROUPS))
"""What reasons speak of, in the order of the columns of `Told.raising`."""

_VISITS = TOLD.index("visits")
_SUBJECT = np.array([TOLD.index(_TOGETHER.get(feature.group, feature.group)) for feature in TABLE])
_DISTINCT = tuple(dict.fromkeys(FACTS))
_FACT = np.array([_DISTINCT.index(fact) for fact in FACTS])
_OF_FACT = np.eye(len(_DISTINCT))[_FACT]  # (features, facts)
_OF_SUBJECT = np.eye(len(TOLD))[_SUBJECT]  # (features, len(TOLD))
_SPEAKS = (_OF_FACT.T @ _OF_SUBJECT > 0) * 1.0  # (facts, len(TOLD)): a fact belongs to one subject
_IS_SILENCE, _IS_HABIT = (np.array(_DISTINCT) == f"all {group}" for group in ("silence", "habit"))
_SILENT_FACT = _DISTINCT.index("all silence")
_OF_HABIT = np.array([_DISTINCT.index(f"all {group}") for group in ("habit", "tenure")])
_ORDERS = NAMES.index("orders")
_SILENT = _MEMBER[:ORDERED, _SILENCE]
_OTHERWISE = 1.0 - _SILENT
_WIDEST = int(np.bincount(_SUBJECT).max())
# The columns of what each reason may be told by, those that raise before those that lower, filled up with a last one.
_MINE = [(np.flatnonzero(k == _SUBJECT).tolist() + [len(NAMES)] * _WIDEST)[:_WIDEST] for k in range(len(TOLD))]
_COLUMNS = np.concatenate([_MINE, np.array(_MINE) + len(NAMES) + 1, np.full((1, _WIDEST), len(NAMES))])
_LIKENESS = len(_COLUMNS) - 1  # the column of what customers of the same groups have taught
_ANY = 1e3  # log-odds that no contribution reaches


def group_shares(scores: Scores) -> Array:
    """What each group of features contributes: (n, len(GROUPS)), log-odds; with the baseline they sum to the risk's."""
    if scores.silence is None:
        return scores.contributions @ _MEMBER
    shares = scores.contributions @ _REST
    shares -= scores.silence @ _REST[:ORDERED]
    shares[:, _SILENCE] = scores.silence.sum(axis=1)
    return shares


@dataclass(frozen=True, slots=True)
class Told:
    """What of the scores of a batch can be told; shares, rest and baseline sum to the log-odds of the risk."""

    raising: Array  # (n, len(TOLD)), log-odds of what raises the risk, by what it speaks of; 0: nothing to tell
    lowering: Array  # …and of what lowers it, negative
    rest: Array  # (n,), of what has no words that agree with its sign
    by_feature: Array  # (n, features), what each contributes; of those of silence, what silence has changed
    tones: Tones  # in which direction each feature can be told; in none where that is not the sign of its fact


def told(scores: Scores) -> Told:
    """Divide contributions into what can be told, in words that agree with the sign, and the rest.

    Features that speak of one fact partly cancel out; only their sum can be told to a person.
    """
    tones = tellable(scores.values, scores.average, scores.spread)
    signed = scores.contributions
    extra = 0.0
    if scores.silence is not None:
        signed = signed.copy()
        of_orders = signed[:, :ORDERED]
        rest = of_orders - scores.silence
        of_orders[:] = np.where(_MEMBER[:ORDERED, _SILENCE], scores.silence, rest)
        # What orders say of silence in features of the habit, and of the habit in those of silence, changes places.
        extra = (scores.silence @ _OTHERWISE)[:, None] * _IS_SILENCE + (rest @ _SILENT)[:, None] * _IS_HABIT
    facts = signed @ _OF_FACT + extra
    once = scores.values[:, _ORDERS] <= 1.0  # all that one order says is told as silence, and nothing as habit
    facts[once, _SILENT_FACT] += facts[np.ix_(once, _OF_HABIT)].sum(axis=1)
    up = (tones.raises @ _OF_FACT > 0) & (facts > 0)
    down = (tones.lowers @ _OF_FACT > 0) & (facts < 0)
    raising, lowering = (facts * up) @ _SPEAKS, (facts * down) @ _SPEAKS
    seen_less = raising[:, _VISITS] > -lowering[:, _VISITS]  # when they were seen last is told once, in one direction
    raising[:, _VISITS] *= seen_less
    lowering[:, _VISITS] *= ~seen_less
    rest = scores.contributions.sum(axis=1) - raising.sum(axis=1) - lowering.sum(axis=1)
    up, down = up[:, _FACT], down[:, _FACT]
    agreed = Tones(tones.raises & up, tones.lowers & down, tones.causes & up)
    return Told(raising, lowering, rest, signed, agreed)


def _reasons(
    scores: Scores, calibration: Calibration | None = None, groups: Sequence[Sequence[str]] = ()
) -> list[list[Reason]]:
    """What explains the risk, each by the feature that says most of it: first causes, then the strongest.

    What went wrong for a customer is what somebody can do something about; silence and habit are what follows. So where
    the model lets it raise the risk at all, it comes first.
    """
    found = told(scores)
    likeness = np.zeros(len(scores.risk)) if scores.likeness is None else scores.likeness
    shares = np.concatenate([found.raising, found.lowering, likeness[:, None]], axis=1)
    causes = (found.tones.causes @ _OF_SUBJECT > 0) & (found.raising >= _FAINT)
    first = np.zeros(shares.shape, dtype=bool)
    first[:, : len(TOLD)] = causes
    top = _strongest(np.abs(shares), first)
    rows = np.arange(len(top))[:, None]
    shares, first = np.round(shares[rows, top], _DIGITS), first[rows, top]
    leading = _leading(found, top)
    values = scores.values[rows, leading]

    def like(i: int) -> str:
        assert calibration is not None
        odds = float(scores.baseline[i] + scores.contributions[i].sum())
        return f"{LIKE}{calibration.strongest(odds, groups[i], float(likeness[i]))}"

    return [
        [
            Reason(NAMES[j], share, value, cause) if column < _LIKENESS else Reason(like(i), share, 0.0)
            for column, j, share, value, cause in zip(*row, strict=True)
            if share >= _FAINT or share <= -_FAINT
        ]
        for i, row in enumerate(zip(*(each.tolist() for each in (top, leading, shares, values, first)), strict=True))
    ]


def _strongest(strength: Array, first: Flags) -> NDArray[np.int64]:
    """The columns of the reasons, in order: one of them is not a cause, where there is any."""
    top = np.argsort(-strength - first * _ANY, axis=1, kind="stable")[:, :REASONS]
    others = np.where(first, 0.0, strength)
    best, many = others.argmax(axis=1), first[np.arange(len(top))[:, None], top].all(axis=1)
    top[:, -1] = np.where(many & (others.max(axis=1) >= _FAINT), best, top[:, -1])
    return top


def _leading(found: Told, top: NDArray[np.int64]) -> NDArray[np.int64]:
    """The feature by which each reason is told."""
    n, tones = len(top), found.tones
    none = np.full((n, 1), -np.inf)
    unheard = np.where(found.by_feature == 0.0, 0.5 * _ANY, 0.0)  # by the model: one that it looks at is told instead
    up = np.where(tones.raises, found.by_feature + np.where(tones.causes, _ANY, 0.0) - unheard, -np.inf)
    down = np.where(tones.lowers, -found.by_feature - unheard, -np.inf)
    strength = np.concatenate([up, none, down, none], axis=1)
    members, rows = _COLUMNS[top], np.arange(n)[:, None]
    strongest = strength[rows[:, :, None], members].argmax(axis=2)
    leading = members[rows, np.arange(top.shape[1]), strongest] % (len(NAMES) + 1)
    return np.asarray(np.minimum(leading, len(NAMES) - 1))
