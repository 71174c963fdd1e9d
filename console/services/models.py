"""What people ask of the models and decide about them; decisions go through the models' one writer."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from models.churn.model import Scores
from models.churn.outlook import Outlook, outlook
from models.churn.scores import liken
from models.companies.labels import COMPANIES
from models.companies.learning import TAUGHT
from models.config import ChurnConfig
from models.features.reading import raws
from models.labels.examples import ModelCommand, Of
from models.labels.groups import groups_of
from models.labels.habits import habits
from models.learning.checkpoint import parts_of, prefix_of
from models.learning.notices import Decided
from models.learning.report import REPORTED, KeptVersion, Report, kept_version
from profiles.types import Profile
from profiles.units import LearnerPosition

__all__ = ["LearnerView", "ModelDesk", "Teacher"]

_OF_COMPANIES = f"{prefix_of(COMPANIES)}{TAUGHT}"

_LOOK = 0.1
"""Seconds between looks at whether a decision has been carried out."""


class LearnerView(Protocol):
    """What the learner has committed."""

    async def position(self) -> LearnerPosition:
        """How far it has come: another one whenever it has committed."""
        ...

    async def panel(self) -> bytes | None:
        """The models that score, as JSON."""
        ...

    async def parts(self, names: Sequence[str]) -> dict[str, bytes]:
        """Parts of its checkpoint."""
        ...

    async def part_names(self) -> list[str]:
        """Of all parts."""
        ...


class Teacher(Protocol):
    """The way to the learner."""

    async def decide(self, command: ModelCommand | Of) -> None:
        """Hand over a person's decision; returns when it is safe, not when it is carried out."""
        ...


@dataclass(frozen=True, slots=True)
class ModelDesk:
    """The service behind the routes on models."""

    store: LearnerView
    teacher: Teacher
    config: ChurnConfig
    currency: str

    async def report(self, churn: str = "") -> Report:
        """What the learner of a definition of churn knows now; "" is the plan's own."""
        names = [f"{prefix_of(churn)}{name}" for name in REPORTED]
        parts = await self.store.parts(names if churn else [*names, _OF_COMPANIES])
        companies = parts.get(_OF_COMPANIES)
        return Report.of(await self.store.panel(), parts_of(parts, churn), self.config, churn, companies)

    async def kept(self, churn: str = "") -> list[KeptVersion]:
        """The kept checkpoints."""
        before = f"{prefix_of(churn)}kept:"
        names = [name for name in await self.store.part_names() if name.startswith(before)]
        return [kept_version(part) for part in (await self.store.parts(names)).values()] if names else []

    def explain(self, report: Report, profile: Profile, at: float, churn: str = "") -> Scores:
        """What the champion says of one customer, with every contribution."""
        config = self.config.of(churn)
        scores = report.panel.champion.score(raws([profile], self.currency), np.array([at]), config)
        if (calibration := report.panel.calibration) is None:
            return scores
        return liken(scores, calibration, [[*groups_of(profile, config.groups), *habits(scores.values)[0]]])

    def outlook(self, report: Report, profile: Profile, at: float) -> Outlook | None:
        """What is to be expected of one customer."""
        return outlook(profile, report.panel, at, self.config, self.currency)

    async def decide(
        self,
        action: Literal["promote", "rollback", "release"],
        target: str,
        now: float,
        by: str,
        wait: float,
        churn: str = "",
    ) -> tuple[str, Decided | None]:
        """Hand a decision over; answer its id and what became of it, None if that takes longer than `wait` seconds."""
        id_ = uuid.uuid4().hex
        command = ModelCommand(id_, action, target, now, by)
        await self.teacher.decide(Of(churn, command) if churn else command)
        until = time.monotonic() + wait
        while time.monotonic() < until:
            await asyncio.sleep(_LOOK)
            for decided in (await self.report(churn)).told.decisions:
                if decided.id == id_:
                    return id_, decided
        return id_, None
