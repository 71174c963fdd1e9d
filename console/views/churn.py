"""A churn risk as people and tools read it: with its model, its time, its reasons, and what would lower it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from console.views.document import Document, Risk, Time
from models.churn.counterfactuals import Counterfactual
from models.churn.course import course_of
from models.churn.outlook import Outlook
from models.churn.panel import basis
from models.churn.reasons import departure, explain, remark
from models.config import Definition
from plan import Plan
from profiles.consent import PROFILING
from profiles.types import Profile, Score, is_company

__all__ = [
    "Advice", "ChurnView", "DefinedChurnView", "OutlookView", "ReasonView", "Withheld", "churn_view", "defined_view",
    "may_be_scored",
]  # fmt: skip

STEADY = 0.02
"""A risk that moved by less than this, in either direction, is shown as steady."""

Trend = Literal["new", "rising", "falling", "steady"]


class Advice(NamedTuple):
    """What would lower a risk, the model that says so, and what is to be expected."""

    model: str
    counterfactuals: list[Counterfactual] | None  # None while the band is low
    outlook: Outlook | None = None
    defined: Mapping[str, Advice] = {}  # by further definitions of churn


class ReasonView(Document):
    """One share of a risk. Contributions and the model's baseline add up to the log-odds of the risk."""

    feature: str
    text: str = Field(description="In words.")
    effect: Literal["raises", "lowers"]
    contribution: float = Field(description="Log-odds; positive raises the risk.")
    value: float = Field(description="Of the feature, in its own unit.")
    cause: bool = Field(
        description="It tells why somebody leaves: trouble, or a fall of use, beyond what is usual for them and for "
        "customers like them. Silence and habit are what follows."
    )


class CounterfactualView(Document):
    """Something that would lower a risk, by what the model says of customers of whom it is true."""

    action: str = Field(
        description="order, solve_tickets, visit, login, use, complaint, payment, subscription or click."
    )
    text: str = Field(description="In words.", examples=["The open ticket solved"])
    risk: Risk = Field(description="What the risk would be.")


class PointView(Document):
    """A risk of before."""

    at: Time
    risk: Risk


class AheadView(Document):
    """One point of what is to be expected."""

    weeks: int = Field(description="From the score on.")
    here: float = Field(description="Chance that the customer is still there then.")
    ordered: float = Field(description="Chance of an order by then.")


class IntervalView(Document):
    """A number and how sure it is."""

    low: float = Field(description="Nine in ten lie above.")
    middle: float
    high: float = Field(description="One in ten lies above.")


class OutlookView(Document):
    """What is to be expected of a customer, by their orders and visits."""

    model: str
    curve: list[AheadView]
    next_order: IntervalView | None = Field(
        description="Weeks until the next order, with the median, if there is one; null: hardly to be expected."
    )
    year: IntervalView = Field(
        description="Revenue of a year if the customer stays, with its mean: major units of the plan's currency."
    )
    at_risk: float = Field(
        description="What of that is likely to be lost: the mean times the chance that they are lost."
    )


class DepartureView(Document):
    """When a customer has left, and why."""

    around: Time = Field(description="The last thing that they did as a customer.")
    text: str = Field(examples=["Has probably left, around 3 May 2026, after: 2 payments refused in the last 30 days"])


class ChurnView(Document):
    """A churn risk, never without its model, its time and its reasons."""

    risk: Risk = Field(description="Probability of no purchase within the plan's horizon.")
    band: str = Field(examples=["high"])
    trend: Trend = Field(description="Against `previous`; `new` when there is none, `steady` within 2 points of it.")
    previous: float | None = Field(
        description="The risk about a week before; null while the same kind of model said none."
    )
    previous_at: Time | None
    history: list[PointView] | None = Field(
        None,
        description="Its course: the first score of each week, of 26 weeks at most, and this one last; by the same "
        "kind of model. null in lists.",
    )
    scored_at: Time
    model: str
    spoke: str = Field(
        description="What stands behind the risk, in words: something learned, or rules before anything is.",
        examples=["rules set by hand, before anything is learned"],
    )
    left: float | None = Field(None, description="Chance that the customer has left for good; null: not known yet.")
    leaving: float | None = Field(
        None, description="Chance that they are still here and leave within the plan's `leaving_within`; null as well."
    )
    departure: DepartureView | None = Field(
        None, description="Of who has left with a chance of .75 or more: a risk says nothing any more of them."
    )
    reasons: list[ReasonView] = Field(description="What went wrong for the customer first, then the strongest.")
    remark: str | None = Field(
        None, description="What they leave open: that nothing raises the risk, or that no cause of it shows; else null."
    )
    would_lower: list[CounterfactualView] | None = Field(
        None,
        description="What would lower the risk by a point or more: the strongest first, at most 3; "
        "null in lists, and while the band is low.",
    )
    would_lower_model: str | None = Field(
        None, description="The model that says so: of the kind that scored, as it is now; the champion if it is gone."
    )
    outlook: OutlookView | None = Field(
        None, description="What is to be expected from `scored_at` on, by what the model knows now; null in lists."
    )


class DefinedChurnView(Document):
    """What is known by a further definition of churn."""

    name: str = Field(examples=["cancels"])
    description: str
    stage: Literal["active", "at_risk", "ended"]
    words: str = Field(description="The stage as the plan calls it.", examples=["may cancel"])
    since: Time
    churn: ChurnView | None = Field(description="null once it has ended, and for who does not allow profiling.")


Withheld = Annotated[
    Literal["profiling"] | None,
    Field(description="What the customer does not allow, for which `churn` is null; null if nothing is paused."),
]


def may_be_scored(profile: Profile, plan: Plan) -> bool:
    """Whether a score may be shown, also one that was stored before the plan's default became "denied"."""
    if is_company(profile.id):
        return True  # what its members allow is heeded in what they share
    return plan.consent.allows(profile, PROFILING)


def churn_view(profile: Profile, plan: Plan, advice: Advice | None = None, *, whole: bool = False) -> ChurnView | None:
    """The risk of a customer; `whole`: with its course."""
    return _view(profile, profile.score, plan, advice, whole=whole)


def defined_view(
    profile: Profile, definition: Definition, plan: Plan, advice: Advice | None = None
) -> DefinedChurnView | None:
    held = (profile.churns or {}).get(definition.name)
    if held is None or not held.stage:
        return None
    return DefinedChurnView(
        name=definition.name,
        description=definition.description,
        stage=held.stage,
        words=getattr(definition.words, held.stage),
        since=held.stage_since,
        churn=_view(profile, held.score, plan, advice.defined.get(definition.name) if advice else None, whole=True),
    )


def _view(profile: Profile, score: Score | None, plan: Plan, advice: Advice | None, *, whole: bool) -> ChurnView | None:
    if score is None or not may_be_scored(profile, plan):
        return None
    reasons = explain(profile, score.reasons, score)
    return ChurnView.of(
        score,
        trend=_trend(score),
        previous_at=(score.previous_at or None) if score.previous is not None else None,
        history=[PointView(at=at, risk=risk) for at, risk in course_of(score)] if whole else None,
        scored_at=score.at,
        spoke=basis(score.model),
        departure=DepartureView.of(gone) if (gone := departure(profile, score)) else None,
        reasons=reasons,
        remark=remark(reasons, score),
        would_lower=advice.counterfactuals if advice else None,
        would_lower_model=advice.model if advice and advice.counterfactuals is not None else None,
        outlook=OutlookView.of(advice.outlook) if advice and advice.outlook else None,
    )


def _trend(score: Score) -> Trend:
    if score.previous is None:
        return "new"
    moved = score.risk - score.previous
    if abs(moved) < STEADY:
        return "steady"
    return "rising" if moved > 0 else "falling"
