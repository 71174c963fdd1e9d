"""The models that score, as the learner last shipped them."""

from __future__ import annotations

import logging

from models.churn.panel import Panel
from models.config import ChurnConfig
from profiles.units import LearnerStore
from streams.refreshed import Refreshed
from streams.retry import retrying

log = logging.getLogger(__name__)

__all__ = ["champion_of"]


def champion_of(store: LearnerStore, config: ChurnConfig) -> Refreshed[Panel]:
    """The panel that the learner has committed; the cold-start rules until it has committed any."""

    async def read(raw: bytes) -> Panel:
        return Panel.from_json(raw, config)

    return Refreshed(
        Panel.cold(config),
        retrying(store.panel),
        read,
        lambda panel: f"scoring goes on with {panel.champion.id}",
        _tell_left_out,
    )


def _tell_left_out(before: Panel, panel: Panel) -> None:
    if panel.left_out and panel.left_out != before.left_out:  # until the learner has learned again
        log.warning(
            "scoring with %s; learned for another version or plan: %s", panel.champion.id, ", ".join(panel.left_out)
        )
