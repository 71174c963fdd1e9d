"""Businesses that are billed by the month: no model that ranks them worse than the rules is ever shown."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from models.backtest.evaluation import auc, log_loss
from models.backtest.playback import Judged, Log, backtest
from models.config import ChurnConfig
from models.durations import WEEK
from plan import load_plan
from streams.offline import read_log
from tests import REPOSITORY
from tests.b2b import b2b_log

START = 1_700_000_000.0


@pytest.fixture(scope="module")
def log() -> Log:
    """60 companies in a year."""
    events = b2b_log(START, weeks=52)
    rows = ((event["source"], orjson.dumps(event), line) for line, event in enumerate(events, 1))
    return Log.of(read_log(rows, load_plan(REPOSITORY / "tracking_plan.yaml"), START + 53 * WEEK).records)


def auc_in_weeks(judged: Judged) -> float:
    """The AUC of the champion among the companies of one week, which is the list that people work through; the mean by
    who leaves. While a level is learned with few labels, scores of two weeks are on two scales."""
    weeks = [judged.week == week for week in np.unique(judged.week[judged.y > 0])]
    risks = judged.risks["champion"]
    found = [auc(judged.y[week], risks[week]) for week in weeks]
    return float(np.average(found, weights=[judged.y[week].sum() for week in weeks]))


def test_labels_shorter_than_the_time_between_invoices_are_refused_with_a_notice(log: Log) -> None:
    """60 companies, a year, an invoice every 30 days, labels of two weeks: the hazard is the best at saying in which
    two weeks an invoice comes, and tells who leaves with an AUC of .70 where the rules have .94."""
    config = ChurnConfig(horizon=8 * WEEK, label_horizon=2 * WEEK)

    judged = backtest(log, config, "EUR")

    assert auc_in_weeks(judged) > 0.95
    assert auc(judged.y, judged.risks["champion"]) > 0.85
    assert auc(judged.y, judged.risks["rules"]) > auc(judged.y, judged.risks["hazard"])
    assert set(judged.champions.values()) == {"rules"}
    assert [notice.kind for notice in judged.learner.news()] == ["refused"]
    assert "usual gap" in judged.learner.told.notices[0].text


def test_a_company_that_cancels_or_stops_using_it_is_told_before_it_does(log: Log) -> None:
    """Neither is about orders: a subscription that ends, and a product that nobody uses any more."""
    plan = ChurnConfig.model_validate(
        {
            "definitions": [
                {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "8w"},
                {"name": "unused", "ends_by": {"disuse": "feature_use"}, "horizon": "4w", "label_horizon": "1w"},
            ]
        }
    )

    cancels = backtest(log, plan.of("cancels"), "EUR")
    assert 0.03 < cancels.y.mean() < 0.08  # a third of sixty within a year
    assert auc_in_weeks(cancels) > 0.75
    assert auc(cancels.y, cancels.risks["champion"]) > 0.78
    losses = {name: log_loss(cancels.y, cancels.risks[name]) for name in ("champion", "rules", "base_rate")}
    assert losses["champion"] < losses["base_rate"] - 0.03
    assert losses["champion"] < losses["rules"] + 0.005

    unused = backtest(log, plan.of("unused"), "EUR")
    assert auc(unused.y, unused.risks["champion"]) > 0.9
    assert {"hazard", "stack"} & set(unused.champions.values())
