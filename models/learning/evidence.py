"""The evidence about models on the whole horizon: their losses in blocks of labels, and whether one is truly better.

A block is the labels due in one week, or in as many weeks as it takes to have enough. The interval resamples customers,
not labels, since labels of one customer are alike: in each replicate a customer has one Poisson(1) weight, drawn from
their id, in all blocks and for all models (a streaming Poisson bootstrap: Chamandy, Muralidharan, Najmi, Naidu 2012,
"Estimating uncertainty for massive data streams"). So the evidence is a few sums, whatever the number of customers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from hashlib import shake_128

import msgspec
import numpy as np

from models.churn.panel import MODELS
from models.codec import Array, State, decode, encode
from models.durations import WEEK
from profiles.errors import Misconfigured

__all__ = ["ENOUGH", "RUN", "SURELY", "Block", "Blocks", "Standing", "loss_of"]

REPLICATES = 200
"""Of the bootstrap."""

ENOUGH = 50
"""Labels that make a block."""

RUN = 4
"""Blocks that a challenger must be known in, and the latest ones over which it must be better."""

CALIBRATED = 0.03
"""The largest calibration error of a model that may be promoted."""

SURELY = 3.3
"""Standard errors of a difference that is no chance: 99.9 %, as it is looked at every week for every challenger. Of two
equal models one was so promoted in 1 % of simulated years, at 99 % (2.6) over blocks won in a row in 15 to 20 %."""

_KEPT = 12  # closed blocks
_FLOOR = 1e-6  # of a probability, so that one certain mistake does not decide

# Poisson(1) by the inverse of its distribution, in 256 steps: a byte of a hash is a draw.
_DRAWS = np.repeat(np.arange(6.0), (94, 94, 47, 16, 4, 1))


class Block(State):
    """Labels of the whole horizon that were due in one stretch of time."""

    week: int  # the last of the stretch, in weeks since the epoch
    rows: int
    answered: dict[str, int]  # rows by model
    sums: Array  # (models + 1, replicates + 1): losses by model, then weights; replicate 0 is the truth

    def __post_init__(self) -> None:
        if self.sums.shape != (len(MODELS) + 1, REPLICATES + 1):
            raise ValueError("its sums are not those of the models that there are")

    @classmethod
    def empty(cls, week: int) -> Block:
        """A block without labels."""
        return cls(week, 0, {}, np.zeros((len(MODELS) + 1, REPLICATES + 1)))

    def add(self, profile: str, churned: bool, weight: float, risks: Sequence[float]) -> None:
        """Count one label; `risks` in the order of MODELS, NaN where a model had no answer."""
        draws = np.ones(REPLICATES + 1)
        draws[1:] = _DRAWS[np.frombuffer(shake_128(profile.encode()).digest(REPLICATES), dtype=np.uint8)]
        losses = [weight * loss_of(p if churned else 1.0 - p) if p == p else 0.0 for p in risks]  # noqa: PLR0124
        self.sums += np.outer([*losses, weight], draws)
        self.rows += 1
        for model, p in zip(MODELS, risks, strict=True):
            if not math.isnan(p):
                self.answered[model] = self.answered.get(model, 0) + 1

    def take(self, earlier: Block) -> None:
        """Count the labels of an earlier block, too."""
        self.sums += earlier.sums
        self.rows += earlier.rows
        for model, rows in earlier.answered.items():
            self.answered[model] = self.answered.get(model, 0) + rows

    def knows(self, model: str) -> bool:
        """Whether the model has answered for every customer."""
        return self.answered.get(model, 0) == self.rows

    def loss(self, model: str) -> float:
        """Mean log loss."""
        return float(self.sums[MODELS.index(model), 0] / self.sums[-1, 0])


class Standing(msgspec.Struct, frozen=True):
    """How a model compares with the champion on the whole horizon, over the latest blocks that both answered."""

    model: str
    blocks: int  # consecutive ones in which both always had an answer, up to the latest
    rows: int  # labels in them
    difference: float | None  # of the mean log loss, in them; below zero is better than the champion
    interval: tuple[float, float] | None  # 99.9 %, by customers
    ece: float | None
    better: bool  # all that a promotion asks for


class Blocks(State):
    """The blocks: those of the latest two weeks are open, a few closed ones are kept. `parts` has the blocks."""

    late: int  # labels that came when their block was closed already
    newest: int  # week
    weeks: list[int]  # of the closed ones

    def __post_init__(self) -> None:
        self.open: dict[int, Block] = {}
        self.closed: list[Block] = []  # the latest last
        self._rest: Block | None = None  # weeks that were too few
        self._encoded: dict[str, bytes] = {}  # closed ones

    @classmethod
    def new(cls) -> Blocks:
        """Before the first label."""
        return cls(0, 0, [])

    def add(self, profile: str, due: float, churned: bool, weight: float, risks: Sequence[float]) -> bool:
        """Count one label; True if it has closed a block."""
        week = math.floor(due / WEEK)
        if week < self.newest - 1:
            self.late += 1
            return False
        closed = self.weeks
        if week > self.newest:
            self.newest = week
            for passed in sorted(self.open):
                if passed < week - 1:
                    self._close(self.open.pop(passed))
        if week not in self.open:
            self.open[week] = Block.empty(week)
        self.open[week].add(profile, churned, weight, risks)
        return closed != self.weeks

    def known_to(self, model: str) -> int:
        """The latest consecutive closed blocks in which the model has always answered."""
        return _streak(self.closed, lambda block: block.knows(model))

    def compare(self, model: str, champion: str, ece: float | None, *, floor: bool = False) -> Standing:
        """How a model stands against the champion; the `floor` need not be calibrated."""
        known = _streak(self.closed, lambda block: block.knows(model) and block.knows(champion))
        if not known:
            return Standing(model, 0, 0, None, None, ece, better=False)
        difference, error = self._apart(model, champion, known)
        low, high = difference - SURELY * error, difference + SURELY * error
        lately, _ = self._apart(model, champion, RUN)
        better = known >= RUN and high < 0.0 and lately < 0.0 and (floor or (ece is not None and ece < CALIBRATED))
        rows = sum(block.rows for block in self.closed[-known:])
        return Standing(model, known, rows, difference, (low, high), ece, better)

    def _apart(self, model: str, champion: str, latest: int) -> tuple[float, float]:
        """The difference of the mean log losses in the latest blocks, and its standard error by customers."""
        total = np.sum([block.sums for block in self.closed[-latest:]], axis=0)
        apart = (total[MODELS.index(model)] - total[MODELS.index(champion)]) / np.maximum(total[-1], 1e-9)
        return float(apart[0]), float(apart[1:].std())

    def _close(self, block: Block) -> None:
        if self._rest is not None:
            block.take(self._rest)
            self._rest = None
        if block.rows < ENOUGH:
            self._rest = block
        else:
            self.closed = [*self.closed, block][-_KEPT:]
            self.weeks = [block.week for block in self.closed]

    def parts(self) -> dict[str, bytes]:
        """Every block by a name of its own, as JSON. A closed one never changes."""
        before = self._encoded
        named = {f"{block.week}:closed": block for block in self.closed}
        self._encoded = {name: before.get(name) or encode(block) for name, block in named.items()}
        changing = {f"{week}:open": block for week, block in self.open.items()}
        if self._rest is not None:
            changing["rest"] = self._rest
        return self._encoded | {name: encode(block) for name, block in changing.items()}

    def restore(self, parts: Mapping[str, bytes]) -> None:
        """Take back the blocks that `parts` gave.

        Raises:
            Misconfigured: they are not whole.
        """
        held = {name: decode(part, Block, "the evidence about the models") for name, part in parts.items()}
        if missing := [week for week in self.weeks if f"{week}:closed" not in held]:
            raise Misconfigured(f"the evidence about the models is damaged: of week {missing[0]} there is none")
        self.closed = [held[f"{week}:closed"] for week in self.weeks]
        opened = sorted((block.week, block) for name, block in held.items() if name.endswith(":open"))
        self.open = dict(opened)
        self._rest = held.get("rest")


def loss_of(p: float) -> float:
    """The log loss of a chance that was given to what came."""
    return -math.log(min(max(p, _FLOOR), 1.0))


def _streak(blocks: Sequence[Block], holds: Callable[[Block], bool]) -> int:
    """How many of the latest blocks in a row it holds for."""
    count = 0
    for block in reversed(blocks):
        if not holds(block):
            break
        count += 1
    return count
