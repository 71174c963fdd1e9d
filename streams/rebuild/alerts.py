"""The alerts of every customer, as the `alerts` topic last told them: what people decided must not be asked again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from profiles.types import Alert, Reason
from streams.rebuild.log import Extent, Log
from streams.worker.learner import MODEL_NEWS

__all__ = ["Alerts", "of_owners", "read_alerts"]

Alerts = dict[str, dict[str, Alert]]
"""Profile → rule → the latest alert."""


class _Told(msgspec.Struct):
    """What the topic says; see `streams.steps.update.announce`."""

    id: str
    profile: str
    alert: str
    rule: str
    state: str
    opened: datetime
    risk: float
    model: str
    reasons: list[dict[str, Any]]
    by: str = ""
    note: str = ""
    held_out: bool = False


_decode = msgspec.json.Decoder(_Told).decode


async def read_alerts(log: Log, extents: list[Extent]) -> Alerts:
    """The latest alert of each rule that Kafka still knows of each customer."""
    found: Alerts = {}
    for extent in extents:
        async for records in log.records(extent):
            for record in records:
                if record.key == MODEL_NEWS:
                    continue
                told = _decode(record.value)
                _add(found, told.profile, _alert(told))
    return found


def of_owners(alerts: Alerts, owners: Mapping[str, str]) -> Alerts:
    """The same by the profiles that homes belong to now."""
    found: Alerts = {}
    for home, held in alerts.items():
        for alert in held.values():
            _add(found, owners.get(home, home), alert)
    return found


def _add(found: Alerts, profile: str, alert: Alert) -> None:
    held = found.setdefault(profile, {})
    if (other := held.get(alert.rule)) is None or _standing(alert) >= _standing(other):
        held[alert.rule] = alert


def _alert(told: _Told) -> Alert:
    opened = told.opened.timestamp()
    changed = float(told.id.rpartition(":")[2])
    reasons = [Reason(**reason) for reason in told.reasons]
    return Alert(
        told.alert, told.rule, told.state, opened, changed, told.risk, told.by, told.note, reasons, told.model,
        told.held_out,
    )  # fmt: skip


def _standing(alert: Alert) -> tuple[float, float]:
    return alert.opened, alert.changed
