"""The documents of the support API about the models of the churn risk."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from console.views.documents import Document, Time

__all__ = [
    "AlarmView", "ChangeView", "ContributionView", "DecisionView", "DriftView", "ExplanationView", "FeatureWeightView",
    "FiguresView", "GroupShareView", "GroupWeightView", "HistoryView", "KeptView", "ModelDetail", "ModelView",
    "ModelsView", "NoticeView", "QualityView", "SignalView", "StandingView",
]  # fmt: skip


class FiguresView(Document):
    """How good a model's predictions turned out to be; each was made before its outcome was known."""

    rows: int = Field(description="Outcomes judged, ever. The other figures follow the latest 4,000 to 8,000.")
    auc: float | None = None
    log_loss: float | None = None
    brier: float | None = None
    ece: float | None = Field(None, description="Expected calibration error.")
    bias: float | None = Field(None, description="Mean prediction less the observed rate.")
    bias_error: float | None = Field(None, description="Standard error of the bias.")
    rate: float | None = Field(None, description="Observed rate.")


class QualityView(Document):
    """One model on one horizon."""

    all: FiguresView
    untouched: FiguresView = Field(description="Only outcomes that no acted-on alert may have changed.")
    segments: dict[str, FiguresView]


class StandingView(Document):
    """How a model compares with the one that speaks, on the whole horizon."""

    blocks: int = Field(description="Consecutive blocks won, up to the latest; four are needed.")
    rows: int = Field(description="Labels in them.")
    difference: float | None = Field(description="Of the mean log loss in them; below zero is better.")
    interval: tuple[float, float] | None = Field(description="99 %, by customers.")
    ece: float | None
    better: bool = Field(description="All that a promotion asks for.")


class ModelView(Document):
    """One model."""

    name: str
    id: str | None = Field(description="As shown with a score; null while it has not learned enough to speak.")
    meaning: str
    role: Literal["champion", "shadow", "silent"] = Field(description="`silent` has not learned enough.")
    since: Time | None = Field(description="Since when it speaks.")
    examples: int = Field(description="Learned from, or fitted to.")
    short: FiguresView = Field(description="On an order within the label horizon.")
    full: FiguresView = Field(description="On churn within the churn horizon.")
    standing: StandingView | None = Field(description="Against the champion; null for that one.")


class SignalView(Document):
    """One of the two signals of drift."""

    mean: float = Field(description="In the present window.")
    moved_at: Time | None = Field(description="When it last moved.")
    before: float | None = None
    after: float | None = None


class DriftView(Document):
    """Whether customers behave in another way than the models have learned."""

    error: SignalView = Field(description="Of the hazard: an order came (1) or not (0), less its chance.")
    activity: SignalView = Field(description="Share of customers with an order in the week before they were seen.")
    alarms: list[AlarmView] = Field(description="Both moved in the same direction; the newest first.")
    segments: list[str] = Field(description="In which the champion is off by more than chance.")


class AlarmView(Document):
    """Both signals agreed."""

    id: str
    at: Time
    direction: Literal["more", "fewer"] = Field(description="Orders than before.")
    text: str
    error: SignalView
    activity: SignalView


class NoticeView(Document):
    """What the learner told people, as on the topic `alerts`."""

    id: str
    kind: Literal["drift", "rollback", "champion", "anew"]
    at: Time
    text: str
    by: str
    evidence: dict[str, Any]


class DecisionView(Document):
    """A person's decision about the models."""

    id: str
    action: str
    target: str
    at: Time
    by: str
    done: bool | None = Field(description="null while it is on its way.")
    text: str = Field(description="What was done, or why not.")


class ModelsView(Document):
    """All models, and which is the champion."""

    champion: str
    since: Time | None
    decided_by: str | None = Field(description="Who has promoted it by hand; null when the rule chooses.")
    settled: bool = Field(description="Labels of the whole horizon decide; before, those of the label horizon do.")
    version: int = Field(description="TrainingRecords taken; grows with every one.")
    trained_until: Time | None = Field(description="The end of the latest label learned.")
    records: dict[str, int]
    models: list[ModelView]
    drift: DriftView
    began_anew: NoticeView | None = Field(
        description="When and why what had been learned was discarded, if that is among the latest news: the plan's "
        "`label_horizon` (all of it) or `horizon` (what was of the whole horizon) changed, or the features did."
    )
    notices: list[NoticeView] = Field(description="The latest, newest first.")
    decisions: list[DecisionView] = Field(description="The latest, newest first.")


class FeatureWeightView(Document):
    """The weight of one feature."""

    feature: str
    meaning: str
    unit: str
    weight: float = Field(description="Log-odds of churn by one spread of the feature.")
    mean: float
    spread: float


class GroupWeightView(Document):
    """Features that a reason speaks of together."""

    group: str
    strength: float = Field(description="How much the group moves the log-odds, in comparison with the others.")
    features: list[FeatureWeightView] = Field(description="The heaviest first.")


class ModelDetail(ModelView):
    """One model in full."""

    horizons: dict[Literal["short", "full"], QualityView]
    groups: list[GroupWeightView] = Field(description="What moves it, the strongest first; of linear models.")
    numbers: dict[str, float] = Field(description="Its other parameters by name.")


class KeptView(Document):
    """A kept checkpoint, to which what was learned can be set back."""

    version: int
    at: Time
    examples: int
    why: Literal["count", "champion"]
    champion: str
    sound: bool
    figures: dict[str, dict[str, FiguresView]] = Field(description="By horizon and model, as they were then.")


class ChangeView(Document):
    """Another model speaks."""

    at: Time
    model: str
    before: str
    why: str
    text: str
    by: str
    evidence: dict[str, Any]


class HistoryView(Document):
    """What was kept and who spoke."""

    checkpoints: list[KeptView] = Field(description="The newest first.")
    changes: list[ChangeView] = Field(description="The newest first.")


class GroupShareView(Document):
    """What a group of features adds together."""

    group: str
    contribution: float


class ContributionView(Document):
    """What one feature of a customer adds."""

    feature: str
    group: str
    meaning: str
    unit: str
    value: float
    contribution: float


class ExplanationView(Document):
    """A customer's risk, taken apart: baseline and contributions sum to its log-odds."""

    profile: str
    model: str = Field(description="Id of the champion now.")
    at: Time = Field(description="Time of the customer's score, as of which this is computed.")
    risk: float
    log_odds: float
    baseline: float = Field(description="Log-odds of the average customer of this model.")
    groups: list[GroupShareView] = Field(
        description="The strongest first. `silence` is what has changed, in all features of orders, since the next "
        "order was due; the rest of what they say counts as `habit` and so on."
    )
    contributions: list[ContributionView] = Field(description="Every feature that adds anything, the strongest first.")
    scored_by: str = Field(description="Id of the model of the score that the profile shows.")
    scored_risk: float = Field(description="That score.")


DriftView.model_rebuild()
