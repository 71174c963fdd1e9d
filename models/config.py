"""What a plan says about churn: the horizons, the labels, the bands of the risk and the stages of a customer's life."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from models.conditions.spec import Spec
from models.durations import DAY, WEEK, Duration, Moment

__all__ = ["Bands", "ChurnConfig", "Lifecycle", "Outage"]


class Bands(Spec):
    """The least risk of each band; below `medium` it is low."""

    medium: float = Field(default=0.5, gt=0, lt=1)
    high: float = Field(default=0.75, gt=0, lt=1)

    @model_validator(mode="after")
    def _ascending(self) -> Bands:
        if self.medium >= self.high:
            raise ValueError("the medium band must begin below the high one")
        return self

    def of(self, risk: float) -> Literal["low", "medium", "high"]:
        """The band of a risk."""
        return "high" if risk >= self.high else "medium" if risk >= self.medium else "low"


class Lifecycle(Spec):
    """The limits of the lifecycle stages."""

    new_for: Duration = 30 * DAY  # after the first order
    loyal_orders: int = Field(default=4, ge=2)
    won_back_for: Duration = 60 * DAY  # after the order that ended a silence of the churn horizon


class Outage(Spec):
    """A time in which events did not reach us, although customers were there."""

    from_: Moment = Field(alias="from")
    to: Moment

    @model_validator(mode="after")
    def _sensible(self) -> Outage:
        if self.to <= self.from_:
            raise ValueError("an outage ends after it began")
        return self


class ChurnConfig(Spec):
    """What churn means here, and how its model is fed."""

    role: str = "purchase"  # the role whose absence is churn
    horizon: Duration = 26 * WEEK  # no order within this is churn
    label_horizon: Duration = 4 * WEEK  # what the hazard is trained on
    snapshot_every: Duration = 4 * WEEK  # seconds from one training example of a customer to the next
    panel: int = Field(default=4, ge=1)  # one snapshot in so many also waits for the whole horizon
    lateness: Duration = DAY  # how late an order may arrive and still count for its label
    outage: Duration | None = 3 * DAY  # the least silence of everybody that may be an outage; null: none is
    outages: tuple[Outage, ...] = ()  # those that are known
    hold_out: float = Field(default=0.0, ge=0, le=0.5)  # share of customers whom no alert on their risk opens for
    leaving_within: Duration = 8 * WEEK  # how far the leaving score looks ahead
    rescore_every: Duration = DAY  # the longest a score stands while a customer is silent
    bands: Bands = Bands()
    lifecycle: Lifecycle = Lifecycle()
    min_examples: int = Field(default=200, ge=1)  # learned examples before the learned model may speak
    min_class: int = Field(default=20, ge=1)  # …and of each class

    @model_validator(mode="after")
    def _sensible(self) -> ChurnConfig:
        if self.role != "purchase":
            raise ValueError("churn is defined by orders: role must be purchase")
        if self.label_horizon > self.horizon:
            raise ValueError("label_horizon must not be longer than horizon")
        if self.horizon / self.label_horizon > 104:
            raise ValueError("label_horizon is too short: the horizon would take more than 104 steps")
        return self
