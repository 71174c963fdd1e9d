"""What a plan says of analyses over all customers: their calendar, and how they tell figures from chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from models.customer.config import LOYALTY, CostsSpec, LoyaltyPart, Weight
from models.durations import Duration
from plan.analysing.defaults import AttributionSpec, FunnelSpec, GoalSpec, KeepSpec, Name, TopicSpec

__all__ = ["AnalysesSpec", "TimeZone", "WeekStart"]


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is no time zone such as Europe/Amsterdam")
    return name


TimeZone = Annotated[str, AfterValidator(_zone)]
"""A zone by its name in the IANA database."""

WeekStart = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class AnalysesSpec(BaseModel):
    """How analyses are made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smallest: int = Field(
        5, ge=1, le=1000, description="Customers; shares and means of fewer are blank, for their privacy."
    )
    confidence: float = Field(0.95, ge=0.5, le=0.999, description="Of the intervals.")
    session_gap: Duration = Field(
        1800.0, ge=60, le=86400, description="Silence after which what a visitor does is another session."
    )
    costs: CostsSpec = Field(CostsSpec(), description="What things cost, in the plan's currency, for profits.")
    loyalty: dict[LoyaltyPart, Weight] = Field(
        {}, description="What the parts of a customer's loyalty count, where not as usual; 0 leaves one out."
    )
    funnels: dict[Name, FunnelSpec] = Field(
        {}, max_length=50, description="Funnels by name; the first is shown where none is asked for."
    )
    attribution: AttributionSpec = Field(AttributionSpec(), description="What may have led to an order.")
    keep: KeepSpec = Field(KeepSpec(), description="Which customers are worth the effort of keeping.")
    goals: list[GoalSpec] = Field([], max_length=50, description="What segments are to reach, by when.")
    topics: dict[Name, TopicSpec] = Field(
        {},
        max_length=50,
        description="Topics of what customers write, beside the shipped ones or in their place; without words, none.",
    )

    @property
    def loyalty_weights(self) -> Mapping[str, float]:
        """Of every part."""
        return {name: self.loyalty.get(name, usual) for name, usual in LOYALTY.items()}

    @property
    def words_of_topics(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """By topic and language, as far as the plan says any."""
        return {name: {"en": spec.en, "zh": spec.zh} for name, spec in self.topics.items()}
