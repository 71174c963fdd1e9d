"""What a worker tells Prometheus."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from streams.metrics import WorkerMetrics

QUALITY = {"hazard": {"short": {"auc": 0.8}}, "rules": {"short": {"auc": 0.6}}}


def test_who_no_longer_learns_says_no_more_which_model_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else two workers would name two models after a rebalance."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    registry = CollectorRegistry()
    metrics = WorkerMetrics(registry)
    metrics.learned(3, ["champion"])
    metrics.models(QUALITY, "hazard")
    assert registry.get_sample_value("rapport_model_champion", {"model": "hazard"}) == 1
    assert registry.get_sample_value("rapport_model_champion", {"model": "rules"}) == 0

    metrics.learns_no_more()
    assert registry.get_sample_value("rapport_model_champion", {"model": "hazard"}) is None
    assert registry.get_sample_value("rapport_model_notices_total", {"kind": "champion"}) == 1  # what was, was
    metrics.models(QUALITY, "rules")
    assert registry.get_sample_value("rapport_model_champion", {"model": "rules"}) == 1
