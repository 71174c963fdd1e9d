"""The documents of the support API: what `/v1` answers, field by field."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ActivityView",
    "AlertView",
    "ChurnView",
    "ConsentView",
    "CounterfactualView",
    "Document",
    "EarlierStage",
    "EventView",
    "Figure",
    "Health",
    "IdentityView",
    "Money",
    "OpinionView",
    "Page",
    "Problem",
    "ProfileSummary",
    "ProfileView",
    "PurchaseView",
    "Readiness",
    "ReasonView",
    "SegmentFigures",
    "SegmentMember",
    "SegmentSize",
    "SegmentView",
    "StageView",
    "SupportView",
    "TicketView",
    "Time",
    "Trend",
]  # fmt: skip

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339, UTC, microseconds."""

Trend = Literal["new", "rising", "falling", "steady"]


class Document(BaseModel):
    """What the API answers; never changed after it is made."""

    model_config = ConfigDict(frozen=True)


class Money(Document):
    """An amount of one currency."""

    amount: str = Field(description="Decimal, exact.", examples=["249.90"])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    minor: int = Field(description="The same in minor units, for arithmetic.", examples=[24990])


class IdentityView(Document):
    """One name that the customer is known by."""

    type: str = Field(examples=["user_id"])
    value: str = Field(examples=["42"])
    hashed: bool = Field(
        description="The value is a keyed hash. Ask for the customer by the plain one, or by `TYPE:hashed:VALUE`."
    )
    first_seen: Time


class Figure(Document):
    """A trait: the value of the latest event that set it."""

    value: Any
    at: Time


class ActivityView(Document):
    """What came from one source."""

    count: int
    first: Time
    last: Time


class PurchaseView(Document):
    """All that orders say."""

    orders: int
    items: float
    revenue: list[Money] = Field(description="By currency, before refunds.")
    refund_count: int
    refunds: list[Money]
    first: Time | None
    last: Time | None
    days_since_last: float | None
    usual_gap_days: float | None = Field(description="Mean days between orders; null before the second.")


class TicketView(Document):
    """One support ticket."""

    id: str
    state: Literal["open", "solved"]
    opened: Time | None
    solved: Time | None
    reopened: Time | None


class OpinionView(Document):
    """Answers to one kind of survey."""

    count: int
    average: float
    last: float
    at: Time


class SupportView(Document):
    """All that support knows."""

    open_tickets: int
    opened: int = Field(description="Tickets opened, ever.")
    solved: int
    reopened: int
    complaints: int
    inquiries: int
    tickets: list[TicketView] = Field(description="The latest, the last touched first.")
    opinions: dict[str, OpinionView] = Field(description="By kind: csat, nps, ces, review.")


class ReasonView(Document):
    """One share of a risk. Contributions and the model's baseline add up to the log-odds of the risk."""

    feature: str
    text: str = Field(description="In words.")
    effect: Literal["raises", "lowers"]
    contribution: float = Field(description="Log-odds; positive raises the risk.")
    value: float = Field(description="Of the feature, in its own unit.")


class CounterfactualView(Document):
    """Something that would lower a risk, by what the model says of customers of whom it is true."""

    action: str = Field(
        description="order, solve_tickets, visit, login, use, complaint, payment, rating, subscription or click."
    )
    text: str = Field(description="In words.", examples=["The open ticket solved"])
    risk: float = Field(ge=0, le=1, description="What the risk would be.")


class ChurnView(Document):
    """A churn risk, never without its model, its time and its reasons."""

    risk: float = Field(ge=0, le=1, description="Probability of no purchase within the plan's horizon.")
    band: str = Field(examples=["high"])
    trend: Trend = Field(description="Against `previous`; `new` when there is none, `steady` within 2 points of it.")
    previous: float | None = Field(
        description="The risk about a week before; null while the same kind of model said none."
    )
    previous_at: Time | None
    scored_at: Time
    model: str
    spoke: str = Field(
        description="What stands behind the risk, in words: something learned, or rules before anything is.",
        examples=["rules set by hand, before anything is learned"],
    )
    reasons: list[ReasonView] = Field(description="The strongest first.")
    would_lower: list[CounterfactualView] | None = Field(
        None,
        description="What would lower the risk by a point or more: the strongest first, at most 3; "
        "null in lists, and while the band is low.",
    )
    would_lower_model: str | None = Field(
        None, description="The model that says so: the one that scores now, if another did at `scored_at`."
    )


class ConsentView(Document):
    """Whether a customer allows one purpose."""

    status: Literal["granted", "denied"]
    source: Literal["customer", "default"] = Field(
        description="Whether the customer said so, or has said nothing and the plan's default holds."
    )
    since: Time | None = Field(description="When the customer last said so; null for a default.")
    event: str | None = Field(description="Digest of the event that said so, 16 hex digits; null for a default.")


Withheld = Annotated[
    Literal["profiling"] | None,
    Field(description="What the customer does not allow, for which `churn` is null; null if nothing is paused."),
]


class SegmentView(Document):
    """A segment that the customer is in."""

    name: str
    since: Time
    description: str | None = None


class EarlierStage(Document):
    """A lifecycle stage that is over."""

    stage: str
    since: Time


class StageView(Document):
    """Where the customer stands."""

    stage: str = Field(examples=["at_risk"])
    since: Time
    earlier: list[EarlierStage]


class AlertView(Document):
    """The latest alert of one rule for one customer."""

    id: str
    profile: str = Field(description="Profile id.")
    rule: str
    state: str = Field(description="open, acknowledged, resolved (by a person) or cleared (by the customer).")
    opened: Time
    changed: Time
    risk: float | None = Field(description="When it opened; null for an alert about a customer without a score.")
    model: str | None
    reasons: list[ReasonView]
    by: str | None
    note: str | None


class EventView(Document):
    """One event as an agent sees it."""

    id: str = Field(description="Tells it from other events: a digest of what is shown of it.")
    time: Time
    source: str
    name: str
    role: str | None
    amount: Money | None
    about: str | None = Field(description="Ticket, subscription or product it is about.")


class ProfileView(Document):
    """One customer."""

    id: str = Field(description="Profile id, 22 characters.")
    identities: list[IdentityView] = Field(description="The strongest type first.")
    traits: dict[str, Figure]
    first_seen: Time
    last_seen: Time
    activity: dict[str, ActivityView] = Field(description="By source.")
    purchases: PurchaseView
    support: SupportView
    churn: ChurnView | None = Field(description="null until scored, and for who does not allow profiling.")
    withheld: Withheld
    consent: dict[str, ConsentView] = Field(description="By purpose: analytics, profiling, outreach, the plan's own.")
    segments: list[SegmentView] = Field(description="The latest entered first.")
    lifecycle: StageView | None
    alerts: list[AlertView] = Field(description="The latest changed first.")


class ProfileSummary(Document):
    """One row of a list of customers."""

    id: str
    identities: list[IdentityView]
    last_seen: Time
    stage: str | None
    segments: list[str]
    orders: int
    revenue: list[Money]
    churn: ChurnView | None
    withheld: Withheld


class SegmentFigures(Document):
    """A segment at the last census, and at up to thirty before."""

    at: Time
    size: int
    share: float = Field(description="Of all who are counted.")
    risk: float | None = Field(description="Mean churn risk of the members who are scored.")
    sizes: list[int] = Field(description="This census last.")
    risks: list[float | None] = Field(description="This census last.")


class SegmentSize(Document):
    """A segment of the plan and how many are in it."""

    name: str
    description: str | None
    size: int = Field(description="Now, by the index.")
    learned: str | None = Field(None, description="Of a learned segment, the name that fits its customers.")
    census: SegmentFigures | None = Field(None, description="As the last census found it; null before the first.")


class SegmentMember(ProfileSummary):
    """A customer in a segment."""

    since: Time


Row = TypeVar("Row")


class Page(Document, Generic[Row]):
    """One page of a list."""

    data: list[Row]
    next: str | None = Field(None, description="Give it as `cursor` for the next page; null on the last.")


class Problem(Document):
    """Every error."""

    code: str = Field(examples=["not_found"])
    message: str = Field(examples=["no customer is known as user_id:42"])


class Health(Document):
    """The process is up."""

    status: str


class Readiness(Problem):
    """Whether everything answers; with 503 the code is not_ready and the message says what does not."""

    checks: dict[str, str] = Field(description="By dependency: ok, or what it said.")
    held: dict[str, str] = Field({}, description="Sources that are paused, and why; the API is ready all the same.")
