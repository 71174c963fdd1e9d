"""Update: what each record of `profile.events` does to its profile. Repeats end here.

A merge never writes two partitions: the loser becomes a tombstone that redirects, and what it held travels to the
winner's partition as an `Absorb`, so that a profile has one writer at all times.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from models import alerts as alert_rules
from models import labels
from profiles.merge import add_identities, merge
from profiles.state import Caps, apply, remember
from profiles.store import Output
from profiles.types import Absorb, AlertCommand, Event, Merge, Profile, Record, event_digest, partition_of
from streams.steps.work import Work
from streams.topics import ALERTS, PROFILE_EVENTS, SEGMENT_CHANGES
from streams.wire import format_time

__all__ = ["announce", "update"]

_encode = msgspec.msgpack.Encoder().encode
_decode_profile = msgspec.msgpack.Decoder(Profile).decode


def update(currency: str, caps: Caps, partitions: int) -> Callable[[Work], None]:
    """The step.

    Args:
        currency: of the plan.
        caps: what a profile keeps.
        partitions: of `profile.events`.
    """

    def run(work: Work) -> None:
        for record in work.records:
            profile = work.profiles.get(record.profile)
            if profile is not None and profile.redirect:
                _follow(work, record, profile.redirect)
                continue
            if profile is None:
                profile = work.profiles[record.profile] = Profile(record.profile)
            if type(record) is Event:
                digest = event_digest(record.source, record.id)
                if remember(profile, digest, caps.seen):
                    apply(profile, record, currency, caps, digest)
                    work.touch(profile)
                else:
                    work.repeats += 1
            elif type(record) is Merge:
                _merge_away(work, profile, record)
            elif type(record) is Absorb:
                _absorb(work, profile, record)
            elif type(record) is AlertCommand:
                _act(work, profile, record)

    def _follow(work: Work, record: Record, winner: str) -> None:
        """Send a record on to where its profile went."""
        if type(record) is Merge:
            return  # the linker's own repeat: this profile is a tombstone already
        moved = msgspec.structs.replace(record, profile=winner)
        _send(work, moved, f"follow:{_id_of(record)}:{winner}")

    def _merge_away(work: Work, loser: Profile, command: Merge) -> None:
        add_identities(loser, [(identity, command.time) for identity in command.identities])
        labels.censor(loser)
        for segment in loser.segments:
            work.leave(segment, loser)
            work.tell(
                SEGMENT_CHANGES,
                loser,
                f"{loser.id}:{segment}:merged:{command.winner}",
                {"segment": segment, "change": "exited", "reason": "merged", "into": command.winner},
            )
        work.alerts_gone += [alert.id for alert in loser.alerts.values()]
        state = Absorb(command.winner, loser.id, command.time, _encode(loser))
        _send(work, state, f"absorb:{loser.id}:{command.winner}")
        grave = Profile(loser.id, redirect=command.winner)
        work.profiles[loser.id] = grave
        work.new_tombstones += 1
        work.touch(grave)

    def _absorb(work: Work, winner: Profile, command: Absorb) -> None:
        if command.loser in winner.absorbed:
            return  # the outbox's own repeat
        loser = _decode_profile(command.state)
        merge(winner, loser, caps)
        for alert in loser.alerts.values():
            if winner.alerts.get(alert.rule) is alert:
                work.alerts[alert.id] = (winner.id, alert)
        work.touch(winner)

    def _send(work: Work, record: Record, id_: str) -> None:
        to = partition_of(record.profile, partitions)
        work.outputs.append(Output(PROFILE_EVENTS, record.profile.encode(), _encode(record), id_, to))

    return run


def _act(work: Work, profile: Profile, command: AlertCommand) -> None:
    alert = alert_rules.act(profile, command)
    if alert is None:
        return  # decided already
    profile.alerts[alert.rule] = alert
    announce(work, profile, alert.rule)
    work.touch(profile)


def announce(work: Work, profile: Profile, rule: str) -> None:
    """Put an alert's new state into its index and on the `alerts` topic."""
    alert = profile.alerts[rule]
    work.alerts[alert.id] = (profile.id, alert)
    work.tell(
        ALERTS,
        profile,
        f"{alert.id}:{alert.state}:{alert.changed!r}",
        {
            "alert": alert.id,
            "rule": alert.rule,
            "state": alert.state,
            "opened": format_time(alert.opened),
            "risk": alert.risk,
            "model": alert.model,
            "reasons": [msgspec.structs.asdict(reason) for reason in alert.reasons],
            "by": alert.by,
            "note": alert.note,
        },
    )


def _id_of(record: Record) -> str:
    if type(record) is Event:
        return f"{record.source}:{record.id}"
    if type(record) is Absorb:
        return f"absorb:{record.loser}"
    if type(record) is AlertCommand:
        return f"{record.alert}:{record.action}:{record.time!r}"
    return f"merge:{record.profile}"
