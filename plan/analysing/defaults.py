"""What analyses take where nobody says otherwise, and what segments are to reach."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from models.durations import DAY, Duration

__all__ = ["AttributionSpec", "FunnelSpec", "GoalSpec", "KeepSpec", "Name", "TopicSpec"]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]

_STEP = re.compile(r"\s*([a-z_]+)\s*(\[[^\[\],]*=[^\[\]]*\])?\s*\??\s*")

_LONGEST = 366 * DAY


def _steps(steps: list[str]) -> list[str]:
    for step in steps:
        if not _STEP.fullmatch(step):
            raise ValueError(f"'{step}' is no step: write a role, such as view, 'view[category=shoes]' or 'cart?'")
    if steps[0].rstrip().endswith("?") or steps[-1].rstrip().endswith("?"):
        raise ValueError("the first and the last step of a funnel cannot be left out")
    return steps


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FunnelSpec(_Strict):
    """One funnel: steps, within how long."""

    steps: Annotated[list[str], AfterValidator(_steps)] = Field(
        min_length=2,
        max_length=10,
        description="Roles in their order; `?` behind one that may be left out, `[channel=web]` for some events of it.",
    )
    window: Duration = Field(7 * DAY, gt=0, le=_LONGEST, description="From the first step, in which the others count.")
    hold: Literal[
        "", "product", "category", "subject", "channel", "device", "utm_campaign", "company", "feature", "plan"
    ] = Field("", description="A fact that has to be the same in all steps.")

    def roles(self) -> list[str]:
        """Those of the steps."""
        return [found[1] for step in self.steps if (found := _STEP.fullmatch(step))]


class AttributionSpec(_Strict):
    """What may have led to an order."""

    grain: Literal["source", "medium", "campaign"] = Field("source", description="What touches are told apart by.")
    look_back: Duration = Field(30 * DAY, gt=0, le=_LONGEST, description="Before an order, in which touches count.")
    half_life: Duration = Field(7 * DAY, gt=0, le=_LONGEST, description="After which a touch weighs half, by age.")
    direct: Literal["alone", "always"] = Field(
        "alone", description="Whether visits that nobody sent count only where nothing else does."
    )
    reset: bool = Field(False, description="Whether an order uses up the touches before it.")


class KeepSpec(_Strict):
    """Which customers are worth the effort of keeping."""

    top: float = Field(0.2, gt=0, le=1, description="The share of customers by margin of 365 days.")
    orders: int = Field(2, ge=1, description="Orders, of all times, at least.")


Seed = Annotated[str, Field(min_length=1, max_length=64)]


class TopicSpec(_Strict):
    """The words that tell a topic of what customers write."""

    en: list[Seed] = Field([], max_length=200, description="How words or phrases begin, in any language with spaces.")
    zh: list[Seed] = Field([], max_length=200, description="Parts of texts in languages without spaces.")


class GoalSpec(_Strict):
    """What a segment is to reach, by when."""

    segment: Name = Field(description="Whose figure it is.")
    measure: Literal["customers", "share", "value", "risk"] = Field(
        "customers",
        description="How many are in it; their share of all; the net of 365 days of each; the mean risk of churn.",
    )
    target: float = Field(ge=0, allow_inf_nan=False, description="What is to be reached: shares and risks of 1.")
    by: date = Field(description="The last day on which it may be.")
    since: date | None = Field(
        None, description="The day from whose figure a straight line leads to the target; absent: the pace counts."
    )
    at_most: bool = Field(False, description="Whether the figure is to fall to the target.")

    @model_validator(mode="after")
    def _ordered(self) -> GoalSpec:
        if self.since and self.since >= self.by:
            raise ValueError("`since` must lie before `by`")
        return self

    @property
    def name(self) -> str:
        """What it is called in figures."""
        return f"{self.segment}: {self.measure}"
