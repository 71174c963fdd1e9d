"""Which tests are traced where coverage is measured: each traced line costs as much as two or three that are not."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests import REPOSITORY

__all__ = ["TRACED", "is_traced", "pytest_runtest_protocol"]

TRACED = ("contracts", "unit/models", "unit/plan", "unit/profiles", "unit/streams")
"""The folders whose tests must reach nine tenths of models, plan, profiles and streams.steps. Properties take the same
lines thousands of times: traced they cost twice as much, and reach a quarter of a percent more."""

_LONG = {
    "unit/models/backtest/test_playback.py",
    "unit/models/churn/kinds/test_btyd.py",
    "unit/models/churn/kinds/test_stack.py",
    "unit/models/churn/test_by_name.py",
    "unit/models/labels/test_snapshots.py",
    "unit/models/learning/test_calibration.py",
    "unit/models/population/test_clusters.py",
    "unit/models/population/test_personas.py",
    "unit/models/test_libraries.py",
}
"""Files in them that go through the same lines very often."""

_TESTS = REPOSITORY / "tests"


def is_traced(item: pytest.Item) -> bool:
    """Whether what a test reaches counts."""
    name = item.path.relative_to(_TESTS).as_posix()
    return (
        item.get_closest_marker("quick") is not None
        and name.startswith(tuple(f"{folder}/" for folder in TRACED))
        and name not in _LONG
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Trace nothing, also of fixtures, where it does not count; see also `pytest.mark.no_cover`."""
    plugin = item.config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is None or is_traced(item):
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()
