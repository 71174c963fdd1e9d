"""Update: what each record of `profile.events` does to its profile. Repeats end here.

An event comes to its *home* first, the profile that its strongest identity is by itself, wherever that was linked to
since. So all its repeats come to the same position and are known there. A home that was merged into another profile is
a tombstone that sends on what comes.

A merge never writes two partitions: the loser becomes a tombstone, and what it held travels to the winner's partition
as an `Absorb`, so that a profile has one writer at all times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from models.cases.decisions import decide, decide_by_alert
from models.cases.following import happened
from models.companies.labels import censor
from models.labels import snapshots, treatment
from models.segments import alerts as alert_rules
from models.segments.alert_document import alert_document
from profiles.cases.joining import STANDING, later_than
from profiles.companies.counting import count_shares
from profiles.companies.sharing import Companies
from profiles.merge import add_identities, merge, merge_matters
from profiles.search.terms import FINDABLE_ROLES
from profiles.state import Limits, apply, remember
from profiles.types import (
    ERASED,
    OPEN,
    Absorb,
    Alert,
    AlertCommand,
    Case,
    Company,
    Erase,
    Event,
    Forget,
    Join,
    Lift,
    Merge,
    Profile,
    Record,
    Share,
    Split,
    Splitting,
    event_digest,
    is_cell,
    is_company,
    is_joined,
)
from streams.companies.erasing import answer, forget, forget_by_all
from streams.companies.joining import join, lay_bare, note_joiner, share_joined
from streams.companies.shares import ask_back, hear, let_go, pass_back, share_cell, share_out, take_back, told_of
from streams.kafka.topics import ALERTS
from streams.steps.split import hand_over, matters_by_owner, move, moved, reset
from streams.steps.work import SENT_BITS, Work

__all__ = ["TOMBSTONE_KEPT", "announce", "update"]

TOMBSTONE_KEPT = 31 * 86400.0
"""Seconds that an erased customer's tombstone is kept: longer than `profile.events`, so that nothing outlasts it."""

_encode = msgspec.msgpack.Encoder().encode
_decode_profile = msgspec.msgpack.Decoder(Profile).decode


def update(currency: str, limits: Limits) -> Callable[[Work], None]:
    """The step that applies the records of `profile.events` to their profiles.

    Args:
        currency: of the plan.
        limits: what a profile keeps.
    """

    companies = limits.companies

    def apply_all(work: Work, records: Sequence[Record]) -> None:
        for record in records:
            profile = work.profiles.get(record.profile)
            if profile is None:
                profile = work.create(record.profile)
            if type(record) is Lift:
                _lift(work, profile)
            elif profile.redirect == ERASED:
                _leave_out(work, record, companies)
            elif type(record) is Event:
                _happen(work, profile, record, currency, limits)
            elif type(record) is Erase:
                _erase(work, profile, record, companies)
            elif type(record) is Split and record.phase == "move":
                _take_apart(work, profile, record, companies)
            elif profile.redirect:
                _follow(work, profile, record)
            elif type(record) is Merge:
                _merge_away(work, profile, record)
            elif type(record) is Absorb:
                _absorb(work, profile, record, limits)
            elif type(record) is AlertCommand:
                _act(work, profile, record)
            elif type(record) is Split:
                _take_apart(work, profile, record, companies)

    def run(work: Work) -> None:
        apply_all(work, work.records)
        work.index(limits.searchable)

    def run_with_companies(work: Work, companies: Companies) -> None:
        latest = {record.profile: record for record in work.records}
        for record in work.records:
            if type(record) is Share:
                _hear(work, record, companies)
            elif type(record) is Join:
                _join(work, record, companies)
            elif type(record) is Forget:
                _forget(work, record, companies)
            else:
                apply_all(work, (record,))
            if latest[record.profile] is record and (profile := work.profiles.get(record.profile)) is not None:
                if not is_company(profile.id):
                    share_out(work, record, profile, companies)
                elif is_cell(profile.id) and type(record) is Share:
                    share_cell(work, record, profile, companies)
        for id_, record in latest.items():
            if is_company(id_) and not is_cell(id_):
                _count(work, id_, record, companies)
        work.index(limits.searchable)

    return run if companies is None else partial(run_with_companies, companies=companies)


def _happen(work: Work, profile: Profile, event: Event, currency: str, limits: Limits) -> None:
    digest = event_digest(event.source, event.id)
    if not event.home and not remember(profile, digest, limits.seen):
        work.outcomes["repeat"] += 1
        return
    if profile.redirect:
        if not event.home:
            work.touch(profile)  # the tombstone has a new memory
        _follow(work, profile, event)
    elif profile.splitting is None or not _before_cutover(profile.splitting, event.home, event.position):
        claims = profile.claims
        before = limits.searchable.said(profile) if event.traits else None
        unsure = claims is not None and not claims.known and claims.traits  # the event may say whether those count
        counts = apply(profile, event, currency, limits, digest)
        if (
            event.role in FINDABLE_ROLES
            or profile.terms is None
            or unsure
            or event.claim is not None
            or (before is not None and before != limits.searchable.said(profile))
        ):
            work.renamed[profile.id] = profile
        work.outcomes["applied" if counts else "folded"] += 1
        work.touch(profile)
    else:
        work.outcomes["repeat"] += 1


def _follow(work: Work, tombstone: Profile, record: Record) -> None:
    """Send a record on to where its profile went."""
    if type(record) is Merge:
        if record.winner == tombstone.redirect:
            return
        tombstone.redirect = record.winner  # the winner was merged away, too: the way there becomes shorter
        work.touch(tombstone)
    elif type(record) is Event:
        home, position = (
            (record.home, record.position) if record.home else (tombstone.id, record.origin[2] >> SENT_BITS)
        )
        on = msgspec.structs.replace(record, profile=tombstone.redirect, home=home, position=position)
        on.origin = work.origin(record)
        work.outcomes["sent_on"] += 1
        work.send(on)
    else:
        work.send(msgspec.structs.replace(record, profile=tombstone.redirect, origin=work.origin(record)))


def _merge_away(work: Work, loser: Profile, command: Merge) -> None:
    work.part_with(loser)
    add_identities(loser, [(identity, command.time) for identity in command.identities])
    work.note_found(loser)
    snapshots.censor(loser, tally=work.labels)
    _leave_segments(work, loser, reason="merged", into=command.winner)
    for alert in loser.alerts.values():
        work.drop_alert(alert)
    seen, loser.seen, loser.terms, loser.counted = loser.seen, b"", None, None
    position = command.origin[2] >> SENT_BITS
    state = Absorb(command.winner, loser.id, command.time, _encode(loser), work.origin(command), position=position)
    work.send(state)
    _bury(work, Profile(loser.id, redirect=command.winner, seen=seen))


def _absorb(work: Work, winner: Profile, command: Absorb, limits: Limits) -> None:
    if command.split:
        if command.loser in winner.splits:
            return
        winner.splits = [*winner.splits, command.loser]
        if winner.splitting is not None and winner.splitting.split == command.split:
            winner.splitting.done = True
            winner.splitting.winners, winner.splitting.identities = {}, {}
    elif command.matters:
        _take_matters(work, winner, command, _decode_profile(command.state), winner.id)
        return
    elif winner.splitting is not None and _before_cutover(winner.splitting, command.loser, command.position):
        known = _decode_profile(command.state)
        winner.splits = sorted({*winner.splits, *known.splits})  # whatever comes of them again is a repeat, too
        _take_matters(work, winner, command, known, command.loser)  # no event tells of them
        work.touch(winner)
        if limits.companies is not None:
            ask_back(work, command, known)
        return
    loser = _decode_profile(command.state)
    if loser.purchases.orders:  # what was photographed since lacked these orders
        snapshots.censor(winner, loser.purchases.first, work.labels)
    treatment.note(winner, loser.treated_at)
    ours, our_case = dict(winner.alerts), winner.case
    merge(winner, loser, limits)
    if limits.companies is not None and command.split:
        let_go(work, command, winner, limits.companies)
    elif limits.companies is not None:
        ask_back(work, command, loser)
    _tell_matters(work, command, winner, ours, our_case, loser)
    work.renamed[winner.id] = winner
    work.touch(winner)


def _take_matters(work: Work, profile: Profile, command: Absorb, held: Profile, otherwise: str) -> None:
    """Take in alerts and a case apart from all else; who is taken apart hands on what is of another home.

    Who of a split does not know the others' owners sends it to the home, which does.
    """
    splitting = profile.splitting
    theirs = {otherwise: Profile(held.id, alerts=held.alerts, case=held.case)}
    if splitting is not None and splitting.winners:
        theirs = matters_by_owner(held, splitting, otherwise if otherwise in splitting.winners else profile.id)
    for owner, part in theirs.items():
        if owner != profile.id:
            if part.alerts or part.case is not None:
                hand_over(work, command, profile, part, owner)
            continue
        ours, our_case = dict(profile.alerts), profile.case
        merge_matters(profile, part)
        _tell_matters(work, command, profile, ours, our_case, part)
        work.touch(profile)


def _tell_matters(
    work: Work, command: Absorb, winner: Profile, ours: Mapping[str, Alert], our_case: Case | None, loser: Profile
) -> None:
    """Tell what became of the alerts and cases of two who are one, and bring the index of alerts up to it."""
    if winner.splitting is not None and winner.splitting.handed:
        back = {*(alert.id for alert in loser.alerts.values()), loser.case.id if loser.case is not None else ""}
        winner.splitting.handed = {id_: to for id_, to in winner.splitting.handed.items() if id_ not in back}
    for alert in loser.alerts.values():
        if alert.rule in ours and ours[alert.rule].id == alert.id:
            work.alerts[alert.id] = (winner.id, winner.alerts[alert.rule])
            continue
        if winner.alerts[alert.rule] is not alert:
            _supersede(work, winner, alert.rule, alert)
            continue
        work.alerts[alert.id] = (winner.id, alert)
        if alert.rule in ours:
            work.drop_alert(ours[alert.rule])
            _supersede(work, winner, alert.rule, ours[alert.rule])
    if winner.case is None or loser.case is None:
        return
    for case in (our_case, loser.case):
        if case is not None and case.state in STANDING and case.id != winner.case.id:
            work.end_case(winner, case, f"merged into {winner.case.id}", command.time)
    if winner.case != our_case:
        work.tell_case(winner, winner.case, f"merged:{loser.id}")


def _erase(work: Work, profile: Profile, command: Erase, companies: Companies | None) -> None:
    snapshots.censor(profile, tally=work.labels)
    _end_all(work, profile)
    if companies is not None and is_company(profile.id):
        forget_by_all(work, command, profile, companies)
    elif companies is not None:
        take_back(work, command, profile, companies, erased=True)
    tombstone = Profile(profile.id, redirect=ERASED, scheduled_at=command.time + TOMBSTONE_KEPT)
    if profile.redirect:
        work.new_tombstones -= 1
    _bury(work, tombstone)


def _leave_out(work: Work, record: Record, companies: Companies | None) -> None:
    """Let what comes to an erased customer be gone, also out of the companies of who is merged into them."""
    work.outcomes["erased"] += type(record) is Event
    if type(record) is Absorb and not record.split:
        loser = _decode_profile(record.state)
        _end_matters(work, work.profiles[record.profile], loser)
        if companies is not None:
            ask_back(work, record, loser, erased=True)


def _end_all(work: Work, profile: Profile) -> None:
    """Let somebody who is erased be in no segment, and have no alert."""
    work.bring_up(profile)
    _leave_segments(work, profile, reason="erased")
    for alert in profile.alerts.values():
        work.drop_alert(alert)
    _end_matters(work, profile, profile)
    profile.case = None


def _end_matters(work: Work, profile: Profile, held: Profile) -> None:
    """Tell whoever acts on an alert or a case of somebody who is erased to stop.

    Args:
        profile: the erased one.
        held: has them: the same, or who was merged into them.
    """
    for alert in held.alerts.values():
        if alert.state in OPEN:
            over = msgspec.structs.replace(alert, state="cleared", note="erased", by="", reasons=[], model="")
            _tell(work, profile, over)
    if (case := held.case) is not None:
        changed = later_than(case, case.changed)
        work.tell_case(profile, Case(case.id, case.kind, "erased", case.opened, changed), "erased")


def _take_apart(work: Work, profile: Profile, command: Split, companies: Companies | None) -> None:
    if command.phase == "reset":
        reset(work, profile, command, told_of(profile))
    elif command.phase == "move":
        if companies is not None:
            take_back(work, command, profile, companies)
        move(work, profile, command)
    else:
        moved(work, profile, command)


def _hear(work: Work, share: Share, companies: Companies) -> None:
    company = work.profiles.get(share.profile)
    if not is_company(share.profile):
        pass_back(work, company, share, companies)
        return
    if company is None and not share.state and share.since <= 0:
        return  # nobody has told it anything
    if company is not None and company.redirect == ERASED:
        answer(work, share)
        return
    company = company or work.create(share.profile)
    if _takes_away(company, share):
        censor(company, work.labels)
    hear(work, company, share, companies)
    note_joiner(company, share)


def _takes_away(company: Profile, share: Share) -> bool:
    """Whether a company is another one after a share: a member is taken back, or another company begins to count for
    it or does so no more."""
    held = company.company
    if held is None:
        return False
    if is_company(share.member) and not is_cell(share.member) and (share.since > 0) != (share.member in held.joiners):
        return True
    if is_cell(share.member):
        return False  # the member's own share came by here
    return share.erased or (not share.state and share.member in held.shares)


def _join(work: Work, command: Join, companies: Companies) -> None:
    """Note that a company counts for another one from now on, or that it does not any more.

    It may be that nobody has told of the company yet: history that is played again tells of it in the same breath.
    """
    company = work.profiles.get(command.profile) or work.create(command.profile)
    if company.redirect == ERASED:
        return
    company.company = company.company or Company(companies.kind, command.key)
    join(work, company, command)


def _forget(work: Work, command: Forget, companies: Companies) -> None:
    profile = work.profiles.get(command.profile)
    if profile is not None and profile.redirect not in ("", ERASED):
        _follow(work, profile, command)
    else:
        forget(work, command, companies)


def _step_aside(work: Work, company: Profile) -> None:
    """Let a company that counts for another one stand for nothing by itself."""
    assert company.company is not None
    assert company.company.joined is not None
    into = company.company.joined
    work.bring_up(company)
    _leave_segments(work, company, reason="merged", into=into.target)
    company.segments = {}
    for alert in company.alerts.values():
        work.drop_alert(alert)
        if alert.state in OPEN:
            note = f"merged into {into.into}"
            _tell(work, company, msgspec.structs.replace(alert, state="cleared", note=note))
    if (case := company.case) is not None and case.state in STANDING:
        why = f"merged into {into.into}"
        over = happened(case, into.at, "cleared", text=why, state="cleared", until=0.0, worse=False)
        company.case = over  # its notes are there again, should the word be taken back
        work.tell_case(company, over)
    censor(company, work.labels)
    company.alerts, company.score, company.company.health = {}, None, None
    company.rescore_at = company.scheduled_at = company.snapshot_at = 0


def _count(work: Work, id_: str, cause: Record, companies: Companies) -> None:
    """Make of a company what the shares of its members come to; nothing stays of one whose last member is erased,
    but a person's word that it is another one, or another one it."""
    company = work.profiles.get(id_)
    if company is None or company.company is None:
        return
    held = company.company
    nobody = not held.shares and (held.erased or company.created is None)
    if nobody and not held.joiners and not held.doubted and (held.joined is None or not held.joined.target):
        _end_all(work, company)
        work.remove(company)
    elif id_ in work.touched:
        if is_joined(company):
            _step_aside(work, company)
        if nobody:
            _end_all(work, company)
            lay_bare(company)
        count_shares(company, companies.limits, companies.champions)
        work.renamed[id_] = company
        share_joined(work, cause, company, companies)


def _lift(work: Work, profile: Profile) -> None:
    """Forget that a home was erased: what comes from now on is the beginning of another customer."""
    if profile.redirect == ERASED:
        work.new_tombstones -= 1
        work.remove(profile)


def _before_cutover(splitting: Splitting, home: str, position: int) -> bool:
    """Whether what a home sent on is from before it moved, and so is in what is computed anew (`steps/split.py`)."""
    return home in splitting.awaited or (home in splitting.cutovers and position < splitting.cutovers[home][1])


def _bury(work: Work, tombstone: Profile) -> None:
    work.replace(tombstone)
    work.new_tombstones += 1


def _leave_segments(work: Work, profile: Profile, **why: str) -> None:
    for segment in profile.segments:
        work.leave(segment, profile)
        work.tell_segment(profile, segment, "exited", **why)


def _act(work: Work, profile: Profile, command: AlertCommand) -> None:
    splitting = profile.splitting
    if splitting is not None and not splitting.done and (owner := splitting.handed.get(command.case or command.alert)):
        work.send(msgspec.structs.replace(command, profile=owner, origin=work.origin(command)))
        return
    work.bring_up(profile)
    if command.case:
        _act_on_case(work, profile, command)
        return
    alert = alert_rules.act(profile, command)
    if alert is None:
        return  # decided already
    profile.alerts[alert.rule] = alert
    treatment.note(profile, alert.changed)
    announce(work, profile, alert.rule)
    if (case := decide_by_alert(profile, alert, command)) is not None:
        profile.case = case
        work.tell_case(profile, case)
    work.touch(profile)


def _act_on_case(work: Work, profile: Profile, command: AlertCommand) -> None:
    decided = decide(profile, command)
    if decided is None:
        return  # decided already
    profile.case = decided.case
    for alert in decided.alerts:
        profile.alerts[alert.rule] = alert
        announce(work, profile, alert.rule)
    if command.action in ("acknowledge", "resolve") and command.outcome not in treatment.UNTREATED:
        treatment.note(profile, command.time)
    work.tell_case(profile, decided.case, command.action)
    work.touch(profile)


def _supersede(work: Work, profile: Profile, rule: str, alert: Alert) -> None:
    """Tell that an alert is over because the customer has a weightier one of the same rule since a merge."""
    if alert.state in OPEN:
        note = f"merged into {profile.alerts[rule].id}"
        _tell(work, profile, msgspec.structs.replace(alert, state="cleared", note=note))


def announce(work: Work, profile: Profile, rule: str) -> None:
    """Put an alert's new state into its index and, unless it is `untold`, on the `alerts` topic."""
    alert = profile.alerts[rule]
    work.alerts[alert.id] = (profile.id, alert)
    _tell(work, profile, alert)


def _tell(work: Work, profile: Profile, alert: Alert) -> None:
    if alert.untold:
        return
    id_ = f"{alert.id}:{alert.state}:{alert.changed!r}"
    work.tell(ALERTS, profile, id_, {"alert": alert_document(profile, alert)})
