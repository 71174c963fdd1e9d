"""What travels through the profile steps: one partition's batch, the profiles it concerns and what it changes."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
import orjson

from models.cases.case_document import case_document
from models.cases.following import happened
from models.durations import DAY
from models.segments.alert_document import alert_document
from profiles.cases.joining import STANDING
from profiles.daily.counters import count_difference
from profiles.search.terms import Searchable, members_of, terms_of
from profiles.store import ArrivalRate, Changes, Loaded, Output
from profiles.times import rfc3339
from profiles.types import OPEN, Alert, Case, Event, Origin, Profile, Record, is_away, is_cell, is_shown, partition_of
from streams.kafka.topics import ALERTS, CASES, PROFILE_CHANGES, PROFILE_EVENTS, SEGMENT_CHANGES
from streams.records.told import ToldOf

_encode = msgspec.msgpack.Encoder().encode

__all__ = ["SENT_BITS", "Together", "Work"]

SENT_BITS = 16
"""An origin in `profile.events` is an offset shifted by so much, and the number of the record sent because of it."""


class Work:
    """The state of one batch of one partition, until its commit.

    `touched` are the profiles that the present tick concerns, in the order in which it came to them; the steps that
    derive (score, segments, alerts…) look only at those. `changed` are all that the commit will write.
    """

    __slots__ = (
        "_partitions",
        "adopted",
        "ahead",
        "alerts",
        "alerts_gone",
        "arrival_rates",
        "arriving",
        "catches_up",
        "changed",
        "entered",
        "everybody",
        "gate",
        "gone",
        "held_back",
        "labels",
        "left",
        "loaded",
        "look_at",
        "moved",
        "new_tombstones",
        "now",
        "origins",
        "outages",
        "outcomes",
        "outputs",
        "partition",
        "profiles",
        "records",
        "removed",
        "renamed",
        "sends",
        "sent",
        "times",
        "told",
        "touched",
        "was_counted",
        "was_found",
        "watermark",
    )  # fmt: skip

    def __init__(self, partition: int, loaded: Loaded, partitions: int) -> None:
        self.partition = partition
        self._partitions = partitions
        self.loaded = loaded
        self.profiles: dict[str, Profile] = loaded.profiles
        self.watermark = loaded.watermark
        self.now = 0.0
        self.gate = 0.0  # up to which events are in, while the clock is not live; 0 when it is
        self.look_at = 0.0  # when those are looked at whom this batch only changes
        self.arriving = False  # history ends with this look: what holds now is told
        self.held_back: set[str] = set()  # profiles that would move, were it not that workers have different plans
        self.everybody: Mapping[str, ArrivalRate] = {}  # of all partitions, as of the gate; {} goes by the partition
        self.records: Sequence[Record] = ()
        self.times: Mapping[str, float] = {}
        self.touched: dict[str, Profile] = {}
        self.changed: dict[str, Profile] = {}
        self.origins = loaded.origins
        self.ahead = loaded.ahead
        self.arrival_rates = loaded.arrival_rates
        self.outages: list[tuple[str, float, float]] = []  # noticed in this batch: (kind of event, from, to)
        self.removed: list[str] = []
        self.outcomes: Counter[str] = Counter()  # applied, folded, repeat, sent_on, erased; of shares: beyond
        self.labels: Counter[tuple[str, str]] = Counter()  # what became of labels: (horizon, outcome)
        self.sent: Counter[Origin] = Counter()  # records sent on for the one at this position
        self.new_tombstones = 0
        self.entered: dict[tuple[str, str], float] = {}
        self.left: set[tuple[str, str]] = set()
        self.moved: Counter[tuple[int, str, bool]] = Counter()  # UTC day, segment, whether they entered
        self.alerts: dict[str, tuple[str, Alert]] = {}
        self.alerts_gone: list[str] = []
        self.renamed: dict[str, Profile] = {}  # of whom what they are found by may have changed
        self.was_found: dict[str, str] = {}  # by profile, the terms that the index has of those whose have changed
        # By profile, what the counters have of it.
        self.was_counted = {id_: one.counted for id_, one in self.profiles.items() if one.counted is not None}
        self.outputs: list[Output] = []
        self.sends: list[tuple[int, int]] = []  # position of the origin of what is sent, and its place in `outputs`
        self.told: Mapping[str, ToldOf] = MappingProxyType({})  # by profile, what the store does not know
        self.adopted: list[str] = []  # profiles that know it after this commit
        self.gone: set[str] = set()  # of those, who are merged away while it catches up
        self.catches_up = False  # something that the store has lost is still to be applied

    def take(self, records: Iterable[tuple[int, Record]], topic: str) -> list[Record]:
        """The records that are new, each from now on with its own position as its origin.

        Not new is what the document of a rebuilt profile holds already, and what the same topic and partition has
        brought before: ingest after a crash, an outbox delivered twice, a worker that was paused. Records of one topic
        and partition arrive in the order of their offsets, so the highest tells.

        Args:
            records: with their offsets in `topic`, above the applied one.
            topic: real name of `profile.events`.
        """
        fresh: list[Record] = []
        for offset, record in records:
            source, partition, position = record.origin
            if source:
                channel = f"{source}/{partition}"
                if position <= self.origins.get(channel, -1):
                    self.outcomes["repeat"] += type(record) is Event
                    continue
                self.origins[channel] = position
            record.origin = (topic, self.partition, offset << SENT_BITS)
            if offset > self.ahead.get(record.profile, -1):
                fresh.append(record)
        return fresh

    def adopt(self, told: Mapping[str, ToldOf]) -> None:
        """Bring profiles up to what others were told of them, those that are here now and those that are created."""
        self.told = told
        for id_ in told.keys() & self.profiles.keys():
            self.bring_up(self.profiles[id_])

    def expect(self, told: Mapping[str, ToldOf]) -> None:
        """The same of those only who are about to go, or of whom people decide something, while records are applied
        again from before all that was told: it may be of a customer as they are later, apart from another one."""
        self.told, self.catches_up = told, True

    def bring_up(self, profile: Profile) -> None:
        """Bring a profile up to what others were told of it, if the store does not know that."""
        if profile.id in self.told and profile.id not in self.adopted and not is_away(profile):
            self._adopt(profile)

    def part_with(self, profile: Profile) -> None:
        """The same of one who is merged away: if others were told of how they live later, they will be as told then."""
        self.bring_up(profile)
        if self.catches_up and profile.id in self.told:
            self.gone.add(profile.id)

    def create(self, id_: str) -> Profile:
        """A profile of which nothing is known yet, but what others were told of it."""
        profile = self.profiles[id_] = Profile(id_)
        if not self.catches_up:
            self.bring_up(profile)
        return profile

    def postpone(self, now: float) -> None:
        """Look at those who are here as soon as timers fire."""
        for profile in self.profiles.values():
            if not profile.redirect:
                profile.scheduled_at = min(profile.scheduled_at or now, now)
                self.changed[profile.id] = profile

    def _adopt(self, profile: Profile) -> None:
        self.adopted.append(profile.id)
        if profile.redirect:
            return
        found = self.told[profile.id].adopt(profile)
        told = self.told[profile.id].segments
        for segment in found.entered:
            self.enter(segment, profile, profile.segments[segment].since)
            self._count_move(segment, told[segment][0], entered=True)
        for segment in found.left:
            self.leave(segment, profile)
            self._count_move(segment, told[segment][0], entered=False)
        for alert in found.replaced:
            self.drop_alert(alert)
        for alert in found.alerts:
            self.alerts[alert.id] = (profile.id, alert)
        for alert in found.over:
            self._end(profile, alert, "another one stands")
        for case in found.cases_over:
            self.end_case(profile, case, "another one stands")
        if found.joined is not None:
            self.tell_case(profile, found.joined, "merged")
        # Whether it still holds, the next look tells; its timer is due.
        profile.scheduled_at = min(profile.scheduled_at or math.inf, max(self.watermark, 1.0))
        self.changed[profile.id] = profile

    def withdraw(self, id_: str) -> None:
        """Take back what was told of a profile that is not there, and that no event will bring back; of one that was
        merged away, where they were: what people have to do with them has gone with them.
        """
        profile, told = Profile(id_), self.told[id_]
        self.adopted.append(id_)
        for segment, (at, inside) in told.segments.items():
            if inside:
                self._count_move(segment, at, entered=True)  # which the store does not know
                self.tell_segment(profile, segment, "exited", reason="lost")
        if id_ in self.profiles:
            return
        for alert in told.alerts.values():
            if alert.state in OPEN:
                self._end(profile, alert, "its events are lost")
        for case in told.cases.values():
            if case.state in STANDING:
                self.end_case(profile, case, "its events are lost")

    def _end(self, profile: Profile, alert: Alert, why: str) -> None:
        """Tell that an alert is over that no document holds."""
        over = msgspec.structs.replace(alert, state="cleared", note=why)
        self.tell(ALERTS, profile, f"{alert.id}:cleared:{alert.changed!r}", {"alert": alert_document(profile, over)})

    def tell_case(self, profile: Profile, case: Case, what: str = "") -> None:
        """Tell the state of a case.

        Args:
            profile: whose it is, or was.
            case: as it is now.
            what: has happened; the latest of its history unless given.
        """
        id_ = f"{case.id}:{what or case.history[-1].action}:{case.changed!r}"
        self.tell(CASES, profile, id_, {"case": case_document(profile.id, case)})

    def end_case(self, profile: Profile, case: Case, why: str, at: float = 0.0) -> None:
        """Tell that a case is over that no document holds; at once behind the last that is known of it unless `at`."""
        over = happened(case, at or case.changed, "cleared", text=why, state="cleared", until=0.0, worse=False)
        self.tell_case(profile, over, "cleared")

    def origin(self, cause: Record) -> Origin:
        """The origin of a record that is sent on because of another."""
        topic, partition, position = cause.origin
        self.sent[cause.origin] += 1
        return topic, partition, position + self.sent[cause.origin] - 1

    def begin(
        self,
        now: float,
        records: Sequence[Record],
        due: Iterable[Profile] = (),
        times: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Start the next tick: these records and these due profiles, at this time (or, by profile id, at `times`)."""
        self.now = now
        self.records = records
        self.times = times
        self.touched = {profile.id: profile for profile in due}
        self.changed.update(self.touched)

    def at(self, profile: Profile) -> float:
        """The time at which a profile is looked at in this tick."""
        return self.times.get(profile.id, self.now)

    def touch(self, profile: Profile) -> None:
        """Note that a profile has changed."""
        self.touched[profile.id] = self.changed[profile.id] = profile

    def replace(self, profile: Profile) -> None:
        """Put another document in the place of a profile's, which takes nothing over of what it is found by."""
        held = self.profiles.get(profile.id)
        if held is not None:
            self.note_found(held)
        self.renamed.pop(profile.id, None)
        if not profile.redirect:
            self.renamed[profile.id] = profile
        self.profiles[profile.id] = profile
        self.touch(profile)

    def note_found(self, profile: Profile) -> None:
        """Note what the index has of a profile before that goes."""
        if profile.terms:
            self.was_found.setdefault(profile.id, profile.terms)

    def index(self, searchable: Searchable) -> None:
        """Bring the terms of those who may be found by others up to date."""
        for id_, profile in self.renamed.items():
            terms = terms_of(profile, searchable)
            if terms != profile.terms:
                if terms or profile.terms:
                    self.was_found.setdefault(id_, profile.terms or "")
                profile.terms = terms
        self.renamed.clear()

    def remove(self, profile: Profile) -> None:
        """Forget a profile; a later record may begin it anew."""
        self.note_found(profile)
        self.renamed.pop(profile.id, None)
        self.removed.append(profile.id)
        for held in (self.profiles, self.touched, self.changed):
            held.pop(profile.id, None)

    def live(self) -> list[Profile]:
        """The touched profiles that can be judged, for they are somebody whole: no tombstones, no parts of a company,
        no company that is another, and nobody who is being taken apart, of whom there is only what came meanwhile.
        """
        return [
            profile
            for profile in self.touched.values()
            if not profile.redirect
            and (profile.splitting is None or profile.splitting.done)
            and not is_cell(profile.id)
            and (profile.company is None or is_shown(profile))
        ]

    def enter(self, segment: str, profile: Profile, since: float) -> None:
        """Note that a customer entered a segment, for the index and for `segment.changes`."""
        self.left.discard((segment, profile.id))
        self.entered[segment, profile.id] = since

    def leave(self, segment: str, profile: Profile) -> None:
        """Note that a customer left a segment."""
        self.entered.pop((segment, profile.id), None)
        self.left.add((segment, profile.id))

    def drop_alert(self, alert: Alert) -> None:
        """Take an alert out of its index, because no document of this partition holds it any more."""
        self.alerts.pop(alert.id, None)
        self.alerts_gone.append(alert.id)

    def tell(self, topic: str, profile: Profile, id_: str, message: dict[str, Any]) -> None:
        """Put a JSON message for other systems into the outbox, keyed by the profile."""
        body = {"id": id_, "profile": profile.id, "at": rfc3339(self.at(profile)), **message}
        self.outputs.append(Output(topic, profile.id.encode(), orjson.dumps(body), id_, self.partition))

    def tell_segment(self, profile: Profile, segment: str, change: str, **more: Any) -> None:
        """Tell that a customer has `entered` or `exited` a segment.

        The id names the commit that this one stands on: in a store that was set back the same may happen again at the
        same time, and mean the contrary of what was told last.
        """
        id_ = f"{profile.id}:{segment}:{change}:{self.at(profile)!r}:{self.loaded.nonce}"
        self.tell(SEGMENT_CHANGES, profile, id_, {"segment": segment, "change": change, **more})
        self._count_move(segment, self.at(profile), entered=change == "entered")

    def _count_move(self, segment: str, at: float, *, entered: bool) -> None:
        """Count it on its day, by the commit that makes it true: so no repeat counts, and what is set back does not."""
        self.moved[int(at // DAY), segment, entered] += 1

    def send(self, record: Record) -> None:
        """Send a record to the partition of its profile."""
        to = partition_of(record.profile, self._partitions)
        topic, partition, position = record.origin
        id_ = f"{topic}/{partition}/{position}"
        self.sends.append((position, len(self.outputs)))
        self.outputs.append(Output(PROFILE_EVENTS, record.profile.encode(), _encode(record), id_, to))

    def changes(self, applied: int | None, produced: int) -> Changes:
        """The changes of this batch, as one commit."""
        removed = [id_ for id_ in self.removed if id_ not in self.changed]
        ids = "\n".join([*self.changed, *removed]).encode()
        documents = [Output(PROFILE_CHANGES, b"", ids, partition=self.partition)] if ids else []
        found, unfound = self._found_anew()
        return Changes(
            version=self.loaded.version,
            applied=applied,
            watermark=self.watermark,
            profiles=list(self.changed.values()),
            removed=removed,
            tombstones=self.new_tombstones,
            origins=self.origins,
            arrival_rates=self.arrival_rates,
            ahead={} if applied is not None and applied >= max(self.ahead.values(), default=-1) else self.ahead,
            entered=[(segment, id_, since) for (segment, id_), since in self.entered.items()],
            left=list(self.left),
            moved=self.moved,
            alerts=list(self.alerts.values()),
            alerts_gone=self.alerts_gone,
            found=found,
            unfound=unfound,
            counted=self._counted_anew(removed),
            outputs=documents + self._in_order(),
            produced=produced,
            nonce=self.loaded.nonce,
        )

    def _in_order(self) -> list[Output]:
        """The outputs, of which what is sent goes in the order of its origins: a receiver takes for a repeat what comes
        behind a later one. Companies are counted at the end of a batch, each because of its own last record."""
        ordered = sorted(self.sends)
        if ordered == self.sends:
            return self.outputs
        outputs = list(self.outputs)
        for (_, place), (_, held) in zip(self.sends, ordered, strict=True):
            outputs[place] = self.outputs[held]
        return outputs

    def _counted_anew(self, removed: Iterable[str]) -> dict[tuple[int, int], int]:
        """By how much the counters change."""
        found: defaultdict[tuple[int, int], int] = defaultdict(int)
        was = self.was_counted
        for id_, profile in self.changed.items():
            before, after = was.get(id_), profile.counted
            if before != after:
                count_difference(found, before, after)
        for id_ in removed:
            count_difference(found, was.get(id_), None)
        return found

    def _found_anew(self) -> tuple[list[str], list[str]]:
        """The members that come into the search index, and those that go."""
        come: list[str] = []
        go: list[str] = []
        for id_, before in self.was_found.items():
            profile = self.changed.get(id_)
            old = members_of(id_, before)
            new = members_of(id_, None if profile is None else profile.terms)
            come += [member for member in new if member not in old]
            go += [member for member in old if member not in new]
        return come, go


class Together:
    """A step that takes the batches of several partitions in one call, because a call costs more than a profile.

    Args:
        name: of the step.
        together: what it does with them.
    """

    def __init__(self, name: str, together: Callable[[Sequence[Work]], None]) -> None:
        self.__name__ = name
        self.together = together

    def __call__(self, work: Work) -> None:
        """The step for one batch."""
        self.together((work,))
