"""Segments as people and tools read them: who is in one, what the last census found, and one before it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import expm1
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from console.views.document import Document, Money, Risk, Time
from console.views.profile import ProfileSummary
from models.conditions.rules import RULES
from models.durations import DAY
from models.population.clusters import Moment, signs
from models.population.findings import Findings
from models.population.personas import Mark, Persona
from models.population.snapshot import Cluster
from profiles.money import to_minor
from profiles.store import Moves
from profiles.times import rfc3339

__all__ = [
    "ClusterView", "MovesView", "PersonaView", "PopulationView", "PreviewRequest", "PreviewRow", "SegmentFigures",
    "SegmentMember", "SegmentPersona", "SegmentPreview", "SegmentSize", "cluster_view", "figures_view", "moves_view",
    "persona_view", "population_view",
]  # fmt: skip

_WORDS = {"source": "uses", "bought": "buys", "stage": "stage"}

DONE: Mapping[str, str] = {
    "visit": "has visited", "view": "has looked at a product", "search": "has searched", "cart": "has filled a cart",
    "checkout": "has gone to the checkout", "purchase": "has ordered", "refund": "had money back",
    "payment": "has paid", "payment_failed": "had a payment refused", "signup": "has signed up",
    "login": "has logged in", "feature_use": "has used a feature", "subscription_start": "has subscribed",
    "subscription_cancel": "has cancelled a subscription", "ticket_opened": "has opened a ticket",
    "ticket_solved": "had a ticket solved", "ticket_reopened": "had a ticket reopened",
    "complaint": "has complained", "inquiry": "has asked something", "csat": "has answered CSAT",
    "nps": "has answered NPS", "ces": "has answered CES", "review": "has written a review",
    "contact_made": "was written to", "contact_opened": "has opened a message of ours",
    "contact_clicked": "has clicked in a message of ours", "unsubscribe": "has unsubscribed",
    "consent": "has decided on consent", "coupon_denied": "was refused a coupon",
    "order_cancelled": "has cancelled an order", "return": "has returned something", "delivered": "had a delivery",
    "delivery_late": "had a late delivery", "undelivered": "had a delivery that failed",
    "subscription_renew": "has renewed a subscription", "subscription_pause": "has paused a subscription",
    "uninstalled": "has removed the app", "subscription_change": "has changed a subscription",
    "subscription_grow": "has taken a larger subscription", "subscription_shrink": "has taken a smaller subscription",
    "goal": "has reached a goal", "ticket_replied": "had an answer to a ticket",
    "survey_asked": "was asked for an opinion", "stock_alert": "waits for a product to be back",
    "invoice": "was sent an invoice",
}  # fmt: skip
"""What somebody did who has an event of a role."""


class SegmentFigures(Document):
    """A segment at the last census, and at up to thirty before."""

    at: Time
    size: int
    share: float = Field(description="Of all who are counted.")
    risk: Risk | None = Field(description="Mean churn risk of the members who are scored.")
    sizes: list[int] = Field(description="This census last.")
    risks: list[Risk | None] = Field(description="This census last.")


class MovesView(Document):
    """How many entered and left a segment on each of thirty days, the last of them today, in UTC."""

    until: str = Field(description="Today, as the customers' clock goes.", examples=["2026-11-30"])
    entered: list[int]
    left: list[int] = Field(description="Who was merged into another customer, or erased, has left, too.")


class SegmentSize(Document):
    """A segment of the plan and how many are in it."""

    name: str
    description: str | None
    size: int = Field(description="Now, by the index.")
    learned: str | None = Field(None, description="Of a learned segment, the name that fits its customers.")
    census: SegmentFigures | None = Field(None, description="As the last census found it; null before the first.")
    moves: MovesView


class SegmentMember(ProfileSummary):
    """A customer in a segment."""

    since: Time


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
    mean: Risk
    bands: list[ShareView]


class PointView(Document):
    """A segment at one census."""

    version: int
    at: Time
    size: int
    share: float
    risk: Risk | None = Field(description="Mean, of those who are scored.")


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
    moves: MovesView


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


_RULE = "As in a plan: `name`, `when` and the rest."
_CONDITION = "As in a plan; instead of a rule."


class PreviewRequest(BaseModel):
    """A segment that may be saved one day, and from where on to look at the customers."""

    model_config = ConfigDict(extra="forbid")

    condition: dict[str, Any] | None = Field(None, description=_CONDITION, examples=[{"quantile": "net", "top": 0.1}])
    rule: dict[str, Any] | None = Field(None, description=_RULE)
    name: str | None = Field(None, description="Of the segment that the condition shall replace; compares with that.")
    others: list[dict[str, Any]] | None = Field(
        None, max_length=RULES, description="Rules that it may use; those of the plan if absent."
    )
    limit: Annotated[int, Field(ge=0, le=100)] = 20  # rows of each sample
    cursor: str | None = Field(None, description="`next` of the page before.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.condition is None) == (self.rule is None):
            raise ValueError("give a condition, or a rule")
        return self


class PreviewRow(ProfileSummary):
    """A customer whom the segment would hold, or would no longer hold."""

    change: Literal["enters", "stays", "leaves"]


class SegmentPreview(Document):
    """A part of the customers, judged. Add the parts up until `next` is null."""

    name: str
    words: str = Field(description="The rule in plain words.")
    at: Time = Field(description="On the clock of the workers' timers.")
    total: int = Field(description="All profiles there are; of companies, those of this part.")
    looked_at: int = Field(description="In this part.")
    inside: int = Field(description="Who would be in the segment: those who enter and those who stay.")
    enters: int
    leaves: int
    sample: list[PreviewRow] = Field(description="Of those inside, the highest risk first.")
    leaving: list[PreviewRow] = Field(description="Of those who would leave, the highest risk first.")
    population: int = Field(description="Version of what customers are ranked by; 0 before the first census.")
    warnings: list[str]
    next: str | None


def persona_view(persona: Persona, currency: str) -> PersonaView:
    """A segment's persona."""
    each = 1 / persona.size if persona.size else 0.0
    return PersonaView.of(
        persona,
        marks=[_mark(mark) for mark in persona.marks],
        contrasts=[ContrastView.of(it, name=_trait(it.name)) for it in persona.contrasts],
        value=ValueView.of(
            persona,
            revenue=_money(persona.revenue, currency),
            net=_money(persona.net, currency),
            mean_revenue=_money(persona.revenue * each, currency),
            mean_net=_money(persona.net * each, currency),
            mean_orders=persona.orders * each,
        ),
        risk=None
        if persona.risk is None
        else RiskView(scored=persona.scored, mean=persona.risk, bands=_shares(persona.bands)),
        stages=_shares(persona.stages),
        sources=_shares(persona.sources),
        categories=_shares(persona.categories),
        overlaps=_shares(persona.overlaps),
    )


def moves_view(moves: Sequence[Moves], today: int) -> MovesView:
    """Who entered and left on the days up to one, which is a number of days since the epoch."""
    until = rfc3339(today * DAY)[:10]
    return MovesView(until=until, entered=[one.entered for one in moves], left=[one.left for one in moves])


def figures_view(persona: Persona) -> SegmentFigures:
    """A segment in a list."""
    sizes, risks = [point.size for point in persona.trend], [point.risk for point in persona.trend]
    return SegmentFigures.of(persona, sizes=sizes, risks=risks)


def population_view(findings: Findings) -> PopulationView:
    """Everything that all customers are ranked by."""
    return PopulationView.of(
        findings.population,
        uncounted=findings.uncounted,
        stale_partitions=findings.stale,
        missing_partitions=findings.missing,
        percentiles=findings.population.edges,
        clusters=[cluster_view(cluster, findings.learned.history) for cluster in findings.population.clusters],
    )


def cluster_view(cluster: Cluster, history: list[Moment]) -> ClusterView:
    """A learned segment, with where it came from."""
    moments = [_moment(cluster.id, moment) for moment in history if cluster.id in moment.centres]
    return ClusterView.of(cluster, signs=signs(cluster.centre), history=moments)


def _moment(id_: str, moment: Moment) -> ClusterMoment:
    silent, orders, spend = (expm1(value) for value in moment.centres[id_])  # `measures.AXES` are logarithms
    share, generation = moment.shares[id_], moment.generations.get(id_, 1)
    return ClusterMoment.of(moment, share=share, days_silent=silent, orders=orders, spend=spend, generation=generation)


def _mark(mark: Mark) -> MarkView:
    value = mark.value.replace("_", " ")
    done = DONE.get(mark.value, f"does {value}") if mark.kind == "does" else ""
    text = done or f"{_WORDS.get(mark.kind) or _trait(mark.kind)} {value}"
    return MarkView.of(mark, text=text, lift_low=mark.low, lift_high=mark.high)


def _shares(shares: dict[str, float]) -> list[ShareView]:
    return [ShareView(name=name, share=share) for name, share in shares.items()]


def _trait(name: str) -> str:
    return name.removeprefix("trait:").replace("_", " ")


def _money(major: float, currency: str) -> Money:
    return Money.of_minor(to_minor(round(major, 6), currency), currency)
