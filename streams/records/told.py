"""What `segment.changes` and `alerts` carry, as those of us see it who read again what others were told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from models.cases.case_document import CaseDocument, stored_case
from models.labels import treatment
from models.segments.alert_document import AlertDocument, stored_alert
from profiles.cases.joining import STANDING, answers_to
from profiles.merge import later, weight
from profiles.types import OPEN, Alert, Case, Profile, Stay

__all__ = ["MODEL_NEWS", "Adopted", "SegmentChange", "ToldOf", "read_alert", "read_segment_change"]

MODEL_NEWS = b"@model"
"""The key of records in `alerts` that are about the models, and of no customer."""


class SegmentChange(NamedTuple):
    """A customer entered or left a segment."""

    id: str
    profile: str
    segment: str
    at: float  # to the microsecond
    entered: bool


class _Change(msgspec.Struct):
    id: str
    profile: str
    segment: str
    change: Literal["entered", "exited"]
    at: str


class _Alert(msgspec.Struct):
    id: str
    profile: str
    alert: AlertDocument | None = None
    case: CaseDocument | None = None


_decode_change = msgspec.json.Decoder(_Change).decode
_decode_alert = msgspec.json.Decoder(_Alert).decode


def read_segment_change(value: bytes) -> SegmentChange:
    """A record of `segment.changes`.

    Raises:
        msgspec.DecodeError: it is no such record.
    """
    told = _decode_change(value)
    at = datetime.fromisoformat(told.at).timestamp()
    return SegmentChange(told.id, told.profile, told.segment, at, told.change == "entered")


def read_alert(value: bytes) -> tuple[str, Alert | Case]:
    """The profile and the alert or case of a record of `alerts` that is not `MODEL_NEWS`.

    Raises:
        msgspec.DecodeError: it is no such record.
    """
    told = _decode_alert(value)
    # The document's times are to the microsecond; the id of the message ends with all of the last one.
    changed = float(told.id.rpartition(":")[2])
    if told.case is not None:
        return told.profile, msgspec.structs.replace(stored_case(told.case), changed=changed)
    if told.alert is None:
        raise msgspec.DecodeError("neither an alert nor a case")
    return told.profile, msgspec.structs.replace(stored_alert(told.alert), changed=changed)


class Adopted(NamedTuple):
    """What a profile has again since it was brought up to what was told."""

    entered: list[str]  # segments
    left: list[str]
    alerts: list[Alert]
    replaced: list[Alert]  # by those
    over: list[Alert]  # others believe them open, beside another one of their rule that stands
    cases_over: list[Case]  # others believe that they stand, beside the one that does


@dataclass(slots=True)
class ToldOf:
    """The last words about one customer."""

    segments: dict[str, tuple[float, bool]] = field(default_factory=dict)  # name → when, and whether it was "entered"
    alerts: dict[str, Alert] = field(default_factory=dict)  # id → its newest state
    cases: dict[str, Case] = field(default_factory=dict)  # id → its newest state

    def followed_by(self, others: ToldOf) -> ToldOf:
        """These words, and those that came after them."""
        newer = {
            id_: alert
            for id_, alert in others.alerts.items()
            if id_ not in self.alerts or alert.changed >= self.alerts[id_].changed
        }
        cases = {
            id_: case
            for id_, case in others.cases.items()
            if id_ not in self.cases or case.changed >= self.cases[id_].changed
        }
        return ToldOf(self.segments | others.segments, self.alerts | newer, self.cases | cases)

    def at(self) -> float:
        """The time of the latest of them."""
        alerts, cases = self.alerts.values(), self.cases.values()
        times = [at for at, _ in self.segments.values()]
        return max(times + [alert.changed for alert in alerts] + [case.changed for case in cases])

    def differs(self, profile: Profile | None) -> bool:
        """Whether the store does not know of it. A customer who was merged away or erased has nothing to be told."""
        if profile is not None and profile.redirect:
            return False
        held = profile or Profile("")
        inside = any(entered != (name in held.segments) for name, (_, entered) in self.segments.items())
        if inside or any(True for _ in self._unknown(held)) or bool(self._over(held)):
            return True
        stands = self._case(held)
        return stands is not held.case or bool(self._cases_over(stands))

    def adopt(self, profile: Profile) -> Adopted:
        """Make it true of a profile, in place; answer what the indexes have to hear of."""
        found = Adopted(
            [name for name, (_, inside) in self.segments.items() if inside and name not in profile.segments],
            [name for name, (_, inside) in self.segments.items() if not inside and name in profile.segments],
            list(self._unknown(profile)),
            [],
            [],
            [],
        )
        for name in found.entered:
            profile.segments[name] = Stay(self.segments[name][0])
        for name in found.left:
            del profile.segments[name]
        for alert in found.alerts:
            held = profile.alerts.get(alert.rule)
            if held is not None and held.id != alert.id:
                found.replaced.append(held)
            profile.alerts[alert.rule] = alert
            if treatment.is_treatment(alert):
                treatment.note(profile, alert.changed)
        found.over.extend(self._over(profile))
        found.over.extend(
            held for held in found.replaced if held.id not in self.alerts and held.state in OPEN and not held.untold
        )
        before, profile.case = profile.case, self._case(profile)
        found.cases_over.extend(self._cases_over(profile.case))
        if before is not None and before.state in STANDING and before.id not in self.cases:
            found.cases_over.extend([] if answers_to(profile.case, before.id) else [before])
        return found

    def _case(self, profile: Profile) -> Case | None:
        """The case that stands by what was told: the one that changed last."""
        told = [case for case in self.cases.values() if case.state != "erased"]
        newest = max(told, key=lambda case: (case.changed, case.state in STANDING, case.id), default=None)
        held = profile.case
        return newest if newest is not None and (held is None or newest.changed > held.changed) else held

    def _cases_over(self, stands: Case | None) -> list[Case]:
        """The cases that were told to stand, where another one is the customer's."""
        return [
            case for case in self.cases.values() if case.state in STANDING and (stands is None or stands.id != case.id)
        ]

    def _over(self, profile: Profile) -> list[Alert]:
        """The alerts that were told to be open, where another one of their rule is."""
        return [
            told
            for told in self.alerts.values()
            if told.state in OPEN
            and (held := profile.alerts.get(told.rule)) is not None
            and held.id != told.id
            and weight(held) > weight(told)
        ]

    def _unknown(self, profile: Profile) -> Iterator[Alert]:
        """The alerts that stand by what was told, where the profile holds another one, or an older state."""
        for rule in {alert.rule for alert in self.alerts.values()}:
            held = profile.alerts.get(rule)
            known = {held.id: held} if held is not None else {}
            told = {id_: alert for id_, alert in self.alerts.items() if alert.rule == rule}
            for id_ in known.keys() & told.keys():
                told[id_] = later(known[id_], told[id_])
                if told[id_].untold:
                    told[id_] = msgspec.structs.replace(told[id_], untold=False)
            stands = max((known | told).values(), key=weight)
            if stands is not held:
                yield stands
