"""What a customer comes to, as people and tools read it: figures with their parts, worked out when somebody asks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo

from console.views.document import Document, Money, Time
from models.customer.picture import Picture

__all__ = ["CustomerFigures", "NeedsView", "SaidView", "SearchedView", "WishView", "figures_of"]


def _money(minor: Any, info: ValidationInfo) -> Any:
    return Money.of_minor(minor, info.context["currency"]) if isinstance(minor, int) and info.context else minor


Amount = Annotated[Money, BeforeValidator(_money)]
"""Minor units of the plan's currency."""


class WorthView(Document):
    """What was sold to the customer in a time. Refunds count on their own day."""

    orders: int
    revenue: Amount = Field(description="Before refunds.")
    net: Amount = Field(description="After refunds.")
    margin: Amount | None = Field(
        description="Net less the cost of goods, by `analyses.costs` of the plan; null where that says none."
    )
    average: Amount | None = Field(description="Revenue of an order; null without one.")
    left_out: int = Field(description="Orders in currencies without a rate, which are in no sum.")


class CustomerValue(Document):
    """What the customer is worth."""

    year: WorthView | None = Field(
        description="Of the last 365 days; null where some of its orders are not kept one by one any more."
    )
    ever: WorthView


class MarginAheadView(Document):
    """What the customer has left, and what is expected of the next 52 weeks: apart, never one number."""

    so_far: Amount | None = Field(description="Margin of all time; null while the plan does not say what goods cost.")
    expected: Amount | None = Field(
        description="Margin of 52 weeks, discounted by 10 % a year, with the chance to leave."
    )
    low: Amount | None = Field(description="Nine in ten lie above it…")
    high: Amount | None = Field(description="…one in ten above this.")
    orders: float | None = Field(description="Expected, discounted.")
    why: Literal["no_score", "few_customers", "no_margin"] | None = Field(
        description="Why nothing is expected: nothing is scored (or may be), under 200 customers or 50 who ordered "
        "twice, no cost of goods."
    )


class FifthView(Document):
    """Where the customer stands by one measure."""

    fifth: int = Field(ge=1, le=5, description="5 is the best fifth of the customers; equal values, equal fifths.")
    value: float = Field(description="Days, orders, or major units of the plan's currency.")


class RfmView(Document):
    """Recency, frequency and money, in fifths of the customers who are still there."""

    recency: FifthView
    frequency: FifthView
    monetary: FifthView
    version: int = Field(description="Of the population snapshot that they are ranked by.")


class ReturnedView(Document):
    """A share with what it is of."""

    part: int
    whole: int
    value: float | None = Field(description="null where it is of nothing.")


class AnswersView(Document):
    """Answers to one question, from 0 to 100."""

    kind: str = Field(examples=["csat", "nps", "ces"])
    count: int
    last: float
    at: Time
    mean: float


class RecentView(Document):
    """Answers of the last 365 days, from 0 to 100: of each question the newest eight at most."""

    mean: float | None = Field(description="null without one.")
    count: int
    trend: float | None = Field(description="Mean of the newest two less that of those before; null of fewer than 4.")


class SatisfactionView(Document):
    """How satisfied the customer says they are, 0 to 100, and what they do."""

    state: Literal["answered", "not_answered", "not_asked"]
    last: float | None = Field(description="The latest answer; null without one.")
    at: Time | None
    mean: float | None = Field(description="Of all answers.")
    year: RecentView
    answers: list[AnswersView] = Field(description="By question.")
    returned: ReturnedView = Field(
        description="Orders of which something was paid back, of those that are older than 30 days and kept one by one."
    )
    complained: ReturnedView | None = Field(
        description="Complaints against orders of the last 365 days; null where not all of them are kept one by one."
    )
    again: bool | None = Field(description="Whether they bought again; null of who never bought.")


class OpenTicketView(Document):
    """A ticket that waits."""

    id: str
    since: Time
    days: float
    reopened: bool


class ToldView(Document):
    """Something that the customer told us."""

    count: int = Field(description="Ever.")
    last: Time
    days: float = Field(description="Since the last.")


class SaidView(Document):
    """A complaint or an inquiry."""

    at: Time
    topic: str
    product: str


class ContactView(Document):
    """How often we came to the customer this week, by whom and how."""

    department: str
    channel: str
    count: int


class ContactsView(Document):
    """Our contacts of this ISO week, of the latest 16 ever."""

    each: list[ContactView]
    count: int
    double: bool = Field(description="By two departments or more.")


class AttentionView(Document):
    """What waits for an answer."""

    tickets: list[OpenTicketView] = Field(description="The oldest first; of the latest 16.")
    complaint: ToldView | None
    inquiry: ToldView | None
    complaints: list[SaidView] = Field(description="The latest eight, the latest first.")
    inquiries: list[SaidView]
    contacts: ContactsView


class FavouriteView(Document):
    """A category that the customer bought again, and kept."""

    category: str
    items: float
    orders: int


class HabitsView(Document):
    """What is usual for the customer."""

    gap: float | None = Field(
        description="Days between days of purchase: the median of the latest eight; null before the third."
    )
    elapsed: int | None = Field(description="Days since the last day of purchase.")
    past: float | None = Field(description="`elapsed` / `gap`: above 1 they are late.")
    payment_day: int | None = Field(description="Of the month; null where half of the payments are not around one.")
    favourites: list[FavouriteView] = Field(description="At most three.")


class ComingView(Document):
    """When the customer comes, by the plan's clocks; null where nothing stands out, or after fewer than 20 times."""

    times: int = Field(description="Visits, logins, orders, messages… that are counted.")
    hour: int | None = Field(description="The first of the three hours with most of them, from 30 % on.")
    hour_share: float | None
    weekday: int | None = Field(description="0 is Monday; from 25 % on.")
    weekday_share: float | None


class WishView(Document):
    """Something that was wanted."""

    what: str
    days: int = Field(description="Ago, the last time.")


class SearchedView(WishView):
    """What was typed."""


class NeedsView(Document):
    """What the customer looked for and did not get, the latest first."""

    searched: list[SearchedView] = Field(description="Without a result, within 90 days.")
    waits: list[WishView] = Field(
        description="Were not there when they looked, or they asked to be told of; and not bought since."
    )
    viewed: list[WishView] = Field(
        description="Looked at on two days or more, and not bought until 30 days after the last, which have passed: of "
        "the latest 32 looks, one a day."
    )


class AboutView(Document):
    """What the customer thinks of a product or a category, by their reviews."""

    what: str
    category: bool
    mean: float
    count: int
    last: float
    at: Time


class CostView(Document):
    """One part of what the customer costs."""

    name: Literal["goods", "shipping", "fees", "tickets", "contacts", "refunds"]
    amount: Amount | None = Field(description="null where the plan does not say what one costs.")
    count: int | None


class ProfitView(Document):
    """What the customer has left, ever: an estimate by `analyses.costs` of the plan."""

    profit: Amount | None = Field(description="Net less all costs that are known; null while that of goods is not.")
    net: Amount
    costs: list[CostView]
    unknown: list[str] = Field(description="Parts that are in no sum, as the plan does not say what they cost.")


class LoyaltyPartView(Document):
    """One part of loyalty."""

    name: Literal["satisfaction", "frequency", "service", "steadiness", "staying"]
    points: float | None = Field(description="0 to 100; null where nothing is known: then it counts nothing.")
    weight: float


class LoyaltyView(Document):
    """The mean of the parts that are known, by their weights."""

    index: float | None = Field(description="0 to 100; null while fewer than three parts are known.")
    parts: list[LoyaltyPartView]


class StepView(Document):
    """What happened of one phase of the journey within a session."""

    phase: Literal["aware", "consider", "intend", "buy", "use", "help", "judge", "renew", "leave"]
    first: Time
    last: Time
    events: int
    wait: float | None = Field(
        description="Days until the next step; null of the last, and where some of what came next may not be kept."
    )


class JourneyView(Document):
    """Where the customer is on their way, by their latest events."""

    steps: list[StepView] = Field(description="The latest twelve, in their order.")
    waiting: float | None = Field(description="Days since the last; null without any.")
    slow: float | None = Field(
        description="Days that nine in ten of those who moved on from such a step did not wait; null while fewer than "
        "100 moves are known."
    )
    moves: int = Field(description="Moves from such a step that are known, by the last census.")
    stuck: bool | None = Field(description="Whether they wait longer; null where that is not known.")


class ShareOfView(Document):
    """One kind of a customer's comings, or orders."""

    name: str
    share: float = Field(ge=0, le=1)


class ComingsView(Document):
    """Through which channels and with what devices the customer comes, the largest share first."""

    channels: list[ShareOfView] = Field(
        description="Of the days of 180 on which they came, by the first coming of each; a day weighs half after 90. "
        "Empty where fewer than five are known."
    )
    devices: list[ShareOfView] = Field(description="The same.")
    days: int = Field(description="Of 180, that are kept: 64 at most.")


class DriversView(Document):
    """What the days began with on which the customer ordered; an order for less is of its discount."""

    shares: list[ShareOfView] = Field(
        description="`direct`, `campaign`, `contact` (of ours), `search`, `referral`, `discount`: shares of orders, "
        "the largest first. Empty where fewer than three are known."
    )
    orders: int = Field(description="Of which it is known.")


class PriceBandView(Document):
    """How dear what the customer buys is among products of the same category, by the catalogue."""

    mean: float | None = Field(
        description="Of the thirds of the prices of a category, 1 (the cheapest) to 3; null of fewer than three items."
    )
    items: int = Field(description="Of the latest 16, whose price the catalogue has.")


class TagView(Document):
    """A tag of the catalogue that what the customer buys has more often than what all customers buy."""

    tag: str
    items: int = Field(description="Of theirs, that have it: from three on.")
    whole: int = Field(description="Of the latest 16, those in the catalogue.")
    lift: float = Field(description="Times as often as among the items of all customers, by the last census: from 1.5.")


class NoveltyView(Document):
    """How early the customer buys what is new."""

    rank: float | None = Field(
        description="Where among the buyers of a product they were, from 0 (the first) to 1: the median of products "
        "launched since their first order; null of fewer than three."
    )
    products: int = Field(description="Of which it is known.")


class TastesView(Document):
    """What kind of things the customer chooses."""

    price_band: PriceBandView
    tags: list[TagView] = Field(description="Those with the most items first.")
    novelty: NoveltyView


class CustomerFigures(Document):
    """What the customer comes to. null is what is not known, which is never 0."""

    profile: str
    as_of: Time
    value: CustomerValue
    clv: MarginAheadView
    rfm: RfmView | None = Field(description="null of who never ordered, and before the first census.")
    satisfaction: SatisfactionView
    attention: AttentionView
    habits: HabitsView
    coming: ComingView
    needs: NeedsView
    opinion: list[AboutView] = Field(description="By product and category, of the latest eight reviews.")
    profit: ProfitView
    loyalty: LoyaltyView
    journey: JourneyView
    comes_with: ComingsView
    drivers: DriversView
    tastes: TastesView


def figures_of(profile: str, picture: Picture, now: float, currency: str) -> CustomerFigures:
    """The document of a customer's figures.

    Args:
        profile: id.
        picture: of it.
        now: seconds, of the picture.
        currency: of the plan.
    """
    told = {"profile": profile, "as_of": now} | picture._asdict()
    return CustomerFigures.model_validate(told, from_attributes=True, context={"currency": currency})
