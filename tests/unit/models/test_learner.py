import math

import msgspec
import numpy as np
import pytest

from models.checkpoint import panel_of
from models.config import DAY, ChurnConfig
from models.examples import Example
from models.features import NAMES, SCHEMA, pack
from models.learner import MEMORY, Learner
from models.panel import Panel
from models.quality import Quality
from profiles.errors import Misconfigured
from tests.models.build import T0, buyer, row

CONFIG = ChurnConfig(min_examples=200, min_class=20)
BASE = row(buyer(0, 12, 30), 40)


def example(i: int, *, at: float | None = None, **changes: object) -> Example:
    """Customers of recency i mod 20 weeks; the fresher, the surer they order."""
    x = BASE.copy()
    x[NAMES.index("recency")] = i % 20
    x[NAMES.index("log_recency")] = math.log1p(i % 20)
    at = T0 + i * DAY if at is None else at
    whole = Example(f"p{i}", at, at + CONFIG.label_horizon, SCHEMA, pack(x), (i * 7919) % 20 > i % 20)
    return msgspec.structs.replace(whole, **changes)


def lessons(begin: int, end: int) -> list[Example]:
    return [example(i) for i in range(begin, end)]


def test_killed_and_restored_it_goes_on_to_the_byte():
    straight = Learner(CONFIG)
    straight.learn(lessons(0, 400))

    first = Learner(CONFIG)
    first.learn(lessons(0, 150))
    saved = first.checkpoint()
    first.learn(lessons(150, 200))  # lost with the process
    second = Learner.restore(saved, CONFIG)
    second.learn(lessons(150, 400))

    assert second.checkpoint() == straight.checkpoint()


def test_the_rules_speak_until_the_learned_model_is_better():
    learner = Learner(CONFIG)
    learner.learn(lessons(0, 199))
    assert learner.panel().champion.id == "rules-1"

    learner.learn(lessons(199, 600))

    assert learner.panel().champion.id == f"hazard-{SCHEMA}-600"
    assert learner.quality()["learned"]["log_loss"] < learner.quality()["rules"]["log_loss"]


def test_one_class_alone_is_never_enough():
    learner = Learner(CONFIG)
    learner.learn(msgspec.structs.replace(lesson, y=False) for lesson in lessons(0, 300))

    assert learner.panel().champion.id == "rules-1"


def test_repeats_and_what_is_not_of_this_model_are_skipped():
    learner = Learner(CONFIG)
    x = BASE.copy()
    x[0] = math.nan
    bad = [
        example(0), example(1, schema="00000000"), example(2, x=pack(x)), example(3, x=b"\0" * 8),
        example(4, due=T0), example(5, weight=math.inf), example(6, weight=-1.0),
    ]  # fmt: skip

    assert learner.learn([example(0), *bad, example(7)]) == 2
    assert learner.skipped == len(bad)


def test_the_memory_of_repeats_is_bounded():
    learner = Learner(CONFIG)
    for i in range(MEMORY + 50):
        assert learner._first_time(example(i))

    assert len(learner._seen) == MEMORY
    assert not learner._first_time(example(MEMORY))
    assert learner._first_time(example(0))


def test_a_scorer_reads_the_champion_out_of_a_checkpoint():
    learner = Learner(CONFIG)
    learner.learn(lessons(0, 300))

    panel = Panel.from_json(panel_of(learner.checkpoint()), CONFIG)

    np.testing.assert_array_equal(panel.champion.weights, learner.panel().champion.weights)
    assert panel.champion.id == learner.panel().champion.id
    assert panel.trained_until == T0 + 299 * DAY + CONFIG.label_horizon


def test_a_new_label_horizon_or_schema_starts_afresh():
    learner = Learner(CONFIG)
    learner.learn(lessons(0, 50))
    saved = learner.checkpoint()

    assert Learner.restore(saved, ChurnConfig(label_horizon="2w")).examples == 0
    assert Learner.restore(saved.replace(SCHEMA.encode(), b"00000000"), CONFIG).examples == 0


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"format": 9}'])
def test_a_damaged_checkpoint_is_refused(data):
    with pytest.raises(Misconfigured, match="checkpoint"):
        Learner.restore(data, CONFIG)
    with pytest.raises(Misconfigured):
        panel_of(data)


def test_a_checkpoint_without_its_numbers_is_refused():
    learner = Learner(CONFIG)
    learner.learn(lessons(0, 5))
    saved = msgspec.json.decode(learner.checkpoint())
    saved["model"]["z"] = saved["model"]["z"][:-1]

    with pytest.raises(Misconfigured, match="damaged"):
        Learner.restore(msgspec.json.encode(saved), CONFIG)


def test_quality_figures_follow_their_definitions():
    rng = np.random.default_rng(5)
    p = rng.beta(1, 4, 3000)
    y = rng.random(3000) < p
    quality = Quality(half=10**9)
    for prediction, truth in zip(p.tolist(), y.tolist(), strict=True):
        quality.update(prediction, truth)
    report = quality.report()

    assert report["log_loss"] == pytest.approx(-np.mean(np.log(np.where(y, p, 1 - p))))
    assert report["brier"] == pytest.approx(np.mean((p - y) ** 2))
    assert report["bias"] == pytest.approx(p.mean() - y.mean())
    pairs = p[y][:, None] - p[~y][None]
    assert report["auc"] == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)), abs=0.01)
    assert report["ece"] < 0.1


def test_quality_forgets_and_says_nothing_before_it_knows():
    quality = Quality(half=100)
    assert quality.report() == {"examples": 0}
    for _ in range(1000):
        quality.update(0.5, True)
    assert "auc" not in quality.report()
    for _ in range(1000):
        quality.update(0.5, False)

    assert quality.report()["rate"] < 0.01
    assert quality.weight <= 200
    assert quality.report() == Quality.from_state(quality.state()).report()
