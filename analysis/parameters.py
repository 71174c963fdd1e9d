"""What somebody may ask of an analysis. Fields become options of the command, queries of the API, and a form."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analysis.framing import Frame

__all__ = ["Against", "Dimension", "Interval", "OfFirst", "OfLast", "OverTime", "Parameters"]

Against = Literal["", "previous", "year"]

Interval = Literal["day", "week", "month", "quarter"]
Dimension = Literal[
    "", "product", "category", "channel", "device", "campaign", "source", "topic", "reason", "department", "agent",
    "country", "region", "plan", "stage", "segment",
]  # fmt: skip
"""What figures may be broken down by: a fact of events, or what is known of customers, who are in each of their
segments."""

OF_CUSTOMERS: tuple[Dimension, ...] = ("country", "region", "plan", "stage")


class Parameters(BaseModel):
    """The period and the filters that every analysis takes. Half open: `since` is in it, `until` is not."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: ClassVar[int] = 365
    """Days that are looked at if `since` was not said."""

    since: date | None = Field(
        None, description="First local day. Default: as far back as this analysis looks, mostly a year."
    )
    until: date | None = Field(None, description="First local day that is not in it. Default: the day after the last.")
    interval: Interval = Field("month", description="Periods that the figures are cut into.")
    grain: Literal["customer", "company"] = Field(
        "customer",
        description="Whom figures count: customers, or companies, by events that name one or whose doer has only one.",
    )
    by: Dimension = Field("", description="A dimension to break the figures down by.")
    product: str = Field("", description="Only events of this product.")
    category: str = Field("", description="Only events of this category.")
    channel: str = Field("", description="Only events through this channel.")
    campaign: str = Field("", description="Only events of this campaign.")
    country: str = Field("", description="Only customers of this country.")
    region: str = Field("", description="Only customers of this region.")
    segment: str = Field("", description="Only customers who are in this segment.")
    without: str = Field("", description="Leave out customers who are in this segment.")
    company: str = Field("", description="Only customers of this company.")
    as_of: Literal["end", "event", "now"] = Field(
        "end",
        description="When customers must fit these filters: at the end of the period (now, while it runs), at each "
        "event, or now.",
    )
    against: Against = Field(
        "", description="What figures are compared with: the period before, or a year earlier, on the same weekdays."
    )
    internal: bool = Field(False, description="Count your own people, the segment `internal`, too.")

    @model_validator(mode="after")
    def _ordered(self) -> Parameters:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("`since` must lie before `until`, which is the first day that is no longer in it")
        if self.without and self.as_of == "event":
            raise ValueError("`without` leaves out people as a whole, so not as of each event: end or now")
        return self

    def by_plan(self, name: str, frame: Frame) -> Self:
        """These, with what a plan says of an analysis where nobody asked for anything else.

        Args:
            name: of the analysis.
            frame: of the plan.
        """
        said = frame.defaults.get(name, {})
        left = {key: value for key, value in said.items() if key not in self.model_fields_set}
        return self.model_copy(update=left) if left else self

    @property
    def of_parts(self) -> bool:
        """Whether rows with a day are of parts of the period, so that one may be compared with another."""
        return True

    def period(self, frame: Frame, days: int | None = None) -> tuple[date, date]:
        """The days asked for, the first and the one after the last: today's is in it, and not complete.

        Args:
            frame: of the archive.
            days: length if `since` was not said, instead of `length`; cut to whole periods.
        """
        until = self.until or frame.today + timedelta(days=1)
        earliest = max(frame.begins, until - timedelta(days=days or self.length))
        since = self.since or frame.start_of(earliest, self.interval)
        return since, max(until, since + timedelta(days=1))


class OverTime(Parameters):
    """Parameters of what is told of the whole period unless its course is asked for."""

    over_time: bool = Field(False, description="A row for each part of the period (`interval`), not one of all.")

    @property
    def of_parts(self) -> bool:
        return self.over_time


class OfFirst(Parameters):
    """Parameters of cohorts: filters by event are about the event that begins them, not about coming back."""

    product: str = Field(
        "", description="Only customers whose first event was of this product; later ones count whatever they are of."
    )
    category: str = Field(
        "", description="Only customers whose first event was of this category; later ones count whatever they are of."
    )
    channel: str = Field(
        "", description="Only customers who first came through this channel; later events count through any."
    )
    campaign: str = Field("", description="Only customers who first came by this campaign; later events count by any.")


class OfLast(Parameters):
    """Parameters of those who left: filters by event are about the last sign of life."""

    product: str = Field("", description="Only customers whose last sign of life was of this product.")
    category: str = Field("", description="Only customers whose last sign of life was of this category.")
    channel: str = Field("", description="Only customers whose last sign of life came through this channel.")
    campaign: str = Field("", description="Only customers whose last sign of life came by this campaign.")
