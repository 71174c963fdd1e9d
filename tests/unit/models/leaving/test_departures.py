"""The corrected leaving score: chances that add up, and nothing but BTYD's without corrections."""

import msgspec
import numpy as np
import pytest

from models.churn.kinds.btyd import TYPICAL
from models.churn.panel import Panel
from models.codec import decode, encode
from models.features.table import NAMES
from models.leaving.departures import Correction, Departures
from profiles.errors import Misconfigured
from tests.models.leavers import CONFIG, leavers

X = leavers(200).x
MEAN, SCALE = X.mean(axis=0), X.std(axis=0)
COMPLAINT = NAMES.index("complaint_8w")


def correction(weight: float = 0.0, intercept: float = 0.0) -> Correction:
    return Correction(MEAN, SCALE, np.where(np.arange(len(NAMES)) == COMPLAINT, weight, 0.0), intercept)


def departures(left: float = 0.0, leaves: float = 0.0, **more) -> Departures:
    return Departures(correction(left), correction(leaves), CONFIG.leaving_within, 900, **more)


def test_without_corrections_it_says_what_btyd_says():
    ours, theirs = departures().of(X, TYPICAL), TYPICAL.departures(X, CONFIG)

    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_left_and_leaving_are_chances_whose_sum_is_one():
    left, leaving = departures(left=-9.0, leaves=30.0).of(X, TYPICAL)

    assert (left >= 0).all()
    assert (leaving >= 0).all()
    assert (left + leaving <= 1.0 + 1e-12).all()


def test_trouble_raises_what_it_was_learned_to_raise():
    left, leaving = departures(leaves=0.8).of(X, TYPICAL)
    before_left, before = TYPICAL.departures(X, CONFIG)
    troubled = X[:, COMPLAINT] > 0

    assert left == pytest.approx(before_left)
    assert (leaving[troubled] > before[troubled]).all()
    assert (leaving[~troubled] < before[~troubled]).all()


def test_a_panel_ships_it_and_leaves_out_what_does_not_fit_the_plan_or_the_features():
    panel = Panel.cold(CONFIG)
    with_causes = Panel("rules", panel.models, leaving=departures(leaves=0.8))
    read = Panel.from_json(with_causes.to_json(), CONFIG)

    assert encode(read.leaving) == encode(with_causes.leaving)
    np.testing.assert_array_equal(read.departures(X, CONFIG), with_causes.departures(X, CONFIG))
    assert Panel.from_json(with_causes.to_json(), CONFIG.changed({"leaving_within": "4w"})).leaving is None
    other = Panel("rules", panel.models, leaving=departures(schema="another"))
    assert Panel.from_json(other.to_json(), CONFIG).leaving is None


def test_damage_is_noticed():
    held = msgspec.json.decode(encode(departures()))
    held["left"]["weights"] = held["left"]["weights"][:-1]

    with pytest.raises(Misconfigured):
        decode(msgspec.json.encode(held), Departures, "it")
    with pytest.raises(ValueError, match="finite"):
        correction(intercept=0.0).__class__(MEAN, SCALE, np.full(len(NAMES), np.nan), 0.0)
