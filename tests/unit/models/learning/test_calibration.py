"""Chances become right for every group with labels enough; small groups stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from models.churn.calibration import EVERYBODY
from models.codec import decode, encode
from models.learning.calibration import ADMITTED, LEAST, GroupEffects
from profiles.errors import Misconfigured

SHARES = {"kind:a": 0.08, "kind:b": 0.12, "kind:c": 0.4, "kind:d": 0.4}
TRUE = {"kind:a": (1.0, -0.2), "kind:b": (-0.8, 0.0), "kind:c": (0.0, 0.0), "kind:d": (0.0, 0.3)}


@dataclass
class Label:
    groups: list[str]
    odds: float
    y: bool


def labels(n: int, seed: int = 1, true: dict[str, tuple[float, float]] = TRUE) -> list[Label]:
    """What a model says that is off by group, in level and steepness, and what came."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        group = str(rng.choice(list(SHARES), p=list(SHARES.values())))
        odds = float(rng.normal(0.3, 1.8))
        level, steep = true.get(group, (0.0, 0.0))
        y = bool(rng.random() < 1 / (1 + np.exp(-(odds + level + steep * odds))))
        found.append(Label([group, *(["source:web"] if rng.random() < 0.5 else [])], odds, y))
    return found


def learned(shown: list[Label], effects: GroupEffects | None = None) -> GroupEffects:
    effects = effects or GroupEffects.new("hazard")
    for label in shown:
        effects.learn(label.odds, label.groups, label.y, 1.0)
    return effects


def bias(effects: GroupEffects | None, shown: list[Label], group: str) -> float:
    """Mean risk less what came, of labels that were not learned."""
    rows = [label for label in shown if group in label.groups]
    said = [effects.risk(row.odds, row.groups) if effects else 1 / (1 + np.exp(-row.odds)) for row in rows]
    return float(np.mean(said) - np.mean([row.y for row in rows]))


def test_every_group_becomes_right() -> None:
    """Within three points, of those that were off by ten, from some 600 labels of the smallest."""
    effects, later = learned(labels(8000)), labels(40_000, seed=2)

    before = {group: bias(None, later, group) for group in SHARES}
    after = {group: bias(effects, later, group) for group in SHARES}

    assert abs(before["kind:a"]) > 0.1
    assert abs(before["kind:b"]) > 0.08
    assert max(map(abs, after.values())) < 0.035
    assert effects.proved


def test_the_same_labels_give_the_same_effects() -> None:
    """To the byte, restarted or not."""
    shown = labels(600)
    straight = learned(shown)
    resumed = learned(shown[300:], decode(encode(learned(shown[:300])), GroupEffects, "it"))

    assert encode(resumed) == encode(straight)


def test_a_small_group_has_no_effect_of_its_own() -> None:
    """However unlucky its customers were; and one that just has one keeps close to 0."""
    effects = GroupEffects.new("hazard")
    for number in range(ADMITTED):
        assert "kind:few" not in effects.groups
        effects.learn(0.0, ["kind:few"], number % 4 != 0, 1.0)

    assert effects.groups == [EVERYBODY, "kind:few"]
    assert not effects.mean[2:].any()
    few = labels(1500, true={})
    for label in few[:30]:
        effects.learn(label.odds, ["kind:few"], label.y, 1.0)
    assert np.abs(effects.mean[2:]).max() < 0.4


def test_of_many_groups_none_is_taken_for_off_by_chance() -> None:
    """Forty habits and groups of which none is off: what is applied is next to nothing."""
    names = [f"habit:{number % 5}:{number % 4}" for number in range(20)] + [f"trait:{number}=x" for number in range(20)]
    applied = []
    for seed in range(4):
        rng, effects = np.random.default_rng(seed), GroupEffects.new("stack")
        for label in labels(2500, seed=seed, true={}):
            effects.learn(label.odds, [name for name in names if rng.random() < 0.2], label.y, 1.0)
        applied.append(float(np.abs(effects._sure()).sum()))
    assert sorted(applied)[1] == 0.0
    assert max(applied) < 0.7


def test_a_habit_has_a_level_alone_and_it_is_learned_soon() -> None:
    """Presents are bought twice a year: the silence of such customers says little. Some sixty labels are enough."""
    effects, rng = GroupEffects.new("stack"), np.random.default_rng(3)
    for label in labels(2500, true={}):
        gifts = bool(rng.random() < 0.05)
        y = bool(rng.random() < 0.3) if gifts else label.y
        effects.learn(3.0 if gifts else label.odds, ["habit:6:4" if gifts else "habit:5:4"], y, 1.0)

    shipped = effects.export()
    assert shipped is not None
    assert effects.risk(3.0, ["habit:6:4"]) == pytest.approx(0.3, abs=0.25)
    assert shipped.effects["habit:6:4"][0] < -1.5
    assert {steep for name, (_, steep) in shipped.effects.items() if name} == {0.0}
    assert shipped.risks(np.array([1 / (1 + np.exp(-3.0))]), [["habit:6:4"]])[0] == pytest.approx(
        effects.risk(3.0, ["habit:6:4"]), abs=1e-9
    )


def test_effects_that_prove_nothing_are_not_applied() -> None:
    """A model that is right stays as it is; so does every one before there are labels enough."""
    effects = learned(labels(LEAST - 1))
    assert effects.export() is None
    assert effects.risk(1.0, ["kind:a"]) == pytest.approx(1 / (1 + np.exp(-1.0)))
    shown = labels(3000, true={})
    right = learned(shown)
    assert max(abs(bias(right, labels(20_000, 3, {}), group)) for group in SHARES) < 0.02


def test_what_the_scorers_get_says_the_same() -> None:
    """The risk of the exported effects is that of the learned ones."""
    effects = learned(labels(4000))
    shipped = effects.export()
    assert shipped is not None

    for label in labels(50, seed=4):
        said = shipped.risks(np.array([1 / (1 + np.exp(-label.odds))]), [label.groups])
        assert said[0] == pytest.approx(effects.risk(label.odds, label.groups), abs=1e-9)


def test_groups_without_end_take_no_room_without_end() -> None:
    """Traits may have any values."""
    effects = GroupEffects.new("hazard")
    for number in range(4000):
        names = [f"trait:city={number}", f"trait:{number % 60}", f"habit:{number % 60}"]
        effects.learn(0.0, names, True, 1.0)

    assert len(effects.groups) == 32 + 24
    assert len(effects.met) <= 256
    assert len(encode(effects)) < 90_000


@pytest.mark.parametrize("damage", [{"mean": [0.0]}, {"covariance": [1.0]}, {"groups": ["kind:a"]}, {"gain": "x"}])
def test_a_damaged_state_is_refused(damage: dict[str, object]) -> None:
    """With a word on it."""
    import msgspec  # noqa: PLC0415

    state = msgspec.structs.asdict(GroupEffects.new("hazard")) | damage
    with pytest.raises(Misconfigured):
        decode(encode(state), GroupEffects, "the effects of groups")


def test_the_first_labels_are_not_enough_however_many() -> None:
    """They tell of what a model said that had hardly learned; it has learned since."""
    effects = GroupEffects.new("hazard", after=100.0)
    for number, label in enumerate(labels(3000)):
        effects.learn(label.odds, label.groups, label.y, 1.0, at=5000.0 + number / 29.99)
        assert not effects.proved or number > 2990

    effects.learn(0.0, [], True, 1.0, at=5101.0)
    assert effects.proved


def losses(effects: GroupEffects, shown: list[Label]) -> tuple[float, float, float]:
    """Mean log loss of what is shown, of what the model says, and of the base rate, each label judged before it is
    learned."""
    sums = np.zeros(3)
    came = seen = 0.5
    for label in shown:
        base = came / (2 * seen)
        for place, p in enumerate((effects.risk(label.odds, label.groups), 1 / (1 + np.exp(-label.odds)), base)):
            sums[place] -= np.log(max(p if label.y else 1 - p, 1e-6))
        effects.learn(label.odds, label.groups, label.y, 1.0)
        came, seen = came + label.y, seen + 0.5
    mine, said, rate = (sums / len(shown)).tolist()
    return mine, said, rate


def overconfident(n: int, seed: int) -> list[Label]:
    """Rules that rank a little, and call every fifth customer nearly lost, where one in twelve leaves."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(n):
        odds = float(rng.choice([-3.0, 4.4], p=[0.8, 0.2]) + rng.normal(0, 0.5))
        chance = 0.2 if odds > 0 else 0.06
        found.append(Label(["kind:all"], odds, bool(rng.random() < chance)))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_rules_set_by_hand_are_calibrated_within_some_twenty_labels(seed: int) -> None:
    """Contracts of sixty companies: the rules cost twice what the base rate did, for years."""
    effects = GroupEffects.new("rules", after=1e9)  # they do not learn, so nobody has to wait until they have
    first, later = overconfident(60, seed), overconfident(400, seed + 10)

    losses(effects, first)
    mine, said, base = losses(effects, later)
    assert said > 2 * base
    assert mine < base + 0.01
    shipped = effects.export()
    assert shipped is not None
    for label in later[:20]:
        risk = 1 / (1 + np.exp(-label.odds))
        assert shipped.risks(np.array([risk]), [label.groups])[0] == pytest.approx(
            effects.risk(label.odds, label.groups), abs=1e-9
        )


def test_no_surprise_moves_a_wide_belief_further_than_it_explains_itself() -> None:
    """One who stayed against all signs."""
    effects = GroupEffects.new("rules")
    effects.learn(4.0, [], False, 1.0)

    assert -1.0 < 4.0 + effects.mean[0] + effects.mean[1] * 4.0 / 3.0 < 2.0
    assert np.linalg.eigvalsh(effects.covariance).min() > 0


@pytest.mark.parametrize("model", ["hazard", "stack", "rules"])
def test_nothing_is_shown_that_is_worse_than_the_base_rate_for_long(model: str) -> None:
    """Not even where the model is right at first, then says the opposite, and its effects are not to be applied yet."""
    rng = np.random.default_rng(5)

    def said(n: int, sign: float) -> list[Label]:
        odds = rng.normal(-1.0, 2.0, n)
        return [
            Label([], float(sign * (each + 1.0) - 1.0), bool(rng.random() < 1 / (1 + np.exp(-each)))) for each in odds
        ]

    effects = GroupEffects.new(model, after=1e9)
    right, _, base = losses(effects, said(300, 1.0))
    assert right < base - 0.1
    losses(effects, said(80, -1.0))
    mine, wrong, base = losses(effects, said(300, -1.0))
    assert wrong > base + 0.4
    assert mine < base + 0.08
    losses(effects, said(80, 1.0))
    again, _, base = losses(effects, said(300, 1.0))
    assert again < base + (0.08 if model == "rules" else -0.08)  # whose steepness has been learned by then


def test_a_model_that_is_better_than_the_base_rate_is_shown_as_it_is() -> None:
    effects = GroupEffects.new("hazard", after=1e9)
    for label in labels(400, true={}):
        effects.learn(label.odds, label.groups, label.y, 1.0)
        assert effects.share == 0.0
    assert effects.risk(1.5, []) == 1 / (1 + np.exp(-1.5))
    assert effects.export() is None


def test_labels_of_one_customer_that_overlap_count_as_much_as_they_tell() -> None:
    """Each of them four times, as every quarter of its horizon: rules are moved as by each of them once."""
    once, often = GroupEffects.new("rules"), GroupEffects.new("rules", apart=0.25)
    for label in overconfident(40, 3):
        once.learn(label.odds, [], label.y, 1.0)
        for _ in range(4):
            often.learn(label.odds, [], label.y, 1.0)

    assert once.mean[0] < -0.3
    assert often.mean == pytest.approx(once.mean, abs=0.15)  # four times once would be −2.7
    assert GroupEffects.new("hazard", apart=0.25).apart == 1.0
