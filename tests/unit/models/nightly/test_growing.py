"""The nightly model is what scikit-learn grew, to the last digits, without scikit-learn; and it beats what it must."""

import numpy as np
import pytest

from models.churn.kinds.survival import BLOCK, Survival, read
from models.churn.model import Outdated
from models.churn.weights import softplus
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.table import NAMES
from models.labels.examples import Example
from models.nightly.growing import can_grow, grow, grown_on, survival_of
from models.nightly.sample import Blocks, SnapshotSample
from models.nightly.trees import NEVER, Trees
from profiles.errors import Misconfigured
from tests.build import T0
from tests.unit.models.nightly.test_sample import example

CONFIG = ChurnConfig(horizon=7 * WEEK, label_horizon=2 * WEEK, min_examples=100, min_class=20)


@pytest.fixture(scope="module")
def grown():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4000, BLOCK + 1)).astype(np.float32).astype(np.float64)
    x[:, BLOCK] = rng.integers(0, 4, len(x))
    chance = 1 / (1 + np.exp(x[:, 0] - x[:, 40] * (x[:, 41] > 0) + 0.4 * x[:, BLOCK]))
    classifier = grown_on(Blocks(x, rng.random(len(x)) < chance, 1000))
    return classifier, survival_of(classifier, CONFIG, T0, T0, 1000)


def asked(count: int = 700) -> np.ndarray:
    return np.random.default_rng(6).normal(scale=2.0, size=(count, BLOCK))


def at_blocks(x: np.ndarray) -> list[np.ndarray]:
    return [np.column_stack([x, np.full(len(x), float(block))]) for block in range(4)]


def test_it_says_what_the_library_says(grown):
    classifier, model = grown
    x = asked()
    orders = np.array([classifier.predict_proba(rows)[:, 1] for rows in at_blocks(x)])
    columns = np.ascontiguousarray(x.T)

    np.testing.assert_allclose(model.risk(columns[:, None], CONFIG), np.prod(1 - orders, axis=0), rtol=0, atol=1e-6)
    np.testing.assert_allclose(model.short(x, CONFIG), orders[0], rtol=0, atol=1e-6)
    assert orders.std() > 0.1
    assert model.short(x[:1], CONFIG) == model.short(x, CONFIG)[:1]  # whatever the batch


def test_a_threshold_is_met_from_both_sides_as_in_the_library(grown):
    classifier, model = grown
    x = asked(60)
    real = np.abs(model.trees.threshold) < NEVER
    for row, (column, threshold) in enumerate(
        zip(model.trees.column[real][:60].astype(int), model.trees.threshold[real][:60], strict=True)
    ):
        if column < BLOCK:
            x[row, column] = threshold
    orders = classifier.predict_proba(at_blocks(x)[0])[:, 1]

    np.testing.assert_allclose(model.short(x, CONFIG), orders, rtol=0, atol=1e-6)


def test_base_and_shares_sum_to_what_the_trees_say(grown):
    trees = grown[1].trees
    x = np.ascontiguousarray(at_blocks(asked())[2].T)

    [shares] = trees.shares(x, BLOCK + 1)

    np.testing.assert_allclose(trees.expected() + shares.sum(axis=0), trees.margin(x), atol=1e-12)
    assert np.abs(shares[[0, 40, 41]]).sum() > 10 * np.abs(shares[1:40]).sum() / 39


def test_it_travels_as_json_and_what_is_not_whole_is_refused(grown):
    model = grown[1]
    data = model.to_json()
    x = np.ascontiguousarray(asked().T)[:, None]

    assert len(data) < 60_000
    assert read(data, CONFIG).to_json() == data
    np.testing.assert_array_equal(read(data, CONFIG).risk(x, CONFIG), model.risk(x, CONFIG))
    with pytest.raises(Outdated, match="feature schema"):
        read(data.replace(model.schema.encode(), b"00000000"), CONFIG)
    with pytest.raises(Outdated, match="feature schema"):
        read(data.replace(b'"recency"', b'"regency"', 1), CONFIG)
    with pytest.raises(Outdated, match="another horizon"):
        read(data, CONFIG.model_copy(update={"horizon": 8 * WEEK}))
    for damaged in (b"", b"{", data[:-1], data.replace(b'"base":', b'"base":1e999,"was":'), data + b" " * 1_000_000):
        with pytest.raises(Misconfigured, match="damaged"):
            read(damaged, CONFIG)


@pytest.mark.parametrize("field", ["column", "threshold", "value", "cover"])
def test_trees_with_a_number_that_cannot_be_are_refused(grown, field):
    trees = grown[1].trees
    arrays = {name: getattr(trees, name).copy() for name in ("column", "threshold", "value", "cover")}
    arrays[field][0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        Trees(0.0, **arrays)
    arrays[field] = getattr(trees, field)[:, :-1]
    with pytest.raises(ValueError, match="questions"):
        Trees(0.0, **arrays)


@pytest.mark.parametrize(("field", "number"), [("value", 1e308), ("value", -1e308), ("value", -1e3), ("cover", 1e308)])
def test_trees_whose_sums_come_to_no_number_are_refused(grown, field, number):
    """They would make a risk of NaN, which no bin of the judge is for."""
    trees = grown[1].trees
    arrays = {name: getattr(trees, name) for name in ("column", "threshold", "value", "cover")}
    arrays[field] = np.full_like(arrays[field], number)
    with pytest.raises(ValueError, match="beyond"):
        Trees(0.0, **arrays)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"column":[100,', '"column":[' + "[" * 100_000),
        ('"column":', '"column":{"a":1,"b":2},"was":'),
        ('"snapshots":1000', '"snapshots":-1'),
        ('"snapshots":1000', '"snapshots":1' + "0" * 4000),
    ],
)
def test_a_document_that_is_made_to_harm_is_refused_as_a_damaged_one(grown, before, after):
    data = grown[1].to_json().decode()
    assert before in data
    with pytest.raises(Misconfigured, match="damaged"):
        read(data.replace(before, after).encode(), CONFIG)


def test_trees_that_ask_for_what_is_not_there_are_refused(grown):
    model = grown[1]
    column = model.trees.column.copy()
    column[0, 0] = BLOCK + 1
    trees = Trees(0.0, column, model.trees.threshold, model.trees.value, model.trees.cover)
    with pytest.raises(ValueError, match="does not have"):
        Survival(model.schema, NAMES, model.horizon, model.block, 0.0, 0.0, 1, trees)


def test_a_tree_that_stops_early_says_the_same_below():
    """Four rows of one question; the other places are filled."""
    x = np.zeros((400, BLOCK + 1))
    x[200:, 7] = 1.0
    classifier = grown_on(Blocks(x, x[:, 7] > 0, 400))
    model = survival_of(classifier, CONFIG, T0, T0, 400)

    np.testing.assert_allclose(model.short(x[::100, :BLOCK], CONFIG), classifier.predict_proba(x[::100])[:, 1])


def test_it_is_grown_when_enough_is_known_and_tells_when_the_order_comes():
    sample = SnapshotSample(CONFIG)
    assert can_grow()
    assert grow(sample, CONFIG, T0) is None
    rng = np.random.default_rng(2)
    often = {i: bool(rng.random() < 0.5) for i in range(600)}
    sample.add(_of(i, often[i], rng) for i in range(600))

    model = grow(sample, CONFIG, T0 + 90.0)

    assert model is not None
    assert (model.snapshots, model.made, model.until) == (600, T0 + 90.0, sample.until)
    x = np.zeros((2, len(NAMES)))
    x[0, NAMES.index("orders")] = 1.0
    order = -np.expm1(-softplus(model._log_odds(np.ascontiguousarray(x.T))))
    assert order[0, 0] > 0.6  # who orders often does so in the first block…
    assert order[1, 0] < 0.3
    assert order[1, 1] > 0.6  # …the others in the second


def _of(number: int, often: bool, rng: np.random.Generator) -> Example:
    x = np.zeros(len(NAMES), dtype="<f4")
    x[NAMES.index("orders")] = often
    came = rng.random() < 0.8
    return example(f"p{number}", first=(5.0 if often else 20.0) if came else 0.0, x=x.tobytes())
