"""What `segment.changes`, `alerts` and `cases` carry, as those of us see it who read again what others were told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from models.cases.case_document import CaseDocument, stored_case
from models.labels import treatment
from models.segments.alert_document import AlertDocument, stored_alert
from profiles.cases.joining import STANDING, join_cases, newness
from profiles.merge import later, weight
from profiles.types import OPEN, Alert, Case, Profile, Stay

__all__ = ["MODEL_NEWS", "Adopted", "SegmentChange", "ToldOf", "read_alert", "read_case", "read_segment_change"]

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
    alert: AlertDocument


class _Case(msgspec.Struct):
    profile: str
    case: CaseDocument


_decode_change = msgspec.json.Decoder(_Change).decode
_decode_alert = msgspec.json.Decoder(_Alert).decode
_decode_case = msgspec.json.Decoder(_Case).decode


def read_segment_change(value: bytes) -> SegmentChange:
    """A record of `segment.changes`.

    Raises:
        msgspec.DecodeError: it is no such record.
    """
    told = _decode_change(value)
    at = datetime.fromisoformat(told.at).timestamp()
    return SegmentChange(told.id, told.profile, told.segment, at, told.change == "entered")


def read_alert(value: bytes) -> tuple[str, Alert]:
    """The profile and the alert of a record of `alerts` that is not `MODEL_NEWS`.

    Raises:
        msgspec.DecodeError: it is no such record.
    """
    told = _decode_alert(value)
    # The document's times are to the microsecond; the id of the message ends with all of the last one.
    changed = float(told.id.rpartition(":")[2])
    return told.profile, msgspec.structs.replace(stored_alert(told.alert), changed=changed)


def read_case(value: bytes) -> tuple[str, Case]:
    """The profile and the case of a record of `cases`.

    Raises:
        msgspec.DecodeError: it is no such record.
    """
    told = _decode_case(value)
    return told.profile, stored_case(told.case)


class Adopted(NamedTuple):
    """What a profile has again since it was brought up to what was told."""

    entered: list[str]  # segments
    left: list[str]
    alerts: list[Alert]
    replaced: list[Alert]  # by those
    over: list[Alert]  # others believe them open, beside another one of their rule that stands
    cases_over: Sequence[Case] = ()  # others believe that they stand, beside the one that does
    joined: Case | None = None  # which that is, if nobody has been told of it


@dataclass(slots=True)
class ToldOf:
    """The last words about one customer."""

    segments: dict[str, tuple[float, bool]] = field(default_factory=dict)  # name → when, and whether it was "entered"
    alerts: dict[str, Alert] = field(default_factory=dict)  # id → its newest state
    cases: dict[str, Case] = field(default_factory=dict)  # id → its newest state

    def followed_by(self, others: ToldOf) -> ToldOf:
        """These words, and those that came after them."""
        both = ToldOf(self.segments | others.segments, dict(self.alerts), dict(self.cases))
        for alert in others.alerts.values():
            both.hear_alert(alert)
        for case in others.cases.values():
            both.hear_case(case)
        return both

    def hear_alert(self, alert: Alert) -> None:
        """Take in what was told of an alert, unless that is older than what is known of it."""
        if (before := self.alerts.get(alert.id)) is None or alert.changed >= before.changed:
            self.alerts[alert.id] = alert

    def hear_case(self, case: Case) -> None:
        """The same of a case."""
        held = self.cases.get(case.id)
        if held is None or newness(case) >= newness(held):
            self.cases[case.id] = case

    def at(self) -> float:
        """The time of the latest of them."""
        alerts, cases = self.alerts.values(), self.cases.values()
        times = [at for at, _ in self.segments.values()]
        return max(times + [alert.changed for alert in alerts] + [case.changed for case in cases])

    @property
    def inside(self) -> bool:
        """Whether there is a segment that the customer was last told to be in."""
        return any(entered for _, entered in self.segments.values())

    def differs(self, profile: Profile | None) -> bool:
        """Whether the store does not know of it. A customer who was merged away or erased has nothing to be told."""
        if profile is not None and profile.redirect:
            return False
        held = profile or Profile("")
        told = self._still_of(held)
        inside = any(entered != (name in held.segments) for name, (_, entered) in told.segments.items())
        return (
            inside
            or any(True for _ in told._unknown(held))
            or bool(told._over(held))
            or told._case(held) is not held.case
            or bool(told._cases_over(held, held.case))
        )

    def adopt(self, profile: Profile) -> Adopted:
        """Make it true of a profile, in place; answer what the indexes have to hear of."""
        return self._still_of(profile)._adopt(profile)

    def _still_of(self, profile: Profile) -> ToldOf:
        """These words without those about what went on to somebody else in a split."""
        handed = profile.splitting.handed if profile.splitting is not None else {}
        if not handed:
            return self
        alerts = {id_: alert for id_, alert in self.alerts.items() if id_ not in handed}
        return ToldOf(self.segments, alerts, {id_: case for id_, case in self.cases.items() if id_ not in handed})

    def _adopt(self, profile: Profile) -> Adopted:
        found = Adopted(
            [name for name, (_, inside) in self.segments.items() if inside and name not in profile.segments],
            [name for name, (_, inside) in self.segments.items() if not inside and name in profile.segments],
            list(self._unknown(profile)),
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
        before, stands = profile.case, self._case(profile)
        cases_over = self._cases_over(profile, stands)
        profile.case = stands
        joined = stands if stands is not None and stands not in (before, *self.cases.values()) else None
        return found._replace(cases_over=cases_over, joined=joined)

    def _case(self, profile: Profile) -> Case | None:
        """The case that stands by what was told and what the profile has: what all of them come to together."""
        held = stands = profile.case
        for case in self.cases.values():
            if case.state != "erased" and not _is_earlier(case, held):
                stands = join_cases(stands, case)
        return held if stands == held else stands

    def _cases_over(self, profile: Profile, stands: Case | None) -> list[Case]:
        """The cases that others believe to stand, where another one is the customer's."""
        known = self.cases if profile.case is None else {profile.case.id: profile.case} | self.cases
        return [case for id_, case in known.items() if case.state in STANDING and stands and stands.id != id_]

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


def _is_earlier(told: Case, held: Case | None) -> bool:
    """Whether a case that was told is one that came before the profile's, and is told again by whoever was paused."""
    return (
        held is not None and told.id != held.id and told.changed <= held.changed and {*told.history} <= {*held.history}
    )
