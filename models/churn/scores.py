"""The scores of customers: their risk with its reasons, what it is compared with, and when it is due again.

**Reasons** are sums of contributions by group. Features of orders say nearly the same, and which of them a model has
put its weight on is chance. So what they say together is divided by a question: what would they say at the time when
this customer's next order usually comes? Silence is what has changed since in all of them; the rest is the habit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.churn.calibration import Calibration
from models.churn.kinds.btyd import TYPICAL, Btyd
from models.churn.model import Model, Scores
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.reading import raws
from models.features.table import NAMES, ORDERED, TABLE
from models.labels.groups import groups_of
from models.labels.outcomes import can_leave, last_sign
from profiles.types import Profile, Reason, Score

__all__ = ["GROUPS", "LIKE", "REASONS", "group_shares", "liken", "next_rescore", "score_profiles"]

Array = NDArray[np.float64]

REASONS = 4
"""How many reasons a score carries."""

LIKE = "like:"
"""Begins the name of a reason that is no feature, but a group of customers: `models.labels.groups`."""

_FAINT = 0.01  # log-odds below which a reason says nothing


def score_profiles(
    profiles: Sequence[Profile],
    times: Sequence[float],
    model: Model,
    config: ChurnConfig,
    currency: str,
    lifetimes: Btyd = TYPICAL,
    calibration: Calibration | None = None,
) -> list[Score | None]:
    """The score of each profile at its time; None for who cannot churn, as who never ordered. Changes nothing.

    Args:
        profiles: who is scored.
        times: when.
        model: whose risk it is.
        config: of churn, from the plan.
        currency: of the plan.
        lifetimes: tells who has left, by their orders and visits; so not by a further definition of churn.
        calibration: of the model's risks, by groups of customers.
    """
    bought = [i for i, profile in enumerate(profiles) if can_leave(profile, times[i], config)]
    found: list[Score | None] = [None] * len(profiles)
    if not bought:
        return found
    at = np.array([times[i] for i in bought], dtype=np.float64)
    scores = model.score(raws([profiles[i] for i in bought], currency), at, config)
    reasons = _reasons(scores)
    if calibration is not None:
        groups = [groups_of(profiles[i], config.groups) for i in bought]
        scores = liken(scores, calibration, groups)
        reasons = _with_likeness(reasons, scores, calibration, groups)
    id_, bands = model.id, config.bands
    said: list[tuple[float | None, float | None]] = [(None, None)] * len(bought)
    if config.definition is None:
        left, leaving = lifetimes.departures(scores.values, config)
        said = list(zip(left.tolist(), leaving.tolist(), strict=True))
    for i, risk, because, (gone, goes) in zip(bought, scores.risk.tolist(), reasons, said, strict=True):
        earlier = _earlier(_before(profiles[i], config), times[i], id_)
        found[i] = Score(risk, bands.of(risk), times[i], id_, because, *earlier, left=gone, leaving=goes)
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


def _with_likeness(
    reasons: list[list[Reason]], scores: Scores, calibration: Calibration, groups: Sequence[Sequence[str]]
) -> list[list[Reason]]:
    """The strongest reasons, what the groups say among them."""
    assert scores.likeness is not None
    found = []
    for because, share, baseline, own, names in zip(
        reasons, scores.likeness.tolist(), scores.baseline.tolist(), scores.contributions, groups, strict=True
    ):
        if abs(share) >= _FAINT:
            group = calibration.strongest(baseline + float(own.sum()), names, share)
            found.append(sorted([*because, Reason(f"{LIKE}{group}", share, 0.0)], key=_weakness)[:REASONS])
        else:
            found.append(because)
    return found


def _weakness(reason: Reason) -> float:
    return -abs(reason.contribution)


def _earlier(before: Score | None, now: float, model: str) -> tuple[float | None, float, list[tuple[float, float]]]:
    """The risk to compare with, its time, and the marks to compare with later.

    It is the newest mark that is a week old, or the oldest while none is; marks are at least half a week apart. What
    another kind of model said tells no trend.
    """
    if before is None or _kind(before.model) != _kind(model):
        return None, 0.0, []
    previous, previous_at, marks = before.previous, before.previous_at, before.marks
    newest = marks[-1][0] if marks else previous_at
    if before.at - newest >= 0.5 * WEEK:
        marks = [*marks, (before.at, before.risk)]
    while marks and (previous is None or now - marks[0][0] >= WEEK):
        (previous_at, previous), *marks = marks
    return previous, previous_at, marks


def _kind(model: str) -> str:
    return model.partition("-")[0]


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
_WIDEST = int(_MEMBER.sum(axis=0).max())
# The columns of each group, filled up with a last, empty column.
_COLUMNS = np.array([(np.flatnonzero(column).tolist() + [len(NAMES)] * _WIDEST)[:_WIDEST] for column in _MEMBER.T])


def group_shares(scores: Scores) -> Array:
    """What each group of features contributes: (n, len(GROUPS)), log-odds; with the baseline they sum to the risk's."""
    if scores.silence is None:
        return scores.contributions @ _MEMBER
    shares = scores.contributions @ _REST
    shares -= scores.silence @ _REST[:ORDERED]
    shares[:, _SILENCE] = scores.silence.sum(axis=1)
    return shares


def _reasons(scores: Scores) -> list[list[Reason]]:
    """The strongest groups of features; each under its feature that says most in the group's direction.

    Single features of one group say nearly the same and partly cancel out; only their sum can be told to a person.
    """
    n = len(scores.risk)
    totals = group_shares(scores)
    top = np.argsort(-np.abs(totals), axis=1, kind="stable")[:, :REASONS]
    shares = np.take_along_axis(totals, top, axis=1)
    padded = np.concatenate([scores.contributions, np.zeros((n, 1))], axis=1)
    if scores.silence is not None:
        of_orders = padded[:, :ORDERED]
        padded[:, :ORDERED] = np.where(_MEMBER[:ORDERED, _SILENCE], scores.silence, of_orders - scores.silence)
    members = _COLUMNS[top]
    signed = np.take_along_axis(padded, members.reshape(n, -1), axis=1).reshape(members.shape)
    signed *= np.sign(shares)[:, :, None]
    leading = np.take_along_axis(members, signed.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
    leading = np.minimum(leading, len(NAMES) - 1)
    values = np.take_along_axis(scores.values, leading, axis=1)
    return [
        [
            Reason(NAMES[j], share, value)
            for j, share, value in zip(*row, strict=True)
            if share >= _FAINT or share <= -_FAINT
        ]
        for row in zip(leading.tolist(), shares.tolist(), values.tolist(), strict=True)
    ]
