"""Split: taking a profile apart, when a link turned out to be wrong.

The linker has decided which identity belongs where from now on, and tells the profile (*reset*). Its state is a sum
over all its homes, and cannot be divided; so it starts anew, empty, and what it and the others should hold is computed
from the history of events, up to a cutover in the log of each home, and comes back as an `Absorb`
(`streams.identity.split`). For that sum to be exact, each event must be on one side of its home's cutover only:

* The profile is reset before any home moves. Then every home is told to *move*: its cutover is where it hears that. The
  homes that become profiles again move first, so that those which will redirect to them find them alive.
* A home answers *moved* to every profile of the split, behind all that it has sent on before. Until then such a
  profile takes nothing from that home: it is from before the cutover. Afterwards it goes by the cutover, for what was
  sent on before may still be on its way through a third profile.
* A home that is about to become a profile, but has not heard so yet, cannot note what another one answers. So once all
  of these have moved, the profile tells each of them the cutovers of the others.

What people have to do with a customer no event tells of. An alert and a case go, behind the order to move, to whoever
has the home that they began with, as their ids say: under the id that others know, with what people decided. So a
customer who was somebody else's for a while is not told of once more.
"""

from __future__ import annotations

import itertools

import msgspec

from models.cases.following import profile_of_case
from models.labels import snapshots
from models.segments.alerts import alert_id
from profiles.merge import add_identities
from profiles.types import Absorb, Profile, Split, Splitting
from streams.steps.work import SENT_BITS, Work

__all__ = ["hand_over", "matters_by_owner", "move", "moved", "reset"]

_HANDED = 32  # ids of alerts and cases that went on: what others were told of one since, a worker reads before that

_encode = msgspec.msgpack.Encoder().encode


def reset(work: Work, profile: Profile, command: Split, told: list[str]) -> None:
    """The profile that is taken apart: forget, and tell the homes that become profiles again to move.

    What it has `told` companies stays there until what it holds is computed anew, so that they are not without it.
    """
    others = [home for home in command.winners if home != profile.id]
    cutovers = _cutovers(profile) | {profile.id: _position(work, command)}
    splitting = Splitting(command.split, command.winners, command.identities, others, cutovers, told=told)
    splitting.handed = dict(profile.splitting.handed) if profile.splitting is not None else {}
    snapshots.censor(profile, tally=work.labels)
    anew = Profile(
        profile.id,
        seen=profile.seen,
        splits=profile.splits,
        segments=profile.segments,
        alerts=dict(profile.alerts),
        case=profile.case,
        stage=profile.stage,
        stage_since=profile.stage_since,
        stages=profile.stages,
        splitting=splitting,
    )
    _identify(anew, command)
    work.replace(anew)
    first = [home for home in others if command.winners[home] == home]
    _tell_to_move(work, command, splitting, first or others, profile.splits)
    for owner, theirs in matters_by_owner(anew, splitting, anew.id).items():
        if owner != anew.id:
            _let_go(work, anew, splitting, theirs, owner)
            hand_over(work, command, anew, theirs, owner)


def matters_by_owner(held: Profile, splitting: Splitting, otherwise: str) -> dict[str, Profile]:
    """The alerts and the case of one who is taken apart, or of whom a merge from before brings, by whose they are now.

    Args:
        held: has them.
        splitting: of the one who is taken apart.
        otherwise: whose home they are of that began with nobody of the split.
    """
    winners, found = splitting.winners, dict[str, Profile]()

    def of(home: str) -> Profile:
        owner = winners.get(home, otherwise)
        return found.setdefault(owner, Profile(held.id))

    for rule, alert in held.alerts.items():
        home = next((home for home in winners if alert_id(home, rule, alert.opened) == alert.id), otherwise)
        of(home).alerts[rule] = alert
    if held.case is not None:
        home = profile_of_case(held.case.id)
        of(home if home in winners else otherwise).case = held.case
    return found


def hand_over(work: Work, cause: Split | Absorb, profile: Profile, theirs: Profile, owner: str) -> None:
    """Send alerts and a case on to whose they are, or to the home that knows who that is.

    Args:
        work: of the batch.
        cause: because of which.
        profile: has had them.
        theirs: has nothing else.
        owner: takes them in.
    """
    work.send(Absorb(owner, profile.id, cause.time, _encode(theirs), work.origin(cause), matters=True))


def _let_go(work: Work, profile: Profile, splitting: Splitting, theirs: Profile, owner: str) -> None:
    """Let a profile not hold any more what it hands over, and know that it did."""
    for rule, alert in theirs.alerts.items():
        del profile.alerts[rule]
        work.drop_alert(alert)
        splitting.handed[alert.id] = owner
    if theirs.case is not None:
        profile.case = None
        splitting.handed[theirs.case.id] = owner
    splitting.handed = dict(list(splitting.handed.items())[-_HANDED:])


def move(work: Work, home: Profile, command: Split) -> None:
    """A home of that profile: from here on its events go to its winner."""
    winner = command.winners[home.id]
    snapshots.censor(home, tally=work.labels)
    if winner == home.id:
        others = [other for other in command.winners if other not in (home.id, command.was)]
        cutovers = _cutovers(home) | {command.was: command.cutover, home.id: _position(work, command)}
        alive = Profile(
            home.id,
            seen=home.seen,
            splits=command.splits,
            splitting=Splitting(command.split, {}, {}, others, cutovers),
        )
        _identify(alive, command)
        work.replace(alive)
        work.new_tombstones -= bool(home.redirect)
        home = alive
    else:
        work.new_tombstones += not home.redirect
        home = Profile(home.id, redirect=winner, seen=home.seen)
        work.replace(home)
    cutover = _position(work, command)
    for whom in dict.fromkeys([command.was, *command.winners.values()]):
        if whom != home.id:
            _tell_moved(work, command, whom, home.id, cutover)


def moved(work: Work, profile: Profile, command: Split) -> None:
    """A profile of the split again: one more home has moved. When those have that became profiles, the others may."""
    splitting = profile.splitting
    if splitting is None or splitting.split != command.split or command.home not in splitting.awaited:
        return
    splitting.awaited = [home for home in splitting.awaited if home != command.home]
    splitting.cutovers[command.home] = command.cutover
    work.touch(profile)
    if splitting.winners.get(command.home) == command.home:
        first = [home for home, winner in splitting.winners.items() if home == winner != profile.id]
        if not set(first) & set(splitting.awaited):
            # One may not have lived yet when the other told it.
            for whom, home in itertools.permutations(first, 2):
                _tell_moved(work, command, whom, home, splitting.cutovers[home])
            _tell_to_move(work, command, splitting, splitting.awaited, profile.splits)


def _position(work: Work, record: Split) -> tuple[int, int]:
    return work.partition, record.origin[2] >> SENT_BITS


def _cutovers(profile: Profile) -> dict[str, tuple[int, int]]:
    return dict(profile.splitting.cutovers) if profile.splitting is not None else {}


def _identify(profile: Profile, command: Split) -> None:
    add_identities(profile, [(identity, command.time) for identity in command.identities[profile.id]])


def _tell_moved(work: Work, cause: Split, whom: str, home: str, cutover: tuple[int, int]) -> None:
    told = Split(whom, "moved", cause.split, cause.was, cause.time, cutover=cutover, home=home)
    told.origin = work.origin(cause)
    work.send(told)


def _tell_to_move(work: Work, cause: Split, splitting: Splitting, homes: list[str], splits: list[str]) -> None:
    for home in homes:
        winner = splitting.winners[home]
        identities = {home: splitting.identities[home]} if winner == home else {}
        cutover = splitting.cutovers[cause.was]
        order = Split(home, "move", cause.split, cause.was, cause.time, splitting.winners, identities, cutover)
        order.origin, order.splits = work.origin(cause), splits
        work.send(order)
