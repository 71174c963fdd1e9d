"""The alerts and cases of every customer, as the topics `alerts` and `cases` told them: what people decided must not be
asked again, and who acts on one that is over has to hear so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from models.labels.treatment import is_treatment
from profiles.cases.joining import join_cases, newness
from profiles.types import OPEN, Alert, Case
from streams.kafka.reader import Extent, Log
from streams.records.told import MODEL_NEWS, read_alert, read_case

__all__ = ["Alerts", "Told", "cases_of_owners", "of_owners", "read_alerts", "read_cases", "standing"]

Alerts = dict[str, dict[str, Alert]]
"""Profile → rule → the latest alert."""


@dataclass(frozen=True, slots=True)
class Told:
    """What Kafka still knows."""

    latest: Alerts = field(default_factory=dict)
    cases: dict[str, tuple[str, Case]] = field(default_factory=dict)  # id → whose it was last, and its newest state
    decided: dict[str, list[float]] = field(default_factory=dict)  # profile → when people dealt with alerts of it

    def forget(self, profile: str) -> None:
        """Forget what was told of somebody who is erased."""
        self.latest.pop(profile, None)
        self.decided.pop(profile, None)


async def read_alerts(log: Log, extents: list[Extent]) -> Told:
    """The latest alert of each rule that Kafka still knows of each customer, and every decision of people."""
    found = Told()
    async for batch in log.read(extents, accept_gaps=True):  # what is deleted meanwhile is too old to count
        for record in batch.records:
            if record.key == MODEL_NEWS:
                continue
            profile, alert = read_alert(record.value)
            if (alert.state, alert.note, alert.by) == ("cleared", "erased", ""):  # whoever comes back begins anew
                found.forget(profile)
                continue
            _add(found.latest, profile, alert)
            if is_treatment(alert):
                found.decided.setdefault(profile, []).append(alert.changed)
    return found


async def read_cases(log: Log, extents: list[Extent], found: Told) -> None:
    """Add the newest state of every case that Kafka still knows of, in whatever order partitions tell of it."""
    async for batch in log.read(extents, accept_gaps=True):
        for record in batch.records:
            profile, case = read_case(record.value)
            if case.id not in found.cases or newness(case) >= newness(found.cases[case.id][1]):
                found.cases[case.id] = profile, case


def of_owners(alerts: Alerts, owners: Mapping[str, str]) -> Alerts:
    """The same by the profiles that homes belong to now."""
    found: Alerts = {}
    for home, held in alerts.items():
        for alert in held.values():
            _add(found, owners.get(home, home), alert)
    return found


def standing(played: Alert | None, told: Alert | None) -> Alert | None:
    """Which of two alerts of one rule stands: the one that follows from the events, or the one that was told.

    One that was told and is open stays, under its id; workers find out whether it holds. So does what people have
    resolved since. Otherwise the events are right.
    """
    if played is None or told is None:
        return told or played
    if told.state in OPEN:
        opened = min(told.opened, played.opened) if played.state in OPEN else told.opened
        return msgspec.structs.replace(told, opened=opened)
    return told if told.state == "resolved" and told.changed >= played.opened else played


def cases_of_owners(cases: Iterable[tuple[str, Case]], owners: Mapping[str, str]) -> dict[str, Case]:
    """The cases by the profiles that homes belong to now; several of one, as if they had met."""
    found: dict[str, Case] = {}
    for home, case in cases:
        owner = owners.get(home, home)
        if case.state != "erased" and (joined := join_cases(found.get(owner), case)) is not None:
            found[owner] = joined
    return found


def _add(found: Alerts, profile: str, alert: Alert) -> None:
    held = found.setdefault(profile, {})
    if (other := held.get(alert.rule)) is None or _weight(alert) >= _weight(other):
        held[alert.rule] = alert


def _weight(alert: Alert) -> tuple[float, float]:
    return alert.opened, alert.changed
