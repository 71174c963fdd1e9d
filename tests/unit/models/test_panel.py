import msgspec
import numpy as np
import pytest

from models.cold import RULES, rules
from models.config import DAY, WEEK, ChurnConfig
from models.features import matrix, raws
from models.hazard import OnlineLogistic
from models.panel import MODELS, Panel
from profiles.errors import Misconfigured
from profiles.types import Profile
from tests.models.build import CONFIG, T0, buyer

PEOPLE = [buyer(0, 20, 40), buyer(5), buyer(0, 90)]
NOW = np.full(3, T0 + 120 * DAY)
RAWS = raws(PEOPLE, "EUR")


def panel(speaker: str = "hazard") -> Panel:
    model, rng = OnlineLogistic("hazard"), np.random.default_rng(3)
    for x in np.repeat(matrix(RAWS, NOW), 40, axis=0):
        model.learn_one(x * rng.uniform(0.5, 2.0), bool(rng.random() < 1 / (2 + x[0])))
    return Panel(speaker, {"hazard": model.export(CONFIG), "rules": rules(CONFIG)}, 7, T0 + 3 * DAY)


def changed(data: bytes, **values: object) -> bytes:
    """The JSON of a panel with other values in its hazard model."""
    whole = msgspec.json.decode(data)
    whole["models"]["hazard"] |= values
    return msgspec.json.encode(whole)


def test_before_anything_is_learned_the_rules_speak_and_nobody_else():
    cold = Panel.cold(CONFIG)

    assert cold.champion.id == RULES
    [score, never] = cold.score_profiles([PEOPLE[0], Profile("x")], [NOW[0], NOW[0]], CONFIG, "EUR")
    assert score.model == RULES
    assert never is None
    said = cold.risks(RAWS, NOW, CONFIG)
    assert said.shape == (3, len(MODELS))
    assert said.dtype == np.float32
    assert np.isnan(said[:, :-1]).all()
    np.testing.assert_allclose(said[:, -1], cold.champion.score(RAWS, NOW, CONFIG).risk, rtol=1e-6)


def test_the_risks_are_what_every_model_would_have_said():
    both = panel()

    said = both.risks(RAWS, NOW, CONFIG)

    for name, model in both.models.items():
        expected = model.score(RAWS, NOW, CONFIG).risk
        np.testing.assert_allclose(said[:, MODELS.index(name)], expected, rtol=1e-6)


def test_a_panel_goes_through_json_to_the_bit():
    before = panel()

    after = Panel.from_json(before.to_json(), CONFIG)

    assert (after.speaker, after.version, after.trained_until) == ("hazard", 7, T0 + 3 * DAY)
    assert after.to_json() == before.to_json()
    assert after.score_profiles(PEOPLE, NOW.tolist(), CONFIG, "EUR") == before.score_profiles(
        PEOPLE, NOW.tolist(), CONFIG, "EUR"
    )


def test_the_rules_come_with_the_plan_and_not_with_the_panel():
    other = ChurnConfig(label_horizon="2w")

    after = Panel.from_json(panel("rules").to_json(), other)

    assert after.champion.to_json() == rules(other).to_json()


@pytest.mark.parametrize("stale", [{"schema": "00000000"}, {"features": ["recency"]}, {"horizon": 2 * WEEK}])
def test_a_model_of_other_features_or_another_horizon_is_left_out_and_the_rules_speak(stale):
    after = Panel.from_json(changed(panel().to_json(), **stale), CONFIG)

    assert after.speaker == "rules"
    assert after.left_out == ("hazard",)
    assert set(after.models) == {"rules"}


def test_a_model_of_a_later_version_is_left_out():
    data = panel().to_json().replace(b'"hazard":{', b'"oracle":{')

    assert Panel.from_json(data, CONFIG).left_out == ("oracle",)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"[]",
        b"{}",
        panel().to_json()[:-5],
        changed(panel().to_json(), weights=[1.0]),
        changed(panel().to_json(), intercept=None),
        changed(panel().to_json(), scale="x"),
        changed(panel().to_json(), horizon=-1.0),
    ],
)
def test_a_damaged_panel_is_refused(damaged):
    with pytest.raises(Misconfigured):
        Panel.from_json(damaged, CONFIG)


def test_nobody_speaks_who_is_not_there():
    with pytest.raises(ValueError, match="bgnbd is to speak"):
        panel("bgnbd")
    with pytest.raises(ValueError, match="no panel"):
        Panel("hazard", {"hazard": panel().models["hazard"]})


def test_no_number_that_is_not_finite_reaches_a_score():
    for model in panel().models.values():
        broken = RAWS.copy()
        broken[1, 2] = np.nan
        with pytest.raises(ValueError, match="finite"):
            model.score(broken, NOW, CONFIG)
        with pytest.raises(ValueError, match="finite"):
            model.score(RAWS, np.array([NOW[0], np.inf, NOW[2]]), CONFIG)
