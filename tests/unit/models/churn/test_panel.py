import pickle
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from models.churn.kinds import KINDS
from models.churn.kinds.base_rate import BaseRate
from models.churn.kinds.bgnbd import BgNbd
from models.churn.kinds.btyd import Btyd
from models.churn.kinds.rules import RULES, rules
from models.churn.kinds.stack import Stack, StackWeights
from models.churn.lifetimes import Lifetimes
from models.churn.model import Model
from models.churn.panel import MODELS, Panel, basis
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import matrix
from models.features.reading import raws
from models.features.table import NAMES
from profiles.errors import Misconfigured
from profiles.types import Profile
from tests.build import CONFIG, T0, buyer
from tests.models.taught import Taught, taught

PEOPLE = [buyer(0, 20, 40), buyer(5), buyer(0, 90)]
NOW = np.full(3, T0 + 120 * DAY)
RAWS = raws(PEOPLE, "EUR")


def learned(name: str) -> Model:
    one = Taught(name)
    rng = np.random.default_rng(3)
    for x in np.repeat(matrix(RAWS, NOW), 120, axis=0):
        one.learn(x * rng.uniform(0.5, 2.0), bool(rng.random() < 1 / (2 + x[0])), 1.0)
    return one.export()


ALL: dict[str, Model] = {
    "hazard": learned("hazard"),
    "ftrl": learned("ftrl"),
    "direct": learned("direct"),
    "bgnbd": BgNbd(0.243, 4.414, 0.793, 2.426, (1.0, 26.0, 33.0), 2357),
    "recency": learned("recency"),
    "base_rate": BaseRate(0.2, 0.7, CONFIG.label_horizon, CONFIG.horizon, 90),
    "rules": rules(CONFIG),
    "survival": taught("survival").export(),
    "btyd": Btyd(Lifetimes(0.8, 4.0, 0.6, 20.0, 1.2, 0.6, 0.1, 1.0), (1.5, 12.0, 30.0, 2.0, 9.0), 1200),
}
ALL["stack"] = Stack(
    StackWeights({"hazard": 0.5, "direct": 0.2, "btyd": 0.4, "survival": 0.1}, -0.1, CONFIG.horizon, 300)
).joined(ALL)
every_model = pytest.mark.parametrize("model", ALL.values(), ids=ALL)


def panel(champion: str = "hazard") -> Panel:
    return Panel(champion, ALL, 7, T0 + 3 * DAY)


def changed(data: bytes, **values: object) -> bytes:
    """The JSON of a panel with other values in its hazard model."""
    whole = msgspec.json.decode(data)
    whole["models"]["hazard"] |= values
    return msgspec.json.encode(whole)


def test_before_anything_is_learned_there_are_the_rules_and_nothing_else():
    cold = Panel.cold(CONFIG)

    assert cold.champion.id == RULES
    [score, never] = cold.score_profiles([PEOPLE[0], Profile("x")], [NOW[0], NOW[0]], CONFIG, "EUR")
    assert score.model == RULES
    assert never is None
    said = cold.risks(RAWS, NOW, CONFIG)
    assert said.shape == (3, len(MODELS))
    assert said.dtype == np.float32
    spoke = np.array([name == "rules" for name in MODELS])
    assert np.isnan(said[:, ~spoke]).all()
    np.testing.assert_allclose(said[:, spoke][:, 0], cold.champion.score(RAWS, NOW, CONFIG).risk, rtol=1e-6)


def test_the_risks_are_what_every_model_would_have_said():
    both = panel()

    said = both.risks(RAWS, NOW, CONFIG)

    for name, model in both.models.items():
        expected = model.score(RAWS, NOW, CONFIG).risk
        np.testing.assert_allclose(said[:, MODELS.index(name)], expected, rtol=1e-6)


def test_a_panel_goes_through_json_to_the_bit():
    before = panel()

    after = Panel.from_json(before.to_json(), CONFIG)

    assert (after.champion_name, after.version, after.trained_until) == ("hazard", 7, T0 + 3 * DAY)
    assert after.to_json() == before.to_json()
    assert after.score_profiles(PEOPLE, NOW.tolist(), CONFIG, "EUR") == before.score_profiles(
        PEOPLE, NOW.tolist(), CONFIG, "EUR"
    )


def test_the_rules_come_with_the_plan_and_not_with_the_panel():
    other = ChurnConfig(label_horizon="2w")

    after = Panel.from_json(panel("rules").to_json(), other)

    assert after.champion.to_json() == rules(other).to_json()


@pytest.mark.parametrize("stale", [{"schema": "00000000"}, {"features": NAMES[1:] + NAMES[:1]}, {"horizon": 2 * WEEK}])
def test_a_model_of_other_features_or_another_horizon_is_left_out_and_the_rules_step_in(stale):
    after = Panel.from_json(changed(panel().to_json(), **stale), CONFIG)

    assert after.champion_name == "rules"
    assert after.left_out == ("hazard",)
    assert set(after.models) == set(MODELS) - {"hazard"}


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


def test_no_champion_is_missing():
    with pytest.raises(ValueError, match="bgnbd is to be the champion"):
        Panel("bgnbd", {"rules": ALL["rules"]})
    with pytest.raises(ValueError, match="no panel"):
        Panel("hazard", {"hazard": ALL["hazard"]})
    with pytest.raises(ValueError, match="no panel"):
        Panel("rules", {"rules": ALL["rules"], "oracle": ALL["rules"]})


def test_of_another_churn_horizon_nothing_is_used_that_was_learned_for_the_old_one():
    after = Panel.from_json(panel().to_json(), ChurnConfig(horizon="13w"))

    assert after.left_out == ("base_rate", "direct", "stack", "survival")
    assert after.champion_name == "hazard"


@pytest.mark.parametrize("champion", MODELS)
def test_a_score_names_the_model_and_what_stands_behind_it(champion):
    [score, *_] = panel(champion).score_profiles(PEOPLE, NOW.tolist(), CONFIG, "EUR")

    assert score.model == ALL[champion].id
    assert score.model.startswith(champion.replace("_", "-"))
    assert basis(score.model) == KINDS[champion].basis


def test_what_stands_behind_a_model_nobody_knows_is_its_id():
    assert basis("oracle-7") == "oracle-7"


@every_model
def test_reasons_and_baseline_sum_to_the_log_odds_of_the_risk(model):
    scores = model.score(RAWS, NOW, CONFIG)

    log_odds = np.log(scores.risk / (1 - scores.risk))
    np.testing.assert_allclose(scores.baseline + scores.contributions.sum(axis=1), log_odds, atol=1e-9)


@every_model
def test_what_is_not_finite_gets_no_score(model):
    broken = RAWS.copy()
    broken[1, 2] = np.nan
    with pytest.raises(ValueError, match="finite"):
        model.score(broken, NOW, CONFIG)
    with pytest.raises(ValueError, match="finite"):
        model.score(RAWS, np.array([NOW[0], np.inf, NOW[2]]), CONFIG)


@every_model
def test_a_model_goes_through_pickle(model):
    back = pickle.loads(pickle.dumps(model))

    np.testing.assert_array_equal(back.score(RAWS, NOW, CONFIG).risk, model.score(RAWS, NOW, CONFIG).risk)
    assert back.to_json() == model.to_json()


def test_a_scorer_loads_neither_river_nor_scipy():
    script = "import sys, streams.worker.champion, streams.pipeline; print({'river', 'scipy'} & set(sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "set()"
