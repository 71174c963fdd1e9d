"""Trees by hand: three questions, eight leaves."""

import numpy as np

from models.nightly.trees import LEAVES, NEVER, QUESTIONS, Trees

COLUMN = np.array([[0, 1, 1, 2, 2, 2, 2]], dtype=float)
THRESHOLD = np.zeros((1, QUESTIONS))
VALUE = np.arange(8.0)[None]
TREES = Trees(100.0, COLUMN, THRESHOLD, VALUE, np.ones((1, LEAVES)))
ALL = np.array([[up & 4, up & 2, up & 1] for up in range(8)], dtype=float).T


def test_each_answer_leads_to_its_leaf():
    assert TREES.margin(ALL).tolist() == [100.0 + leaf for leaf in range(8)]


def test_a_share_is_what_the_answer_changes():
    [shares] = TREES.shares(ALL, 3)

    assert TREES.expected() == 103.5
    np.testing.assert_allclose(shares[:, 0], [-2.0, -1.0, -0.5])
    np.testing.assert_allclose(shares[:, 7], [2.0, 1.0, 0.5])


def test_rows_that_were_many_weigh_more_in_what_is_expected():
    trees = Trees(0.0, COLUMN, THRESHOLD, VALUE, np.array([[6.0, 0, 0, 0, 0, 0, 0, 2.0]]))

    assert trees.expected() == 7 * 2 / 8


def test_a_column_can_be_answered_beforehand():
    given = TREES.answered(2, [0.0, 1.0])

    assert given.values(ALL[:2]).tolist() == [[2.0 * (leaf // 2), 2.0 * (leaf // 2) + 1.0] for leaf in range(8)]
    low, high = given.shares(ALL[:2], 3, groups=2)
    np.testing.assert_allclose(low[2], -0.5)
    np.testing.assert_allclose(high[2], 0.5)


def test_trees_are_told_apart_by_what_they_ask_for():
    silent = np.where(COLUMN == 1, NEVER, THRESHOLD)
    both = Trees(0.0, np.repeat(COLUMN, 2, axis=0), np.concatenate([THRESHOLD, silent]), np.repeat(VALUE, 2, axis=0),
                 np.ones((2, LEAVES)))  # fmt: skip

    without, with_ = both.asking(1)

    assert without is not None
    assert with_ is not None
    np.testing.assert_array_equal(with_.threshold, THRESHOLD)
    np.testing.assert_array_equal(without.threshold, silent)
    assert both.asking(9)[1] is None
