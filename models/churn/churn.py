"""Churn risk: how probable it is that a customer places no order within the horizon.

The model is a hazard: h(x) = P(order within the label horizon | features x), a logistic regression on standardised
features clipped at ±4. The risk over the churn horizon is the chance of surviving every step of it,

    risk = Π_j (1 − h(x_j))^f_j

with x_j the features after j label horizons *if nothing happens* (exact, because that is the event asked about) and
f_j = 1, but for the last, fractional step. A direct model of churn is the same with one step as long as the churn
horizon. This module scores whole batches in numpy from a model's exported weights and knows no River;
`models.churn.hazard` learns them.

**Contributions.** With u_j = b + Σ_i w_i z_ij, Λ = Σ_j f_j·softplus(u_j) and log-odds(risk) = L(Λ) = −log(e^Λ − 1), the
risk of the average customer is at u_j = b, Λ_0. The slopes of the two secants, s_j = (softplus(u_j) − softplus(b)) /
(u_j − b) and S = (L(Λ) − L(Λ_0)) / (Λ − Λ_0), divide the way from there exactly:

    contribution_i = S · Σ_j f_j s_j w_i z_ij        baseline + Σ_i contribution_i = L(Λ)

**Reasons** are sums of contributions by group. Features of orders say nearly the same, and which of them a model has
put its weight on is chance. So what they say together is divided by a question: what would they say at the time when
this customer's next order usually comes? Silence is what has changed since in all of them; the rest is the habit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.config import ChurnConfig
from models.durations import WEEK
from models.features.features import NAMES, ORDERED, SCHEMA, TABLE, ordered, raws, rolled, usually
from profiles.errors import Misconfigured
from profiles.types import Profile, Reason, Score

__all__ = [
    "CLIP",
    "GROUPS",
    "REASONS",
    "Model",
    "Outdated",
    "Scores",
    "Weights",
    "ahead",
    "group_shares",
    "next_rescore",
    "require_finite",
    "score_profiles",
    "softplus",
]

Array = NDArray[np.float64]

CLIP = 4.0
"""Standardised features are held within ±CLIP: what lies beyond was never learned from."""

REASONS = 4
"""How many reasons a score carries."""

_FAINT = 0.01  # log-odds below which a reason says nothing


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a batch, row by row."""

    risk: Array  # (n,), 0 to 1
    baseline: Array  # (n,), log-odds of the average customer
    contributions: Array  # (n, features), log-odds; with the baseline they sum to the log-odds of the risk
    values: Array  # (n, features), the features now
    silence: Array | None = None  # (n, ORDERED), of the contributions what silence beyond the usual gap has changed


class Outdated(Misconfigured):
    """A model is sound, but was learned from other features, or for another horizon, than is asked for now."""


class Model(Protocol):
    """What can say how probable it is that a customer churns."""

    @property
    def id(self) -> str:
        """Shown with every score; names the kind of the model and what it has learned from."""
        ...

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """Risk and contributions of customers (rows of `features.raws`) at the times `at`.

        Raises:
            ValueError: a number is not finite.
        """
        ...

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The risk alone, of features rolled `ahead`: cheap, so that many models can be asked about one customer."""
        ...

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """P(order within the label horizon) of rows of `features.matrix`; NaN from a model that has no answer."""
        ...

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        ...


def ahead(raws: Array, at: Array, config: ChurnConfig) -> Array:
    """The features now and after each label horizon within the churn horizon: (features, steps, customers)."""
    steps = len(_shares(config.horizon, config.label_horizon))
    return rolled(raws, at, np.arange(steps, dtype=np.float64) * config.label_horizon)


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    """Weights as JSON."""

    id: str
    schema: str
    features: list[str]
    mean: list[float]
    scale: list[float]
    weights: list[float]
    intercept: float
    horizon: float
    examples: int


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A logistic model of orders as it is shipped to the scorers; small, frozen and readable."""

    id: str
    schema: str  # of the features
    mean: Array
    scale: Array  # standard deviations; 0 for a feature that never varied, which then says nothing
    weights: Array  # on the log-odds of an order
    intercept: float
    horizon: float  # seconds within which the order is awaited: the label horizon, or the whole churn horizon
    examples: int = 0  # learned from
    inverse: Array = field(init=False, repr=False)  # of the scale; 0 where that is 0

    def __post_init__(self) -> None:
        columns = (self.mean, self.scale, self.weights)
        sound = all(len(column) == len(NAMES) and np.isfinite(column).all() for column in columns)
        if not sound or not np.isfinite(self.intercept) or not 0 < self.horizon < np.inf:
            raise ValueError(f"model {self.id} is damaged: its numbers are missing or not finite")
        inverse = np.divide(1.0, self.scale, out=np.zeros_like(self.scale), where=self.scale > 0)
        object.__setattr__(self, "inverse", inverse)

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """Risk and contributions of customers (rows of `features.raws`) at the times `at`.

        Raises:
            ValueError: a number is not finite.
        """
        require_finite(raws, at)
        shares = _shares(config.horizon, self.horizon)
        x = rolled(raws, at, np.arange(len(shares), dtype=np.float64) * self.horizon)
        values = np.ascontiguousarray(x[:, 0].T)
        z = self._standard(x)
        u = np.einsum("dsn,d->sn", z, self.weights)
        base = softplus(np.array(self.intercept))
        rise = softplus(u + self.intercept) - base
        flat = np.abs(u) < 1e-9
        slope = np.where(flat, np.exp(-softplus(np.array(-self.intercept))), rise / np.where(flat, 1.0, u))
        total, total0 = shares @ (rise + base), shares.sum() * base
        odds, odds0 = _log_odds(total), _log_odds(total0)
        same = np.abs(total - total0) < 1e-9
        secant = np.where(same, -1.0 / -np.expm1(-total0), (odds - odds0) / np.where(same, 1.0, total - total0))
        slope *= shares[:, None] * secant
        contributions = np.einsum("dsn,sn->nd", z, slope)
        contributions *= self.weights
        usual = ordered(raws, usually(raws), np.arange(len(shares), dtype=np.float64) * self.horizon)
        silence = np.einsum("dsn,sn->nd", z[:ORDERED] - self._standard(usual), slope)
        silence *= self.weights[:ORDERED]
        return Scores(np.exp(-total), np.full(len(total), odds0), contributions, values, silence)

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The risk alone, of features rolled `ahead`."""
        shares = _shares(config.horizon, self.horizon)
        u = np.einsum("dsn,d->sn", self._standard(x[:, : len(shares)]), self.weights)
        risk: Array = np.exp(-(shares @ softplus(u + self.intercept)))
        return risk

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """P(order within the label horizon) of rows of `features.matrix`; NaN if another horizon was learned."""
        if self.horizon != config.label_horizon:
            return np.full(len(x), np.nan)
        z = (x - self.mean) * self.inverse
        np.minimum(z, CLIP, out=z)  # of one row, np.clip takes as long as all the rest
        np.maximum(z, -CLIP, out=z)
        z *= self.weights
        return np.exp(-softplus(-self.intercept - z.sum(axis=1)))  # `@` sums up by the number of rows

    def _standard(self, x: Array) -> Array:
        z = x - self.mean[: len(x), None, None]
        z *= self.inverse[: len(x), None, None]
        np.clip(z, -CLIP, CLIP, out=z)
        return z

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        return msgspec.json.encode(
            _Form(
                self.id, self.schema, list(NAMES), self.mean.tolist(), self.scale.tolist(),
                self.weights.tolist(), self.intercept, self.horizon, self.examples,
            )
        )  # fmt: skip

    @classmethod
    def from_json(cls, data: bytes) -> Weights:
        """What `to_json` gave.

        Raises:
            Outdated: weights of other features than this version computes.
            Misconfigured: not the JSON of weights.
        """
        try:
            form = msgspec.json.decode(data, type=_Form)
        except msgspec.MsgspecError as error:
            raise Misconfigured(f"this is no model: {error}") from error
        if form.schema != SCHEMA or form.features != list(NAMES):
            raise Outdated(f"model {form.id} is of feature schema {form.schema}, this version has {SCHEMA}")
        mean, scale, weights = np.array(form.mean), np.array(form.scale), np.array(form.weights)
        try:
            return cls(form.id, form.schema, mean, scale, weights, form.intercept, form.horizon, form.examples)
        except ValueError as error:
            raise Misconfigured(str(error)) from error


def _shares(horizon: float, step: float) -> Array:
    """How much of each step lies within the horizon: ones, and the rest of the last."""
    steps = int(np.ceil(horizon / step - 1e-9))
    shares = np.ones(steps)
    shares[-1] = horizon / step - (steps - 1)
    return shares


def require_finite(raws: Array, at: Array) -> None:
    """Refuse numbers that would make a score of nothing.

    Raises:
        ValueError: a number is not finite.
    """
    if not (np.isfinite(raws).all() and np.isfinite(at).all()):
        raise ValueError("what is known of a customer is not finite")


def softplus(u: Array) -> Array:
    """log(1 + e^u), without overflow: minus the log of the chance of no order, at the hazard's log-odds u."""
    return np.maximum(u, 0.0) + np.log1p(np.exp(-np.abs(u)))


def _log_odds(total: Array) -> Array:
    """The log-odds of surviving a cumulated hazard: −log(e^Λ − 1), without overflow."""
    return -total - np.log(-np.expm1(-total))


def score_profiles(
    profiles: Sequence[Profile], times: Sequence[float], model: Model, config: ChurnConfig, currency: str
) -> list[Score | None]:
    """The score of each profile at its time; None for who never ordered and so cannot churn. Changes nothing."""
    bought = [i for i, profile in enumerate(profiles) if profile.purchases.orders]
    found: list[Score | None] = [None] * len(profiles)
    if not bought:
        return found
    at = np.array([times[i] for i in bought], dtype=np.float64)
    scores = model.score(raws([profiles[i] for i in bought], currency), at, config)
    reasons = _reasons(scores)
    id_, bands = model.id, config.bands
    for i, risk, because in zip(bought, scores.risk.tolist(), reasons, strict=True):
        found[i] = Score(risk, bands.of(risk), times[i], id_, because, *_earlier(profiles[i].score, times[i], id_))
    return found


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
    if not profile.purchases.orders:
        return None
    horizons = (now - profile.purchases.last) / config.horizon
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
