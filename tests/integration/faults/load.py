"""What is sent while servers and workers are killed: a seeded history that is hard on identity and on exactly-once.

People browse unknown, on several browsers and phones, and become known later: by account, e-mail, telephone, alias or
loyalty card, in every order and through several sources at once, so that fragments merge in chains. Some share a
browser or type somebody else's address, which limits must refuse. Events come late, twice, twice much later, without an
id, and broken. Two customers have far more browsers than a profile may hold.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

__all__ = ["Message", "history"]

DAY = 86_400.0
PER_PERSON = 24  # events, on average
REPEATED = 0.08
INVALID = 0.015
DAYS = 45  # that a history spans, late events apart
BROWSERS_OF_THE_BUSY = 110  # the shop's plan allows 100


class Message(NamedTuple):
    """One event on its way."""

    source: str
    over_http: bool  # through the collector, else straight into the source's topic
    key: bytes  # of the record, when it goes straight in
    body: bytes  # as sent
    id: str  # messageId; "" for none


class _Draft(NamedTuple):
    at: float  # place in the history
    source: str
    event: dict[str, Any]


def history(count: int, seed: int, end: float | None = None) -> list[Message]:
    """About `count` messages, the same for the same seed and end.

    Args:
        count: how many.
        seed: of everything random.
        end: time of the latest event, seconds; the last midnight if None.
    """
    chance = random.Random(seed)
    end = time.time() // DAY * DAY if end is None else end
    wanted = round(count / (1 + REPEATED + INVALID))
    drafts: list[_Draft] = []
    shared: list[str] = []  # browsers and addresses that somebody else may use, too
    for number in range(count):
        if len(drafts) >= wanted:
            break
        drafts += _Person(chance, number, float(count), end, shared).life()
    placed = [(draft.at, _message(chance, draft)) for draft in drafts]
    placed += _repeats(chance, placed, float(count))
    placed += [(chance.uniform(0, count), _invalid(chance, end)) for _ in range(round(wanted * INVALID))]
    placed.sort(key=lambda one: one[0])
    return [message for _, message in placed]


class _Person:
    """One customer's events. `chance` is shared by all, so that the whole follows from one seed."""

    def __init__(self, chance: random.Random, number: int, length: float, end: float, shared: list[str]) -> None:
        self._chance = chance
        self._end = end
        self._shared = shared
        self._name = f"{number}-{chance.getrandbits(32):08x}"
        self._user = f"user-{self._name}"
        self._email = f"{self._name}@example.org"
        self._phone = f"+31{600_000_000 + number}"
        self._card = f"card-{self._name}"
        self._company = _company(number)
        busy = number < 2
        many = BROWSERS_OF_THE_BUSY if busy else chance.choice((1, 1, 2, 2, 3, 5))
        self._browsers = [f"anon-{self._name}-{n}" for n in range(many)]
        if shared and chance.random() < 0.06:
            self._browsers.append(chance.choice(shared))
        self._place = chance.uniform(0, 0.2 if busy else 0.85) * length
        self._step = length * (0.7 / (3 * many + 20) if busy else chance.uniform(0.0002, 0.008))
        self._day = 0.0

    def life(self) -> list[_Draft]:
        """Everything this person does, nearly in order."""
        events = list(self._browse())
        if len(self._browsers) > 50 or self._chance.random() < 0.8:
            events += self._become_known()
            events += self._shop()
        if self._chance.random() < 0.2:
            self._shared.append(self._browsers[0])
        return events

    def _browse(self) -> Iterator[_Draft]:
        for browser in self._browsers:
            for _ in range(self._chance.choice((1, 1, 2, 4)) if len(self._browsers) < 50 else 1):
                yield self._visit(anonymousId=browser)

    def _visit(self, **who: Any) -> _Draft:
        if self._chance.random() < 0.6:
            return self._draft("web", {"type": "page", "name": "Product", "properties": {"path": "/p/1"}, **who})
        return self._draft("app", {"type": "screen", "name": "Product", **who})

    def _become_known(self) -> Iterator[_Draft]:
        """The ways in which fragments turn out to be one person; each links in an order of its own."""
        chance, first = self._chance, self._browsers[0]
        way = chance.randrange(6)
        if way == 0:
            traits = {"email": self._email, "phone": self._phone, "firstName": "Ada"}
            yield self._identify("web", userId=self._user, anonymousId=first, traits=traits)
        elif way == 1:  # browser → e-mail → account
            yield self._identify("web", anonymousId=first, traits={"email": self._email})
            yield self._identify("app", userId=self._user, traits={"email": self._email})
        elif way == 2:  # telephone → e-mail at the help desk, then telephone → account
            yield self._ticket("Ticket Opened", traits={"email": self._email, "phone": self._phone})
            yield self._identify("app", userId=self._user, traits={"phone": self._phone})
            yield self._identify("web", anonymousId=first, traits={"email": self._email})
        elif way == 3:  # the order system knows account and e-mail before the shop does
            yield self._order(userId=self._user, context={"traits": {"email": self._email}})
            yield self._identify("web", anonymousId=first, traits={"email": self._email})
        elif way == 4:
            yield self._draft("web", {"type": "alias", "userId": self._user, "previousId": first})
        else:  # loyalty card → e-mail, card → account
            card = {"externalIds": [{"id": self._card, "type": "loyalty_number"}], "traits": {"email": self._email}}
            yield self._order(context=card)
            yield self._identify("app", userId=self._user, traits={"loyalty_number": self._card})
        if chance.random() < 0.03 and self._shared:  # somebody else's address: a limit must refuse it
            yield self._identify(
                "web", userId=self._user, traits={"email": f"typo-{chance.choice(self._shared)}@x.org"}
            )
        for browser in self._browsers:
            event = {"type": "track", "event": "Signed In", "userId": self._user, "anonymousId": browser}
            yield self._draft(chance.choice(("web", "app")), event)

    def _shop(self) -> Iterator[_Draft]:
        chance = self._chance
        for _ in range(chance.randrange(2, 14)):
            kind = chance.random()
            if kind < 0.35:
                yield self._visit(userId=self._user, anonymousId=chance.choice(self._browsers))
            elif kind < 0.6:
                yield self._order(userId=self._user)
            elif kind < 0.7:
                yield self._order(context={"traits": {"email": self._email}})
            elif kind < 0.78:
                properties = {
                    "order_id": f"o-{self._name}",
                    "total": chance.randrange(1, 9999) / 100,
                    "currency": "EUR",
                }
                yield self._of_company("purchase", "Order Refunded", properties, userId=self._user)
            elif kind < 0.86:
                name = chance.choice(("Ticket Opened", "Ticket Solved", "Ticket Reopened"))
                yield self._ticket(name, userId=self._user)
            elif kind < 0.93:
                properties = {"score": chance.randrange(1, 6)}
                yield self._of_company("support", "CSAT Answered", properties, userId=self._user)
            else:
                traits = {"plan": chance.choice(("none", "plus", "family")), "language": chance.choice(("nl", "en"))}
                yield self._identify("app", userId=self._user, traits=traits)

    def _identify(self, source: str, **call: Any) -> _Draft:
        return self._draft(source, {"type": "identify", **call})

    def _order(self, **who: Any) -> _Draft:
        chance = self._chance
        properties = {
            "order_id": f"o-{chance.getrandbits(40)}",
            "revenue": chance.randrange(1, 99_999) / 100,
            "currency": "USD" if chance.random() < 0.05 else "EUR",
            "products": [{"product_id": "p", "quantity": chance.choice((1, 2, 0.5))}],
        }
        return self._of_company("purchase", "Order Completed", properties, **who)

    def _ticket(self, name: str, traits: dict[str, str] | None = None, **who: Any) -> _Draft:
        if traits:
            who["context"] = {"traits": traits}
        properties = {"ticket_id": f"t-{self._name}-{self._chance.randrange(3)}"}
        return self._of_company("support", name, properties, **who)

    def _of_company(self, source: str, name: str, properties: dict[str, Any], **who: Any) -> _Draft:
        """What a server says, which knows whom a customer works for."""
        if self._company:
            properties["company_id"] = self._company
        return self._draft(source, _track(name, properties, **who))

    def _draft(self, source: str, event: dict[str, Any]) -> _Draft:
        chance = self._chance
        self._place += self._step * chance.uniform(0, 2)
        self._day += chance.expovariate(1 / 1.5)
        late = chance.uniform(1, 15) if chance.random() < 0.1 else 0.0
        moment = self._end - DAY * (max(DAYS - self._day, chance.uniform(0, 5)) + late)
        event["timestamp"] = datetime.fromtimestamp(round(moment, 3), UTC).isoformat()
        if chance.random() > 0.02:
            event["messageId"] = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        # A little out of turn: what two sources say of one person does not arrive in the order in which it was done.
        return _Draft(self._place + self._step * chance.uniform(-3, 3), source, event)


def _company(number: int) -> str:
    """Whom somebody works for: one in four for a large company, some for small ones, most for none."""
    return "acme" if number % 4 == 0 else f"firm-{number % 5}" if number % 12 == 1 else ""


def _track(name: str, properties: dict[str, Any], **who: Any) -> dict[str, Any]:
    return {"type": "track", "event": name, "properties": properties, **who}


def _message(chance: random.Random, draft: _Draft) -> Message:
    event = draft.event
    id_ = event.get("messageId", "")
    key = event.get("userId") or event.get("anonymousId") or str(event.get("context"))
    if chance.random() < 0.1:
        key = str(chance.random())  # another producer, another partition
    over_http = bool(id_) and chance.random() < 0.5
    return Message(draft.source, over_http, key.encode(), orjson.dumps(event), id_)


def _repeats(chance: random.Random, placed: list[tuple[float, Message]], length: float) -> list[tuple[float, Message]]:
    """Senders that send again: soon, or much later, sometimes by another way."""
    repeated = []
    for at, message in placed:
        if message.id and chance.random() < REPEATED:
            again = at + chance.uniform(0, 30) if chance.random() < 0.5 else chance.uniform(at, length * 1.02)
            repeated.append((again, message._replace(over_http=chance.random() < 0.5)))
    return repeated


def _invalid(chance: random.Random, end: float) -> Message:
    """What no profile may ever show."""
    id_ = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    moment = datetime.fromtimestamp(end - DAY, UTC).isoformat()
    common = {"messageId": id_, "timestamp": moment, "userId": f"invalid-{chance.randrange(50)}"}
    kind = chance.randrange(5)
    if kind == 0:
        return Message("web", False, b"", b'{"type": "track", "event": ' + id_.encode(), "")
    event: dict[str, Any] = _track("Never Planned", {}, **common)
    if kind == 1:
        event = _track("Consent Updated", {"granted": "perhaps"}, **common)
    elif kind == 2:
        event = {**_track("Signed In", {}, **common), "timestamp": "yesterday"}
    elif kind == 3:
        event = {**_track("Signed In", {}, **common), "userId": "undefined"}
    # The collector mends a time that it cannot read; straight into the topic it is a reason to reject.
    return Message("web", kind != 2 and chance.random() < 0.5, b"", orjson.dumps(event), id_)
