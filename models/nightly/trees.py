"""An ensemble of small regression trees as arrays: asked in numpy, without the library that grew them.

Every tree has DEPTH levels of questions, "is this column above that threshold?"; question `i` is followed by `2i + 1`
if not and `2i + 2` if so. A tree that asks less has questions that all rows answer alike. So a whole batch goes through
all trees at once, and no row depends on its batch.

A row's sum is divided among the columns by path: each question moves the expected value of the tree, by the rows it
was grown on, from before the answer to after (Saabas 2014). Base and shares sum to the margin.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.codec import Array

__all__ = ["DEPTH", "FARTHEST", "LEAVES", "MOST", "NEVER", "QUESTIONS", "Trees"]

DEPTH = 3
"""Questions that a row is asked by each tree."""

LEAVES = 2**DEPTH
QUESTIONS = LEAVES - 1

NEVER = 1e300
"""The threshold of a question that tells nothing: nobody is above it, or, negated, everybody."""

MOST = 400
"""Trees of a model."""

FARTHEST = 500.0
"""Log-odds beyond which no ensemble may lead: from what is far larger, sums and exponentials come to no number."""

_ROWS = 1e12  # that a tree was grown on

_PATHS = np.array([[(LEAVES + leaf >> up) - 1 for up in range(DEPTH, 0, -1)] for leaf in range(LEAVES)], dtype=np.int64)
"""The questions on the way to each leaf: (LEAVES, DEPTH)."""


class Trees(msgspec.Struct, frozen=True, dict=True, eq=False, forbid_unknown_fields=True):
    """The ensemble. All arrays have a row a tree."""

    base: float  # where every sum begins
    column: Array  # (trees, QUESTIONS), whole numbers
    threshold: Array  # (trees, QUESTIONS)
    value: Array  # (trees, LEAVES)
    cover: Array  # (trees, LEAVES), how many rows it was grown on came there

    def __post_init__(self) -> None:
        asked, given = (len(self.column), QUESTIONS), (len(self.column), LEAVES)
        shapes = [self.column.shape, self.threshold.shape, self.value.shape, self.cover.shape]
        if not len(self.column) or shapes != [asked, asked, given, given]:
            raise ValueError(f"it has no tree, or one that is not of {DEPTH} levels of questions")
        arrays = (self.column, self.threshold, self.value, self.cover)
        if not (np.isfinite(self.base) and all(np.isfinite(array).all() for array in arrays)):
            raise ValueError("a number is not finite")
        with np.errstate(over="ignore"):
            far, rows = abs(self.base) + np.abs(self.value).max(axis=1).sum(), self.cover.sum(axis=1).max()
        if far > FARTHEST or rows > _ROWS:
            raise ValueError(f"it says log-odds beyond {FARTHEST:g}, or was grown on more rows than there can be")
        whole = (self.column == np.floor(self.column)).all() and (self.column >= 0).all()
        if not whole or (self.cover < 0).any():
            raise ValueError("it asks for a column that cannot be, or counts fewer rows than none")

    @property
    def columns(self) -> int:
        """How many columns a row must have."""
        return int(self.column.max()) + 1

    def asking(self, column: int) -> tuple[Trees | None, Trees | None]:
        """The trees that do not ask for a column, and those that do; None for none. All without the base."""
        asks = ((self.column == column) & (np.abs(self.threshold) < NEVER)).any(axis=1)
        return self._some(~asks), self._some(asks)

    def _some(self, which: NDArray[np.bool_]) -> Trees | None:
        if not which.any():
            return None
        return Trees(0.0, self.column[which], self.threshold[which], self.value[which], self.cover[which])

    def answered(self, column: int, values: Iterable[float]) -> Trees:
        """The trees once for each value of a column, one after the other, whose rows need that column no more."""
        asked, copies = self.column == column, list(values)
        given = [np.where(asked, np.where(value > self.threshold, -NEVER, NEVER), self.threshold) for value in copies]
        column_, value_, cover = (np.tile(it, (len(copies), 1)) for it in (self.column, self.value, self.cover))
        return Trees(self.base, column_, np.concatenate(given), value_, cover)

    def values(self, x: Array) -> Array:
        """What each tree says (rows, trees) of rows given as columns (columns, rows)."""
        found: Array = self.value.ravel()[self._leaves(x)]
        return found

    def margin(self, x: Array) -> Array:
        """The sums (rows,) of rows given as columns."""
        margin: Array = self.base + self.values(x).sum(axis=1)
        return margin

    def expected(self) -> float:
        """The sum of the average row that the trees were grown on."""
        return self.base + float(self._nodes[:, 0].sum())

    def shares(self, x: Array, width: int, groups: int = 1) -> Array:
        """What each column adds to the expected sum: (groups, width, rows), of rows given as columns.

        Args:
            x: the rows.
            width: how many columns there are, also such as are answered.
            groups: the trees are so many ensembles one after the other.
        """
        leaves = self._leaves(x)
        columns, steps = self._steps
        rows, trees = leaves.shape
        group = np.arange(trees) // (trees // groups)
        begin = (np.arange(rows)[:, None] * groups + group) * width
        places = columns.reshape(-1, DEPTH)[leaves] + begin[:, :, None]
        weights = steps.reshape(-1, DEPTH)[leaves].ravel()
        added = np.bincount(places.ravel(), weights, rows * groups * width).astype(np.float64, copy=False)
        return added.reshape(rows, groups, width).transpose(1, 2, 0)

    def _leaves(self, x: Array) -> NDArray[np.int64]:
        """The leaf that each row comes to in each tree, counted through all trees: (rows, trees)."""
        above = x[self._asked] > self.threshold.T.reshape(-1, 1)
        above = above.reshape(QUESTIONS, len(self.column), -1)
        first = above[0]
        second = np.where(first, above[2], above[1])
        third = np.where(first, np.where(second, above[6], above[5]), np.where(second, above[4], above[3]))
        leaves = np.ascontiguousarray((first * np.uint8(4) + second * np.uint8(2) + third).T)
        found: NDArray[np.int64] = leaves + self._begins
        return found

    @cached_property
    def _asked(self) -> NDArray[np.int64]:
        """The rows of columns to look at, question by question; any where all are answered alike."""
        asked: NDArray[np.int64] = np.where(np.abs(self.threshold) < NEVER, self.column, 0.0).T.ravel().astype(np.int64)
        return asked

    @cached_property
    def _begins(self) -> NDArray[np.int64]:
        return np.arange(0, len(self.column) * LEAVES, LEAVES, dtype=np.int64)

    @cached_property
    def _nodes(self) -> Array:
        """Expected value at each question, then the leaves: (trees, QUESTIONS + LEAVES)."""
        cover = np.concatenate([np.zeros_like(self.threshold), self.cover], axis=1)
        value = np.concatenate([np.zeros_like(self.threshold), self.value], axis=1)
        for node in reversed(range(QUESTIONS)):
            pair = slice(2 * node + 1, 2 * node + 3)
            cover[:, node] = cover[:, pair].sum(axis=1)
            weighed = (cover[:, pair] * value[:, pair]).sum(axis=1)
            value[:, node] = np.divide(weighed, cover[:, node], out=np.zeros_like(weighed), where=cover[:, node] > 0)
        return value

    @cached_property
    def _steps(self) -> tuple[NDArray[np.int64], Array]:
        """Of each leaf, the columns asked for on the way, and what each answer adds: both (trees, LEAVES, DEPTH)."""
        nodes = self._nodes
        after = np.concatenate([_PATHS[:, 1:], QUESTIONS + np.arange(LEAVES)[:, None]], axis=1)
        columns: NDArray[np.int64] = self.column.astype(np.int64)[:, _PATHS]
        return columns, nodes[:, after] - nodes[:, _PATHS]
