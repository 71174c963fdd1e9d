"""The benchmark of contracts judges the end of the same companies' contracts that the truth knows of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.early_contracts import contract
from plan import load_plan
from tests import REPOSITORY
from tests.worlds.b2b import B2B, b2b

pytestmark = pytest.mark.slow


def test_contracts_that_end_are_those_that_end_in_truth():
    world = b2b(40, 90, 46, seed=4, rules=replace(B2B, yearly=0.0, base=0.01))

    found = contract(world, load_plan(REPOSITORY / "tracking_plan.yaml"))

    assert found["rows"] > 200
    assert found["ended"] == pytest.approx(found["true"], abs=0.02)
    assert found["models"]["latent"]["auc"] > 0.6
