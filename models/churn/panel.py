"""The panel: every model of the churn risk side by side, one of which is the champion.

The learner ships a panel as JSON, which outlives upgrades of River; scorers load it and know no River. What the others
would have said is kept with the snapshots, so that all of them are judged on the same customers later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.churn.calibration import Calibration
from models.churn.kinds import KINDS
from models.churn.kinds.btyd import TYPICAL, Btyd
from models.churn.kinds.rules import rules
from models.churn.model import Joined, Model, Outdated, joined
from models.churn.scores import score_profiles
from models.churn.weights import ahead
from models.codec import Array, decode, encode
from models.companies.scorecard import BY_HAND, LEARNED, Scorecard, meaning_of
from models.companies.signals import ground_of
from models.companies.words import BY_RULES
from models.config import ChurnConfig
from models.leaving.departures import Departures
from profiles.types import Profile, Score

__all__ = ["MODELS", "Panel", "basis"]

MODELS = tuple(KINDS)
"""Every name in a panel, in the order of the columns of `Panel.risks`."""

_RULES = "rules"
_LEARNED = tuple(name for name in MODELS if name != _RULES)


class _Form(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A panel as JSON. The rules are not in it: they come with the code and the plan."""

    champion: str
    version: int
    trained_until: float
    models: dict[str, msgspec.Raw]
    others: dict[str, msgspec.Raw] = {}  # panels of the further definitions of churn
    calibration: Calibration | None = None
    leaving: Departures | None = None
    companies: Scorecard | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Everything a scorer needs."""

    champion_name: str  # of the model whose risk is shown
    models: Mapping[str, Model]  # by name; those that have nothing to say yet are missing, the rules never
    version: int = 0  # grows with what the learner has learned
    trained_until: float = 0.0  # the end of the latest label that was learned
    left_out: tuple[str, ...] = ()  # models of the JSON that this version or plan cannot ask
    others: Mapping[str, Panel] = field(default_factory=dict)  # of the further definitions of churn, by name
    calibration: Calibration | None = None  # by groups of customers, of the champion
    leaving: Departures | None = None  # corrects who has left and who leaves by what is known of causes
    companies: Scorecard = BY_HAND  # what signals of a company count

    def __post_init__(self) -> None:
        unknown = self.models.keys() - set(MODELS)
        if unknown or _RULES not in self.models or self.champion_name not in self.models:
            raise ValueError(f"no panel: {self.champion_name} is to be the champion among {sorted(self.models)}")

    @classmethod
    def cold(cls, config: ChurnConfig) -> Panel:
        """Before anything is learned: the rules alone."""
        return cls(_RULES, {_RULES: rules(config)}, others={c.name: cls.cold(c) for c in config.each()[1:]})

    def of(self, churn: str) -> Panel:
        """The panel of a definition; "" is the plan's own."""
        return self.others[churn] if churn else self

    @property
    def champion(self) -> Model:
        """The champion."""
        return self.models[self.champion_name]

    def kin(self, model_id: str) -> Model:
        """The model of the kind that has such an id; the champion if there is none."""
        kind = model_id.partition("-")[0]
        return next((model for model in self.models.values() if model.id.partition("-")[0] == kind), self.champion)

    @property
    def lifetimes(self) -> Btyd:
        """What tells who has left: numbers set by hand before it fits."""
        found = self.models.get("btyd")
        return found if isinstance(found, Btyd) else TYPICAL

    def departures(self, values: Array, config: ChurnConfig) -> tuple[Array, Array]:
        """(P(has left), P(is here and leaves within `leaving_within`)) of rows of `features.matrix`."""
        if self.leaving is None:
            return self.lifetimes.departures(values, config)
        return self.leaving.of(values, self.lifetimes)

    def score_profiles(
        self, profiles: Sequence[Profile], times: Sequence[float], config: ChurnConfig, currency: str
    ) -> list[Score | None]:
        """What the champion says of each profile at its time; None for who never ordered. Changes nothing."""
        return score_profiles(profiles, times, self.champion, config, currency, self.departures, self.calibration)

    def calibrated(self, risk: Array, groups: Sequence[Sequence[str]]) -> Array:
        """The champion's risks as they are shown of customers of these groups."""
        return risk if self.calibration is None else self.calibration.risks(risk, groups)

    def risks(self, raws: Array, at: Array, config: ChurnConfig) -> NDArray[np.float32]:
        """What every model says: (customers, len(MODELS)), NaN where a model has learned too little.

        Args:
            raws: rows of `features.raws`, of customers who have ordered.
            at: the times (customers,).
            config: of churn, from the plan.
        """
        x = ahead(raws, at, config)
        said = np.full((len(raws), len(MODELS)), np.nan, dtype=np.float32)
        risks = {name: model.risk(x, config) for name, model in self.models.items() if not isinstance(model, Joined)}
        risks |= {name: model.of(risks) for name, model in self.models.items() if isinstance(model, Joined)}
        for column, name in enumerate(MODELS):
            if name in risks:
                said[:, column] = risks[name]
        return said

    def to_json(self) -> bytes:
        """Everything but the rules, as JSON that reads back to the same bits."""
        models = {name: msgspec.Raw(self.models[name].to_json()) for name in _LEARNED if name in self.models}
        others = {name: msgspec.Raw(panel.to_json()) for name, panel in self.others.items()}
        form = _Form(self.champion_name, self.version, self.trained_until, models, others, self.calibration,
                     self.leaving, None if self.companies is BY_HAND else self.companies)  # fmt: skip
        return encode(form)

    @classmethod
    def from_json(cls, data: bytes, config: ChurnConfig) -> Panel:
        """What `to_json` gave, with the rules of this version and plan.

        A model of other features or another horizon than asked for now is left out; for a champion that is missing the
        rules step in.

        Raises:
            Misconfigured: not the JSON of a panel, or damaged.
        """
        form = decode(data, _Form, "the panel of models")
        models: dict[str, Model] = {}
        left_out = [name for name in form.models if name not in _LEARNED]
        for name in form.models.keys() & _LEARNED:
            try:
                models[name] = KINDS[name].read(bytes(form.models[name]), config)
            except Outdated:
                left_out.append(name)
        models[_RULES] = rules(config)
        models = joined(models)
        champion = form.champion if form.champion in models else _RULES
        others = {
            each.name: cls.from_json(form.others[each.name], each) if each.name in form.others else cls.cold(each)
            for each in config.each()[1:]
        }
        ours = form.calibration is not None and form.calibration.model == champion
        calibration = form.calibration if ours else None
        leaving = form.leaving if form.leaving is not None and form.leaving.fits(config) else None
        left = tuple(sorted(left_out))
        card = form.companies
        companies = card if card is not None and card.meaning == meaning_of(ground_of(config)) else BY_HAND
        return cls(champion, models, form.version, form.trained_until, left, others, calibration, leaving, companies)


def basis(model_id: str) -> str:
    """What stands behind a score, by its model id; the id itself if no model of this version has such a one."""
    if model_id == BY_RULES:
        return "a scorecard for companies, set by hand, before anything is learned of them"
    if model_id.startswith(f"{LEARNED}-"):
        return "a scorecard for companies, as those who left and stayed have taught it"
    name = next((name for name in MODELS if model_id.startswith(f"{name.replace('_', '-')}-")), None)
    return KINDS[name].basis if name else model_id
