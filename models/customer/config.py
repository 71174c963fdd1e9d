"""What the plan says of figures per customer: what things cost, and what loyalty is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LOYALTY", "OTHER", "CostsSpec", "LoyaltyPart", "Weight"]

OTHER = "other"
"""Stands for every channel that has no cost of its own."""

Cost = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
"""Major units of the plan's currency."""

Margin = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
"""A share of the revenue."""

Channel = Annotated[str, Field(min_length=1, max_length=64)]

LoyaltyPart = Literal["satisfaction", "frequency", "service", "steadiness", "staying"]

Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]

LOYALTY: dict[LoyaltyPart, float] = {
    "satisfaction": 35.0,
    "frequency": 15.0,
    "service": 15.0,
    "steadiness": 10.0,
    "staying": 25.0,
}
"""The parts of loyalty, and what each counts unless the plan says otherwise."""


class CostsSpec(BaseModel):
    """What is not in events. What is left out is not known, and in no profit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: Margin | None = Field(None, description="Share of the revenue that goods leave.")
    margins: dict[Channel, Margin] = Field(
        {}, max_length=1000, description="The same by category, where that is known and another one."
    )
    shipping: Cost | None = Field(None, description="What sending an order costs us.")
    fee: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None, description="Share of the revenue that taking payments costs."
    )
    ticket: Cost | None = Field(None, description="What a ticket costs.")
    contact: dict[Channel, Cost] = Field(
        {}, max_length=64, description="What a contact that we make costs, by channel; `other` for all others."
    )
    refund: Cost | None = Field(None, description="What handling a refund costs, beside what is paid back.")
