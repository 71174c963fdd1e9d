"""What the learner knows, as it is served: read from its checkpoint, computed by the same code that decides by it.

This module imports neither River nor anything that learns, so the console can use it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from models.churn.kinds.base_rate import BaseRate
from models.churn.kinds.bgnbd import BgNbd
from models.churn.model import Model
from models.churn.panel import MODELS, Panel
from models.churn.weights import Weights
from models.config import ChurnConfig
from models.features.features import TABLE
from models.learning.checkpoint import FORMAT, HEAD
from models.learning.notices import Decided, Notice
from models.learning.promotion import Promotion
from models.learning.quality import Ledger
from profiles.errors import Misconfigured

__all__ = ["MEANING", "REPORTED", "Contribution", "GroupWeight", "KeptVersion", "Report", "contributions", "inside"]

REPORTED = ("head", "quality", "drift", "promotion", "notices")
"""The parts of a checkpoint that a report reads."""

MEANING = {
    "hazard": "chance of an order in the next label horizon, learned online, rolled forward over the churn horizon",
    "ftrl": "the same chance, learned by FTRL-proximal, one step size for each feature",
    "direct": "chance of an order within the whole churn horizon, learned online from labels that take as long",
    "bgnbd": "BG/NBD: buying at a steady rate until quitting for good; fitted to order histories, needs no labels",
    "recency": "a hazard that sees only the time since the last order",
    "base_rate": "the same risk for everybody",
    "rules": "rules set by hand, for the time before anything is learned",
}


class GroupWeight(msgspec.Struct, frozen=True):
    """How much a group of features moves a model."""

    group: str
    strength: float  # spread of its share of the log-odds, were its features independent and of the spread learned
    features: list[dict[str, Any]]  # the heaviest first; weight > 0 raises the risk


class KeptVersion(msgspec.Struct, frozen=True):
    """A kept checkpoint, without what was learned."""

    version: int
    at: float
    examples: int
    why: str
    champion: str
    sound: bool
    figures: dict[str, Any]


class Contribution(msgspec.Struct, frozen=True):
    """What one feature of one customer adds to the log-odds of the risk."""

    feature: str
    group: str
    meaning: str
    unit: str
    value: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Report:
    """What the learner knows."""

    panel: Panel
    counts: Mapping[str, int]
    promotion: Promotion
    short: Ledger
    full: Ledger
    drift: Mapping[str, Any]
    notices: list[Notice]
    decisions: list[Decided]

    @classmethod
    def of(cls, panel: bytes | None, parts: Mapping[str, bytes], config: ChurnConfig) -> Report:
        """The report from what the store holds; of a learner that knows nothing yet if it holds nothing, or what
        another version of Rapport has learned, after which this one begins anew.

        Raises:
            Misconfigured: that is damaged.
        """
        nothing = cls(Panel.cold(config), {}, Promotion(), Ledger(), Ledger(), {}, [], [])
        if panel is None or any(name not in parts for name in REPORTED):
            return nothing
        try:
            if msgspec.json.decode(parts[HEAD]).get("format") != FORMAT:
                return nothing
            head, quality, drift, promotion, told = (msgspec.json.decode(parts[name]) for name in REPORTED)
            return cls(
                Panel.from_json(panel, config),
                head["counts"],
                Promotion.from_state(promotion),
                Ledger.from_state(quality["short"]),
                Ledger.from_state(quality["full"]),
                drift,
                msgspec.convert(told["notices"], list[Notice]),
                msgspec.convert(told["decisions"], list[Decided]),
            )
        except (AttributeError, KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"what the learner has stored is damaged: {error!r}") from error

    def model(self, name: str) -> Model | None:
        """A model of the panel; None while it has not learned enough."""
        return self.panel.models.get(name)

    def biased(self) -> list[str]:
        """Segments in which the champion is off by more than chance, on the short label."""
        return self.short.biased(self.promotion.champion)

    @property
    def names(self) -> tuple[str, ...]:
        """Of every model."""
        return MODELS


def kept_version(part: bytes) -> KeptVersion:
    """A kept checkpoint out of its part."""
    return msgspec.json.decode(part, type=KeptVersion)


def inside(model: Model) -> tuple[list[GroupWeight], dict[str, float]]:
    """What moves a model: groups of features, the strongest first, and numbers of another kind by name."""
    if isinstance(model, Weights):
        return _groups(model), {"intercept": -model.intercept, "examples": model.examples}
    if isinstance(model, BgNbd):
        repeats, recency, tenure = model.average
        return [], {
            "r": model.r, "alpha_weeks": model.alpha, "a": model.a, "b": model.b, "customers": model.customers,
            "average_repeats": repeats, "average_recency_weeks": recency, "average_tenure_weeks": tenure,
        }  # fmt: skip
    if isinstance(model, BaseRate):
        return [], {"order": model.order, "churn": model.churn, "examples": model.examples}
    return [], {}


def _groups(model: Weights) -> list[GroupWeight]:
    held: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for feature, mean, scale, weight in zip(
        TABLE, model.mean.tolist(), model.scale.tolist(), model.weights.tolist(), strict=True
    ):
        if weight and scale:
            held[feature.group].append(
                {
                    "feature": feature.name,
                    "meaning": feature.meaning,
                    "unit": feature.unit,
                    "weight": -weight,  # on the log-odds of churn; the model's own is on those of an order
                    "mean": mean,
                    "spread": scale,
                }
            )
    groups = [
        GroupWeight(
            group,
            float(np.sqrt(sum(row["weight"] ** 2 for row in rows))),
            sorted(rows, key=lambda row: -abs(row["weight"])),
        )
        for group, rows in held.items()
    ]
    return sorted(groups, key=lambda group: -group.strength)


def contributions(values: np.ndarray[Any, Any], shares: np.ndarray[Any, Any]) -> list[Contribution]:
    """One customer's features with what each adds, the strongest first; those that add nothing are left out."""
    rows = [
        Contribution(feature.name, feature.group, feature.meaning, feature.unit, value, share)
        for feature, value, share in zip(TABLE, values.tolist(), shares.tolist(), strict=True)
        if share
    ]
    return sorted(rows, key=lambda row: -abs(row.contribution))
