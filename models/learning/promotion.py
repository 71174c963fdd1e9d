"""Which model speaks, and on what evidence.

**Cold.** First the rules. BG/NBD as soon as it fits, unless it turns out worse. The learned hazard when its loss on the
short label is below that of both, judged on the same customers before they were learned from; it falls silent when it
becomes clearly worse.

**Settled.** Once labels of the whole churn horizon have matured for long enough, they alone decide. A challenger is
promoted when on each of the latest blocks, at least four, its log loss on the whole horizon was lower than the
champion's, a bootstrap interval of the difference over these blocks excludes zero, and its calibration error is small.
The interval is one of 99 %: it is looked at every week, for every challenger, and chance must not find its day.
The champion is so demoted by the same rule. Only customers that nobody has acted on count.

A block is the labels due in one week, or in as many weeks as it takes to have enough. The interval resamples customers,
not labels, since labels of one customer are alike: in each replicate a customer has one Poisson(1) weight, drawn from
their id, in all blocks and for all models (a streaming Poisson bootstrap: Chamandy, Muralidharan, Najmi, Naidu 2012,
"Estimating uncertainty for massive data streams"). So the evidence is a few sums, whatever the number of customers.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Container, Mapping, Sequence
from hashlib import shake_128
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.churn.panel import MODELS
from models.durations import WEEK
from profiles.errors import Misconfigured

__all__ = ["Block", "Blocks", "Change", "Promotion", "Race", "Standing"]

REPLICATES = 200
"""Of the bootstrap."""

ENOUGH = 50
"""Labels that make a block."""

RUN = 4
"""Consecutive blocks that a challenger must win."""

CALIBRATED = 0.03
"""The largest calibration error of a model that may be promoted."""

_KEPT = 8  # closed blocks
_CHANGES = 50  # that are remembered
_TIE = 1.01  # so close to the best other one the hazard is preferred: it goes by more than orders, and goes on learning
_PATIENCE = (
    1.05  # which is the champion in the cold falls silent when its loss is this many times that of the best other one
)
_FLOOR = 1e-6  # of a probability, so that one certain mistake does not decide

_encode = msgspec.json.Encoder().encode

# Poisson(1) by the inverse of its distribution, in 256 steps: a byte of a hash is a draw.
_DRAWS = np.repeat(np.arange(6.0), (94, 94, 47, 16, 4, 1))


class Race:
    """Loss on the short label of the models that all have answered, on the very same customers.

    Args:
        half: outcomes after which the past counts half.
    """

    def __init__(self, half: int = 4000) -> None:
        self.half = half
        self.rows = 0
        self.losses: dict[str, float] = {}

    def add(self, answers: Mapping[str, float], y: bool, weight: float) -> None:
        """Judge what each said of one customer. When one answers for the first time, all start anew."""
        if answers.keys() != self.losses.keys():
            self.rows, self.losses = 0, dict.fromkeys(answers, 0.0)
        for model, p in answers.items():
            self.losses[model] += _loss(p if y else 1.0 - p) * weight
        self.rows += 1
        if self.rows % self.half == 0:
            self.losses = {model: 0.5 * loss for model, loss in self.losses.items()}


class Block(msgspec.Struct):
    """Labels of the whole horizon that were due in one stretch of time."""

    week: int  # the last of the stretch, in weeks since the epoch
    rows: int
    answered: dict[str, int]  # rows by model
    sums: NDArray[np.float64]  # (models + 1, replicates + 1): losses by model, then weights; replicate 0 is the truth

    @classmethod
    def empty(cls, week: int) -> Block:
        """A block without labels."""
        return cls(week, 0, {}, np.zeros((len(MODELS) + 1, REPLICATES + 1)))

    def add(self, profile: str, churned: bool, weight: float, risks: Sequence[float]) -> None:
        """Count one label; `risks` in the order of MODELS, NaN where a model had no answer."""
        draws = np.ones(REPLICATES + 1)
        draws[1:] = _DRAWS[np.frombuffer(shake_128(profile.encode()).digest(REPLICATES), dtype=np.uint8)]
        losses = [weight * _loss(p if churned else 1.0 - p) if p == p else 0.0 for p in risks]  # noqa: PLR0124
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

    def state(self) -> list[Any]:
        """Everything, as JSON types."""
        sums = base64.b64encode(np.ascontiguousarray(self.sums, dtype="<f8").tobytes()).decode()
        return [self.week, self.rows, dict(sorted(self.answered.items())), sums]

    @classmethod
    def from_state(cls, state: Sequence[Any]) -> Block:
        """The block whose `state` this is.

        Raises:
            Misconfigured: it is not whole.
        """
        try:
            week, rows, answered, sums = state
            shape = (len(MODELS) + 1, REPLICATES + 1)
            return cls(week, rows, answered, np.frombuffer(base64.b64decode(sums), "<f8").reshape(shape).copy())
        except (TypeError, ValueError) as error:
            raise Misconfigured(f"the evidence about the models is damaged: {error!r}") from error


class Standing(msgspec.Struct, frozen=True):
    """How a model compares with the champion on the whole horizon, over its latest consecutive blocks won."""

    model: str
    blocks: int  # consecutive ones with a lower loss than the champion's, up to the latest
    rows: int  # labels in them
    difference: float | None  # of the mean log loss, in them; below zero is better than the champion
    interval: tuple[float, float] | None  # 99 %, by customers
    ece: float | None
    better: bool  # all that a promotion asks for


class Blocks:
    """The blocks: those of the latest two weeks are open, a few closed ones are kept."""

    def __init__(self) -> None:
        self.open: dict[int, Block] = {}
        self.closed: list[Block] = []  # the latest last
        self.late = 0  # labels that came when their block was closed already
        self._newest = 0
        self._rest: Block | None = None  # weeks that were too few
        self._encoded: dict[str, bytes] = {}  # closed ones

    def add(self, profile: str, due: float, churned: bool, weight: float, risks: Sequence[float]) -> bool:
        """Count one label; True if it has closed a block."""
        week = math.floor(due / WEEK)
        if week < self._newest - 1:
            self.late += 1
            return False
        closed = len(self.closed), self.closed[-1].week if self.closed else 0
        if week > self._newest:
            self._newest = week
            for passed in sorted(self.open):
                if passed < week - 1:
                    self._close(self.open.pop(passed))
        if week not in self.open:
            self.open[week] = Block.empty(week)
        self.open[week].add(profile, churned, weight, risks)
        return closed != (len(self.closed), self.closed[-1].week if self.closed else 0)

    def known_to(self, model: str) -> int:
        """The latest consecutive closed blocks in which the model has always answered."""
        return _streak(self.closed, lambda block: block.knows(model))

    def compare(self, model: str, champion: str, ece: float | None) -> Standing:
        """How a model stands against the champion."""
        won = _streak(
            self.closed,
            lambda block: block.knows(model) and block.knows(champion) and block.loss(model) < block.loss(champion),
        )
        if not won:
            return Standing(model, 0, 0, None, None, ece, better=False)
        run = self.closed[-won:]
        total = np.sum([block.sums for block in run], axis=0)
        apart = (total[MODELS.index(model)] - total[MODELS.index(champion)]) / np.maximum(total[-1], 1e-9)
        ranked = np.sort(apart[1:])
        cut = REPLICATES // 200
        low, high = float(ranked[cut]), float(ranked[-cut - 1])
        better = won >= RUN and high < 0.0 and ece is not None and ece < CALIBRATED
        return Standing(model, won, sum(block.rows for block in run), float(apart[0]), (low, high), ece, better)

    def _close(self, block: Block) -> None:
        if self._rest is not None:
            block.take(self._rest)
            self._rest = None
        if block.rows < ENOUGH:
            self._rest = block
        else:
            self.closed = [*self.closed, block][-_KEPT:]

    def state(self) -> dict[str, Any]:
        """Everything but the blocks' sums, as JSON types; `parts` has those."""
        return {"late": self.late, "newest": self._newest, "closed": [block.week for block in self.closed]}

    def parts(self) -> dict[str, bytes]:
        """Every block by a name of its own, as JSON. A closed one never changes."""
        before = self._encoded
        self._encoded = {
            (name := f"{block.week}:closed"): before.get(name) or _encode(block.state()) for block in self.closed
        }
        named = {f"{week}:open": block for week, block in self.open.items()}
        if self._rest is not None:
            named["rest"] = self._rest
        return self._encoded | {name: _encode(block.state()) for name, block in named.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], parts: Mapping[str, bytes]) -> Blocks:
        """The blocks whose `state` and `parts` these are.

        Raises:
            Misconfigured: they are not whole.
        """
        blocks = cls()
        try:
            blocks.late, blocks._newest = int(state["late"]), int(state["newest"])
            held = {name: Block.from_state(msgspec.json.decode(part)) for name, part in parts.items()}
            blocks.closed = [held[f"{week}:closed"] for week in state["closed"]]
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"the evidence about the models is damaged: {error!r}") from error
        opened = sorted((int(name.partition(":")[0]), name) for name in held if name.endswith(":open"))
        blocks.open = {week: held[name] for week, name in opened}
        blocks._rest = held.get("rest")
        return blocks


class Change(msgspec.Struct, frozen=True):
    """Another model speaks, or a person has decided about that."""

    at: float  # event time
    model: str  # that speaks from now on
    before: str
    why: str  # short label, whole horizon, decision, roll-back, learning anew
    text: str
    by: str = ""  # the person
    evidence: dict[str, Any] = {}


class Promotion:
    """Who speaks."""

    def __init__(self) -> None:
        self.champion = "rules"
        self.since = 0.0  # event time
        self.pinned = ""  # who decided that it stays; "" for nobody
        self.chosen = ""  # by the rule, before somebody decided; "" while nobody has
        self.settled = False  # labels of the whole horizon decide
        self.changes: list[Change] = []  # the latest last
        self.standings: list[Standing] = []  # as of the latest block
        self.race = Race()

    def review_short(self, at: float, *, fits: bool, ready: bool, enough: int) -> Change | None:
        """Choose while labels of the whole horizon are few.

        Args:
            at: event time.
            fits: whether BG/NBD has an answer.
            ready: whether the hazard has learned enough to speak.
            enough: outcomes that a comparison needs.
        """
        if self.settled or self.pinned:
            return None
        chosen = self._by_short(fits=fits, ready=ready, enough=enough)
        if chosen == self.champion:
            return None
        losses = {model: loss / max(self.race.rows, 1) for model, loss in sorted(self.race.losses.items())}
        why = {
            "rules": "the others are worse than the rules on the short label",
            "bgnbd": "BG/NBD fits the orders seen so far" if self.champion == "rules" else "the hazard is worse",
            "hazard": "the hazard has the lowest loss on the short label",
        }[chosen]
        return self.change(chosen, at, "short label", why, evidence={"rows": self.race.rows, "log_loss": losses})

    def _by_short(self, *, fits: bool, ready: bool, enough: int) -> str:
        losses = self.race.losses
        compared = self.race.rows >= enough
        anchors = ["rules"]
        if fits:
            anchors.append("bgnbd")
        if ready and "hazard" in losses and compared:
            bar = min(losses.get(model, math.inf) for model in anchors)
            if losses["hazard"] < bar * (_PATIENCE if self.champion == "hazard" else _TIE):
                return "hazard"
        elif self.champion == "hazard":
            return "hazard"  # all have started anew
        if fits:
            worse = _PATIENCE if self.champion == "bgnbd" else 1.0
            if not compared or "bgnbd" not in losses or losses["bgnbd"] < losses["rules"] * worse:
                return "bgnbd"
        return "rules"

    def review_full(
        self,
        blocks: Blocks,
        at: float,
        ece: Callable[[str], float | None],
        lately: Callable[[str], float | None] = lambda model: None,
    ) -> Change | None:
        """A block was closed: compare all with the champion, and promote the best of those that are better.

        What a model said a horizon ago tells of what it had learned by then. So whoever has an answer for the label
        horizon must not be worse there either, where the evidence is young.

        Args:
            blocks: the evidence.
            at: event time.
            ece: calibration error on the whole horizon, by model.
            lately: rolling log loss on the short label, by model; None from one that has no answer to it.
        """
        self.settled = self.settled or blocks.known_to(self.champion) >= RUN
        others = [model for model in MODELS if model != self.champion]
        self.standings = [blocks.compare(model, self.champion, ece(model)) for model in others]
        bar = lately(self.champion)
        better = [
            standing
            for standing in self.standings
            if standing.better and (bar is None or (recent := lately(standing.model)) is None or recent <= bar)
        ]
        if not self.settled or self.pinned or not better:
            return None
        best = min(better, key=lambda standing: standing.difference or 0.0)
        text = (
            f"log loss on the whole horizon lower by {-(best.difference or 0.0):.4f} in {best.blocks} consecutive "
            f"blocks, {best.rows} labels"
        )
        evidence = {**msgspec.to_builtins(best), "against": self.champion}
        change = self.change(best.model, at, "whole horizon", text, evidence=evidence)
        self.standings = [
            blocks.compare(model, self.champion, ece(model)) for model in MODELS if model != self.champion
        ]
        return change

    def change(
        self, model: str, at: float, why: str, text: str, *, by: str = "", evidence: dict[str, Any] | None = None
    ) -> Change:
        """Let a model speak, and record why."""
        change = Change(at, model, self.champion, why, text, by, evidence or {})
        if model != self.champion:
            self.since = at
        self.champion = model
        self.changes = [*self.changes, change][-_CHANGES:]
        return change

    def hand_over(
        self,
        able: Container[str],
        at: float,
        why: str,
        text: str,
        *,
        heir: str = "",
        by: str = "",
        evidence: dict[str, Any] | None = None,
    ) -> Change | None:
        """If the champion has nothing to say any more, let another model speak; what a person had decided ends with it.

        Args:
            able: the models that can speak.
            at: event time.
            why: see `Change`.
            text: what has happened, for people.
            heir: who shall speak if the rule had chosen nobody who can.
            by: the person, if one caused it.
            evidence: figures.
        """
        if self.champion in able:
            return None
        model = next((name for name in (self.chosen, heir) if name in able), "rules")
        if self.pinned:
            text = (
                f"{text}; {self.champion}, promoted by {self.pinned}, has nothing to say now, so the rule chooses again"
            )
        self.pinned = self.chosen = ""
        return self.change(model, at, why, text, by=by, evidence=evidence)

    def pin(self, model: str, at: float, by: str) -> Change:
        """A person decides which is the champion."""
        self.chosen = self.chosen or self.champion
        self.pinned = by
        return self.change(model, at, "decision", f"promoted by {by}", by=by)

    def release(self, at: float, by: str, able: Container[str]) -> Change:
        """Let the rule choose again, from the model on that it had chosen.

        Args:
            at: event time.
            by: the person.
            able: the models that can speak.
        """
        model = self.chosen if self.chosen in able else "rules"
        self.pinned = self.chosen = ""
        return self.change(model, at, "decision", f"released by {by}", by=by)

    def state(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        return {
            "champion": self.champion,
            "since": self.since,
            "pinned": self.pinned,
            "chosen": self.chosen,
            "settled": self.settled,
            "changes": msgspec.to_builtins(self.changes),
            "standings": msgspec.to_builtins(self.standings),
            "race": {"rows": self.race.rows, "losses": self.race.losses},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Promotion:
        """The promotion whose `state` this is.

        Raises:
            Misconfigured: it is not whole.
        """
        promotion = cls()
        try:
            promotion.champion, promotion.since = str(state["champion"]), float(state["since"])
            promotion.pinned, promotion.chosen = str(state["pinned"]), str(state["chosen"])
            promotion.settled = bool(state["settled"])
            promotion.changes = msgspec.convert(state["changes"], list[Change])
            promotion.standings = msgspec.convert(state["standings"], list[Standing])
            promotion.race.rows = int(state["race"]["rows"])
            promotion.race.losses = {model: float(loss) for model, loss in state["race"]["losses"].items()}
        except (KeyError, TypeError, ValueError, AttributeError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"the record of which model speaks is damaged: {error!r}") from error
        return promotion


def _loss(p: float) -> float:
    return -math.log(min(max(p, _FLOOR), 1.0))


def _streak(blocks: Sequence[Block], holds: Callable[[Block], bool]) -> int:
    """How many of the latest blocks in a row it holds for."""
    count = 0
    for block in reversed(blocks):
        if not holds(block):
            break
        count += 1
    return count
