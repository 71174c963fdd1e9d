"""The benchmark of early warning compares what was said of a customer with the truth of the same customer."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.early import measure, play
from plan import load_plan
from tests import REPOSITORY
from tests.worlds.shop import shop

pytestmark = pytest.mark.slow


def test_scores_and_truth_are_of_the_same_customers_and_weeks():
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    world = shop(40, 84, seed=2)
    played = play(world, plan)
    orders, weeks = world.lives.signs.orders, np.array(played.weeks)
    ever = np.concatenate([np.zeros((len(orders), 1), dtype=np.int64), orders.cumsum(axis=1)], axis=1)
    silent = ever[:, weeks + played.horizon] == ever[:, weeks]

    np.testing.assert_array_equal(played.judged.y, silent[played.rows])
    np.testing.assert_array_equal(np.isfinite(played.silent["champion"]), world.truth.begins[:, None] < weeks)

    found = measure(played, plan)
    assert found["no_order"]["champion"]["auc"] > 0.8
    assert found["no_order"]["filter"]["log_loss"] < found["no_order"]["champion"]["log_loss"]
    assert {"champion", "filter", "latent"} <= found["leaving_auc"].keys()
    assert found["reasons"]["two weeks later"]["all"]["customers"] > 3
    assert 0 < found["alerts"]["filter"]["before"] <= found["alerts"]["filter"]["recall"] <= 1
