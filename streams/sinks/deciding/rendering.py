"""Messages made of entries, when they are sent: with what is known of the customer, and what they allow, then.

So nothing personal lies in `deliveries`; a customer who was erased, or who no longer wants to be reached, is told of no
more; and a message that is tried again says what is so now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import structs

from models.cases.worth import expected_within
from plan import Plan
from profiles.claims import believed_trait
from profiles.consent import OUTREACH, PROFILING
from profiles.times import rfc3339
from profiles.types import Profile
from streams.records.deliveries import Entry, Letter
from streams.sinks import messages as m
from streams.sinks.deciding.customer_name import ids_of, name_of
from streams.sinks.deciding.ledger import ENDS, EXITED, OPENS
from streams.sinks.deciding.routing import may_be_member, may_be_told
from streams.sinks.wording.suggestions import suggestion

__all__ = ["NO_LEVERS", "Levers", "Renderer"]

_STATES: Final = {
    "alert.acknowledged": "acknowledged", "alert.assigned": "open", "alert.resolved": "resolved",
    "alert.cleared": "cleared",
}  # fmt: skip


Levers = Mapping[str, Sequence[m.Lever]]
"""What would lower the risk, by profile."""

NO_LEVERS: Final[Levers] = {}


class Renderer:
    """Makes the messages of a sink.

    Args:
        plan: with rules, segments and what customers allow.
        url: where people reach the console; "" if that is not known.
        thin: leave out who the customer is and why.
    """

    def __init__(self, plan: Plan, url: str = "", *, thin: bool = False) -> None:
        self._plan = plan
        self._url = url.rstrip("/")
        self._thin = thin
        self._rules = {rule.name: rule for rule in plan.alerts}
        self._levers: Levers = NO_LEVERS
        self._segments = {rule.name: rule for rule in plan.segments}

    @property
    def list_url(self) -> str | None:
        """Of the console's list of alerts."""
        return f"{self._url}/" if self._url else None

    def render(
        self, letter: Letter, profiles: Mapping[str, Profile], now: float, levers: Levers = NO_LEVERS
    ) -> list[m.Body]:
        """What a letter says; [] if there is nobody left to tell of.

        Args:
            letter: to be sent.
            profiles: those of its entries that are known.
            now: seconds since the epoch.
            levers: what would lower the risk of each.
        """
        self._levers = levers
        told = [entry for entry in letter.entries if self._may_be_told(entry, profiles)]
        if letter.mode == "digest":
            named = [entry for entry in told if entry.type in OPENS]
            return [self._digest(letter, named, profiles, now)] if named or letter.more or letter.ended else []
        return [self._body(entry, profiles.get(entry.profile), now) for entry in told]

    def _may_be_told(self, entry: Entry, profiles: Mapping[str, Profile]) -> bool:
        """Who was told of somebody hears the end of it, also when they no longer want to be reached."""
        if not entry.profile:
            return True
        profile = profiles.get(entry.profile)
        if entry.type.startswith("segment."):
            if entry.type == EXITED:
                return True
            return profile is not None and profile.id == entry.profile and may_be_member(profile, self._plan)
        return profile is not None and (may_be_told(profile, self._plan) or entry.type in ENDS)

    def _body(self, entry: Entry, profile: Profile | None, now: float) -> m.Body:
        if entry.type.startswith("segment."):
            return self._move(entry, profile)
        if profile is None:
            return self._notice(entry)
        return m.AlertMessage(type=_type(entry), timestamp=rfc3339(entry.at), data=self._alert(entry, profile, now))

    def _alert(self, entry: Entry, profile: Profile, now: float) -> m.Alert:
        held = next((alert for alert in profile.alerts.values() if alert.id == entry.about), None)
        told = entry.told
        case = profile.case
        if case is not None and entry.rule not in case.rules:
            case = None
        rule = self._rules.get(entry.rule)
        profiled = profile.company is not None or self._plan.consent.allows(profile, PROFILING)
        opened = told.get("opened") or (rfc3339(held.opened) if held is not None else rfc3339(entry.at))
        state: Any = told.get("state") or _STATES.get(entry.type) or (held.state if held is not None else "open")
        until = case.until if case is not None and case.state == "snoozed" else 0.0
        alert = m.Alert(
            id=entry.about,
            case=case.id if case is not None else None,
            state=state,
            sequence=entry.sequence,
            rule=m.Rule(
                entry.rule, (rule.description or None) if rule else None, rule.severity if rule else None,
                self._plan.version,
            ),
            customer=self._customer(profile),
            risk=_risk(profile) if profiled else None,
            reasons=_reasons(told) if profiled and not self._thin else None,
            value=self._value(entry, profile, now) if profiled else None,
            owner=m.Owner(
                told.get("owner") or (case.owner if case is not None else "") or entry.owner or None,
                told.get("assignee") or (case.assignee if case is not None else "") or None,
            ),
            opened=opened,
            changed=rfc3339(entry.at),
            by=told.get("by"),
            note=None if self._thin else told.get("note"),
            outcome=told.get("outcome"),
            snoozed_until=rfc3339(until) if until else None,
            reminder=entry.reminded,
            would_lower=self._would_lower(profile) if profiled and not self._thin else None,
        )  # fmt: skip
        page = self._page(profile) if state not in ("resolved", "cleared") else None
        return structs.replace(
            alert,
            suggested_action=None if self._thin else suggestion(alert),
            links=m.Links(f"{page}#next" if page else None),
        )

    def _would_lower(self, profile: Profile) -> list[m.Lever] | None:
        levers = self._levers.get(profile.id)
        return None if levers is None else list(levers)

    def _customer(self, profile: Profile) -> m.Customer:
        allows = self._plan.consent.allows
        return m.Customer(
            profile=profile.id,
            label=None if self._thin else name_of(profile, self._plan) or None,
            ids=None if self._thin else ids_of(profile, self._plan),
            language=_text(profile, "language"),
            timezone=_text(profile, "timezone"),
            url=self._page(profile),
            stage=profile.stage or None,
            segments=sorted(profile.segments),
            consent=m.Consents(
                "granted" if allows(profile, OUTREACH) else "denied",
                "granted" if allows(profile, PROFILING) else "denied",
            ),
        )

    def _page(self, profile: Profile) -> str | None:
        if not self._url:
            return None
        return f"{self._url}/{'company' if profile.company is not None else 'c'}/{profile.id}"

    def _value(self, entry: Entry, profile: Profile, now: float) -> m.Value:
        net = round(expected_within(profile, now, self._plan.horizon_of(profile), self._plan.currency))
        at_risk = None if entry.value is None else m.money(entry.value, self._plan.currency)
        return m.Value(m.money(net, self._plan.currency), at_risk)

    def _digest(
        self, letter: Letter, named: Sequence[Entry], profiles: Mapping[str, Profile], now: float
    ) -> m.DigestMessage:
        worth = sum(entry.value or 0 for entry in named) + letter.more_value
        data = m.DigestData(
            owner=next((entry.owner for entry in letter.entries if entry.owner), None),
            alerts=[self._alert(entry, profiles[entry.profile], now) for entry in named],
            total=len(named) + letter.more,
            value_at_risk=m.money(worth, self._plan.currency),
            ended=letter.ended,
            still_open=letter.still,
            url=self.list_url,
        )
        return m.DigestMessage(timestamp=rfc3339(letter.formed), data=data)

    def _move(self, entry: Entry, profile: Profile | None) -> m.SegmentMessage:
        """A move; of who has become one with another, and has left as such, it names nobody who is still inside."""
        ids = None
        if profile is not None and not self._thin:
            gone = profile.id != entry.profile and entry.about in profile.segments
            ids = None if gone and entry.type == EXITED else ids_of(profile, self._plan)
        rule = self._segments.get(entry.about)
        change: Any = entry.type.removeprefix("segment.")
        data = m.SegmentData(
            id=entry.id,
            segment=m.Audience(entry.about, (rule.description or None) if rule else None, self._plan.version),
            change=change,
            customer=m.Member(entry.profile, ids),
            since=rfc3339(entry.at),
            reason=entry.told.get("reason"),
        )
        type_: Any = entry.type
        return m.SegmentMessage(type=type_, timestamp=rfc3339(entry.at), data=data)

    def _notice(self, entry: Entry) -> m.NoticeMessage:
        told = entry.told
        data = m.NoticeData(str(told.get("text") or entry.type), entry.about or None, dict(told))
        type_: Any = entry.type
        return m.NoticeMessage(type=type_, timestamp=rfc3339(entry.at), data=data)


def _type(entry: Entry) -> Any:
    return entry.type


def _risk(profile: Profile) -> m.Risk | None:
    score = profile.score
    if score is None:
        return None
    previous_at = rfc3339(score.previous_at) if score.previous is not None else None
    return m.Risk(score.risk, score.band, score.previous, previous_at, rfc3339(score.at), score.model)


def _reasons(told: Mapping[str, Any]) -> list[m.Reason]:
    return [
        m.Reason(reason["text"], reason["effect"], reason["contribution"], reason["feature"])
        for reason in told.get("reasons") or ()
    ]


def _text(profile: Profile, trait: str) -> str | None:
    held = believed_trait(profile, trait)
    return held[0][:64] if held is not None and isinstance(held[0], str) else None
