"""What the support API answers on segments as the last census found them, and on the population snapshot."""

from __future__ import annotations

from pydantic import Field

from console.views.documents import Document, Money, Time

__all__ = [
    "ClusterMoment",
    "ClusterView",
    "ContrastView",
    "MarkView",
    "PersonaView",
    "PointView",
    "PopulationView",
    "RiskView",
    "SegmentPersona",
    "ShareView",
    "ValueView",
]  # fmt: skip


class ShareView(Document):
    """A part of a whole."""

    name: str
    share: float = Field(ge=0, le=1)


class MarkView(Document):
    """Something more or less common among the members than among all customers, beyond chance."""

    kind: str = Field(examples=["trait:country"])
    value: str = Field(examples=["BE"])
    text: str = Field(description="In words.", examples=["country BE"])
    members: int
    share: float = Field(description="Of the members.")
    base: float = Field(description="Share among all who are counted.")
    lift: float = Field(description="`share` / `base`.")
    lift_low: float = Field(description="Bounds of the lift, with a confidence of 99 % over all traits looked at.")
    lift_high: float


class ContrastView(Document):
    """A quantity whose mean among the members is not that among all."""

    name: str = Field(examples=["recency"])
    unit: str
    mean: float
    base: float
    apart: float = Field(description="The difference in standard deviations among all.")


class ValueView(Document):
    """What the members have brought."""

    buyers: int
    orders: float
    revenue: Money = Field(description="Of all members together, in the plan's currency.")
    net: Money = Field(description="Revenue less refunds.")
    mean_revenue: Money = Field(description="Of a member, also those who never ordered.")
    mean_net: Money
    mean_orders: float


class RiskView(Document):
    """The churn risk of the members who are scored."""

    scored: int
    mean: float
    bands: list[ShareView]


class PointView(Document):
    """A segment at one census."""

    version: int
    at: Time
    size: int
    share: float
    risk: float | None = Field(description="Mean, of those who are scored.")


class PersonaView(Document):
    """The members of a segment as a census found them; who denies analytics is not counted."""

    version: int = Field(description="Of the population snapshot that the same census made.")
    at: Time = Field(description="Of the census.")
    size: int
    share: float = Field(description="Of all who are counted.")
    marks: list[MarkView] = Field(description="What distinguishes them, the most telling first.")
    contrasts: list[ContrastView] = Field(description="Means that differ, the furthest apart first.")
    value: ValueView
    risk: RiskView | None = Field(description="null if nobody is scored.")
    stages: list[ShareView]
    sources: list[ShareView]
    categories: list[ShareView] = Field(description="Of their orders, by category.")
    overlaps: list[ShareView] = Field(description="Other segments that members are in.")
    trend: list[PointView] = Field(description="Up to thirty censuses before, and this one.")


class ClusterMoment(Document):
    """A learned segment in one version."""

    version: int
    at: Time
    share: float = Field(description="Of those who ordered.")
    days_silent: float = Field(description="Where its centre was: days since the last order…")
    orders: float
    spend: float = Field(description="…and net revenue in major units.")
    generation: int


class ClusterView(Document):
    """A learned segment."""

    id: str = Field(description="The same from version to version.", examples=["3"])
    generation: int = Field(description="Goes up when the id is given to other customers than before.")
    name: str = Field(examples=["frequent big spenders"])
    signs: str = Field(description="Its centre in words.", examples=["recent, frequent, high spend"])
    size: int
    share: float = Field(description="Of those who ordered.")
    since: Time = Field(description="When customers like these were first found.")
    moved: float = Field(description="How far its centre moved since the version before, in standard deviations.")
    grown: float = Field(description="Change of the share since the version before.")
    history: list[ClusterMoment] = Field(description="Up to twenty versions, the last one last.")


class SegmentPersona(Document):
    """A segment: who is in it now, and what its members were like at the last census."""

    name: str
    description: str | None
    size: int = Field(description="Now, by the index.")
    learned: ClusterView | None = Field(description="Of a segment that is learned.")
    persona: PersonaView | None = Field(description="null before the first census.")


class PopulationView(Document):
    """What is known of all customers together, and all are ranked by."""

    version: int
    at: Time
    customers: int = Field(description="Who were counted.")
    uncounted: int = Field(description="Who deny analytics.")
    stale_partitions: list[int] = Field(description="Of which an earlier count was used: the census took too long.")
    missing_partitions: list[int] = Field(description="Of which there was no count at all.")
    percentiles: dict[str, list[float]] = Field(description="By measure, the 1st to the 99th.")
    clusters: list[ClusterView]
