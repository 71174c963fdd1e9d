"""What would lower a customer's risk, and what is to be expected of them, by the models that score now."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from console.services.models import LearnerView
from console.views.churn import Advice
from models.churn.counterfactuals import counterfactuals
from models.churn.outlook import outlook
from models.churn.panel import Panel
from models.config import ChurnConfig
from models.labels.outcomes import held
from profiles.documents import encode_profile
from profiles.types import Profile
from profiles.units import LearnerPosition
from streams.refreshed import Refreshed

__all__ = ["Adviser"]


_GIVEN = 4096  # profiles of which it is known what was said


class Adviser:
    """Answers what would lower the risk of customers whose band is medium or high, and what is to be expected.

    Args:
        store: of the learner; asked each time how far it has come, and read anew only when it has another panel.
        config: of churn, from the plan.
        currency: of the plan.
    """

    def __init__(self, store: LearnerView, config: ChurnConfig, currency: str) -> None:
        self._configs = config.each()
        self._currency = currency

        self._store = store
        self._committed: LearnerPosition | None = None
        self._raw: bytes | None = None
        self._given: OrderedDict[bytes, tuple[Panel, Advice]] = OrderedDict()  # by the digest of a profile

        async def read(raw: bytes) -> Panel:
            return Panel.from_json(raw, config)

        self._panel = Refreshed(
            Panel.cold(config), self._stored, read, lambda panel: f"advice goes on with {panel.champion.id}"
        )

    async def refresh(self) -> None:
        """Look whether there is another panel."""
        await self._panel.refresh()

    def has_score(self, profile: Profile) -> bool:
        """Whether there is anything to say of a customer."""
        return any(held(profile, config).score for config in self._configs)

    async def __call__(self, profile: Profile) -> Advice | None:
        """What would lower each risk of a customer, and what is to be expected, as of the score, so that both can be
        compared with it.

        While the band is low there is nothing to lower; without a score there is nothing at all.
        """
        if not self.has_score(profile):
            return None
        await self.refresh()
        return self.by_this_panel(profile)

    def by_this_panel(self, profile: Profile) -> Advice | None:
        """The same, by the panel of the last `refresh`; of a profile that is as it was, what was said of it."""
        if not self.has_score(profile):
            return None
        panel, given = self._panel(), self._given
        digest = blake2b(profile.id.encode() + encode_profile(profile), digest_size=16).digest()
        if (said := given.get(digest)) is not None and said[0] is panel:
            given.move_to_end(digest)
            return said[1]
        own, *others = (self._of(profile, config) for config in self._configs)
        defined = {config.name: each for config, each in zip(self._configs[1:], others, strict=True) if each}
        advice = (own or Advice("", None))._replace(defined=defined)
        given[digest] = panel, advice
        if len(given) > _GIVEN:
            given.popitem(last=False)
        return advice

    async def _stored(self) -> bytes | None:
        """The panel as it is stored; it is large, and not read while nothing was committed."""
        at = await self._store.position()
        if at != self._committed:
            self._raw, self._committed = await self._store.panel(), at
        return self._raw

    def _of(self, profile: Profile, config: ChurnConfig) -> Advice | None:
        """By one definition of churn; what is to be expected goes by orders, and so with the plan's own."""
        score = held(profile, config).score
        if score is None:
            return None
        panel, currency = self._panel().of(config.name), self._currency
        lower = None if score.band == "low" else counterfactuals(profile, panel, score.at, config, currency)
        expected = None if config.name else outlook(profile, panel, score.at, config, currency)
        return Advice(panel.kin(score.model).id, lower, expected)
