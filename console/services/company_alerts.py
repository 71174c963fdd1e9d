"""Companies that somebody has to look after: those of whom an alert stands, the most urgent first."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from plan import Plan
from profiles.store import Reader
from profiles.types import Alert, Profile, is_company

__all__ = ["MOST", "CompanyAlerts", "Needy", "Standing"]

_SEVERITY = {"critical": 0, "warning": 1, "info": 2}
_PAGE, _PAGES = 500, 20  # alerts read at once, and how often at most
_KEPT = 5.0  # seconds that a read is good for

MOST = _PAGE * _PAGES
"""Alerts that are looked through, those of customers included, the newest first."""


class Needy(NamedTuple):
    """A company with what stands of it, the severest rule first."""

    company: Profile
    alerts: list[Alert]


class Standing(NamedTuple):
    """Companies that somebody has to look after."""

    companies: list[Needy]
    cut: bool  # there are more alerts than were looked through


class _Read(NamedTuple):
    alerts: dict[str, list[Alert]]  # by company
    companies: dict[str, Profile]
    cut: bool


class CompanyAlerts:
    """Looks for them, in alerts that are read once in five seconds at most, however many look.

    Args:
        reader: of profiles and alerts.
        plan: says how severe a rule is, and whose; what it no longer has counts least.
        clock: seconds.
    """

    def __init__(self, reader: Reader, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._plan = plan
        self._clock = clock
        self._reads: dict[str, tuple[asyncio.Task[_Read], float]] = {}  # by state, with when it began

    async def standing(self, state: str, *, rule: str | None = None, owner: str | None = None) -> Standing:
        """All of them: by the severest rule of each, then by their risk.

        Args:
            state: of the alerts: open or acknowledged.
            rule: only of this one.
            owner: only of rules of this team.
        """
        if not self._plan.group:
            return Standing([], False)
        severity = {each.name: _SEVERITY[each.severity] for each in self._plan.alerts}
        least = len(_SEVERITY)
        asked = {each.name for each in self._plan.alerts if rule in (None, each.name) and owner in (None, each.owner)}
        read = await self._read(state)
        needy = [
            Needy(read.companies[id_], sorted(held, key=lambda one: (severity.get(one.rule, least), one.opened)))
            for id_, alerts in read.alerts.items()
            if id_ in read.companies
            and (held := [one for one in alerts if one.rule in asked or (rule is None and owner is None)])
        ]
        needy.sort(key=lambda one: (severity.get(one.alerts[0].rule, least), -_risk(one.company), one.company.id))
        return Standing(needy, read.cut)

    async def _read(self, state: str) -> _Read:
        task, began = self._reads.get(state, (None, 0.0))
        now = self._clock()
        if task is None or (task.done() and (now - began >= _KEPT or task.cancelled() or task.exception())):
            task = asyncio.create_task(self._look(state))
            self._reads[state] = task, now
        return await asyncio.shield(task)

    async def _look(self, state: str) -> _Read:
        standing: defaultdict[str, list[Alert]] = defaultdict(list)
        cursor: str | None = None
        for _ in range(_PAGES):
            found, cursor = await self._reader.alerts(state=state, limit=_PAGE, cursor=cursor)
            for id_, alert in found:
                if is_company(id_):
                    standing[id_].append(alert)
            if cursor is None:
                break
        return _Read(standing, await self._reader.profiles(sorted(standing)), cursor is not None)


def _risk(company: Profile) -> float:
    return company.score.risk if company.score is not None else 0.0
