"""All that is known of one sink, as it follows from its records in `deliveries`: a fold over them and nothing else.

Whoever becomes the owner reads the records from the beginning, of which compaction may have left only the newest of
each key; so what a letter means is taken from whichever of its records comes first, and the order of letters from their
numbers. What the owner decides is a record that is taken in here, too: there is no state that the log does not have.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from typing import Any

import msgspec

from streams.records.deliveries import (
    FINAL,
    Condition,
    Delivery,
    Entry,
    Letter,
    Member,
    Over,
    Position,
    Reconciled,
    Request,
    Waiting,
)

__all__ = ["BUCKET", "ENDS", "ENTERED", "EXITED", "OPENS", "Ledger", "Thread"]

OPENS = ("alert.opened", "alert.reopened", "alert.escalated")
"""By which somebody is told of an alert; who was, is told how it goes on."""

ENDS = ("alert.resolved", "alert.cleared")

ENTERED, EXITED = "segment.entered", "segment.exited"

_KNOWN = 500_000  # entries and letters that are remembered
_MEMBERS = 1_000_000  # customers of segments of whom it is remembered what was told; some 250 bytes each
_HOUR = 3600.0
BUCKET = 900.0
"""Seconds by which named alerts are counted: days begin at a multiple of it in every zone."""

_TWO_DAYS = int(2 * 86_400 // BUCKET)


class Thread(msgspec.Struct, gc=False):
    """An alert that the sink was told of."""

    profile: str
    rule: str
    owner: str
    severity: str
    route: int
    sequence: int = 0
    open: bool = True
    value: int | None = None


class Ledger:
    """The state of one sink.

    Args:
        sink: its name.
    """

    def __init__(self, sink: str) -> None:
        self.sink = sink
        self.offsets: dict[str, dict[int, int]] = {}
        self.positioned = 0.0  # when the position was written last; 0: never
        self.began = 0.0  # when the sink was read first; 0: that is not known
        self.condition = Condition(sink, 0.0)
        self.waiting: dict[str, Waiting] = {}
        self.groups: defaultdict[str, dict[str, None]] = defaultdict(dict)  # ids of entries that wait, oldest first
        self.letters: dict[str, Letter] = {}  # that are not final
        self.threads: OrderedDict[str, Thread] = OrderedDict()  # by alert
        self.last_formed: dict[str, float] = {}  # by group
        self.named: Counter[tuple[int, int]] = Counter()  # alerts by route and `BUCKET` since the epoch
        self.hour: deque[float] = deque()  # when messages of the last hour were formed
        self.number = 0
        self._known: OrderedDict[str, int] = OrderedDict()  # entries; and letters, with how often they were put back
        self.members: OrderedDict[tuple[str, str], Member] = OrderedDict()  # what was told of a segment and profile
        self.forgot = False  # there were more of them than are remembered
        self.reconciled: Reconciled | None = None
        self.asked: Request | None = None  # somebody wants what was told to be compared
        self._of_profile: defaultdict[str, set[str]] = defaultdict(set)  # ids of entries that wait
        self._threads_of: defaultdict[str, list[str]] = defaultdict(list)
        self._lanes: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)  # letters of a customer, in order
        self._ready: list[tuple[float, int, str]] = []  # letters that nothing stands before: not before, number, id
        self._wakes: list[tuple[float, str]] = []  # when to look at a group

    def apply(self, record: Delivery) -> None:
        """Take a record in."""
        match record:
            case Letter():
                self._letter(record)
            case Waiting():
                if record.entry.id not in self._known or record.entry.id in self.waiting:
                    self._wait(record)
            case Over():
                self._stop_waiting(record.id)
                self._remember(record.id)
            case Position():
                self.offsets = {topic: dict(places) for topic, places in record.offsets.items()}
                self.positioned, self.began = record.at, record.began
            case Member():
                self._tell(record)
            case Reconciled():
                self.reconciled = record
                if self.asked is not None and self.asked.at <= record.began:
                    self.asked = None
            case Condition():
                if record.at >= self.condition.at:
                    self.condition = record
            case Request():
                self._request(record)

    def knows(self, entry: str) -> bool:
        """Whether an entry was taken before."""
        return entry in self._known

    def put_back(self, letter: str) -> int | None:
        """How often a letter was put back; None if it is not known."""
        return self._known.get(f"m/{letter}")

    def believes(self, segment: str, profile: str) -> bool | None:
        """Whether the sink takes a customer for a member, once it is told what is under way; None: it knows of none."""
        of_it = (one for one in self.waiting_of(profile) if _moves(one.entry, segment))
        if (last := max(of_it, key=_by_time, default=None)) is not None:
            return last.entry.type == ENTERED
        for _, id_ in reversed(self._lanes.get(profile, ())):
            entry = next((one for one in self.letters[id_].entries if _moves(one, segment)), None)
            if entry is not None:
                return entry.type == ENTERED
        member = self.members.get((segment, profile))
        return None if member is None else member.inside

    def waiting_of(self, profile: str) -> Iterator[Waiting]:
        """What waits to be told of a customer."""
        return (self.waiting[id_] for id_ in sorted(self._of_profile.get(profile, ())))

    def threads_of(self, profile: str) -> list[str]:
        """The alerts of a customer that the sink was told of and that stand, the first first."""
        return [id_ for id_ in self._threads_of.get(profile, ()) if self.threads[id_].open]

    @property
    def still_open(self) -> int:
        """Alerts that the sink was told of and that stand."""
        return sum(thread.open for thread in self.threads.values())

    def groups_due(self, now: float) -> list[str]:
        """The groups to be looked at by now, each once; they are not named again until `look_again`, or more waits."""
        found: dict[str, None] = {}
        while self._wakes and self._wakes[0][0] <= now:
            found[heapq.heappop(self._wakes)[1]] = None
        return [group for group in found if self.groups.get(group)]

    def look_again(self, group: str, at: float) -> None:
        """Name a group again then."""
        heapq.heappush(self._wakes, (at, group))

    def messages_since(self, since: float) -> int:
        """Messages that were formed within the last hour, those before `since` forgotten."""
        while self.hour and self.hour[0] <= since:
            self.hour.popleft()
        return len(self.hour)

    def recover(self) -> None:
        """Take up what somebody before us was trying, and may have told or not: it is told again under its id."""
        for letter in self.letters.values():
            if letter.state == "trying" and self._is_first(letter):
                heapq.heappush(self._ready, (letter.next, letter.number, letter.id))

    def take_ready(self, now: float) -> Letter | None:
        """A letter whose time has come and before which none of its customers has another; it is not named again until
        something is known of it."""
        while self._ready and self._ready[0][0] <= now:
            at, number, id_ = heapq.heappop(self._ready)
            letter = self.letters.get(id_)
            if letter is not None and (letter.next, letter.number) == (at, number) and self._is_first(letter):
                return letter
        return None

    def next_time(self) -> float | None:
        """When something may have to be done next; None if there is nothing."""
        times = [heap[0][0] for heap in (self._ready, self._wakes) if heap]
        return min(times, default=None)

    def _letter(self, letter: Letter) -> None:
        known = self._known.get(f"m/{letter.id}")
        if known is None:
            self._form(letter)
        elif letter.replayed < known:
            return  # of before somebody put it back
        self._remember(f"m/{letter.id}", letter.replayed)
        self.number = max(self.number, letter.number)
        before = self.letters.get(letter.id)
        if letter.state in FINAL:
            if letter.state == "delivered":
                self._delivered(letter)
            if before is not None:
                del self.letters[letter.id]
                self._leave_lanes(before)
            return
        self.letters[letter.id] = letter
        if before is None or before.number != letter.number:
            if before is not None:
                self._leave_lanes(before)
            for lane in _lanes(letter):
                insort(self._lanes[lane], (letter.number, letter.id))
        if letter.state != "trying" and self._is_first(letter):
            heapq.heappush(self._ready, (letter.next, letter.number, letter.id))

    def _form(self, letter: Letter) -> None:
        """Note what a letter means that was not known."""
        for entry in letter.entries:
            self._stop_waiting(entry.id)
            self._remember(entry.id)
            self._note(entry)
            if entry.type in OPENS and entry.route >= 0:
                self._name(entry.route, int(letter.formed // BUCKET))
        self.last_formed[letter.group] = max(self.last_formed.get(letter.group, 0.0), letter.formed)
        _put(self.hour, letter.formed)
        self.messages_since(letter.formed - _HOUR)

    def _delivered(self, letter: Letter) -> None:
        """Note what the sink knows now of who is where."""
        at = letter.attempts[-1].at if letter.attempts else letter.formed
        for entry in letter.entries:
            if entry.type.startswith("segment."):
                inside = entry.type == ENTERED
                self._tell(Member(self.sink, entry.about, entry.profile, inside, at, entry.id, at, letter.names))

    def _tell(self, member: Member) -> None:
        key = member.segment, member.profile
        held = self.members.get(key)
        if held is not None and (held.at, held.written) > (member.at, member.written):
            return
        self.members[key] = member
        if len(self.members) > _MEMBERS:
            self.members.popitem(last=False)
            self.forgot = True

    def _name(self, route: int, bucket: int) -> None:
        if (route, bucket) not in self.named:
            for old in [key for key in self.named if key[1] < bucket - _TWO_DAYS]:
                del self.named[old]
        self.named[route, bucket] += 1

    def _note(self, entry: Entry) -> None:
        if not entry.about or not entry.type.startswith("alert."):
            return
        thread = self.threads.get(entry.about)
        if thread is None:
            thread = Thread(entry.profile, entry.rule, entry.owner, entry.severity, entry.route, value=entry.value)
            self.threads[entry.about] = thread
            self._threads_of[entry.profile].append(entry.about)
            if len(self.threads) > _KNOWN:
                oldest, gone = self.threads.popitem(last=False)
                self._threads_of[gone.profile].remove(oldest)
        if entry.sequence >= thread.sequence:
            thread.sequence, thread.open = entry.sequence, entry.type not in ENDS

    def _wait(self, record: Waiting) -> None:
        entry = record.entry
        self._stop_waiting(entry.id)
        self._remember(entry.id)
        self.waiting[entry.id] = record
        self.groups[record.group][entry.id] = None
        if entry.profile:
            self._of_profile[entry.profile].add(entry.id)
        heapq.heappush(self._wakes, (record.until, record.group))

    def _stop_waiting(self, id_: str) -> None:
        record = self.waiting.pop(id_, None)
        if record is None:
            return
        group = self.groups[record.group]
        group.pop(id_, None)
        if not group:
            del self.groups[record.group]
        profile = record.entry.profile
        if profile:
            self._of_profile[profile].discard(id_)
            if not self._of_profile[profile]:
                del self._of_profile[profile]

    def _request(self, request: Request) -> None:
        if request.action == "reconcile":
            if self.reconciled is None or request.at > self.reconciled.began:
                self.asked = request
            return
        if request.action == "enable":
            if request.at > self.condition.at:
                self.condition = Condition(self.sink, request.at)
            return
        letter = request.letter
        if letter is None or letter.id in self.letters:
            return
        again = letter.replayed + 1
        if self._known.get(f"m/{letter.id}", -1) >= again:
            return  # it was put back, and is final again
        self._letter(
            msgspec.structs.replace(
                letter, state="due", next=request.at, tries=0, reason="", replayed=again, number=self.number + 1
            )
        )

    def _remember(self, key: str, replayed: int = 0) -> None:
        self._known[key] = replayed
        _shorten(self._known)

    def _is_first(self, letter: Letter) -> bool:
        return all(self._lanes[lane][0][1] == letter.id for lane in _lanes(letter))

    def _leave_lanes(self, letter: Letter) -> None:
        for lane in _lanes(letter):
            waiting = self._lanes[lane]
            waiting.remove((letter.number, letter.id))
            if not waiting:
                del self._lanes[lane]
                continue
            following = self.letters.get(waiting[0][1])
            if following is not None and self._is_first(following):
                heapq.heappush(self._ready, (following.next, following.number, following.id))


def _moves(entry: Entry, segment: str) -> bool:
    return entry.about == segment and entry.type.startswith("segment.")


def _by_time(one: Waiting) -> tuple[float, float, str]:
    return one.taken, one.entry.at, one.entry.id


def _lanes(letter: Letter) -> list[str]:
    """The customers of a letter, each once."""
    return list(dict.fromkeys(entry.profile for entry in letter.entries if entry.profile))


def _shorten(held: OrderedDict[Any, Any]) -> None:
    while len(held) > _KNOWN:
        held.popitem(last=False)


def _put(times: deque[float], at: float) -> None:
    """Put a time into its place; it is nearly always the last."""
    place = len(times)
    while place and times[place - 1] > at:
        place -= 1
    times.insert(place, at)
