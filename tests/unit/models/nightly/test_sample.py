"""The sample that the nightly model is grown on: what came of snapshots, block by block, and only what is known."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import pack
from models.features.table import COLUMN, NAMES, SCHEMA
from models.labels.examples import Example, ModelCommand
from models.nightly.sample import SnapshotSample, blocks_of
from tests.build import T0

CONFIG = ChurnConfig(horizon=7 * WEEK, label_horizon=2 * WEEK)


def example(who: str, day: float = 0.0, first: float = 0.0, *, whole: bool = True, **other: object) -> Example:
    """Of a customer who ordered `first` days after the snapshot; 0: not within the horizon."""
    at, x = T0 + day * DAY, np.full(len(NAMES), 3.0)
    horizon = CONFIG.horizon if whole else CONFIG.label_horizon
    made = Example(
        who, at, at + horizon, SCHEMA, pack(x), 0 < first * DAY <= horizon, horizon="full" if whole else "short",
        first=first * DAY,
    )  # fmt: skip
    return msgspec.structs.replace(made, **other)


def rows(*records: Example) -> list[tuple[float, bool]]:
    """Block and outcome of each row."""
    sample = SnapshotSample(CONFIG)
    sample.add(records)
    blocks = sample.blocks()
    return list(zip(blocks.x[:, -1].tolist(), blocks.y.tolist(), strict=True))


def test_the_last_block_may_be_shorter():
    assert blocks_of(CONFIG) == 4
    assert blocks_of(ChurnConfig(horizon=8 * WEEK, label_horizon=2 * WEEK)) == 4


@pytest.mark.parametrize(
    ("first", "blocks"),
    [(0.0, [False] * 4), (0.01, [True]), (14.0, [True]), (14.01, [False, True]), (45.0, [False] * 3 + [True]),
     (49.0, [False] * 3 + [True])],
)  # fmt: skip
def test_of_the_whole_horizon_a_row_for_each_block_until_the_order(first, blocks):
    assert rows(example("a", first=first)) == list(enumerate(blocks))


def test_of_the_label_horizon_the_first_block_alone():
    assert rows(example("a", whole=False)) == [(0, False)]
    assert rows(example("a", whole=False, first=3.0)) == [(0, True)]


def test_a_snapshot_counts_once_by_its_whole_label_whichever_comes_first():
    short, full = example("a", whole=False), example("a", first=20.0)

    assert rows(short, full, short, full) == rows(full, short) == [(0, False), (1, True)]


def test_who_orders_so_often_that_nobody_knows_the_first_time_still_tells_of_the_first_block():
    short, full = example("a", whole=False, first=1.0), example("a", y=True)

    assert rows(short, full) == rows(full, short) == [(0, True)]


def test_left_out_is_what_nobody_knows_or_may_learn():
    assert rows(example("a", y=True)) == []  # an order, but nobody knows when
    for other in (
        {"treated": True}, {"schema": "00000000"}, {"x": b""}, {"due": T0 + DAY}, {"first": float("nan")},
        {"x": pack(np.full(len(NAMES), np.nan))},
    ):  # fmt: skip
        assert rows(msgspec.structs.replace(example("a", first=5.0), **other)) == []
    assert rows(ModelCommand("1", "promote", "hazard", T0)) == []  # type: ignore[arg-type]


def test_a_clock_is_no_cause():
    sample = SnapshotSample(CONFIG)
    sample.add([example("a")])
    x = sample.blocks().x

    assert (x[:, COLUMN["tenure"]] == 0).all()
    assert (x[:, COLUMN["recency"]] == 3).all()


@settings(max_examples=30)
@given(st.permutations(range(30)), st.integers(0, 30))
def test_any_order_any_repetition_and_any_night_between_give_the_same_rows(order, cut):
    some = [example(f"p{i % 7}", i * 3.0, first=float(i % 11 * 5), whole=i % 3 > 0) for i in range(30)]
    whole = SnapshotSample(CONFIG)
    whole.add(some)

    first = SnapshotSample(CONFIG)
    first.add(some[i] for i in order[:cut])
    again = SnapshotSample(CONFIG)
    again.put(*first.columns())
    again.add(some[i] for i in order[max(0, cut - 3) :])

    for one, other in zip(whole.blocks(), again.blocks(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_memory_is_bounded_and_every_season_is_in_it():
    sample = SnapshotSample(CONFIG, size=100)
    sample.add(example(f"p{i}", day=float(i), whole=False) for i in range(700))
    days = sorted((np.asarray(sample.columns()[1]["at"], dtype=float) - T0) / DAY)

    assert len(sample) == 100
    assert days[0] < 50
    assert days[-1] > 650

    sample.add([example("late", day=2000.0, whole=False)])
    assert len(sample) == 1  # what is two years past is let go


def test_the_rows_are_bounded():
    sample = SnapshotSample(CONFIG, rows=50)
    sample.add(example(f"p{i}") for i in range(100))

    assert 46 <= len(sample.blocks().y) <= 50


def test_who_is_erased_is_let_go_of():
    sample = SnapshotSample(CONFIG, who=str.upper)
    sample.add([example("a"), example("a", day=100), example("b")])

    sample.forget({"A": T0 + DAY})

    assert sorted(sample.columns()[0]) == ["A", "B"]
