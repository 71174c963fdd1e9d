"""Survival: a gradient boosting machine that is grown anew every night, and asked here as arrays.

For every block of the label horizon it says the chance of an order in that block, given none in those before; the
block is a column beside the features *of now* (discrete-time survival: Singer, Willett 1993). With u_k the log-odds of
an order in block k,

    risk = Π_k (1 − h_k) = exp(−Σ_k softplus(u_k))

The last block may be shorter, which it has learned. It is grown by `models.nightly.growing`, in a process of its own,
and comes to the learner as a record of its log, so every replay takes it up at the same place.

**Contributions.** Each tree's sum is divided among the columns (`Trees.shares`): u_k = b_k + Σ_i c_ki, where b_k is
what the trees expect of the average customer, and what they add for the block. From there it goes as for the hazard
(`models.churn.weights`): by the slopes of the two secants, so that baseline and contributions sum to the log-odds.
"""

from __future__ import annotations

import math
from functools import cached_property

import msgspec
import numpy as np

from models.churn.model import Kind, LearningModel, Outdated, Scores, require_finite
from models.churn.scaling import Scaling
from models.churn.weights import log_odds_of, softplus
from models.codec import Array, decode, encode
from models.config import ChurnConfig
from models.features.matrix import matrix
from models.features.table import NAMES, SCHEMA
from models.nightly.trees import MOST, Trees
from profiles.errors import Misconfigured

__all__ = ["BLOCK", "KIND", "LARGEST", "LearningSurvival", "Survival", "read"]

BLOCK = len(NAMES)
"""The column of the block, behind those of the features."""

LARGEST = 900_000
"""Bytes of the JSON: a record of Kafka has at most a megabyte."""

_SNAPSHOTS = 10**9
_CHUNK = 128  # rows that go through the trees at once


class Survival(msgspec.Struct, frozen=True, dict=True, eq=False, forbid_unknown_fields=True):
    """The model as it travels."""

    schema: str  # of the features
    features: tuple[str, ...]
    horizon: float  # seconds that all blocks cover
    block: float  # seconds
    made: float  # when it was grown, by the wall clock
    until: float  # the end of the latest label that it was grown on
    snapshots: int  # of customers, that it was grown on
    trees: Trees

    def __post_init__(self) -> None:
        if not all(map(np.isfinite, (self.horizon, self.block, self.made, self.until))) or self.block <= 0:
            raise ValueError("its times are not finite")
        if not 0 <= self.snapshots <= _SNAPSHOTS:
            raise ValueError("it was grown on fewer snapshots than none, or on more than there can be")
        if self.trees.columns > BLOCK + 1 or len(self.trees.column) > MOST or self.horizon > 1000 * self.block:
            raise ValueError("its trees are too many, or ask for a column that it does not have")

    @property
    def id(self) -> str:
        """The model id."""
        return f"survival-{self.snapshots}"

    @property
    def examples(self) -> int:
        """Learned from."""
        return self.snapshots

    @cached_property
    def _parts(self) -> tuple[Trees | None, Trees | None, int]:
        """The trees that say the same of all blocks; those that do not, once for each block; how many blocks."""
        blocks = math.ceil(self.horizon / self.block - 1e-9)
        alike, apart = self.trees.asking(BLOCK)
        return alike, apart and apart.answered(BLOCK, range(blocks)), blocks

    def _log_odds(self, x: Array) -> Array:
        """Of an order in each block, given none before: (rows, blocks), of columns of features."""
        alike, apart, blocks = self._parts
        found = np.full((x.shape[1], blocks), self.trees.base)
        for begin in range(0, x.shape[1], _CHUNK):
            part = slice(begin, begin + _CHUNK)
            if alike is not None:
                found[part] += alike.values(x[:, part]).sum(axis=1)[:, None]
            if apart is not None:
                said = apart.values(x[:, part])
                found[part] += said.reshape(len(said), blocks, -1).sum(axis=2)
        return found

    def _added(self, x: Array) -> Array:
        """What each feature adds to the log-odds of each block: (rows, blocks, features)."""
        alike, apart, blocks = self._parts
        added = np.zeros((blocks, BLOCK + 1, x.shape[1]))
        for shared, groups in ((alike, 1), (apart, blocks)):
            if shared is not None:
                added += shared.shares(x, BLOCK + 1, groups)
        return added[:, :BLOCK].transpose(2, 0, 1)

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """Risk and contributions of customers (rows of `features.raws`) at the times `at`.

        Raises:
            ValueError: a number is not finite.
        """
        require_finite(raws, at)
        values = matrix(raws, at)
        x = np.ascontiguousarray(values.T)
        u, added = self._log_odds(x), self._added(x)
        base = u - added.sum(axis=2)
        far = u - base
        flat = np.abs(far) < 1e-9
        slope = np.where(flat, np.exp(-softplus(-base)), (softplus(u) - softplus(base)) / np.where(flat, 1.0, far))
        total, total0 = softplus(u).sum(axis=1), softplus(base).sum(axis=1)
        odds, odds0 = log_odds_of(total), log_odds_of(total0)
        same = np.abs(total - total0) < 1e-9
        secant = np.where(same, -1.0 / -np.expm1(-total0), (odds - odds0) / np.where(same, 1.0, total - total0))
        contributions = np.einsum("nkd,nk->nd", added, slope * secant[:, None])
        return Scores(np.exp(-total), odds0, contributions, values)

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The risk alone, of features rolled `ahead`, of which it needs those of now."""
        risk: Array = np.exp(-softplus(self._log_odds(x[:, 0])).sum(axis=1))
        return risk

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """P(order within the label horizon) of rows of `features.matrix`: in the first block."""
        return np.exp(-softplus(-self._log_odds(np.ascontiguousarray(x.T))[:, 0]))

    @cached_property
    def _json(self) -> bytes:
        return encode(self)

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        return self._json

    def numbers(self) -> dict[str, float]:
        """What is inside."""
        return {
            "trees": len(self.trees.column),
            "snapshots": self.snapshots,
            "grown_at": self.made,
            "labels_until": self.until,
        }


def read(data: bytes, config: ChurnConfig) -> Survival:
    """What `to_json` gave.

    Raises:
        Outdated: it is of other features than this version computes, or of other horizons.
        Misconfigured: it is damaged, or too large.
    """
    if len(data) > LARGEST:
        data = b""  # nothing of ours
    model = decode(data, Survival, "the nightly survival model")
    if (model.schema, model.features) != (SCHEMA, NAMES):
        raise Outdated(f"model {model.id} is of feature schema {model.schema}, this version has {SCHEMA}")
    if (model.horizon, model.block) != (config.horizon, config.label_horizon):
        raise Outdated(f"model {model.id} was grown for another horizon, or for blocks of another length")
    return model


class LearningSurvival(LearningModel):
    """The latest that has come; it learns nothing here."""

    def __init__(self, config: ChurnConfig, scaling: Scaling) -> None:
        self._config = config
        self.steady: Survival | None = None

    def take_up(self, document: bytes) -> None:
        """Go on with a model that was grown elsewhere, from its JSON."""
        self.steady = read(document, self._config)

    def export(self, config: ChurnConfig) -> Survival | None:
        """The latest."""
        return self.steady

    def state(self) -> msgspec.Raw | None:
        """The latest, as it came."""
        return None if self.steady is None else msgspec.Raw(self.steady.to_json())

    def resume(self, state: bytes) -> LearningSurvival:
        """Go on with the one that was kept, unless it is of another horizon by now."""
        kept = None if state == b"null" else decode(state, Survival, "the nightly survival model")
        if kept is not None and (kept.schema, kept.features) != (SCHEMA, NAMES):
            raise Misconfigured("the nightly survival model is damaged: learning would have begun anew")
        here = kept is not None and (kept.horizon, kept.block) == (self._config.horizon, self._config.label_horizon)
        self.steady = kept if here else None
        return self


KIND = Kind(
    name="survival",
    column=9,
    meaning="gradient boosting: an order in each block of the label horizon; grown anew every night (`models refit`)",
    basis="learned every night from how customers went on, block by block",
    learns_from=("grown",),
    read=read,
    start=LearningSurvival,
    promoted=False,  # it grows old where nobody grows it anew; the stack says what it says, for what it is worth
)
