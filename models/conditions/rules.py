"""The rules of segments and alerts, as a plan writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import Field, field_validator, model_validator

from models.conditions.spec import Spec
from models.conditions.tree import DEEPEST, MOST, Condition, depth, leaves
from models.conditions.words import ENGLISH, Say
from models.durations import DAY, Duration
from profiles.consent import OUTREACH

__all__ = ["RULES", "SCORES", "AlertRule", "Grain", "SegmentBasis", "SegmentRule", "of_grain"]

RULES = 500
"""Most segments, and most alerts, of a plan."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
"""Of a segment, an alert or a purpose, as it is written in a plan."""


SCORES = {
    "risk": "churn risk",
    "lost": "chance of being lost soon",
    "leaving": "chance of leaving soon",
    "left": "chance of having left",
}
"""The scores that an alert may look at, in words."""

Grain = Literal["customer", "company"]
"""Whom a rule is about."""


SegmentBasis = Literal[
    "demographic", "geographic", "psychographic", "technographic", "behavioural", "needs", "occasion", "value",
    "firmographic",
]  # fmt: skip
"""What a segment divides customers by."""


def _bounded(condition: Condition | None) -> Condition | None:
    if condition is None:
        return None
    if depth(condition) > DEEPEST:
        raise ValueError(f"conditions may be nested {DEEPEST} deep; give a part of it a name as a segment of its own")
    if (number := sum(1 for _ in leaves(condition))) > MOST:
        raise ValueError(f"a condition may join {MOST} statements, and this has {number}; divide it into segments")
    return condition


class SegmentRule(Spec):
    """Who belongs to a segment."""

    name: Name
    description: str = ""
    grain: Grain = "customer"
    when: Condition
    exit: Condition | None = None  # who leaves; without it, those for whom `when` fails by the margin
    purpose: Name | None = None  # only who allows it; what looks at the risk needs `profiling` besides
    margin: float = Field(default=0.15, ge=0, lt=1)
    group: Name | None = None  # at most one segment of a group holds: who may stay in one enters no other
    basis: SegmentBasis | None = None  # for analyses; None: by what the condition reads (`models.segments.bases`)

    _small = field_validator("when", "exit")(_bounded)

    def conditions(self) -> list[Condition]:
        """Those that it has."""
        return [self.when] if self.exit is None else [self.when, self.exit]


class AlertRule(Spec):
    """When people should look at a customer: at a risk, or another `score`, of `threshold`, or while `when` holds.

    Given both, it opens when both are so and ends when either is over.
    """

    name: Name
    description: str = ""
    grain: Grain = "customer"
    when: Condition | None = None
    score: Literal["risk", "lost", "leaving", "left"] = "risk"  # what `threshold` and `clear` are of
    threshold: float | None = Field(default=None, gt=0, lt=1)
    clear: float | None = Field(default=None, gt=0, lt=1)  # the score below which it ends; 0.85 of the threshold
    cooldown: Duration = 7 * DAY  # after it ended, before it may open again
    segment: str | None = None  # only members
    margin: float = Field(default=0.15, ge=0, lt=1)  # of `when`
    purpose: Name | None = OUTREACH  # only who allows it; null: whatever they allow
    severity: Literal["info", "warning", "critical"] = "warning"
    owner: str = ""
    channel: str = ""
    churn: str | None = None  # the further definition of churn whose risk is meant

    _small = field_validator("when")(_bounded)

    @model_validator(mode="after")
    def _sensible(self) -> AlertRule:
        if self.when is None and self.threshold is None:
            raise ValueError("an alert needs a threshold of the risk, or a condition in `when`")
        if self.churn is not None and self.threshold is None:
            raise ValueError("churn says which risk the threshold is about; in `when`, conditions name theirs")
        if self.clear is not None and (self.threshold is None or self.clear >= self.threshold):
            raise ValueError("clear must lie below the threshold")
        if self.score != "risk" and self.threshold is None:
            raise ValueError("score says of what the threshold is: give a threshold")
        if self.score != "risk" and self.churn is not None:
            raise ValueError(f"{self.score} is of the plan's own churn: leave out churn, or score")
        return self

    @property
    def clears_below(self) -> float:
        """The score below which an open alert ends; 0 for an alert that does not look at one."""
        if self.threshold is None:
            return 0.0
        return self.clear if self.clear is not None else 0.85 * self.threshold

    def in_words(self, say: Say = ENGLISH) -> str:
        """When it opens, for whom, and when it ends."""
        parts: list[str] = []
        if self.threshold is not None:
            about = f" ({self.churn})" if self.churn is not None else ""
            parts.append(f"{say(SCORES[self.score])}{about} {say('at least %(limit)s', limit=f'{self.threshold:g}')}")
        if self.when is not None:
            parts.append(self.when.in_words(say))
        if self.segment is not None:
            parts.append(say("in segment %(name)s", name=say.name(self.segment)))
        told = [say.all_of(parts)]
        if self.threshold is not None:
            told.append(say("ends below %(limit)s", limit=f"{self.clears_below:g}"))
        told.append(say("not again for %(span)s", span=say.duration(self.cooldown)))
        return say("; ").join(told)


Rule = TypeVar("Rule", SegmentRule, AlertRule)


def of_grain(rules: Iterable[Rule], grain: Grain) -> list[Rule]:
    """The rules that are about customers, or about companies, in their order."""
    return [rule for rule in rules if rule.grain == grain]
