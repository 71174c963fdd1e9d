"""The learner's report, as people and tools read it: pure functions to the API's documents."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from console.views.model_documents import (
    AlarmView,
    ChangeView,
    ContributionView,
    DecisionView,
    DriftView,
    ExplanationView,
    FiguresView,
    GroupShareView,
    GroupWeightView,
    HistoryView,
    KeptView,
    ModelDetail,
    ModelsView,
    ModelView,
    NoticeView,
    QualityView,
    SignalView,
    StandingView,
)
from models.churn.model import Scores
from models.churn.scores import GROUPS, group_shares
from models.learning.notices import Decided, Notice
from models.learning.promotion import Change
from models.learning.report import MEANING, KeptVersion, Report, contributions, inside
from profiles.times import rfc3339
from profiles.types import Profile

__all__ = ["decision_view", "explanation_view", "history_view", "model_detail", "models_view"]


def models_view(report: Report) -> ModelsView:
    """All models."""
    promotion, panel = report.promotion, report.panel
    return ModelsView(
        champion=panel.champion_name,
        since=_time(promotion.since),
        decided_by=promotion.pinned or None,
        settled=promotion.settled,
        version=panel.version,
        trained_until=_time(panel.trained_until),
        records=dict(report.counts),
        models=[ModelView(**_model(report, name)) for name in report.names],
        drift=_drift(report),
        began_anew=next((_notice(notice) for notice in reversed(report.notices) if notice.kind == "anew"), None),
        notices=[_notice(notice) for notice in reversed(report.notices)],
        decisions=[decision_view(decided) for decided in reversed(report.decisions)],
    )


def model_detail(report: Report, name: str) -> ModelDetail:
    """One model in full."""
    model = report.model(name)
    groups, numbers = inside(model) if model is not None else ([], {})
    return ModelDetail(
        **_model(report, name),
        horizons={
            "short": QualityView(**report.short.report(name)),
            "full": QualityView(**report.full.report(name)),
        },
        groups=[GroupWeightView(**msgspec.structs.asdict(group)) for group in groups],
        numbers=numbers,
    )


def history_view(report: Report, kept: list[KeptVersion]) -> HistoryView:
    """What was kept and who spoke."""
    return HistoryView(
        checkpoints=[
            KeptView(**{**msgspec.structs.asdict(one), "at": rfc3339(one.at)})
            for one in sorted(kept, key=lambda one: -one.version)
        ],
        changes=[_change(change) for change in reversed(report.promotion.changes)],
    )


def decision_view(decided: Decided) -> DecisionView:
    """A person's decision that was carried out, or refused."""
    return DecisionView(
        id=decided.id,
        action=decided.action,
        target=decided.target,
        at=rfc3339(decided.time),
        by=decided.by,
        done=decided.done,
        text=decided.text,
    )


def explanation_view(profile: Profile, model: str, scores: Scores) -> ExplanationView:
    """A customer's risk, taken apart; `scores` of this customer alone, as of their score."""
    assert profile.score is not None
    rows = contributions(scores.values[0], scores.contributions[0])
    groups = dict(zip(GROUPS, group_shares(scores)[0].tolist(), strict=True))
    baseline = float(scores.baseline[0])
    return ExplanationView(
        profile=profile.id,
        model=model,
        at=rfc3339(profile.score.at),
        risk=float(scores.risk[0]),
        log_odds=baseline + math.fsum(row.contribution for row in rows),
        baseline=baseline,
        groups=[
            GroupShareView(group=group, contribution=share)
            for group, share in sorted(groups.items(), key=lambda item: -abs(item[1]))
            if share
        ],
        contributions=[ContributionView(**msgspec.structs.asdict(row)) for row in rows],
        scored_by=profile.score.model,
        scored_risk=profile.score.risk,
    )


def _model(report: Report, name: str) -> dict[str, Any]:
    model = report.model(name)
    is_champion = report.panel.champion_name == name
    standings = {standing.model: standing for standing in report.promotion.standings}
    standing = standings.get(name) if not is_champion else None
    return {
        "name": name,
        "id": None if model is None else model.id,
        "meaning": MEANING[name],
        "role": "champion" if is_champion else "silent" if model is None else "shadow",
        "since": _time(report.promotion.since) if is_champion else None,
        "examples": getattr(model, "examples", getattr(model, "customers", 0)),
        "short": FiguresView(**report.short.of(name).report()),
        "full": FiguresView(**report.full.of(name).report()),
        "standing": None
        if standing is None
        else StandingView(**{key: value for key, value in msgspec.structs.asdict(standing).items() if key != "model"}),
    }


def _drift(report: Report) -> DriftView:
    signals = {name: report.drift.get(name) or {} for name in ("error", "activity")}
    alarms = [notice for notice in report.notices if notice.kind == "drift"]
    return DriftView(
        error=_signal(signals["error"].get("mean", 0.0), signals["error"].get("last")),
        activity=_signal(signals["activity"].get("mean", 0.0), signals["activity"].get("last")),
        alarms=[_alarm(notice) for notice in reversed(alarms)],
        segments=report.biased(),
    )


def _signal(mean: float, move: Mapping[str, float] | None) -> SignalView:
    if move is None:
        return SignalView(mean=mean, moved_at=None)
    return SignalView(mean=mean, moved_at=rfc3339(move["at"]), before=move["before"], after=move["after"])


def _alarm(notice: Notice) -> AlarmView:
    evidence = notice.evidence
    return AlarmView(
        id=notice.id,
        at=rfc3339(notice.at),
        direction="more" if evidence["direction"] > 0 else "fewer",
        text=notice.text,
        error=_signal(evidence["error"]["after"], evidence["error"]),
        activity=_signal(evidence["activity"]["after"], evidence["activity"]),
    )


def _notice(notice: Notice) -> NoticeView:
    return NoticeView(**{**msgspec.structs.asdict(notice), "at": rfc3339(notice.at)})


def _change(change: Change) -> ChangeView:
    return ChangeView(**{**msgspec.structs.asdict(change), "at": rfc3339(change.at)})


def _time(seconds: float) -> str | None:
    return rfc3339(seconds) if seconds else None
