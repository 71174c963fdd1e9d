"""Businesses that are billed by the month: no model that ranks them worse than the rules is ever shown."""

from __future__ import annotations

import orjson

from models.backtest.evaluation import auc
from models.backtest.playback import Log, backtest
from models.config import ChurnConfig
from models.durations import WEEK
from plan import load_plan
from streams.offline import read_log
from tests import REPOSITORY
from tests.b2b import b2b_log

START = 1_700_000_000.0


def test_labels_shorter_than_the_time_between_invoices_are_refused_with_a_notice() -> None:
    """60 companies, a year, an invoice every 30 days, labels of two weeks: the hazard is the best at saying in which
    two weeks an invoice comes, and tells who leaves with an AUC of .70 where the rules have .94."""
    events = b2b_log(START, weeks=52)
    rows = ((event["source"], orjson.dumps(event), line) for line, event in enumerate(events, 1))
    log = Log.of(read_log(rows, load_plan(REPOSITORY / "tracking_plan.yaml"), START + 53 * WEEK).records)
    config = ChurnConfig(horizon=8 * WEEK, label_horizon=2 * WEEK)

    judged = backtest(log, config, "EUR")

    assert auc(judged.y, judged.risks["champion"]) > 0.9
    assert auc(judged.y, judged.risks["rules"]) > auc(judged.y, judged.risks["hazard"])
    assert set(judged.champions.values()) == {"rules"}
    assert [notice.kind for notice in judged.learner.news()] == ["refused"]
    assert "usual gap" in judged.learner.told.notices[0].text
