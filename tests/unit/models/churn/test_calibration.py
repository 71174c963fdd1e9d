"""What groups say is added to the log-odds, for itself."""

from __future__ import annotations

import numpy as np
import pytest

from models.churn.calibration import EVERYBODY, MOST, UNIT, Calibration, log_odds
from models.churn.kinds.rules import rules
from models.churn.panel import Panel
from models.churn.scores import LIKE, liken, score_profiles
from models.config import ChurnConfig
from models.durations import DAY
from models.features.reading import raws
from models.labels.groups import groups_of
from profiles.errors import Misconfigured
from tests.build import CONFIG, T0, buyer

CALIBRATION = Calibration("rules", {EVERYBODY: (0.1, -0.2), "kind:once": (0.5, 0.3), "source:web": (-0.7, 0.0)})
PEOPLE = [buyer(0), buyer(5), buyer(0, 20, 31), buyer(3, 6, 9)]
AT = np.full(len(PEOPLE), T0 + 60 * DAY)


def test_baseline_contributions_and_likeness_sum_to_the_log_odds() -> None:
    """To rounding, of every customer."""
    scores = rules(CONFIG).score(raws(PEOPLE, "EUR"), AT, CONFIG)
    groups = [groups_of(profile, CONFIG.groups) for profile in PEOPLE]

    shown = liken(scores, CALIBRATION, groups)

    assert shown.likeness is not None
    assert np.abs(shown.likeness).min() > 0.01
    odds = scores.baseline + scores.contributions.sum(axis=1) + shown.likeness
    np.testing.assert_allclose(odds, np.log(shown.risk / (1 - shown.risk)), atol=1e-9)
    np.testing.assert_allclose(CALIBRATION.risks(scores.risk, groups), shown.risk, atol=1e-9)


def test_only_the_groups_of_a_customer_say_anything() -> None:
    """And everybody's."""
    odds = np.array([0.0, 3.0, 100.0])

    shifts = CALIBRATION.shifts(odds, [[], ["kind:once", "nobody"], ["source:web"]])

    assert shifts == pytest.approx([0.1, 0.6 + 0.1 * 3.0 / UNIT, -0.6 - 0.2 * MOST / UNIT])


def test_a_score_tells_of_it_as_one_reason() -> None:
    """Named by the group that says most of it; the model's own scores stay as they were without."""
    times = AT.tolist()
    plain = score_profiles(PEOPLE, times, rules(CONFIG), CONFIG, "EUR")

    shown = score_profiles(PEOPLE, times, rules(CONFIG), CONFIG, "EUR", calibration=CALIBRATION)

    assert [len(score.reasons) <= 4 for score in shown if score] == [True] * 4
    told = [reason for score in shown if score for reason in score.reasons if reason.feature.startswith(LIKE)]
    assert f"{LIKE}source:web" in {reason.feature for reason in told}
    assert all(one and two and one.risk != two.risk for one, two in zip(plain, shown, strict=True))


def test_a_score_is_calibrated_by_how_the_customer_orders() -> None:
    """By the features of the moment: the same customer, some weeks later, is in another group."""
    habit = Calibration("rules", {"habit:6:4": (-2.0, 0.0)})
    people = [buyer(0, 20, amount=7_000)] * 2
    times = [T0 + 30 * DAY, T0 + (20 + 7 * 20) * DAY]
    plain = score_profiles(people, times, rules(CONFIG), CONFIG, "EUR")

    early, late = score_profiles(people, times, rules(CONFIG), CONFIG, "EUR", calibration=habit)

    assert early is not None
    assert late is not None
    assert plain[0] is not None
    assert plain[1] is not None
    assert early.risk == pytest.approx(plain[0].risk)
    assert log_odds(np.array([late.risk])) == pytest.approx(log_odds(np.array([plain[1].risk])) - 2.0)
    assert f"{LIKE}habit:6:4" in {reason.feature for reason in late.reasons}


def test_it_travels_with_the_panel_and_only_for_its_champion() -> None:
    """Scorers read it; of another model it says nothing."""
    panel = Panel("rules", {"rules": rules(CONFIG)}, calibration=CALIBRATION)
    other = Panel("rules", {"rules": rules(CONFIG)}, calibration=Calibration("hazard", {}))

    assert Panel.from_json(panel.to_json(), CONFIG).calibration == CALIBRATION
    assert Panel.from_json(other.to_json(), CONFIG).calibration is None
    assert Panel.cold(ChurnConfig()).calibrated(np.array([0.4]), [["kind:once"]]).tolist() == [0.4]


def test_what_is_not_finite_is_refused() -> None:
    """Wherever it comes from."""
    with pytest.raises(ValueError, match="finite"):
        Calibration("rules", {"kind:once": (float("nan"), 0.0)})
    data = Panel("rules", {"rules": rules(CONFIG)}, calibration=CALIBRATION).to_json()
    with pytest.raises(Misconfigured):
        Panel.from_json(data.replace(b"0.5", b"1e999"), CONFIG)


def test_a_certain_risk_has_finite_odds() -> None:
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()
