"""Learning the scorecard of companies from what becomes of them, one label at a time.

Companies are few and seldom leave, so nothing is learned from nothing: the belief begins at the weights set by hand,
as a Gaussian about each as a share of itself, about all of them together (whether signals say too much), and about the
base (how many leave). A label moves it as in `models.learning.calibration` (an iterated extended Kalman filter for
logistic regression), and counts as much as it tells beside those of the same company that overlap with it. No weight
changes its sign, as a reason says the same in words.

What is learned speaks once that has proved better than the weights set by hand, each label judged before it is learned;
and what is shown is drawn towards the base rate by as much as that was the better prediction of late.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from models.churn.calibration import log_odds
from models.churn.scaling import sigmoid
from models.codec import Array, State, decode, encode
from models.companies.labels import SIGNALS, CompanyLabels, unpack
from models.companies.scorecard import BASE, BY_HAND, WEIGHTS, Scorecard, meaning_of, units
from models.companies.signals import Signals, ground_of
from models.config import ChurnConfig
from models.labels.examples import Example, OwnRecord
from models.learning.calibration import LEAST_BY_HAND, PROOF, settled
from models.learning.checkpoint import some
from models.learning.quality import Ledger
from models.learning.records.repeats import Repeats

__all__ = ["TAUGHT", "CompanyLearner", "Taught", "quality"]

TAUGHT = "taught"
"""The part of the checkpoint in which all is that is shown."""

_LEVEL, _STEEPNESS, _EACH = 1.0, 0.25, 0.25  # prior variances: of the base; of all weights together, of each as shares
_MEMORY = 2000.0  # labels that the proof remembers
_RATE, _DOUBTED, _LEAST_SHARE, _FARTHEST = 0.5, 3.5, 0.2, 6.5  # of the base rate, as in `models.learning.calibration`
_FAINT = 1e-3  # least variance of an outcome
_SAME = 60.0  # seconds by which the horizon of a label may be another

_NAMES = tuple(WEIGHTS)
_HAND = np.array([weight for weight, _ in WEIGHTS.values()])


def _prior() -> Array:
    n = len(_NAMES)
    found = np.full((n + 1, n + 1), _STEEPNESS) + _EACH * np.eye(n + 1)
    found[n, :] = found[:, n] = 0.0
    found[n, n] = _LEVEL
    return found


class Taught(State):
    """What is known."""

    meaning: str  # of leaving
    mean: Array  # by how much of itself each weight is off; last, the base, in log-odds
    covariance: Array
    ledger: Ledger
    labels: int = 0
    left: int = 0
    skipped: int = 0
    treated: int = 0
    trained_until: float = 0.0
    gain: float = 0.0  # fading sums: log loss by hand, less that of what was learned…
    doubt: float = 0.0  # …and the squares of that
    ahead: float = 0.0  # by how many nats the base rate was the better prediction of late

    @classmethod
    def new(cls, meaning: str) -> Taught:
        """Before the first label."""
        return cls(meaning, np.zeros(len(_NAMES) + 1), _prior(), Ledger.new())

    def __post_init__(self) -> None:
        n = len(_NAMES) + 1
        if self.mean.shape != (n,) or self.covariance.shape != (n, n):
            raise ValueError("numbers are missing")

    @property
    def proved(self) -> bool:
        """Whether what was learned is better than the weights set by hand."""
        return self.labels >= LEAST_BY_HAND and self.gain > PROOF * math.sqrt(self.doubt)

    @property
    def base(self) -> float:
        """The log-odds of the share of those who left."""
        return math.log((self.left + 0.5) / (self.labels - self.left + 0.5))

    def card(self) -> Scorecard:
        """All that was learned, proved or not."""
        weights = _HAND * np.maximum(1.0 + self.mean[:-1], 0.0)
        base = BASE + float(self.mean[-1])
        return Scorecard(base, dict(zip(_NAMES, weights.tolist(), strict=True)), self.labels, self.meaning)

    @property
    def by_base_rate(self) -> float:
        """The share of the base rate in the log-odds that are shown; 0 while risks are no worse than it."""
        share = 1.0 / (1.0 + math.exp(_DOUBTED - self.ahead))
        return share if share >= _LEAST_SHARE else 0.0

    def shown(self) -> Scorecard:
        """What companies are scored by."""
        card, share = self.card() if self.proved else BY_HAND, self.by_base_rate
        if not share:
            return card
        weights = {name: (1.0 - share) * weight for name, weight in card.weights.items()}
        return Scorecard((1.0 - share) * card.base + share * self.base, weights, self.labels, self.meaning)


class CompanyLearner:
    """The one writer of the scorecard.

    Args:
        churn: of the plan.
        taught: what was learned before, of whatever meaning.
        repeats: which records were taken before.
    """

    def __init__(self, churn: ChurnConfig, taught: Taught | None = None, repeats: Repeats | None = None) -> None:
        meaning = meaning_of(ground_of(churn))
        self.config = CompanyLabels(churn).config
        goes_on = taught is not None and taught.meaning == meaning
        self.taught = taught if taught is not None and goes_on else Taught.new(meaning)
        self._repeats = repeats if repeats is not None and goes_on else Repeats()
        self._apart = min(self.config.snapshot_every / self.config.horizon, 1.0)

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes], churn: ChurnConfig) -> CompanyLearner:
        """The learner whose `parts` these are; of another meaning of leaving, it begins anew.

        Raises:
            Misconfigured: they are damaged.
        """
        if TAUGHT not in parts:
            return cls(churn)
        taught = decode(parts[TAUGHT], Taught, "what companies have taught")
        return cls(churn, taught, Repeats.from_parts(some(parts, "seen:")))

    def take(self, records: Iterable[OwnRecord]) -> int:
        """Take labels in, in the order of their log; answers how many were judged."""
        judged = 0
        for record in records:
            signals = self._signals(record) if isinstance(record, Example) else None
            if not isinstance(record, Example) or signals is None or not self._repeats.first_time(record.key):
                self.taught.skipped += 1
                continue
            self._judge(signals, record)
            judged += 1
            if record.treated:
                self.taught.treated += 1
            else:
                self._learn(signals, record)
        return judged

    def export(self) -> Scorecard | None:
        """What companies are scored by; None while that is set by hand."""
        shown = self.taught.shown()
        return None if shown is BY_HAND else shown

    def parts(self) -> dict[str, bytes]:
        """Everything, as parts of a checkpoint; nothing before the first record."""
        taught = self.taught
        if not (taught.labels or taught.skipped or taught.treated):
            return {}
        taught.ledger.settle()
        return {TAUGHT: encode(taught), **{f"seen:{name}": part for name, part in self._repeats.parts().items()}}

    def _signals(self, example: Example) -> Signals | None:
        if example.schema != SIGNALS or abs(example.due - example.at - self.config.horizon) > _SAME:
            return None
        try:
            return unpack(example.x)
        except ValueError:
            return None

    def _judge(self, signals: Signals, example: Example) -> None:
        taught = self.taught
        said = np.frombuffer(example.risks, dtype="<f4").tolist()
        answers = {
            "rules": BY_HAND.risk(signals),
            "learned": taught.card().risk(signals),
            "base_rate": sigmoid(taught.base),
        }
        if len(said) == 1 and math.isfinite(said[0]):
            answers["shown"] = said[0]
        taught.ledger.add(answers, not example.y, 1.0, touched=example.treated, segments=())

    def _learn(self, signals: Signals, example: Example) -> None:
        taught, y = self.taught, not example.y
        z = np.append(_HAND * np.array([units(signals)[name] for name in _NAMES]), 1.0)
        by_hand = float(log_odds(np.array([BY_HAND.risk(signals)]))[0])
        self._prove(signals, y)
        covariance = taught.covariance
        spread = covariance @ z
        odds = by_hand + float(z @ taught.mean)
        moved = settled(odds, float(z @ spread), float(y), self._apart)
        p = sigmoid(odds + moved)
        information = max(p * (1.0 - p), _FAINT) * self._apart
        taught.covariance = covariance - np.outer(spread, spread) / (1.0 / information + float(z @ spread))
        taught.mean = taught.mean + spread * ((y - p) * self._apart)
        taught.labels += 1
        taught.left += y
        taught.trained_until = max(taught.trained_until, example.due)

    def _prove(self, signals: Signals, y: bool) -> None:
        """Compare what was learned with the weights set by hand, and what is shown with the base rate."""
        taught, fade = self.taught, 1.0 - 1.0 / _MEMORY
        better = _loss(BY_HAND.risk(signals), y) - _loss(taught.card().risk(signals), y)
        taught.gain = fade * taught.gain + better
        taught.doubt = fade * fade * taught.doubt + better * better
        if taught.labels:
            worse = _RATE * (_loss(taught.shown().risk(signals), y) - _loss(sigmoid(taught.base), y))
            taught.ahead = min(max(taught.ahead + worse, -_FARTHEST), _FARTHEST)


def _loss(p: float, y: bool) -> float:
    return -math.log(max(p if y else 1.0 - p, 1e-6))


def quality(taught: Taught) -> dict[str, dict[str, float]]:
    """The figures of what is shown, what was learned, the weights set by hand and the base rate: each prediction was
    made before its label was known."""
    return {name: taught.ledger.of(name).report() for name in ("shown", "learned", "rules", "base_rate")}
