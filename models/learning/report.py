"""What the learner knows, as it is served: read from its checkpoint, computed by the same code that decides by it.

This module imports no River, so the console can use it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from models.churn.kinds.stack import Stack
from models.churn.model import Model
from models.churn.panel import MODELS, Panel
from models.churn.weights import Weights
from models.codec import decode
from models.companies.learning import Taught
from models.config import ChurnConfig
from models.features.table import TABLE
from models.learning.checkpoint import HEAD, Head, is_readable
from models.learning.drift import Drift
from models.learning.judge import Figures
from models.learning.notices import Told
from models.learning.promotion import Promotion
from models.learning.quality import Ledger

__all__ = [
    "REPORTED", "Contribution", "GroupWeight", "KeptVersion", "Report", "contributions", "group_weights",
    "kept_version",
]  # fmt: skip

REPORTED = ("head", "quality", "drift", "promotion", "notices")
"""The parts of a checkpoint that a report reads."""


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
    counts: Mapping[str, int]  # of training records, by what they were; empty of a learner that knows nothing
    promotion: Promotion
    figures: Figures
    drift: Drift
    told: Told
    companies: Taught | None = None  # what those have taught; of the plan's own definition

    @classmethod
    def of(
        cls,
        panel: bytes | None,
        parts: Mapping[str, bytes],
        config: ChurnConfig,
        churn: str = "",
        companies: bytes | None = None,
    ) -> Report:
        """The report from what the store holds; of a learner that knows nothing yet if it holds nothing, or what
        another version of Rapport has learned, after which this one begins anew.

        Args:
            panel: of all definitions of churn.
            parts: of this one's learner.
            config: of churn, from the plan.
            churn: the name of the definition; "" for the plan's own.
            companies: the part of what companies have taught; None before any has.

        Raises:
            Misconfigured: that is damaged.
        """
        if panel is None or any(name not in parts for name in REPORTED) or not is_readable(parts[HEAD]):
            figures = Figures(Ledger.new(), Ledger.new())
            return cls(Panel.cold(config).of(churn), {}, Promotion.new(), figures, Drift.new(0.0), Told([], []))
        head, quality, drift, promotion, told = (parts[name] for name in REPORTED)
        return cls(
            Panel.from_json(panel, config).of(churn),
            msgspec.structs.asdict(decode(head, Head, "the head of the model checkpoint").counts),
            decode(promotion, Promotion, "the record of which model is the champion"),
            decode(quality, Figures, "the quality of the models"),
            decode(drift, Drift, "the state of the drift detection"),
            decode(told, Told, "what people were told"),
            None if companies is None else decode(companies, Taught, "what companies have taught"),
        )

    def model(self, name: str) -> Model | None:
        """A model of the panel; None while it has not learned enough."""
        return self.panel.models.get(name)

    def biased(self) -> list[str]:
        """Segments in which the champion is off by more than chance, on the short label."""
        return self.figures.short.biased(self.promotion.speaks_short)

    def biased_groups(self) -> list[str]:
        """Groups of customers in which the risks that are shown are off by more than chance, over the whole horizon."""
        return self.figures.groups.biased("champion")

    @property
    def names(self) -> tuple[str, ...]:
        """Of every model."""
        return MODELS


def kept_version(part: bytes) -> KeptVersion:
    """A kept checkpoint out of its part.

    Raises:
        Misconfigured: it is damaged.
    """
    return decode(part, KeptVersion, "a kept checkpoint")


def group_weights(model: Model) -> list[GroupWeight]:
    """What moves a model that weighs features, by groups of them, the strongest first; nothing of another model.

    Of the stack, what moves the hazard in it.
    """
    if isinstance(model, Stack) and "hazard" in model.parts:
        model = model.parts["hazard"]
    if not isinstance(model, Weights):
        return []
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
