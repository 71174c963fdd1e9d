"""The figures follow their definitions, forget, and are the same after a restart."""

import math

import numpy as np
import pytest

from models.codec import decode, encode
from models.learning.quality import Ledger, Quality, judge
from profiles.errors import Misconfigured


def judged(p, y, half=10**9):
    quality = Quality.new(half)
    quality.add(judge(p, y))
    return quality


def test_figures_follow_their_definitions():
    rng = np.random.default_rng(5)
    p = rng.beta(1, 4, 3000)
    y = rng.random(3000) < p
    report = judged(p, y).report()

    assert report["rows"] == 3000
    assert report["log_loss"] == pytest.approx(-np.mean(np.log(np.where(y, p, 1 - p))), abs=1e-6)
    assert report["brier"] == pytest.approx(np.mean((p - y) ** 2), abs=1e-6)
    assert report["bias"] == pytest.approx(p.mean() - y.mean(), abs=1e-6)
    assert report["bias_error"] == pytest.approx(y.std() / math.sqrt(3000), rel=0.01)
    pairs = p[y][:, None] - p[~y][None]
    assert report["auc"] == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)), abs=0.01)
    assert report["ece"] < 0.03


def test_the_calibration_error_is_that_of_groups_of_equal_weight():
    rng = np.random.default_rng(6)
    p = np.repeat([0.1, 0.3, 0.6], 1000)
    y = rng.random(3000) < np.repeat([0.2, 0.3, 0.4], 1000)
    expected = np.mean([abs(y[i : i + 1000].mean() - p[i]) for i in (0, 1000, 2000)])

    quality = judged(p, y)

    assert quality.report()["ece"] == pytest.approx(expected, abs=1e-6)
    groups = np.array(quality.calibration())
    assert groups[:, 0] == pytest.approx([0.1, 0.3, 0.6], abs=1e-6)
    assert groups[:, 1] == pytest.approx([y[i : i + 1000].mean() for i in (0, 1000, 2000)], abs=1e-6)
    assert groups[:, 2] == pytest.approx([1 / 3] * 3)
    assert Quality.new().calibration() == []


def test_it_forgets_and_says_nothing_before_it_knows():
    quality = Quality.new(half=100)
    assert quality.report() == {"rows": 0}
    assert quality.log_loss == math.inf
    for _ in range(1000):
        quality.add(judge([0.5], [True]))
    assert "auc" not in quality.report()
    for _ in range(1000):
        quality.add(judge([0.5], [False]))

    assert quality.report()["rate"] < 0.01
    assert quality.weight <= 200


def test_weights_count_as_so_many_outcomes_but_are_no_more_certain_than_one():
    heavy, often = Quality.new(), Quality.new()
    heavy.add(judge([0.3], [True], 4.0))
    for _ in range(4):
        often.add(judge([0.3], [True]))

    heavily, oftentimes = heavy.report(), often.report()
    assert heavily.pop("bias_error") == pytest.approx(2 * oftentimes.pop("bias_error"))
    assert {**heavily, "rows": 4} == pytest.approx(oftentimes, abs=1e-6)


def test_no_certain_mistake_is_infinite():
    quality = Quality.new()
    quality.add(judge([0.0], [True]))
    quality.add(judge([1.0], [False]))

    assert math.isfinite(quality.log_loss)


def test_it_goes_on_from_its_state_to_the_bit():
    rng = np.random.default_rng(7)
    first, straight = Quality.new(50), Quality.new(50)
    for i, p in enumerate(rng.random(500).tolist()):
        straight.add(judge([p], [i % 3 == 0]))
        first.add(judge([p], [i % 3 == 0]))
        first = decode(encode(first), Quality, "it")

    assert encode(first) == encode(straight)


@pytest.mark.parametrize(
    "bins", [b"[[64,3],[99,1,1,1]]", b"[[64,2],[9,1,1]]", b"[[64,3],[9,1]]", b"null", b'[[64,3],["x",1,1,1]]']
)
def test_a_damaged_state_is_refused(bins):
    whole = encode(judged([0.5], [True]))
    whole, _, _ = whole.partition(b'"bins":')
    with pytest.raises(Misconfigured, match="damaged"):
        decode(whole + b'"bins":' + bins + b"}", Quality, "it")
    with pytest.raises(Misconfigured, match="damaged"):
        decode(b"{}", Quality, "it")


def test_the_ledger_keeps_all_the_untouched_and_segments_apart():
    ledger = Ledger.new()
    ledger.add({"hazard": 0.2, "rules": 0.4}, y=False, weight=1.0, touched=False, segments=["vip"])
    ledger.add({"hazard": 0.9}, y=True, weight=1.0, touched=True, segments=["new", "vip"])

    report = ledger.report("hazard")
    assert (report["all"]["rows"], report["untouched"]["rows"]) == (2, 1)
    assert {name: figures["rows"] for name, figures in report["segments"].items()} == {"vip": 2, "new": 1}
    assert ledger.report("rules")["all"]["rows"] == 1
    assert ledger.report("direct") == {"all": {"rows": 0}, "untouched": {"rows": 0}, "segments": {}}
    assert encode(decode(encode(ledger), Ledger, "it")) == encode(ledger)


def test_segments_are_bounded_and_the_forgotten_one_makes_room():
    ledger = Ledger.new()
    for i in range(40):
        ledger.add({"hazard": 0.5}, y=True, weight=1.0, touched=False, segments=[f"s{i}", "s0"])

    segments = ledger.report("hazard")["segments"]
    assert len(segments) == 32
    assert "s0" in segments
    assert "s1" not in segments
