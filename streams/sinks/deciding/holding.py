"""When a sink is told of what concerns it, and with what else: grouping, quiet hours, caps, digests, reminders.

Pure: everything follows from the ledger, what the plan says and the time, and the answer is records. An entry is told
by itself (`single`), together with those of its rule and owner (`joined`), or with all of a night or day (`digest`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec import structs

from models.cases.hours import next_at, quiet_until
from models.cases.routes import Route
from plan.sinks.sink import Sink
from streams.records.deliveries import Delivery, Entry, Letter, Mode, Over, Waiting
from streams.sinks.deciding.ledger import BUCKET, ENDS, OPENS, Ledger

__all__ = ["NAMED", "Holding", "Taken"]

NAMED = 20
"""Most alerts that one message names."""

_HOUR = 3600.0
_TAKEN_UP = ("alert.acknowledged", "alert.assigned", "alert.snoozed", *ENDS)
"""By which nobody has to be reminded any more."""


class Taken(NamedTuple):
    """An entry, and what its route says."""

    entry: Entry
    after: float = 0.0  # seconds until it is told, as an escalation
    past: bool = False  # it is told in a digest only


class Holding:
    """Decides for one sink.

    Args:
        sink: its name.
        spec: what the plan says of it.
        routes: of the plan.
    """

    def __init__(self, sink: str, spec: Sink, routes: Sequence[Route]) -> None:
        self._sink = sink
        self._spec = spec
        self._routes = routes

    def take(self, ledger: Ledger, taken: Taken, now: float) -> list[Delivery]:
        """What an entry that was read comes to: it waits, ends what waits, or nothing; nothing if it is known.

        Args:
            ledger: of the sink; it is not changed.
            taken: the entry.
            now: seconds since the epoch.
        """
        entry = taken.entry
        if entry.type.startswith("alert.") and entry.type not in OPENS:
            return self._goes_on(ledger, entry, now)
        if ledger.knows(entry.id):
            return []
        if not entry.type.startswith("alert."):
            mode: Mode = "single" if entry.type.startswith("segment.") else "notice"
            return [self._waiting(entry, mode, "", now, now)] if not taken.past else []
        if not taken.after and (thread := ledger.threads.get(entry.about)) is not None and thread.open:
            return []  # told again under another time, by whoever was paused
        if taken.after:
            return [self._place(entry, now, max(now, entry.at + taken.after))] if not taken.past else []
        if self._spec.digest:
            until = next_at(self._spec.digest, self._spec.timezone, now)
            return [self._waiting(entry, "digest", f"digest:{entry.owner}", until, now)]
        return [] if taken.past else [self._place(entry, now, now)]

    def due(self, ledger: Ledger, now: float) -> list[Delivery]:
        """The letters that are to be formed by now, what they leave over, and the reminders that follow."""
        found: list[Delivery] = []
        number = ledger.number
        for group in ledger.groups_due(now):
            held = [ledger.waiting[id_] for id_ in ledger.groups[group]]
            number = self._group(ledger, group, held, number, found, now)
        return found

    def _goes_on(self, ledger: Ledger, entry: Entry, now: float) -> list[Delivery]:
        """An alert that was taken up or is over: what waits to be told of it is not told, and who was told hears it."""
        found: list[Delivery] = []
        if entry.type in _TAKEN_UP:
            of_case = entry.type in ("alert.assigned", "alert.snoozed")
            found += [
                Over(self._sink, one.entry.id, entry.type, now)
                for one in ledger.waiting_of(entry.profile)
                if one.entry.type in (*OPENS, "alert.reminded") and (of_case or one.entry.about == entry.about)
            ]
        if ledger.knows(entry.id) or not self._spec.wants(entry.type):
            return found
        if self._spec.digest and entry.type not in ENDS:
            return found
        abouts = [entry.about] if entry.about else ledger.threads_of(entry.profile)[:1]
        for about in abouts:
            thread = ledger.threads.get(about)
            if thread is None or not thread.open:
                continue
            told = structs.replace(
                entry, about=about, rule=thread.rule, severity=thread.severity, owner=entry.owner or thread.owner,
                route=thread.route, value=thread.value if entry.value is None else entry.value,
            )  # fmt: skip
            if self._spec.digest:
                until = next_at(self._spec.digest, self._spec.timezone, now)
                found.append(self._waiting(told, "digest", f"digest:{thread.owner}", until, now))
            else:
                found.append(self._place(told, now, now))
        return found

    def _place(self, entry: Entry, now: float, at: float) -> Waiting:
        """How an alert waits that may be told from `at` on."""
        route = self._route(entry)
        quiet = route.quiet if route is not None and entry.type != "alert.escalated" else None
        if quiet is not None and entry.severity != "critical":
            until = quiet_until(quiet, self._spec.timezone, at)
            if until is not None:
                if quiet.then == "digest" and entry.type in OPENS:
                    return self._waiting(entry, "digest", f"quiet:{entry.owner}", until, now)
                at = until
        waits = self._spec.waits
        if waits is None:
            return self._waiting(entry, "single", "", at, now)
        at = at if at > now else now + waits[0]
        return self._waiting(entry, "joined", f"joined:{entry.rule}:{entry.owner}", at, now)

    def _waiting(self, entry: Entry, mode: Mode, group: str, until: float, now: float) -> Waiting:
        return Waiting(self._sink, entry, mode, group or mode, until, now)

    def _route(self, entry: Entry) -> Route | None:
        return self._routes[entry.route] if 0 <= entry.route < len(self._routes) else None

    def _group(
        self, ledger: Ledger, group: str, held: list[Waiting], number: int, found: list[Delivery], now: float
    ) -> int:
        """Form what is due of a group; answers the number of the last letter."""
        mode = held[0].mode
        waits = self._spec.waits if mode == "joined" else None
        soon = now + (waits[0] if waits else 0.0)
        ripe = [one for one in held if one.until <= soon]
        later = min((one.until for one in held if one.until > soon), default=None)
        if later is not None:
            ledger.look_again(group, later)
        if waits and (again := ledger.last_formed.get(group, -waits[1]) + waits[1]) > now:
            ledger.look_again(group, again)
            return number
        room = len(ripe) if mode == "single" else 1
        if self._spec.max_per_hour is not None and mode != "notice":
            formed = sum(isinstance(one, Letter) and one.mode != "notice" for one in found)
            room = self._spec.max_per_hour - ledger.messages_since(now - _HOUR) - formed
            if room < (len(ripe) if mode == "single" else 1):
                ledger.look_again(group, (ledger.hour[0] if ledger.hour else now) + _HOUR)
            if room <= 0:
                return number
        if mode == "single":
            ripe = sorted(ripe, key=_by_worth if len(ripe) > room else _by_time)[:room]
        makes: Callable[..., list[Delivery]] = self._digest if mode == "digest" else self._told
        for part in [[one] for one in ripe] if mode in ("single", "notice") else [ripe]:
            made = makes(ledger, group, part, number, found, now)
            number += sum(isinstance(one, Letter) for one in made)
            found += made
        return number

    def _told(
        self, ledger: Ledger, group: str, ripe: list[Waiting], number: int, before: list[Delivery], now: float
    ) -> list[Delivery]:
        """One message of these: those of the highest value as far as caps allow, with a line about the others."""
        named, over = self._choose(ledger, ripe, before, now)
        found: list[Delivery] = []
        if not named:  # no more today: together at the end of the day
            until = next_at("00:00", self._spec.timezone, now)
            for one in over:
                found.append(self._waiting(one.entry, "digest", f"over:{one.entry.owner}", until, one.taken))
            return found
        mode = named[0].mode
        entries = _numbered(ledger, before, [one.entry for one in sorted(named, key=_by_time)])
        id_ = entries[0].id if mode != "joined" else _id(group, entries)
        found.append(
            Letter(
                self._sink, id_, mode, entries, now, number + 1, next=now, group=group, more=len(over),
                more_value=sum(one.entry.value or 0 for one in over),
            )
        )  # fmt: skip
        found += [Over(self._sink, one.entry.id, "over the cap", now) for one in over]
        found += self._reminders(entries, now)
        return found

    def _digest(
        self, ledger: Ledger, group: str, ripe: list[Waiting], number: int, before: list[Delivery], now: float
    ) -> list[Delivery]:
        opened = sorted((one for one in ripe if one.entry.type in OPENS), key=_by_worth)
        ended = [one.entry for one in ripe if one.entry.type in ENDS]
        more = opened[NAMED:]
        entries = _numbered(ledger, before, [*(one.entry for one in opened[:NAMED]), *ended])
        letter = Letter(
            self._sink, _id(group, entries), "digest", entries, now, number + 1, next=now, group=group, more=len(more),
            more_value=sum(one.entry.value or 0 for one in more), total=len(opened), ended=len(ended),
            still=max(ledger.still_open - len(ended), 0),
        )  # fmt: skip
        over = [Over(self._sink, one.entry.id, "not among those named", now) for one in more]
        return [letter, *over, *self._reminders(entries, now)]

    def _choose(
        self, ledger: Ledger, ripe: list[Waiting], before: list[Delivery], now: float
    ) -> tuple[list[Waiting], list[Waiting]]:
        """Which of them are named, and which are more than the caps of a day, or a message, allow."""
        left: dict[int, int] = {}
        named: list[Waiting] = []
        over: list[Waiting] = []
        for one in sorted(ripe, key=_by_worth):
            entry, route = one.entry, self._route(one.entry)
            cap = route.daily_cap if route is not None and entry.type in OPENS else None
            if cap is not None and entry.route not in left:
                left[entry.route] = cap - self._today(ledger, entry.route, before, now)
            if (cap is not None and left[entry.route] <= 0) or len(named) >= NAMED:
                over.append(one)
                continue
            if cap is not None:
                left[entry.route] -= 1
            named.append(one)
        if any(one.entry.type not in OPENS for one in over):  # who was told of the opening is told of the end
            named += [one for one in over if one.entry.type not in OPENS]
            over = [one for one in over if one.entry.type in OPENS]
        return named, over

    def _today(self, ledger: Ledger, route: int, before: Sequence[Delivery], now: float) -> int:
        """Alerts of a route that were named since the day began in the sink's zone."""
        began = int((next_at("00:00", self._spec.timezone, now) - 86_400.0) // BUCKET)
        told = sum(count for (one, bucket), count in ledger.named.items() if one == route and bucket >= began)
        return told + sum(
            entry.type in OPENS and entry.route == route
            for letter in before
            if isinstance(letter, Letter)
            for entry in letter.entries
        )

    def _reminders(self, entries: Sequence[Entry], now: float) -> list[Delivery]:
        found: list[Delivery] = []
        for entry in entries:
            if entry.remind and entry.type in (*OPENS, "alert.reminded") and self._spec.wants("alert.reminded"):
                count = entry.reminded + 1
                again = structs.replace(
                    entry, id=f"{entry.about}:reminded:{count}", type="alert.reminded", reminded=count, sequence=0
                )
                found.append(self._place(again, now, now + entry.remind))
        return found


def _by_worth(one: Waiting) -> tuple[object, ...]:
    return -(one.entry.value or 0), one.taken, one.entry.id


def _by_time(one: Waiting) -> tuple[object, ...]:
    return one.taken, one.entry.at, one.entry.sequence, one.entry.id


def _numbered(ledger: Ledger, before: Sequence[Delivery], entries: Sequence[Entry]) -> list[Entry]:
    """The entries, each with its place among what the sink is told of its alert."""
    last: dict[str, int] = {}
    for letter in before:
        if isinstance(letter, Letter):
            last.update({entry.about: max(entry.sequence, last.get(entry.about, 0)) for entry in letter.entries})
    found = []
    for entry in entries:
        if entry.type.startswith("alert."):
            thread = ledger.threads.get(entry.about)
            last[entry.about] = max(last.get(entry.about, 0), thread.sequence if thread is not None else 0) + 1
            entry = structs.replace(entry, sequence=last[entry.about])  # noqa: PLW2901
        found.append(entry)
    return found


def _id(group: str, entries: Sequence[Entry]) -> str:
    """The id of a message of several entries: the same of the same."""
    told = "\n".join([group, *(entry.id for entry in entries)])
    return f"msg_{hashlib.sha256(told.encode()).hexdigest()[:32]}"
