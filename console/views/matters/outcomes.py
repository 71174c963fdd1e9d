"""What became of cases lately, as people and tools read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pydantic import Field

from console.services.case_ends import WEEK, Ended
from console.views.document import Document, Money, Risk, Time
from console.views.matters.cases import Tally
from console.views.models import HoldOutView, hold_out_view
from models.cases.decisions import OUTCOMES
from models.labels.acting import Acting
from plan import Plan

__all__ = ["OutcomesView", "outcomes_view"]


class OutcomesView(Document):
    """How the cases of the last seven days ended; of each customer or company the latest, if it is not open again."""

    since: Time
    outcomes: dict[str, Tally] = Field(
        description="By outcome; `cleared`: it ended by itself before anybody did. With what was at risk."
    )
    kept_share: Risk | None = Field(description="Of those who stayed or left, how many stayed; null of none.")
    hold_out: HoldOutView | None = Field(
        description="What having alerts is worth; null without a hold-out, and of companies."
    )


def outcomes_view(
    ended: Iterable[Ended], acting: Acting, now: float, plan: Plan, kind: str | None = None, grain: str | None = None
) -> OutcomesView:
    """The ends of cases, counted; only of one kind, only of customers or of companies, if given."""
    count: defaultdict[str, int] = defaultdict(int)
    value: defaultdict[str, int] = defaultdict(int)
    for one in ended:
        if kind in (None, one.kind) and grain in (None, one.grain):
            count[one.outcome] += 1
            value[one.outcome] += one.value
    told = count["stayed"] + count["left"]
    return OutcomesView(
        since=now - WEEK,
        outcomes={
            name: Tally(count=count[name], value_at_risk=Money.of_minor(value[name], plan.currency))
            for name in (*OUTCOMES, "cleared")
        },
        kept_share=count["stayed"] / told if told else None,
        hold_out=None if grain == "company" else hold_out_view(acting, plan.churn.hold_out),
    )
