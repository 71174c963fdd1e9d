"""Choosing the champion: which model it is, and on what evidence.

**Cold.** First the rules. BG/NBD as soon as it fits, unless it turns out worse. The learned hazard when its loss on the
short label is below that of both, judged on the same customers before they were learned from; it steps back when it
becomes clearly worse. As soon as a second of its parts has an answer, the stack speaks in the hazard's place: log loss
is convex in log-odds, so it is never worse than its parts are on average, and better by as much as they err in
different ways. It needs no label to be the champion, and few to be no longer.

**Settled.** Once labels of the whole churn horizon have matured for long enough, they alone decide. A challenger is
promoted when over the latest blocks, at least four, its log loss on the whole horizon was surely lower than the
champion's, it was lower over the latest four, too, and its calibration error is small. Surely is 99.9 %, by customers:
it is looked at every week, for every challenger, and chance must not find its day. The champion is so demoted by the
same rule; the rules, which come back where the others fail, need no calibration for it. Only customers that nobody has
acted on count.

**The floor** (`floor`). At no time is a model the champion that ranks customers worse than the rules on the whole
horizon, nor, in the cold, the hazard where the label horizon is too short for the customers' rhythm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from typing import Any

import msgspec

from models.churn.kinds import KINDS
from models.churn.panel import MODELS
from models.codec import State
from models.learning.evidence import RUN, Blocks, Standing, loss_of
from models.learning.floor import FLOOR
from models.learning.quality import HALF

__all__ = ["RACERS", "Change", "Chosen", "Promotion", "Race"]

RACERS = ("hazard", "bgnbd", "rules")
"""The models of the cold start, which are compared on the short label."""

_LEARNED = ("hazard", "stack")  # champions of the cold start that go by the hazard
_CHANGES = 50  # that are remembered
_TIE = 1.01  # so close to the best other one the hazard is preferred: it goes by more than orders, and goes on learning
_PATIENCE = 1.05  # times the loss of the best other one, from which on a champion of the cold start steps back


class Race(State):
    """Loss on the short label of the models that all have answered, on the very same customers."""

    rows: int
    losses: dict[str, float]

    @classmethod
    def new(cls) -> Race:
        """Before the first customer."""
        return cls(0, {})

    def add(self, answers: Mapping[str, float], y: bool, weight: float) -> None:
        """Judge what each said of one customer. When one answers for the first time, all start anew."""
        if answers.keys() != self.losses.keys():
            self.rows, self.losses = 0, dict.fromkeys(answers, 0.0)
        for model, p in answers.items():
            self.losses[model] += loss_of(p if y else 1.0 - p) * weight
        self.rows += 1
        if self.rows % HALF == 0:
            self.losses = {model: 0.5 * loss for model, loss in self.losses.items()}


class Change(msgspec.Struct, frozen=True):
    """Another model is the champion, or a person has decided about that."""

    at: float  # event time
    model: str  # the champion from now on
    before: str
    why: str  # short label, whole horizon, worse than the rules, decision, roll-back, learning anew
    text: str
    by: str = ""  # the person
    evidence: dict[str, Any] = {}


class Chosen(msgspec.Struct):
    """What stays known of a `Promotion` that another version wrote, whatever else it had or had not."""

    champion: str
    changes: list[Change]


class Promotion(State):
    """Which model is the champion."""

    champion: str
    since: float  # event time
    pinned: str  # who decided that it stays; "" for nobody
    chosen: str  # by the rule, before somebody decided; "" while nobody has
    settled: bool  # labels of the whole horizon decide
    changes: list[Change]  # the latest last
    standings: list[Standing]  # as of the latest block
    race: Race
    refused: dict[str, str]  # models that must not be chosen, and why

    @classmethod
    def new(cls) -> Promotion:
        """The rules, before anything is known."""
        return cls("rules", 0.0, "", "", False, [], [], Race.new(), {})

    @property
    def speaks_short(self) -> str:
        """The model that answers for the champion on the label horizon, of which the stack has no answer."""
        return "hazard" if self.champion == "stack" else self.champion

    def review_floor(self, at: float, below: Mapping[str, str]) -> Change | None:
        """Outcomes of the whole horizon have come: the rules step in for a champion that is worse than they are.

        Args:
            at: event time.
            below: the models that are, and why.
        """
        self.refused = dict(below)
        if self.pinned or self.champion not in below:
            return None
        return self.change("rules", at, "worse than the rules", f"{self.champion} is refused: {below[self.champion]}")

    def review_short(
        self, at: float, *, fits: bool, ready: bool, enough: int, short: bool = False, stack: bool = False
    ) -> Change | None:
        """Choose while labels of the whole horizon are few.

        Args:
            at: event time.
            fits: whether BG/NBD has an answer.
            ready: whether the hazard has learned enough to be asked.
            enough: outcomes that a comparison needs.
            short: whether the label horizon is too short for the customers' rhythm, so that no short label decides for
                the hazard.
            stack: whether the stack can be asked.
        """
        if self.settled or self.pinned:
            return None
        fits = fits and "bgnbd" not in self.refused
        if short or "hazard" in self.refused:
            chosen = self._of_anchors(fits=fits, compared=self.race.rows >= enough)
        else:
            chosen = self._by_short(fits=fits, ready=ready, enough=enough)
        if chosen == "hazard" and stack and "stack" not in self.refused:
            chosen = "stack"
        if chosen == self.champion:
            return None
        losses = {model: loss / max(self.race.rows, 1) for model, loss in sorted(self.race.losses.items())}
        why = {
            "rules": "the others are worse than the rules on the short label",
            "bgnbd": "BG/NBD fits the orders seen so far" if self.champion == "rules" else "the hazard is worse",
            "hazard": "the hazard has the lowest loss on the short label",
            "stack": "the hazard has the lowest loss on the short label, and the stack says what it and others say",
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
            if losses["hazard"] < bar * (_PATIENCE if self.champion in _LEARNED else _TIE):
                return "hazard"
        elif self.champion in _LEARNED:
            return "hazard"  # all have started anew
        return self._of_anchors(fits=fits, compared=compared)

    def _of_anchors(self, *, fits: bool, compared: bool) -> str:
        losses = self.race.losses
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
        horizon must not be worse there either, where the evidence is young. For the stack the hazard answers there.

        Args:
            blocks: the evidence.
            at: event time.
            ece: calibration error on the whole horizon, by model.
            lately: rolling log loss on the short label, by model; None from one that has no answer to it.
        """
        self.settled = self.settled or blocks.known_to(self.champion) >= RUN
        self.standings = self._compared(blocks, ece)
        bar = lately(self.speaks_short)
        better = [
            standing
            for standing in self.standings
            if standing.better
            and KINDS[standing.model].promoted
            and standing.model not in self.refused
            and (bar is None or (recent := lately(standing.model)) is None or recent <= bar)
        ]
        if not self.settled or self.pinned or not better:
            return None
        best = min(better, key=lambda standing: standing.difference or 0.0)
        text = (
            f"log loss on the whole horizon lower by {-(best.difference or 0.0):.4f} in the latest {best.blocks} "
            f"blocks, {best.rows} labels"
        )
        evidence = {**msgspec.to_builtins(best), "against": self.champion}
        change = self.change(best.model, at, "whole horizon", text, evidence=evidence)
        self.standings = self._compared(blocks, ece)
        return change

    def _compared(self, blocks: Blocks, ece: Callable[[str], float | None]) -> list[Standing]:
        others = [model for model in MODELS if model != self.champion]
        return [blocks.compare(model, self.champion, ece(model), floor=model == FLOOR) for model in others]

    def change(
        self, model: str, at: float, why: str, text: str, *, by: str = "", evidence: dict[str, Any] | None = None
    ) -> Change:
        """Make a model the champion, and record why."""
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
        """If the champion can be asked no more, choose another model; what a person had decided ends with it.

        Args:
            able: the models that can be asked.
            at: event time.
            why: see `Change`.
            text: what has happened, for people.
            heir: the champion if the rule had chosen none that can be asked.
            by: the person, if one caused it.
            evidence: figures.
        """
        if self.champion in able:
            return None
        rest = "hazard" if "stack" in {self.chosen, self.champion} else ""  # what is left of it
        model = next((name for name in (self.chosen, rest, heir) if name in able and name not in self.refused), "rules")
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
            able: the models that can be asked.
        """
        model = self.chosen if self.chosen in able and self.chosen not in self.refused else "rules"
        self.pinned = self.chosen = ""
        return self.change(model, at, "decision", f"released by {by}", by=by)
