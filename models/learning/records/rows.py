"""The features of a batch of training records, read at once, and what models say of them that do not learn from each.

A row costs numpy as much as a hundred. The rules, BG/NBD and kept checkpoints stay as they are from training record to
training record, so they are asked about the whole batch; one that is replaced on the way is asked anew. What they say
of a row does not depend on its batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.churn.kinds.btyd import Btyd
from models.churn.model import Model
from models.churn.panel import MODELS
from models.config import ChurnConfig
from models.features.table import NAMES, SCHEMA
from models.labels.examples import Example, OwnRecord
from models.leaving.hindsight import Hindsight, hindsight, waits_for

__all__ = ["Rows"]


class Rows:
    """Rows of `features.matrix`, of the examples of a batch that can be learned from.

    Args:
        training records: the batch.
        config: whose horizons the examples must be about.
    """

    def __init__(self, records: Sequence[OwnRecord], config: ChurnConfig) -> None:
        self._config = config
        whole = [i for i, one in enumerate(records) if type(one) is Example and _is_whole(one, config)]
        packed = b"".join([records[i].x for i in whole])  # type: ignore[union-attr]
        x = np.frombuffer(packed, dtype="<f4").reshape(-1, len(NAMES)).astype(np.float64)
        finite = np.isfinite(x).all(axis=1)
        self.x = x if finite.all() else x[finite]
        self.at = [-1] * len(records)  # the row of each training record; -1 for none
        self._late: list[tuple[int, Example]] = []  # labels of hindsight, with their rows
        for row, place in enumerate(np.array(whole, dtype=np.int64)[finite].tolist()):
            self.at[place] = row
            record = records[place]
            if isinstance(record, Example) and record.horizon == "hindsight":
                self._late.append((row, record))
        self._late_place = {row: place for place, (row, _) in enumerate(self._late)}
        self._looked: tuple[Btyd, Hindsight] | None = None
        self._said: dict[str, tuple[Model, list[float]]] = {}

    def short(self, name: str, model: Model, row: int) -> float:
        """P(order within the label horizon) of one row, by the model that has this name now."""
        asked, said = self._said.get(name, (None, []))
        if asked is not model:
            said = model.short(self.x, self._config).tolist()
            self._said[name] = model, said
        return said[row]

    def hindsight(self, btyd: Btyd, row: int) -> tuple[Hindsight, int]:
        """What BTYD, as it is now, says of the snapshots behind labels of hindsight; and which of them a row is."""
        if self._looked is None or self._looked[0] is not btyd:
            examples = [example for _, example in self._late]
            told = hindsight(btyd.lifetimes, self.x[[row for row, _ in self._late]], examples, self._config)
            self._looked = btyd, told
        return self._looked[1], self._late_place[row]


def _is_whole(example: Example, config: ChurnConfig) -> bool:
    """Whether it is of these features and horizons; its numbers may still not be finite."""
    if example.horizon == "hindsight":
        whole = waits_for(config)
    else:
        whole = config.label_horizon if example.horizon == "short" else config.horizon
    return (
        example.schema == SCHEMA
        and len(example.x) == 4 * len(NAMES)
        and 0 < example.weight < 1e6
        and abs(example.due - example.at - whole) <= 1.0
        and (example.horizon != "full" or len(example.risks) == 4 * len(MODELS))
        and (example.horizon != "hindsight" or example.seen is not None)
    )
