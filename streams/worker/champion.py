"""The models that score, as the learner last shipped them."""

from __future__ import annotations

import logging

from models.churn.panel import Panel
from models.config import ChurnConfig
from profiles.errors import Misconfigured
from profiles.stores.learner import LearnerStore
from streams.retry import retrying

log = logging.getLogger(__name__)

__all__ = ["Champion"]


class Champion:
    """Answers the panel that the store last said; the cold-start rules until it says anything."""

    def __init__(self, store: LearnerStore, config: ChurnConfig) -> None:
        self._store = store
        self._config = config
        self._raw: bytes | None = None
        self._panel = Panel.cold(config)

    def __call__(self) -> Panel:
        """The panel."""
        return self._panel

    @retrying
    async def refresh(self) -> bool:
        """Look for a newer panel; True if there is one. A damaged one changes nothing."""
        raw = await self._store.panel()
        if raw is None or raw == self._raw:
            return False
        self._raw = raw
        try:
            panel = Panel.from_json(raw, self._config)
        except Misconfigured as error:
            log.warning("scoring goes on with %s: %s", self._panel.champion.id, error)
            return False
        if panel.left_out and panel.left_out != self._panel.left_out:  # until the learner has learned again
            log.warning(
                "scoring with %s; learned for another version or plan: %s",
                panel.champion.id,
                ", ".join(panel.left_out),
            )
        self._panel = panel
        return True
