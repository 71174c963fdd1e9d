"""The learners of all definitions of churn, and of companies: each learns by itself, from the records that name it.

The plan's own is the learner of a plan that has no other: its parts, panel and notices are the same to the byte.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import msgspec

from models.churn.panel import Panel
from models.companies.labels import COMPANIES
from models.companies.learning import CompanyLearner
from models.companies.scorecard import BY_HAND
from models.config import ChurnConfig
from models.labels.examples import Of, OwnRecord, TrainingRecord
from models.learning.checkpoint import parts_of, prefix_of
from models.learning.learner import Learner
from models.learning.notices import Notice

__all__ = ["Learners"]


class Learners:
    """One writer of all models.

    Args:
        config: of churn, from the plan.
        own: the learner of the plan's own definition.
        others: those of the further definitions, by name.
        companies: that of the risk of companies.
    """

    def __init__(
        self,
        config: ChurnConfig,
        own: Learner | None = None,
        others: Mapping[str, Learner] = {},
        companies: CompanyLearner | None = None,
    ) -> None:
        self.companies = companies or CompanyLearner(config)
        self.own = own or Learner(config)
        self.others = {
            config_.name: others.get(config_.name) or Learner(config_) for config_ in config.each() if config_.name
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes], config: ChurnConfig, now: float = 0.0) -> Learners:
        """The learners whose `parts` these are; what is of a definition that the plan no longer has is dropped.

        Raises:
            Misconfigured: they are damaged.
        """
        held = {each.name: found for each in config.each() if (found := parts_of(parts, each.name))}
        learners = {name: Learner.from_parts(own, config.of(name), now) for name, own in held.items()}
        companies = CompanyLearner.from_parts(parts_of(parts, COMPANIES), config)
        return cls(config, learners.pop("", None), learners, companies)

    def take(self, records: Iterable[TrainingRecord]) -> int:
        """Take training records in, in the order of their log; answers how many examples were judged."""
        own: list[OwnRecord] = []
        others: dict[str, list[OwnRecord]] = {}
        for record in records:
            if isinstance(record, Of):
                others.setdefault(record.churn, []).append(record.record)
            else:
                own.append(record)
        judged = self.own.take(own) + self.companies.take(others.pop(COMPANIES, ()))
        for name, theirs in others.items():
            if name in self.others:  # else of a plan that was
                judged += self.others[name].take(theirs)
        return judged

    @property
    def border(self) -> float:
        """The latest that has come."""
        return self.own.border

    @property
    def treated(self) -> int:
        """Examples that people had acted on."""
        own = sum(learner.counts.treated for learner in (self.own, *self.others.values()))
        return own + self.companies.taught.treated

    def panel(self) -> Panel:
        """Every model that can be asked, of every definition."""
        others = {name: learner.panel() for name, learner in self.others.items()}
        return dataclasses.replace(self.own.panel(), others=others, companies=self.companies.export() or BY_HAND)

    def news(self) -> list[Notice]:
        """What has happened since the last call."""
        news = self.own.news()
        for name, learner in self.others.items():
            news += [
                msgspec.structs.replace(
                    notice, id=f"{name}:{notice.id}", text=f"{name}: {notice.text}",
                    evidence={**notice.evidence, "churn": name},
                )
                for notice in learner.news()
            ]  # fmt: skip
        return news

    def parts(self) -> dict[str, bytes]:
        """Everything, in parts of JSON."""
        parts = self.own.parts()
        for name, learner in self.others.items():
            parts |= {f"{prefix_of(name)}{part}": value for part, value in learner.parts().items()}
        parts |= {f"{prefix_of(COMPANIES)}{part}": value for part, value in self.companies.parts().items()}
        return parts
