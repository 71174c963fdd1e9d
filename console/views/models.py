"""The models as people and tools read them: the learner's report, and a customer's risk taken apart."""

from __future__ import annotations

import math
from typing import Any, Literal

from msgspec import convert
from pydantic import Field

from console.views.churn import OutlookView
from console.views.document import Document, Risk, Time
from models.churn.kinds import KINDS
from models.churn.kinds.survival import Survival
from models.churn.model import Scores
from models.churn.outlook import Outlook
from models.churn.scores import GROUPS, group_shares
from models.companies.learning import Taught, quality
from models.companies.scorecard import BY_HAND
from models.companies.words import MEANINGS
from models.labels.acting import Acting
from models.labels.groups import in_words
from models.learning.drift import Alarm, Move
from models.learning.notices import Notice
from models.learning.records.changed import Changed
from models.learning.report import Contribution, KeptVersion, Report, contributions, group_weights
from models.leaving.standing import STILL_HERE, Standing
from profiles.types import Profile, Score

__all__ = [
    "DecisionView", "ExplanationView", "HistoryView", "HoldOutView", "ModelDetail", "ModelsView", "explanation_view",
    "history_view", "hold_out_view", "model_detail", "models_view",
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
    """How a model compares with the champion, on the whole horizon."""

    blocks: int = Field(description="Latest consecutive blocks that both answered; four are needed.")
    rows: int = Field(description="Labels in them.")
    difference: float | None = Field(description="Of the mean log loss in them; below zero is better.")
    interval: tuple[float, float] | None = Field(description="99 %, by customers.")
    ece: float | None
    better: bool = Field(description="All that a promotion asks for.")


class ModelView(Document):
    """One model."""

    name: str
    id: str | None = Field(description="As shown with a score; null while it has not learned enough to score.")
    meaning: str
    role: Literal["champion", "shadow", "silent"] = Field(description="`silent` has not learned enough.")
    since: Time | None = Field(description="Since when it is the champion; null for others.")
    examples: int = Field(description="Learned from, or fitted to.")
    grown: Time | None = Field(description="When `rapport models refit` has grown it; null for all others.")
    short: FiguresView = Field(description="On an order within the label horizon.")
    full: FiguresView = Field(description="On churn within the churn horizon.")
    standing: StandingView | None = Field(description="Against the champion; null for that one.")
    refused: str | None = Field(description="Why it may not be chosen: its long outcomes are worse than the rules'.")


class SignalView(Document):
    """One of the two signals of drift."""

    mean: float = Field(description="In the present window.")
    moved_at: Time | None = Field(description="When it last moved.")
    before: float | None = None
    after: float | None = None


class AlarmView(Document):
    """Both signals agreed."""

    id: str
    at: Time
    direction: Literal["more", "fewer"] = Field(description="Orders than before.")
    text: str
    error: SignalView
    activity: SignalView


class ChangedView(Document):
    """Customers of one group leave more or less often than before, and the others do not."""

    id: str
    at: Time
    group: str
    meaning: str = Field(description="Who is in it.")
    since: Time
    times: float = Field(description="As often as before, next to what was foreseen of them.")
    others: float = Field(description="The same of all other customers.")
    text: str


class DriftView(Document):
    """Whether customers behave in another way than the models have learned."""

    error: SignalView = Field(description="Of the hazard: an order came (1) or not (0), less its chance.")
    activity: SignalView = Field(description="Share of customers with an order in the week before they were seen.")
    alarms: list[AlarmView] = Field(description="Both moved in the same direction; the newest first.")
    segments: list[str] = Field(description="In which the champion is off by more than chance.")
    groups: list[str] = Field(
        description="Of customers, in words, for whom the risks that are shown are off by more than chance although "
        "they are calibrated: these have changed of late."
    )
    changed: list[ChangedView] = Field(
        description="Groups of customers who leave more or less often than they did, the newest first."
    )


class LeavingView(Document):
    """The leaving score: with what is known of causes, and by orders and visits alone, judged in hindsight."""

    speaks: Literal["causes", "btyd"] = Field(description="Whose answers scores carry.")
    labels: int = Field(description="Labels of hindsight, each judged before it was learned.")
    causes: FiguresView
    btyd: FiguresView
    causes_still_here: FiguresView = Field(description="Of customers who were most likely still there.")
    btyd_still_here: FiguresView


class SignalWeightView(Document):
    """What a signal of a company counts."""

    signal: str
    meaning: str = Field(description="What one unit of it is.")
    weight: float = Field(description="Log-odds of leaving for each unit, as companies have taught it.")
    by_hand: float = Field(description="As it was set by hand.")


class CompaniesView(Document):
    """What predicts the risk of companies: a scorecard set by hand, learned anew from those who left and stayed."""

    id: str = Field(description="As shown with a score.")
    speaks: Literal["learned", "rules", "base_rate"] = Field(
        description="Whose answer scores carry: of `base_rate` in part, while all else was worse."
    )
    labels: int = Field(description="Learned from; each was judged before.")
    left: int = Field(description="Of those.")
    trained_until: Time | None
    shown: FiguresView = Field(description="The risks that were shown when the snapshots were taken.")
    learned: FiguresView
    rules: FiguresView = Field(description="By the weights set by hand.")
    base_rate: FiguresView
    base: float = Field(description="Log-odds of a company of which no signal speaks, as companies have taught it.")
    base_by_hand: float
    weights: list[SignalWeightView]


class NoticeView(Document):
    """What the learner told people, as on the topic `alerts`."""

    id: str
    kind: Literal["drift", "changed", "rollback", "champion", "anew", "refused", "grown", "leaving"]
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


class LeaversView(Document):
    """Labels of the churn horizon of customers whose risk was high, of one group."""

    labels: float = Field(description="Several of one customer.")
    left: Risk | None = Field(description="The share that left; null of none.")


class HoldOutView(Document):
    """What having alerts is worth: those held out, for whom none opens that looks at the risk, and the others."""

    share: float = Field(description="Of all customers, as the plan has it.")
    held_out: LeaversView
    others: LeaversView
    effect: float | None = Field(
        description="The share that left of those held out, less that of the others; null below 30 labels of each."
    )


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
    leaving: LeavingView
    hold_out: HoldOutView | None = Field(description="Null without a hold-out.")
    companies: CompaniesView | None = Field(
        description="Null before the first label of a company, and by a further definition."
    )
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
    """Features that share one reason."""

    group: str
    strength: float = Field(description="How much the group moves the log-odds, in comparison with the others.")
    features: list[FeatureWeightView] = Field(description="The heaviest first.")


class CalibrationView(Document):
    """How right the risks are that customers of one group are shown; each is judged before it is learned from."""

    group: str
    meaning: str = Field(description="Who is in it.")
    rows: int = Field(description="Labels of the churn horizon.")
    rate: float = Field(description="Share that churned.")
    bias: float = Field(description="Mean risk less that share.")
    bias_error: float
    ece: float
    uncalibrated: float = Field(description="The bias without what groups teach.")


class BinView(Document):
    """Outcomes of neighbouring predictions."""

    predicted: float = Field(description="Mean prediction.")
    rate: float = Field(description="Observed rate; of a calibrated model, the same.")
    share: float = Field(description="Of all outcomes judged.")


class ModelDetail(ModelView):
    """One model in full."""

    horizons: dict[Literal["short", "full"], QualityView]
    groups: list[GroupWeightView] = Field(description="What moves it, the strongest first; of linear models.")
    bins: list[BinView] = Field(
        description="How right its predictions of churn are: at most 16 groups of about equal weight."
    )
    calibration: list[CalibrationView] = Field(
        description="Of the champion, by group of customers, the largest first: how right the risks are that are shown."
    )
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
    """Another model became the champion."""

    at: Time
    model: str
    before: str
    why: str
    text: str
    by: str
    evidence: dict[str, Any]


class HistoryView(Document):
    """The kept checkpoints, and which model was the champion when."""

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
    risk: Risk
    log_odds: float
    baseline: float = Field(description="Log-odds of the average customer of this model.")
    groups: list[GroupShareView] = Field(
        description="The strongest first. `silence` is what has changed, in all features of orders, since the next "
        "order was due; the rest of what they say counts as `habit` and so on."
    )
    contributions: list[ContributionView] = Field(description="Every feature that adds anything, the strongest first.")
    scored_by: str = Field(description="Id of the model of the score that the profile shows.")
    scored_risk: Risk = Field(description="That score.")
    outlook: OutlookView | None = Field(description="What is to be expected of the customer from `at` on.")


def models_view(report: Report, hold_out: float) -> ModelsView:
    """All models; `hold_out` is the plan's share."""
    promotion, panel = report.promotion, report.panel
    notices = [NoticeView.of(notice) for notice in reversed(report.told.notices)]
    return ModelsView(
        champion=panel.champion_name,
        since=promotion.since or None,
        decided_by=promotion.pinned or None,
        settled=promotion.settled,
        version=panel.version,
        trained_until=panel.trained_until or None,
        records=dict(report.counts),
        models=[ModelView(**_model(report, name)) for name in report.names],
        drift=_drift(report),
        leaving=_leaving(report.figures.leaving),
        hold_out=hold_out_view(report.figures.acting, hold_out),
        companies=None if report.companies is None else _companies(report.companies),
        began_anew=next((notice for notice in notices if notice.kind == "anew"), None),
        notices=notices,
        decisions=[DecisionView.of(decided, at=decided.time) for decided in reversed(report.told.decisions)],
    )


def hold_out_view(acting: Acting, share: float) -> HoldOutView | None:
    """What having alerts is worth, of a plan that holds this share of customers out."""
    if not share:
        return None
    groups = {
        name: LeaversView(labels=group.labels, left=group.share)
        for name, group in (("held_out", acting.held_out), ("others", acting.others))
    }
    return HoldOutView(share=share, effect=acting.effect, **groups)


def _companies(taught: Taught) -> CompaniesView:
    card, shown, by_base_rate = taught.card(), taught.shown(), taught.by_base_rate
    return CompaniesView(
        id=shown.id,
        speaks="base_rate" if by_base_rate else "learned" if taught.proved else "rules",
        labels=taught.labels,
        left=taught.left,
        trained_until=taught.trained_until or None,
        base=card.base,
        base_by_hand=BY_HAND.base,
        weights=[
            SignalWeightView(signal=name, meaning=MEANINGS[name], weight=weight, by_hand=BY_HAND.weights[name])
            for name, weight in card.weights.items()
        ],
        **{name: FiguresView(**figures) for name, figures in quality(taught).items()},
    )


def _leaving(standing: Standing) -> LeavingView:
    told = {name: standing.ledger.report(name) for name in ("causes", "btyd")}
    nothing: dict[str, float] = {"rows": 0}
    figures = {name: FiguresView(**report["all"]) for name, report in told.items()}
    figures |= {
        f"{name}_still_here": FiguresView(**report["segments"].get(STILL_HERE, nothing))
        for name, report in told.items()
    }
    return LeavingView(speaks="causes" if standing.speaks else "btyd", labels=standing.labels, **figures)


def model_detail(report: Report, name: str) -> ModelDetail:
    """One model in full."""
    model = report.model(name)
    return ModelDetail(
        **_model(report, name),
        horizons={"short": report.figures.short.report(name), "full": report.figures.full.report(name)},
        groups=[] if model is None else group_weights(model),
        bins=[
            BinView(predicted=predicted, rate=rate, share=share)
            for predicted, rate, share in report.figures.full.of(name).calibration()
        ],
        calibration=_calibration(report) if name == report.panel.champion_name else [],
        numbers={} if model is None else model.numbers(),
    )


def history_view(report: Report, kept: list[KeptVersion]) -> HistoryView:
    """The kept checkpoints, and which model was the champion when."""
    checkpoints = sorted(kept, key=lambda one: -one.version)
    return HistoryView(checkpoints=checkpoints, changes=report.promotion.changes[::-1])


def explanation_view(
    profile: Profile, score: Score, model: str, scores: Scores, expected: Outlook | None
) -> ExplanationView:
    """A customer's risk, taken apart; `scores` and `expected` of this customer alone, as of their `score`."""
    rows = contributions(scores.values[0], scores.contributions[0])
    groups = dict(zip(GROUPS, group_shares(scores)[0].tolist(), strict=True))
    baseline = float(scores.baseline[0])
    if scores.likeness is not None:
        share = float(scores.likeness[0])
        groups["likeness"] = share
        meaning = "what customers of the same groups have taught beyond that"
        rows = [*rows, Contribution("likeness", "likeness", meaning, "log-odds", share, share)]
    return ExplanationView(
        profile=profile.id,
        model=model,
        at=score.at,
        risk=float(scores.risk[0]),
        log_odds=baseline + math.fsum(row.contribution for row in rows),
        baseline=baseline,
        groups=[
            GroupShareView(group=group, contribution=share)
            for group, share in sorted(groups.items(), key=lambda item: -abs(item[1]))
            if share
        ],
        contributions=rows,
        scored_by=score.model,
        scored_risk=score.risk,
        outlook=None if expected is None else OutlookView.of(expected),
    )


def _model(report: Report, name: str) -> dict[str, Any]:
    model = report.model(name)
    is_champion = report.panel.champion_name == name
    standings = {standing.model: standing for standing in report.promotion.standings}
    return {
        "name": name,
        "id": None if model is None else model.id,
        "meaning": KINDS[name].meaning,
        "role": "champion" if is_champion else "silent" if model is None else "shadow",
        "since": (report.promotion.since or None) if is_champion else None,
        "examples": getattr(model, "examples", getattr(model, "customers", 0)),
        "grown": model.made if isinstance(model, Survival) else None,
        "short": report.figures.short.of(name).report(),
        "full": report.figures.full.of(name).report(),
        "standing": None if is_champion else standings.get(name),
        "refused": report.promotion.refused.get(name),
    }


def _calibration(report: Report) -> list[CalibrationView]:
    shown, before = (report.figures.groups.report(name)["segments"] for name in ("champion", "uncalibrated"))
    rows = [
        CalibrationView(group=group, meaning=in_words(group), uncalibrated=before[group]["bias"], **_kept(figures))
        for group, figures in shown.items()
    ]
    return sorted(rows, key=lambda row: (-row.rows, row.group))


def _kept(figures: dict[str, float]) -> dict[str, Any]:
    return {name: figures[name] for name in ("rows", "rate", "bias", "bias_error", "ece")}


def _drift(report: Report) -> DriftView:
    return DriftView(
        error=_signal(report.drift.error.mean, report.drift.error.last),
        activity=_signal(report.drift.activity.mean, report.drift.activity.last),
        alarms=[_alarm(notice) for notice in reversed(report.told.notices) if notice.kind == "drift"],
        segments=report.biased(),
        groups=[in_words(group) for group in report.biased_groups()],
        changed=[_changed(notice) for notice in reversed(report.told.notices) if notice.kind == "changed"],
    )


def _signal(mean: float, move: Move | None) -> SignalView:
    if move is None:
        return SignalView(mean=mean, moved_at=None)
    return SignalView(mean=mean, moved_at=move.at, before=move.before, after=move.after)


def _changed(notice: Notice) -> ChangedView:
    change = convert(notice.evidence, Changed)
    return ChangedView(
        id=notice.id,
        at=notice.at,
        group=change.group,
        meaning=in_words(change.group),
        since=change.since,
        times=change.times,
        others=change.others,
        text=notice.text,
    )


def _alarm(notice: Notice) -> AlarmView:
    alarm = convert(notice.evidence, Alarm)
    return AlarmView.of(
        notice,
        direction="more" if alarm.direction > 0 else "fewer",
        error=_signal(alarm.error.after, alarm.error),
        activity=_signal(alarm.activity.after, alarm.activity),
    )
