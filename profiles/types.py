"""The words that everything else is written in: the neutral event, the profile and its parts.

All are `msgspec` structs stored as msgpack arrays: small and quick. Fields are therefore positional: append new
ones at the end with a default, and never reorder. Times are float seconds since the epoch (UTC), money is an
integer in minor units with its ISO-4217 currency.
"""

from __future__ import annotations

import uuid
import zlib
from base64 import urlsafe_b64encode
from hashlib import blake2b, sha1
from typing import Any, Generic

import msgspec
from typing_extensions import TypeVar

__all__ = [
    "ERASED",
    "NOWHERE",
    "OPEN",
    "Absorb",
    "Activity",
    "Affiliation",
    "Alert",
    "AlertCommand",
    "Case",
    "CaseEntry",
    "Churn",
    "Claim",
    "Claims",
    "Company",
    "Days",
    "Entry",
    "Erase",
    "Event",
    "Forget",
    "Grouping",
    "Health",
    "HealthPart",
    "Identity",
    "Join",
    "Joined",
    "Ledger",
    "Lift",
    "Member",
    "MemberEntry",
    "Merge",
    "Opinion",
    "Origin",
    "Part",
    "Profile",
    "Purchases",
    "Quiet",
    "Reason",
    "Record",
    "Score",
    "Settled",
    "Share",
    "Snapshot",
    "Split",
    "Splitting",
    "Stay",
    "Subscription",
    "Tally",
    "Team",
    "Terms",
    "Ticket",
    "TimelineEntry",
    "ToldEntry",
    "Traces",
    "cell_id",
    "company_id",
    "event_digest",
    "is_away",
    "is_cell",
    "is_company",
    "is_joined",
    "is_shown",
    "partition_of",
    "profile_id",
    "tag_of",
]  # fmt: skip

Identity = tuple[str, str]
"""(identity type, value), e.g. `("user_id", "42")`."""

Origin = tuple[str, int, int]
"""Where a record of `profile.events` comes from: (topic, partition, offset). Records of one topic and partition reach a
partition of the profiles in the order of their offsets, so the highest offset applied tells a repeat from what is new.
"""

NOWHERE: Origin = ("", 0, 0)
"""The origin of a record that is harmless to repeat, such as a person's decision."""

ERASED = "!"
"""Stands for the winner in the tombstone of a customer who was erased."""

HALF_LIVES = (14 * 86400.0, 56 * 86400.0)
"""Half-lives of a tally's decayed counts, seconds: two and eight weeks."""

ORDER_HALF_LIVES = tuple(weeks * 7 * 86400.0 for weeks in (2, 4, 8, 16, 32))
"""Half-lives of the decayed order counts, seconds."""

SPEND_HALF_LIVES = tuple(weeks * 7 * 86400.0 for weeks in (8, 26))
"""Half-lives of the decayed spend, seconds."""


def profile_id(namespace: uuid.UUID, identity: Identity) -> str:
    """The id of the profile that an unmapped identity *is*: a version 5 UUID in 22 characters of base64url.

    The same on every machine. Short, because every index repeats it.
    """
    digest = sha1(namespace.bytes + f"{identity[0]}\0{identity[1]}".encode(), usedforsecurity=False).digest()
    # The version and variant bits of RFC 9562, 5.5: this is uuid.uuid5(…).bytes, without making the object.
    id_ = digest[:6] + bytes((digest[6] & 0x0F | 0x50, digest[7], digest[8] & 0x3F | 0x80)) + digest[9:16]
    return urlsafe_b64encode(id_)[:22].decode()


_COMPANY = "~"  # in no id of a customer


def company_id(namespace: uuid.UUID, group: str, key: str) -> str:
    """The id of a company's document: it says of itself that it is no customer's, also where only ids are.

    Args:
        namespace: of the plan.
        group: what the plan calls companies.
        key: the company, as events name it.
    """
    return _COMPANY + profile_id(namespace, (f"{_COMPANY}{group}", key))


def is_away(profile: Profile) -> bool:
    """Whether a document is a tombstone of a merge: a split may bring its customer back."""
    return profile.redirect not in ("", ERASED)


def is_company(id_: str) -> bool:
    """Whether an id is of a company's document, or of a part of one."""
    return id_.startswith(_COMPANY)


def cell_id(namespace: uuid.UUID, group: str, key: str, number: int) -> str:
    """The id of one of the parts of a large company's document."""
    return _COMPANY + company_id(namespace, group, f"{key}\0{number}")


def is_cell(id_: str) -> bool:
    """Whether an id is of a part of a large company's document: of nobody that is looked at."""
    return id_.startswith(_COMPANY + _COMPANY)


def is_joined(profile: Profile) -> bool:
    """Whether a document is of a company that counts for another one.

    Not while another company counts for it on an earlier word: two people may say at once that each of two companies is
    the other one, or say it in a ring, and both would be gone. The earlier word stands, of two of the same time that of
    the smaller id; so along companies that count for each other times fall, and they never close a ring.
    """
    held = profile.company
    if held is None or held.joined is None or not held.joined.target:
        return False
    said = held.joined.at, profile.id
    return all(said < (at, joiner) for joiner, at in held.joiners.items())


def is_shown(profile: Profile) -> bool:
    """Whether a document is looked at by itself: no company that counts for another, nor one that only a word is left
    of."""
    held = profile.company
    if held is None:
        return True
    return not is_joined(profile) and (bool(held.shares) or not (held.joiners or held.joined or held.doubted))


def partition_of(profile: str, partitions: int) -> int:
    """The partition of `profile.events` (and of the store) that owns a profile."""
    return zlib.crc32(profile.encode()) % partitions


def tag_of(partition: int) -> str:
    """The Redis hash tag of a partition, e.g. `{p017}`."""
    return f"{{p{partition:03d}}}"


def event_digest(source: str, message_id: str) -> bytes:
    """Eight bytes that stand for an event in the seen-memory; scoped to its source."""
    return blake2b(f"{source}\0{message_id}".encode(), digest_size=8).digest()


Sent = TypeVar("Sent", default=dict[str, Any])
"""An object of an event as it was sent: a dict, or the `msgspec.Raw` of it where hardly anybody looks inside."""


Number = int | float
"""A float that starts as an integer zero, which takes one byte where a float takes nine: most profiles never order."""


class Claim(msgspec.Struct, array_like=True, gc=False):
    """What an event says that its sender is not believed: anybody can send with the key of a public source."""

    role: str = ""  # what it would mean, did it come from another source; the event's own is then ""
    traits: dict[str, Any] = {}  # likewise; the event's own are then {}
    identities: list[Identity] = []  # of people whom it names, and to whom nothing is linked for it
    named: bool = False  # whether it names anybody: if not, it is about a browser or a phone


class Grouping(msgspec.Struct, array_like=True, gc=False):
    """The company that an event is about, and what it says of it."""

    company: str  # as senders name it; "" of one that was erased
    left: bool = False  # the customer has left it
    traits: dict[str, Any] = {}  # of the company, to set; None removes


class Terms(msgspec.Struct, array_like=True, gc=False, omit_defaults=True):
    """What an event of a subscription says of it; what it does not say is as before."""

    ends: Number | None = None  # of the period that is paid, or was
    interval: str = ""  # how often it is paid: month, year…
    seats: int | None = None
    mrr: int | None = None  # what it brings a month: minor units of the event's currency


class Event(msgspec.Struct, Generic[Sent], array_like=True, tag_field="kind", tag="e", gc=False, omit_defaults=True):
    """A neutral event: what happened to one customer, in words that no plan can rename."""

    profile: str  # its home, the profile that its strongest identity is; once sent on, the profile that took that in
    id: str  # messageId
    source: str  # web, app, support, purchase…
    type: str  # track, identify, page, screen, group, alias
    name: str  # as the plan names it: "Order Completed"
    role: str  # what it means: purchase, visit, ticket_opened…; "" for none
    time: float  # when it happened (clock-corrected)
    received: float  # when the collector or the topic had it
    identities: list[Identity] = []  # as sent, by priority, blocked values removed; the first is its home's
    traits: dict[str, Any] = {}  # to set; None removes
    amount: int = 0  # minor units; purchases, refunds, payments
    currency: str = ""
    quantity: float = 0.0  # items
    subject: str = ""  # what it is about: ticket id, subscription id, product id
    rating: float | None = None  # csat, nps, ces, review
    properties: Sent = {}  # type: ignore[assignment]  # as sent and checked; for the archive and the timeline
    context: Sent = {}  # type: ignore[assignment]  # channel, device, campaign, region…
    violations: list[str] = []  # of a flagged event
    origin: Origin = NOWHERE  # of the source topic; of an event sent on, of `profile.events`
    home: str = ""  # of an event sent on: the profile it was sent on from first…
    position: int = 0  # …and its offset there
    category: str = ""  # of what was bought; of an order of several, the one of most of its items
    claim: Claim | None = None
    refund: str = ""  # which one of its subject it is; "" if nobody says
    group: Grouping | None = None  # None if it names no company
    remembered: list[Identity] = []  # that it only carries along, in `context.traits`; where the plan's `keep` asks
    signed: bool = False  # whether the user whom a public source names has signed it
    terms: Terms | None = None  # None if it is of no subscription, or says nothing of one
    shown: dict[str, Any] = {}  # properties that the plan shows in timelines: path → text, number, or [minor, currency]


class Merge(msgspec.Struct, array_like=True, tag_field="kind", tag="m", gc=False):
    """A command to the loser of a merge: become a tombstone and send what you hold to the winner."""

    profile: str  # the loser
    winner: str
    time: float
    identities: list[Identity]  # of the loser, as the linker knows them
    origin: Origin = NOWHERE


class Absorb(msgspec.Struct, array_like=True, tag_field="kind", tag="a", gc=False):
    """A command to the winner of a merge: take in what the loser held."""

    profile: str  # the winner
    loser: str
    time: float
    state: bytes  # msgpack of the loser's Profile
    origin: Origin = NOWHERE
    split: str = ""  # of a state that was computed anew for a split: its id
    position: int = 0  # offset of the `Merge` in the loser's partition
    matters: bool = False  # of a split: alerts and a case only, which one who is taken apart held for the winner


class AlertCommand(msgspec.Struct, array_like=True, tag_field="kind", tag="c", gc=False):
    """A person's decision on an alert or a case, so that a profile keeps one writer."""

    profile: str
    alert: str  # "" for one on a case
    action: str  # acknowledge | resolve; of a case besides: assign | snooze | note
    time: float
    by: str = ""
    note: str = ""
    origin: Origin = NOWHERE
    case: str = ""
    outcome: str = ""  # resolve: stayed | left | no_answer | wrong | not_worth
    assignee: str = ""  # assign: a person; "" for nobody
    until: float = 0.0  # snooze: when it ends by itself; 0 for never
    worse: bool = False  # snooze: it ends when the customer is worse
    team: str = ""  # assign: the team that it goes to instead, of which nobody has it


class Erase(msgspec.Struct, array_like=True, tag_field="kind", tag="x", gc=False):
    """A command to every home of an erased customer: keep nothing, take in nothing."""

    profile: str
    time: float
    origin: Origin = NOWHERE


class Lift(msgspec.Struct, array_like=True, tag_field="kind", tag="u", gc=False):
    """A command to a home of an erased customer: take in again what comes from now on."""

    profile: str
    time: float
    origin: Origin = NOWHERE


class Split(msgspec.Struct, array_like=True, tag_field="kind", tag="s", gc=False):
    """One step of taking a profile apart; `streams.steps.split` tells the whole."""

    profile: str  # whom the step is for
    phase: str  # reset, move, moved
    split: str  # id of the split
    was: str  # the profile that is taken apart
    time: float
    winners: dict[str, str] = {}  # reset, move: home → the profile it belongs to from now on
    identities: dict[str, list[Identity]] = {}  # reset, move: winner → its identities
    cutover: tuple[int, int] = (0, 0)  # partition and offset where the home moved; move: where the profile was reset
    home: str = ""  # moved: whose
    origin: Origin = NOWHERE
    splits: list[str] = []  # move: those whose state the profile has taken in, of which the home has its part


class Share(msgspec.Struct, array_like=True, tag_field="kind", tag="g", gc=False):
    """A command to a company: this is all that a member's events come to for it. The latest counts.

    Sent to a member it is one to take theirs back, behind whatever they have told the company.
    """

    profile: str  # the company's document
    key: str  # the company, as events name it
    member: str  # profile id
    time: float
    state: bytes = b""  # msgpack of a `Part`; b"" takes it back
    erased: bool = False  # it is taken back for good, and a company of nobody else goes with it
    origin: Origin = NOWHERE
    instead: list[str] = []  # members who were merged into this one: their shares go in the moment in which it comes
    # Of a company that counts for another, even with nobody in it: when a person said so; negative if that does not
    # count, because another word stands in its way.
    since: float = 0.0


class Forget(msgspec.Struct, array_like=True, tag_field="kind", tag="f", gc=False):
    """A command of a company that was erased, to its members, its cells, and companies that count for it."""

    profile: str  # who forgets it
    key: str  # the company, as events name it
    time: float  # a membership that began later is not meant: the company may have come back
    origin: Origin = NOWHERE


class Join(msgspec.Struct, array_like=True, tag_field="kind", tag="j", gc=False):
    """A person's word that a company is another one, or that it is not any more: the latest counts."""

    profile: str  # the company's document
    key: str  # the company, as events name it
    target: str  # the document of the other one; "" takes such a word back
    into: str  # the other one, as events name it
    time: float
    by: str = ""
    reason: str = ""
    origin: Origin = NOWHERE


Record = Event[dict[str, Any]] | Merge | Absorb | AlertCommand | Erase | Lift | Split | Share | Join | Forget
"""What `profile.events` carries."""


class Tally(msgspec.Struct, array_like=True, gc=False):
    """How often and when something happened. `decayed` holds at `last`, one sum per HALF_LIVES."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0
    decayed: tuple[float, float] = (0.0, 0.0)
    recent: list[float] = []  # the latest times, ascending; kept only for what the plan counts within a window


class Activity(msgspec.Struct, array_like=True, gc=False):
    """What came from one source."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0


class Purchases(msgspec.Struct, array_like=True, gc=False):
    """All that orders say. Decayed sums hold at `last`; `recent` are the latest order times."""

    orders: int = 0
    first: Number = 0
    last: Number = 0
    items: Number = 0
    revenue: dict[str, int] = {}  # by currency
    refunds: dict[str, int] = {}
    refund_count: int = 0
    # orders, ORDER_HALF_LIVES
    decayed: list[Number] = msgspec.field(default_factory=lambda: [0] * len(ORDER_HALF_LIVES))
    # minor units of the plan's currency, SPEND_HALF_LIVES
    spend: list[Number] = msgspec.field(default_factory=lambda: [0] * len(SPEND_HALF_LIVES))
    last_amount: int = 0  # minor units of the latest order (ties: the larger)
    recent: list[float] = []  # the latest order times, ascending; all of them while len(recent) == orders
    amounts: list[int] = []  # minor units of `recent`, in the plan's currency; 0 for an order in another
    mix: dict[str, int] = {}  # what was bought: orders by category, the most frequent few
    converted: int = 0  # of the revenue, what was in other currencies: minor units of the plan's, by its rates
    converted_back: int = 0  # the same of the refunds

    def revenue_in(self, currency: str) -> int:
        """Minor units of the plan's currency, ever, with what could be converted into it."""
        return self.revenue.get(currency, 0) + self.converted

    def refunds_in(self, currency: str) -> int:
        """The same of what was paid back."""
        return self.refunds.get(currency, 0) + self.converted_back


class Entry(msgspec.Struct, array_like=True, gc=False):
    """What all reports of one order, refund, payment, subscription's start or end say together (`profiles.ledger`)."""

    kind: int  # its role's place in `profiles.ledger.entries.ROLES`
    key: bytes  # stands for its subject; for the message itself, if that names none
    time: float  # of the earliest report; of a subscription, of the latest
    amount: int = 0  # minor units
    currency: str = ""  # "" while no report has said an amount
    quantity: Number = 0
    category: str = ""
    part: bytes = b""  # of a refund, which: an order may be paid back in several; and where each report counts, which
    worth: int | None = None  # the amount in the plan's currency; None if it is in that
    said: tuple[float, float, float] | None = None  # when amount, quantity, category were, if not all at `time`
    parts: list[str] = []  # of its role, that any report is of (`Profile.narrowed`)
    teller: bytes = b""  # of a refund, who tells of it (`profiles.ledger.refunds`)


class Settled(msgspec.Struct, array_like=True, gc=False):
    """What came of entries that a ledger no longer has."""

    purchases: Purchases = msgspec.field(default_factory=Purchases)
    roles: dict[str, Tally] = {}
    keys: bytes = b""  # a few bytes of each of those entries, so that they are known again
    narrowed: dict[str, Tally] = {}


class Ledger(msgspec.Struct, array_like=True, gc=False):
    """The latest that adds up, one entry a subject: `purchases` and the tallies of its roles follow from it."""

    entries: bytes = b""  # the msgpack of each `Entry`, one behind the other
    count: int = 0
    settled: Settled | None = None


class Traces(msgspec.Struct, array_like=True, gc=False):
    """What events leave of habits and wishes that nothing else keeps (`profiles.traces`)."""

    when: bytearray = msgspec.field(default_factory=bytearray)  # what the customer did, by hour and weekday
    months: bytes = b""  # in which they did something, the latest 24
    kept: dict[str, bytes] = {}  # kind → the latest few mementos
    contacts: dict[str, int] = {}  # channel, as the plan tells its cost → how many
    begun: bytes = b""  # on which days they came, and how (`profiles.traces.begun`)
    looked: bytes = b""  # at which products, by day (`profiles.traces.looked`)


class Subscription(msgspec.Struct, array_like=True, gc=False):
    """One subscription; each time is the latest of its kind, 0 for never."""

    id: str
    started: Number = 0
    ended: Number = 0
    renewed: Number = 0
    paused: Number = 0
    prices: list[tuple[int, int]] = []  # (second, minor units) of the latest 4 starts and renewals that say one
    first: Number = 0  # the first start, of one that was started several times
    changed: Number = 0
    # Of the latest 4 events that say it, (second, value):
    ends: list[tuple[int, Number]] = []  # the end of the period that is paid
    seats: list[tuple[int, int]] = []
    mrr: list[tuple[int, int]] = []  # minor units of the plan's currency a month
    interval: list[tuple[int, str]] = []  # how often it is paid; of the latest


class Ticket(msgspec.Struct, array_like=True, gc=False):
    """One support ticket; each time is the latest of its kind, 0 for never."""

    id: str
    opened: float = 0.0
    solved: float = 0.0
    reopened: float = 0.0


class Opinion(msgspec.Struct, array_like=True, gc=False):
    """Answers to one kind of survey (csat, nps, ces, review)."""

    count: int = 0
    total: float = 0.0
    last: float = 0.0  # the latest rating
    time: float = 0.0  # when


class Days(msgspec.Struct, array_like=True, gc=False):
    """What happened on the latest local days, as far as nothing else in a profile tells (`profiles.daily`)."""

    counts: dict[int, dict[int, int]] = {}  # day since 1970 → place of a counter → how much
    newest: dict[int, tuple[float, float]] | None = None  # day → time and mark of its newest answer to an NPS


class Reason(msgspec.Struct, array_like=True, gc=False):
    """One share of a score: contributions and the baseline sum to the log-odds of the risk."""

    feature: str
    contribution: float  # log-odds; positive raises the risk
    value: float  # of the feature, in its own unit
    cause: bool = False  # tells why somebody leaves: trouble or a fall of use beyond what is usual


class Score(msgspec.Struct, array_like=True, gc=False):
    """A churn risk that can be shown: never without its model, time and reasons."""

    risk: float
    band: str  # low, medium, high
    at: float
    model: str  # model id
    reasons: list[Reason] = []  # the strongest first
    previous: float | None = None  # the risk about a week before, for the trend…
    previous_at: float = 0.0  # …and its time
    marks: list[tuple[float, float]] = []  # (time, risk) of scores since then: what `previous` will be
    left: float | None = None  # P(has left for good by now); None: of an older version
    leaving: float | None = None  # P(is still here, and leaves within `churn.leaving_within`)
    course: bytes = b""  # of the risk, by week, packed (`models.churn.course`)

    @property
    def lost(self) -> float:
        """P(has left, or leaves within `churn.leaving_within`); the risk where that is not known."""
        return self.risk if self.left is None or self.leaving is None else self.left + self.leaving


class Snapshot(msgspec.Struct, array_like=True, gc=False):
    """Features as they were at `at`, waiting for the label at `due`."""

    at: float
    due: Number  # end of the label horizon; 0 once that label has left
    schema: str
    x: bytes  # which features are not zero, a bit each; then those, float32, little-endian (`models.labels.snapshots`)
    weight: Number = 1  # how many like it it stands for
    full: Number = 0  # end of the churn horizon, for those that wait for it; 0 for the others
    risks: bytes = b""  # what every model of the panel said at `at`: float32, little-endian, NaN for no answer
    model: str = ""  # id of the model that spoke
    segments: list[str] = []  # of the customer at `at`
    treated: Number = 0  # the first time after `at` that a person dealt with an alert of theirs; 0 for never
    groups: list[str] = []  # of the customer at `at`, if it waits for the churn horizon (`models.labels.groups`)
    late: Number = 0  # when hindsight tells whether they had left (`models.leaving.hindsight`); 0 if nobody asks


class Churn(msgspec.Struct, array_like=True, gc=False):
    """What is known of a customer by one further definition of churn. The plan's own stands in the profile itself."""

    score: Score | None = None
    snapshots: list[Snapshot] = []
    signs: dict[float, float] = {}  # time of a snapshot → the first sign of life after it
    rescore_at: Number = 0
    snapshot_at: Number = 0
    stage: str = ""  # active, at_risk, ended; "" of who cannot leave
    stage_since: float = 0.0
    meaning: int = 0  # a hash of what it ends by, by which what waits was taken; 0 if nobody noted it


class Stay(msgspec.Struct, array_like=True, gc=False):
    """A customer's membership of one segment."""

    since: float


OPEN = ("open", "acknowledged")
"""States of an alert that is not over."""


class Alert(msgspec.Struct, array_like=True, gc=False):
    """The latest alert of one rule for one customer."""

    id: str
    rule: str
    state: str  # open, acknowledged, resolved (by a person), cleared (by the customer)
    opened: float
    changed: float
    risk: float
    by: str = ""
    note: str = ""
    reasons: list[Reason] = []
    model: str = ""
    held_out: bool = False  # of a customer who gets no alert that looks at the risk, as this one does not
    found: str = ""  # "load": it opened in events of the past, while the clock was not live
    untold: bool = False  # the topic `alerts` knows nothing of it, and so is not told how it ends
    outcome: str = ""  # of one that was resolved with its case


class CaseEntry(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """Something that happened to a case, or a note about it."""

    at: float
    action: str  # opened, joined, acknowledged, assigned, snoozed, woken, resolved, cleared, reopened, merged; note
    by: str = ""  # a person; "" if nobody decided it
    text: str = ""  # which rule, who, until when, with which outcome; of a note, what it says


class Case(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """What people have to do with one customer: one open matter, whichever alerts it came from (`models.cases`)."""

    id: str
    kind: str  # retention, win_back
    state: str  # new, acknowledged, snoozed; resolved (by a person), cleared (by the customer)
    opened: float
    changed: float
    rules: dict[str, float] = {}  # whose alerts it has collected, with when each joined
    risk: float | None = None  # as of opening, as are `model`, `as_of` and `reasons`
    model: str = ""
    as_of: float = 0.0
    reasons: list[str] = []  # in words
    owner: str = ""  # a team, or a person: to whom the plan's routes, or a person, gave it
    value: int | None = None  # at risk: minor units of the plan's currency…
    valued_at: float = 0.0  # …as of this time
    assignee: str = ""
    outcome: str = ""  # of one that was resolved: stayed, left, no_answer, wrong, not_worth
    until: float = 0.0  # of one that is snoozed: when it wakes; 0 for never by itself
    worse: bool = False  # …it wakes when the customer is worse than this:
    slept_risk: float | None = None
    slept_complaints: int = 0
    notes: list[CaseEntry] = []  # the latest 10
    history: list[CaseEntry] = []  # the latest 20, those of the customer's earlier cases included
    merged: list[str] = []  # ids of cases that it has taken in; the latest 8
    given: float = 0.0  # when a person gave it to somebody last; 0: `owner` is whom the routes said


class TimelineEntry(msgspec.Struct, array_like=True, gc=False):
    """What an agent sees of one event."""

    time: float
    source: str
    name: str
    amount: int = 0
    currency: str = ""
    about: str = ""
    mark: int = 0  # of the role, as some of each are kept (`profiles.timeline.mark_of`)


class MemberEntry(TimelineEntry):
    """The same in a company's timeline."""

    who: str = ""  # the member's profile id


class ToldEntry(MemberEntry):
    """The same of an event of whose properties the plan shows some. Every entry can be read as one."""

    shown: dict[str, Any] = {}  # as `Event.shown`
    end: int = 0  # the mark again: it stays the last of an entry (`profiles.timeline.latest_of_role`)


class Splitting(msgspec.Struct, array_like=True, gc=False):
    """A profile that is being taken apart, until what it held has been computed anew."""

    split: str
    winners: dict[str, str]  # home → the profile it belongs to from now on
    identities: dict[str, list[Identity]]  # winner → its identities
    awaited: list[str] = []  # homes that have not moved yet: what they still send on is part of what is computed
    cutovers: dict[str, tuple[int, int]] = {}  # home → partition and offset at which it moved
    done: bool = False  # what was computed is here; the cutovers stay, for what may still be on its way
    told: list[str] = []  # companies that keep the share from before until then
    handed: dict[str, str] = {}  # id of an alert or case that went on to its owner → who that is; the latest


class Claims(msgspec.Struct, array_like=True, gc=False):
    """What was only claimed of a customer (`profiles.claims`)."""

    known: bool = False  # the profile has an identity of a person: then no trait in here counts
    traits: dict[str, tuple[Any, float, bytes]] = {}  # as those of a profile
    unlinked: dict[str, float] = {}  # type of an identity that was named and not linked → when last
    timeline: bytes = b""  # of events whose role does not count; as that of a profile
    timeline_count: int = 0


class Member(msgspec.Struct, array_like=True, gc=False):
    """What a customer is to one company (`profiles.companies`)."""

    first: float  # of the events that name it
    last: float
    state: Profile  # of those that count for it, whatever may still be heard of
    left: Number = 0  # the latest time at which the customer was said to have left; 0 for never
    sent: bytes = b""  # digest of the share that the company was told last
    instead: list[str] = []  # those merged in since, whose shares the next one replaces
    days: bytes = b""  # on which they worked with the product (`profiles.companies.days`)


class Affiliation(msgspec.Struct, array_like=True, gc=False):
    """A customer's companies."""

    members: dict[str, Member] = {}  # by company, as events name it; "" for all of them that were erased
    unplaced: Profile | None = None  # of events that named none while none was known
    waiting: list[tuple[float, bytes]] = []  # (time, event) of the latest that name none: membership tells whose
    unattributed: int = 0  # events that count for no company, as the customer was in several, none any more, too many
    unplaced_days: bytes = b""


class Quiet(msgspec.Struct, array_like=True, gc=False):
    """Members who came as regularly, and were last seen in the same week."""

    last: int  # week of the last day of use
    weeks: int  # with a day of use
    spanned: int  # weeks from the first to the last of those
    members: int = 0
    days: int = 0  # of use of them all
    worth: int = 0  # minor units that they bought for


class Team(msgspec.Struct, array_like=True, gc=False):
    """What a company's members are one by one, added up (`profiles.companies.team`). Days and weeks are numbers."""

    members: int = 0  # who belong to it
    left: int = 0  # who did
    unseen: int = 0  # of the members: who do not allow that it is known what they do
    since: int = 0  # day of the first event that named it
    latest: int = 0  # day of use; the lists by day begin `PAST` days before
    month: list[int] = []  # members active within the 28 days up to each
    week: list[int] = []  # within 7
    champion: list[int] = []  # who are champions on each
    went: list[tuple[int, int]] = []  # days on which champions went, or will have if they stay silent, and how many
    quiet: list[Quiet] = []
    used: dict[str, list[int]] = {}  # feature → seconds of the latest use by one member, and by another


class Part(msgspec.Struct, array_like=True, gc=False):
    """What one member's events come to for a company."""

    since: float  # the first event that named the company
    until: Number  # when the membership ended; 0 while it lasts
    state: Profile  # without identities; its traits are the company's
    limited: bool = False  # the member allows no more than what was bought and paid
    members: list[str] = []  # of a cell's: those whose shares it keeps
    days: bytes = b""  # on which the member worked with the product
    key: bool = False  # whether their trait says that they matter most
    worth: int = 0  # minor units of the plan's currency that they bought for, after refunds
    team: Team | None = None  # of a part of a company


class HealthPart(msgspec.Struct, array_like=True, gc=False):
    """One part of a company's health."""

    name: str
    points: float | None  # 0 to 100; None where nothing is known
    weight: float
    value: float = 0.0  # what it was judged by, in its own unit
    other: float = 0.0  # what that is compared with


class Health(msgspec.Struct, array_like=True, gc=False):
    """How a company does, by rules (`models.companies.health`)."""

    value: float | None  # 0 to 100; None where too little is known
    band: str  # green, amber, red; "" without a value
    at: float
    parts: list[HealthPart] = []


class Joined(msgspec.Struct, array_like=True, gc=False):
    """Which other company a company is, on a person's word."""

    target: str  # its document; "" since it is none any more
    into: str  # as events name it
    at: float
    by: str = ""
    reason: str = ""
    sent: bytes = b""  # digest of what the other one was told last


class Company(msgspec.Struct, array_like=True, gc=False):
    """What makes a document that of a company."""

    kind: str  # what the plan calls companies
    key: str  # as events name it
    shares: dict[str, bytes] = {}  # member's profile id → msgpack of a `Part`
    erased: bool = False  # whether who was taken out last was erased
    divided: bool = False  # the shares are in cells, and these have shares here
    team: Team | None = None  # of all members; None of a document from before it was kept
    health: Health | None = None  # *derived*
    joined: Joined | None = None  # the latest word of a person on which other company it is
    joiners: dict[str, float] = {}  # companies that count for this one → when a person said so
    doubted: dict[str, float] = {}  # the same of those whose word does not count


class Profile(msgspec.Struct, array_like=True, gc=False):
    """One customer: a function of the set of their events (see `profiles.state`)."""

    id: str
    created: float | None = None  # earliest event time; None while nothing has happened
    updated: float = 0.0  # latest event time
    redirect: str = ""  # a tombstone: this profile is now that one
    identities: dict[str, dict[str, float]] = {}  # type → value → first seen
    traits: dict[str, tuple[Any, float, bytes]] = {}  # name → (value, event time, event digest): the latest wins
    activity: dict[str, Activity] = {}  # by source
    roles: dict[str, Tally] = {}  # by role
    purchases: Purchases = msgspec.field(default_factory=Purchases)
    tickets: list[Ticket] = []  # the latest 16
    opinions: dict[str, Opinion] = {}  # by role: csat, nps, ces, review
    timeline: bytes = b""  # packed TimelineEntry; more than are shown, unordered (`profiles.timeline`)
    seen: bytes = b""  # digests of the latest events that came to it directly, 8 bytes each; a tombstone keeps them
    splits: list[str] = []  # ids of the splits whose computed state it has taken in
    # Derived by models/; a merge drops and recomputes them, except what is marked *kept*.
    score: Score | None = None
    segments: dict[str, Stay] = {}
    alerts: dict[str, Alert] = {}  # by rule; kept
    snapshots: list[Snapshot] = []  # pending labels
    stage: str = ""  # lifecycle stage
    stage_since: float = 0.0
    stages: list[tuple[str, float]] = []  # earlier stages with the time each began; the latest 8
    rescore_at: Number = 0  # 0: not due
    snapshot_at: Number = 0
    timeline_count: int = 0
    scheduled_at: Number = 0  # the earliest time at which anything is due, as indexed in the timers
    splitting: Splitting | None = None
    treated_at: Number = 0  # when a person last dealt with an alert of theirs; *kept*
    claims: Claims | None = None
    done: Number | None = None  # when the customer last did something; -1 for never, None for not known
    ledger: Ledger | None = None
    subscriptions: list[Subscription] = []  # the latest 16
    narrowed: dict[str, Tally] = {}  # of a part of a role's events, as the plan's conditions and kinds narrow them
    # the 16 features of the product that were used latest, and those that the plan asks for → second of the latest use
    used: dict[str, int] = {}
    affiliation: Affiliation | None = None  # of a customer with events of companies, where the plan has `groups`
    company: Company | None = None  # of a company's document: all the rest is what its members come to
    churns: dict[str, Churn] | None = None  # by further definition of churn; *derived*
    terms: str | None = None  # what the search index has of it (`profiles.search.terms`); None: nobody looked yet
    case: Case | None = None  # the current one, or the last; *kept*
    days: Days | None = None
    # what the counters of the partition have of it: local day, -1 for now → place of a counter → how much; *derived*
    counted: dict[int, dict[int, int]] | None = None
    traces: Traces | None = None  # of who did or was told anything since they are kept
