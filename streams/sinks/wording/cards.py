"""A message as people read it, before any service's form: a title, alerts with their facts, one line for the rest.

Everything of a card is on one line and harmless (`harmless.py`), and still to be escaped as its service wants.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from streams.sinks.kinds.kind import Told
from streams.sinks.messages import Alert, AlertMessage, Body, Customer, DigestData, DigestMessage, NoticeMessage, Reason
from streams.sinks.wording.harmless import harmless, nameless
from streams.sinks.wording.spoken import Words, words_of
from streams.sinks.wording.suggestions import suggestion

__all__ = ["Card", "Fact", "Item", "card_of"]

Clean = Callable[[str, int], str]
"""Makes text of strangers harmless, of at most so many characters."""

_NAME, _RULE, _TEXT = 80, 120, 200  # characters
_NOTICE = 1000
_REASONS = 3
_ENDED: Final = ("resolved", "cleared")
_URL = re.compile(r"https?://[\w.:/?=&%~#+-]+", re.ASCII)
_LEVELS: Final = ("critical", "warning", "info")

HEADLINES: Final = {
    "alert.opened": "New",
    "alert.worsened": "Got worse",
    "alert.acknowledged": "Acknowledged",
    "alert.assigned": "Assigned",
    "alert.snoozed": "Snoozed",
    "alert.woken": "Not snoozed any more",
    "alert.resolved": "Resolved",
    "alert.cleared": "Over by itself",
    "alert.reopened": "Reopened",
    "alert.escalated": "Nobody has taken it up",
    "alert.reminded": "Still open",
}
"""What has happened, by the type of a message."""

OUTCOMES: Final = {
    "stayed": "The customer stayed",
    "left": "The customer left",
    "no_answer": "No answer",
    "wrong": "It was wrong",
    "not_worth": "Not worth it",
}
"""By what people say of a case."""

NOTICES: Final = {
    "model.notice": "News of the models",
    "sink.disabled": "A sink is told nothing any more",
    "sink.test": "A test of Rapport",
}
"""Titles of news about Rapport itself."""


class Fact(NamedTuple):
    """Something of an alert, and what it is called."""

    name: str
    text: str


class Item(NamedTuple):
    """One alert."""

    title: str  # "" if the card's own says it
    facts: Sequence[Fact]
    reasons: Sequence[str]
    url: str | None


class Card(NamedTuple):
    """What is told."""

    title: str
    lines: Sequence[str]  # before the alerts: numbers of a digest, a notice
    items: Sequence[Item]  # those of the highest value at risk first
    rest: str  # one line for all others; "" if there are none
    url: str | None  # of all alerts in the console
    level: str  # critical, warning, info: of the gravest
    words: Words


class _State(NamedTuple):
    """An alert with what happened to it."""

    type: str
    alert: Alert

    @property
    def ended(self) -> bool:
        """Whether there is nothing to do any more."""
        return self.alert.state in _ENDED

    @property
    def value(self) -> int:
        """At risk, in minor units."""
        value = self.alert.value
        return 0 if self.ended or value is None or value.at_risk is None else value.at_risk.minor

    @property
    def rank(self) -> tuple[bool, int, str]:
        """What is open before what has ended, then by value."""
        return self.ended, -self.value, self.alert.id


def card_of(told: Told, most: int, *, zone: str = "UTC", clean: Clean = harmless) -> Card:
    """The card of a message.

    Args:
        told: the message.
        most: alerts that are named at most.
        zone: of times.
        clean: makes text of strangers harmless.
    """
    writer = _Writer(words_of(told.language), told, zone, clean)
    digest = next((body.data for body in told.bodies if isinstance(body, DigestMessage)), None)
    return writer.digest(digest, most) if digest is not None else writer.group(most)


class _Writer(NamedTuple):
    """Says a message in a language."""

    words: Words
    told: Told
    zone: str
    clean: Clean

    def group(self, most: int) -> Card:
        """Alerts as they come, one or several, and news about Rapport itself."""
        states = _latest(self.told.bodies)
        notices = [body for body in self.told.bodies if isinstance(body, NoticeMessage)]
        total = len(states) + self.told.more
        worth = sum(one.value for one in states) + self.told.more_value
        title = ""
        if not total and notices:
            title = self.words.gettext(NOTICES[notices[0].type])
        lines = [self._notice(body) for body in notices]
        return self._card(title, lines, states, most, total, worth, self.told.url)

    def digest(self, data: DigestData, most: int) -> Card:
        """Those of a day or a night."""
        say = self.words.gettext
        states = [_State("alert.opened", alert) for alert in data.alerts]
        total = max(data.total, len(states))
        title = "" if total else say("No new alerts")
        counted = ((say("New"), total), (say("Still open"), data.still_open), (say("Ended"), data.ended))
        lines = [f"{name}: {self.words.number(number)}" for name, number in counted]
        return self._card(title, lines, states, most, total, data.value_at_risk.minor, data.url or self.told.url, True)

    def _card(
        self, title: str, lines: Sequence[str], states: list[_State], most: int, total: int, worth: int,
        url: str | None, digest: bool = False,
    ) -> Card:  # fmt: skip
        states.sort(key=lambda one: one.rank)
        named = states[:most]
        items = [self._item(one) for one in named]
        if not title and total == 1 and items and not digest:
            title = f"{self.words.gettext(HEADLINES[named[0].type])}: {items[0].title}"
            items = [items[0]._replace(title="")]
        elif not title:
            title = self._together(states, total, worth)
        severities = {one.alert.rule.severity for one in states}
        level = next((level for level in _LEVELS if level in severities), "info")
        rest = self._rest(total - len(named), worth - sum(one.value for one in named))
        return Card(title, lines, items, rest, _link(url), level, self.words)

    def _together(self, states: Sequence[_State], total: int, worth: int) -> str:
        if states and all(one.ended for one in states):
            return self.words.ngettext("%(num)s alert has ended", "%(num)s alerts have ended", total)
        if worth <= 0:
            return self.words.ngettext("%(num)s alert", "%(num)s alerts", total)
        return self.words.ngettext(
            "%(num)s alert, %(money)s at risk", "%(num)s alerts, %(money)s at risk", total,
            money=self.words.money(worth, self.told.currency),
        )  # fmt: skip

    def _rest(self, number: int, worth: int) -> str:
        if number <= 0:
            return ""
        if worth <= 0:
            return self.words.ngettext("and %(num)s more", "and %(num)s more", number)
        return self.words.ngettext(
            "and %(num)s more, %(money)s at risk", "and %(num)s more, %(money)s at risk", number,
            money=self.words.money(worth, self.told.currency),
        )  # fmt: skip

    def _notice(self, body: NoticeMessage) -> str:
        if body.type == "sink.test":
            return self.words.gettext("If you can read this, alerts arrive here.")
        return self.clean(self.told.phrase(body.data.text[:_NOTICE], self.told.language), _NOTICE)

    def _item(self, state: _State) -> Item:
        alert = state.alert
        rule = self.clean(alert.rule.description or self.words.label(alert.rule.name), _RULE)
        said = [self.told.phrase(one.text[:_NOTICE], self.told.language) for one in _raising(alert)[:_REASONS]]
        reasons = [text for one in said if (text := self.clean(nameless(one, numbers=False), _TEXT))]
        title = f"{self._name(alert.customer)}: {rule}"
        return Item(title, list(self._facts(state)), reasons, _link(alert.customer.url))

    def _name(self, customer: Customer) -> str:
        name = self.clean(nameless(customer.label or ""), _NAME)
        if name.strip("… "):
            return name
        return self.words.gettext("Customer %(id)s", id=self.clean(customer.profile[:8], 8))

    def _facts(self, state: _State) -> Iterator[Fact]:
        alert, say, words = state.alert, self.words.gettext, self.words
        severity = alert.rule.severity
        headline = say(HEADLINES[state.type])
        yield Fact(say("State"), f"{headline}, {words.label(severity)}" if severity else headline)
        if alert.outcome:
            yield Fact(say("Outcome"), say(OUTCOMES.get(alert.outcome, "")) or self.clean(alert.outcome, _NAME))
        if alert.snoozed_until:
            yield Fact(say("Snoozed until"), words.when(alert.snoozed_until, self.zone))
        if alert.customer.stage:
            yield Fact(say("Stage"), self.clean(words.label(alert.customer.stage), _NAME))
        if alert.risk is not None:
            risk = f"{words.percent(alert.risk.value)} ({words.label(alert.risk.band)})"
            if alert.risk.previous is not None:
                risk = say("%(risk)s, before %(previous)s", risk=risk, previous=words.percent(alert.risk.previous))
            yield Fact(say("Risk"), risk)
        if alert.value is not None and alert.value.at_risk is not None:
            at_risk = alert.value.at_risk
            yield Fact(say("Value at risk"), words.money(at_risk.minor, at_risk.currency))
        owners = [self.clean(name, _NAME) for name in (alert.owner.team, alert.owner.user) if name]
        if owners:
            yield Fact(say("Owner"), " · ".join(owners))
        if (suggested := suggestion(alert)) is not None:
            yield Fact(say("Suggested action"), say(suggested))
        if alert.note:
            yield Fact(say("Note"), self.clean(nameless(alert.note), _TEXT))


def _latest(bodies: Sequence[Body]) -> list[_State]:
    """Each alert as it was told last."""
    found: dict[str, _State] = {}
    for body in bodies:
        if isinstance(body, AlertMessage):
            before = found.get(body.data.id)
            if before is None or body.data.sequence >= before.alert.sequence:
                found[body.data.id] = _State(body.type, body.data)
    return list(found.values())


def _raising(alert: Alert) -> list[Reason]:
    """The reasons that raise the risk, the strongest first."""
    return sorted((one for one in alert.reasons or () if one.effect == "raises"), key=lambda one: -one.contribution)


def _link(url: str | None) -> str | None:
    """An address of ours, if it is one that means the same in every markup."""
    return url if url and len(url) <= 2000 and _URL.fullmatch(url) else None
