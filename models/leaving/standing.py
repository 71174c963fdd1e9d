"""How the leaving score of causes stands against BTYD's: whether it is what scores say.

Both are judged on every label of hindsight, before it is learned, by log loss. A chance q counts by (2q − 1)²: what
is in doubt in hindsight is BTYD's own opinion, by which nobody else can win. The corrected score speaks once it has
been surely better, and no longer when it is not.
"""

from __future__ import annotations

import math

import msgspec

from models.codec import State
from models.learning.quality import Ledger
from models.leaving.hindsight import certain

__all__ = ["LEAST", "PROOF", "STILL_HERE", "Standing"]

LEAST = 300
"""Labels before it may speak."""

PROOF = 2.0
"""Standard errors by which it must be better than BTYD to speak."""

STILL_HERE = "still_here"
"""Whom BTYD gives a chance of having left of a quarter at most: the figures of these are kept apart."""

_HERE = 0.25
_MEMORY = 2000.0  # labels that the proof remembers


class Standing(State):
    """How the corrected score stands against BTYD."""

    labels: int = 0  # judged
    gain: float = 0.0  # fading sums: log loss of BTYD less that of the corrected score…
    doubt: float = 0.0  # …and the squares of that
    speaks: bool = False  # whether it is what scores say
    ledger: Ledger = msgspec.field(default_factory=Ledger.new)  # of `btyd` and `causes`

    def add(self, before: float, now: float, lost: float, weight: float, left: float) -> None:
        """Judge what both had said.

        Args:
            before: P(has left or leaves soon) by BTYD.
            now: by the corrected score.
            lost: what hindsight says.
            weight: how many customers it stands for.
            left: the chance that they had left already, by BTYD.
        """
        better = weight * (2.0 * lost - 1.0) ** 2 * (_loss(before, lost) - _loss(now, lost))
        fade = 1.0 - 1.0 / _MEMORY
        self.gain = fade * self.gain + better
        self.doubt = fade * fade * self.doubt + better * better
        self.labels += 1
        if self.labels >= LEAST:
            self.speaks = self.gain > (0.0 if self.speaks else PROOF * math.sqrt(self.doubt))
        sure = weight * certain(lost)
        scopes = (STILL_HERE,) if left <= _HERE else ()
        self.ledger.add({"btyd": before, "causes": now}, lost >= 0.5, sure, touched=False, segments=scopes)


def _loss(said: float, came: float) -> float:
    held = min(max(said, 1e-6), 1.0 - 1e-6)
    return -came * math.log(held) - (1.0 - came) * math.log1p(-held)
