import msgspec
import numpy as np
import pytest

from models.churn.kinds.base_rate import RunningRate, read
from models.churn.model import Outdated, Row
from models.churn.scaling import Scaling
from models.churn.scores import score_profiles
from models.churn.weights import ahead
from models.codec import encode
from models.config import ChurnConfig
from models.durations import DAY
from models.features.matrix import matrix
from models.features.reading import raws
from profiles.errors import Misconfigured
from tests.build import CONFIG, T0, buyer

PEOPLE = [buyer(0, 20), buyer(5)]
RAWS, NOW = raws(PEOPLE, "EUR"), np.full(2, T0 + 60 * DAY)
ROW = Row(np.zeros(3), np.zeros(3))  # nobody looks at it


def new() -> RunningRate:
    return RunningRate.new(CONFIG, Scaling.new())


def counted(short=30, full=0) -> RunningRate:
    """One in three orders within the label horizon, two in three within the churn horizon."""
    rate = new()
    for i in range(short):
        rate.learn_short(ROW, i % 3 == 0, 2.0)
    for i in range(full):
        rate.learn_full(ROW.x, i % 3 > 0, 1.0)
    return rate


def test_before_the_first_label_there_is_no_rate():
    assert new().export(CONFIG) is None


def test_the_short_rate_is_rolled_up_until_a_full_label_has_matured():
    early, later = counted().export(CONFIG), counted(full=300).export(CONFIG)

    assert early.order == later.order == pytest.approx(20.5 / 61)
    assert early.churn == pytest.approx((1 - early.order) ** 6.5)
    assert later.churn == pytest.approx(1 / 3, abs=0.002)
    assert (early.id, later.id) == ("base-rate-30", "base-rate-330")


def test_everyone_runs_the_same_risk_for_no_reason():
    rate = counted(full=30).export(CONFIG)

    scores = rate.score(RAWS, NOW, CONFIG)
    [score, _] = score_profiles(PEOPLE, NOW.tolist(), rate, CONFIG, "EUR")

    np.testing.assert_array_equal(scores.risk, [rate.churn] * 2)
    np.testing.assert_allclose(scores.baseline, np.log(rate.churn / (1 - rate.churn)), atol=1e-12)
    assert not scores.contributions.any()
    assert (score.risk, score.reasons) == (pytest.approx(rate.churn, abs=1e-9), [])
    np.testing.assert_array_equal(rate.risk(ahead(RAWS, NOW, CONFIG), CONFIG), scores.risk)
    np.testing.assert_array_equal(rate.short(matrix(RAWS, NOW), CONFIG), [rate.order] * 2)


def test_state_and_rate_go_through_json():
    before = counted(full=7)

    after = new().resume(encode(before.state()))

    for rate in (before, after):
        rate.learn_full(ROW.x, True, 3.0)
    assert after.state() == before.state()
    assert read(after.export(CONFIG).to_json(), CONFIG) == before.export(CONFIG)


def test_a_rate_of_other_horizons_is_outdated():
    data = counted().export(CONFIG).to_json()

    for other in (ChurnConfig(horizon="13w"), ChurnConfig(label_horizon="2w")):
        with pytest.raises(Outdated):
            read(data, other)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_what_stands_for_no_number_of_examples_is_refused(weight):
    with pytest.raises(ValueError, match="finite"):
        new().learn_short(ROW, True, weight)


@pytest.mark.parametrize(
    "damage", [{"short": [1.0]}, {"full": [float("nan"), 1.0]}, {"short": [-1.0, 0.0]}, {"full": None}, {"x": 1}]
)
def test_damaged_counts_are_refused(damage):
    with pytest.raises(Misconfigured):
        new().resume(encode(msgspec.structs.asdict(counted()) | damage))


@pytest.mark.parametrize("change", [(b'"churn":', b'"churn":1'), (b'"order":', b'"order":-'), (b"{", b"[")])
def test_a_damaged_rate_is_refused(change):
    with pytest.raises(Misconfigured):
        read(counted().export(CONFIG).to_json().replace(*change), CONFIG)
