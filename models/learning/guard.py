"""Kept checkpoints of what is learned, and the guard that goes back to one.

A checkpoint is kept every so many examples (by count, so that a replay keeps the same) and whenever another model
speaks. The guard lets the hazard of one of them judge a share of the following examples besides the live one. If the
live one becomes badly calibrated where the kept one is not, or a weight is not finite, or the weights have jumped, then
it is the learning that went wrong and not the world that has changed, and what was learned is set back to that
checkpoint. The guard moves on to a newer one only when the live hazard was no worse on all that came after that one was
kept: while nonsense is learned, it is the live one that does better.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from models.churn.weights import Weights
from models.learning.learning_models import Learned
from models.learning.quality import Quality, judge
from profiles.errors import Misconfigured

__all__ = ["KEPT", "Guard", "History", "Kept"]

KEPT = 20
"""Checkpoints that are kept."""

_LEAST = 500  # examples between two of them; later a fiftieth of all that were learned

_EVERY = 2  # one example in so many is judged by the kept hazard as well
_ENOUGH = 100  # of those
_RECENT = 250  # after which the past counts half
_BAD = 0.10  # a calibration error that is an alarm…
_WORSE = 2.0  # …if it is so many times that of the kept one
_NO_WORSE = 1.02  # times the log loss of the kept one
_JUMP = 3.0  # so many times the norm of the kept weights, and one more, is a jump


class Kept(msgspec.Struct, frozen=True):
    """One kept checkpoint."""

    version: int
    at: float  # event time of the newest label learned
    examples: int  # short labels the hazard has learned
    why: str  # count, champion
    champion: str
    sound: bool  # no worse, as far as was known, than the one before that the guard compared with
    norms: dict[str, float]
    figures: dict[str, Any]  # quality of every model then, by horizon
    state: msgspec.Raw  # of `Learned`, with the race; JSON
    horizon: float = 0.0  # churn horizon that the direct model is about


class History:
    """The latest kept checkpoints, the oldest first."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.versions = 0  # given so far
        self.due_at = _LEAST  # examples at which the next is due
        self._encoded: dict[int, bytes] = {}  # by version

    def due(self, examples: int) -> bool:
        """Whether it is time to keep one."""
        return examples >= self.due_at

    def keep(self, kept: Kept, watched: int) -> None:
        """Keep one, and let go of the oldest, unless it is the one that the guard watches with."""
        self.kept = [*self.kept, kept]
        if len(self.kept) > KEPT:
            del self.kept[self.kept[0].version == watched]
        self.versions = kept.version
        self.due_at = kept.examples + max(_LEAST, kept.examples // 50)

    def went_back(self, examples: int) -> None:
        """What was learned is now that of fewer examples."""
        self.due_at = examples + max(_LEAST, examples // 50)

    def find(self, version: int) -> Kept | None:
        """A kept checkpoint."""
        return next((kept for kept in self.kept if kept.version == version), None)

    def state(self) -> dict[str, Any]:
        """Everything but the checkpoints, as JSON types; `parts` has those."""
        return {"versions": self.versions, "due_at": self.due_at}

    def parts(self) -> dict[str, bytes]:
        """Every checkpoint by its version, as JSON. None ever changes."""
        before = self._encoded
        self._encoded = {kept.version: before.get(kept.version) or _encoded(kept) for kept in self.kept}
        return {str(version): part for version, part in self._encoded.items()}

    @classmethod
    def from_state(cls, state: dict[str, Any], parts: dict[str, bytes]) -> History:
        """The history whose `state` and `parts` these are.

        Raises:
            Misconfigured: they are not whole.
        """
        history = cls()
        try:
            history.versions, history.due_at = int(state["versions"]), int(state["due_at"])
            found = [msgspec.json.decode(part, type=Kept) for part in parts.values()]
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"the history of the models is damaged: {error!r}") from error
        history.kept = sorted(found, key=lambda kept: kept.version)
        return history


_encoded = msgspec.json.Encoder().encode


class Guard:
    """Judges the live hazard and the one of a kept checkpoint on the same recent examples."""

    def __init__(self) -> None:
        self.version = 0  # of the checkpoint to compare with; 0 for none
        self.next = 0  # of the one to move on to; 0 for none
        self._weights: Weights | None = None
        self.start(0)

    def watch(self, version: int, hazard: Weights | None) -> None:
        """Compare with the hazard of this checkpoint from now on."""
        self.version, self._weights = version, hazard
        self.start(0)

    def start(self, candidate: int) -> None:
        """Compare anew; if the live one is no worse until the next time, move on to this checkpoint."""
        self.next, self._count = candidate, 0
        self._live, self._kept = Quality(_RECENT), Quality(_RECENT)
        self._waiting: list[tuple[float, float, bool]] = []  # what both said of an example, and what came

    def add(self, y: bool, live: float, ask: Callable[[Weights], float]) -> None:
        """The live hazard has judged an example that nobody has learned from yet; so may the kept one, if asked."""
        self._count += 1
        if self._weights is None or self._count % _EVERY:
            return
        self._waiting.append((live, ask(self._weights), y))

    def _settle(self) -> None:
        if self._waiting:
            live, kept, came = zip(*self._waiting, strict=True)
            self._live.add(judge(live, came))
            self._kept.add(judge(kept, came))
            self._waiting = []

    @property
    def worse(self) -> bool | None:
        """Whether the live one has a clearly higher loss; None while too little is known."""
        self._settle()
        if self._weights is None or self._live.rows < _ENOUGH:
            return None
        return self._live.log_loss > _NO_WORSE * self._kept.log_loss

    def alarm(self, learned: Learned, kept: Kept | None) -> str:
        """Why what was learned must not be used; "" if it may."""
        for model, norm in learned.norms().items():
            if not math.isfinite(norm):
                return f"a weight of the model {model} is not finite"
            before = kept.norms.get(model, 0.0) if kept is not None else math.inf
            if before and norm > _JUMP * before + 1.0:
                return f"the weights of the model {model} have jumped from a norm of {before:.2f} to {norm:.2f}"
        if kept is None or self.worse is not True:
            return ""
        live, then = self._live, self._kept
        if live.ece > max(_BAD, _WORSE * then.ece):
            return (
                f"calibration error {live.ece:.3f} on the latest examples, where the checkpoint {kept.version} has "
                f"{then.ece:.3f}"
            )
        return ""

    def state(self) -> dict[str, Any]:
        """Everything but the weights, which are the checkpoint's."""
        self._settle()
        return {
            "version": self.version,
            "next": self.next,
            "count": self._count,
            "live": self._live.state(),
            "kept": self._kept.state(),
        }

    def restore(self, state: dict[str, Any], hazard: Weights | None) -> None:
        """Go on from a `state`.

        Raises:
            Misconfigured: it is not whole.
        """
        try:
            self.version, self.next, self._count = (int(state[key]) for key in ("version", "next", "count"))
            self._live, self._kept = Quality.from_state(state["live"]), Quality.from_state(state["kept"])
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the state of the models' guard is damaged: {error!r}") from error
        self._weights = hazard
