"""Which index entries a document has. What commits write, a rebuild restores and a check compares follows from this."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from profiles.cases.case_rows import CaseRow, case_row, ended_at
from profiles.daily.counters import FIELDS
from profiles.stores.keys import ALERT_STATES, Keys
from profiles.types import Alert, Profile, Stay, is_cell, is_company, is_shown

__all__ = [
    "RECENT", "Entries", "Group", "alert_groups", "alert_of", "alert_row", "case_of", "counter_groups",
    "document_groups", "entries_of", "search_groups",
]  # fmt: skip

RECENT = 100
"""Profiles of a partition in its index of the latest."""

Group = tuple[str, str, list[Any]]
"""(command, key, arguments) of a commit; those of HSET and ZADD are pairs."""

_pack = msgspec.msgpack.Encoder().encode
_unpack_alert = msgspec.msgpack.Decoder(tuple[str, Alert]).decode
_unpack_case = msgspec.msgpack.Decoder(CaseRow).decode
_NOWHERE: Mapping[str, Stay] = {}


class Entries(NamedTuple):
    """A profile's place in the indexes of its partition."""

    timer: float  # 0 for none
    risk: float | None  # None for a company
    recent: float | None  # None for a tombstone, a cell or a joined company; companies have an index of their own
    segments: Mapping[str, Stay]
    alerts: Collection[Alert]
    case: bytes | None = None  # the row of one that stands
    case_ended: float | None = None  # when the one that is over ended


def entries_of(profile: Profile) -> Entries:
    """A tombstone is in no index, except that the tombstone of an erased customer has a timer, at which it goes."""
    if profile.redirect:
        return Entries(profile.scheduled_at, None, None, _NOWHERE, ())
    score = profile.score
    risk = None if score is None or is_company(profile.id) else score.risk
    if not is_shown(profile):
        return Entries(0, None, None, _NOWHERE, profile.alerts.values())
    recent = None if is_cell(profile.id) else profile.updated
    entries = Entries(profile.scheduled_at, risk, recent, profile.segments, profile.alerts.values())
    if profile.case is None:
        return entries
    row = case_row(profile)
    return entries._replace(case=None if row is None else _pack(row), case_ended=ended_at(profile))


def alert_row(id_: str, alert: Alert) -> bytes:
    """What the index of alerts holds of an alert of this profile."""
    return _pack((id_, alert))


def alert_of(row: bytes) -> tuple[str, Alert]:
    """(profile id, alert) of such a row."""
    return _unpack_alert(row)


def case_of(row: bytes) -> CaseRow:
    """The case of a row of the index of those that stand."""
    return _unpack_case(row)


def document_groups(
    keys: Keys, profiles: Iterable[Profile], encoded: Mapping[str, bytes], removed: Iterable[str] = ()
) -> list[Group]:
    """Writes documents, and what the indexes of timers, risks, the latest and cases say of them.

    Args:
        keys: of the partition.
        profiles: to write, each once.
        encoded: their documents, by id.
        removed: ids of profiles that go altogether.
    """
    documents: list[Any] = []
    timers: list[Any] = []
    risks: list[Any] = []
    recent: list[Any] = []
    awake = list(removed)
    caseless = list(awake)
    gone = [id_ for id_ in awake if not is_company(id_)]
    companies: list[Any] = []
    companies_recent: list[Any] = []
    companies_gone = [id_ for id_ in awake if is_company(id_)]
    companies_unlisted = list(companies_gone)
    unscored: list[Any] = []
    tombstones: list[Any] = []
    cases: list[tuple[str, Entries]] = []
    for profile in profiles:
        id_, entries = profile.id, entries_of(profile)
        if entries.timer:
            timers += (entries.timer, id_)
        else:
            awake.append(id_)
        if is_company(id_):
            companies += (id_, encoded[id_])
            if entries.recent is not None:
                companies_recent += (entries.recent, id_)
            elif not is_shown(profile):
                companies_unlisted.append(id_)
            if not is_cell(id_):
                cases.append((id_, entries))  # it may have had one, and stay without
            continue
        documents += (id_, encoded[id_])
        if profile.case is not None or profile.redirect:
            cases.append((id_, entries))
        if entries.risk is not None:
            risks += (entries.risk, id_)
        else:
            unscored.append(id_)
        if entries.recent is not None:
            recent += (entries.recent, id_)
        else:
            tombstones.append(id_)
    return [
        ("HDEL", keys.profiles, gone),
        ("HSET", keys.profiles, documents),
        ("ZADD", keys.timers, timers),
        ("ZREM", keys.timers, awake),
        ("ZADD", keys.risk, risks),
        ("ZREM", keys.risk, unscored),
        ("ZADD", keys.recent, recent),
        ("ZREM", keys.recent, tombstones),
        ("ZREMRANGEBYRANK", keys.recent, [0, -RECENT - 1] if recent else []),
        *_case_groups(keys, cases, caseless),
        ("HDEL", keys.companies, companies_gone),
        ("HSET", keys.companies, companies),
        ("ZREM", keys.companies_by_time, companies_unlisted),
        ("ZADD", keys.companies_by_time, companies_recent),
    ]


def search_groups(keys: Keys, found: Iterable[str], unfound: Iterable[str] = ()) -> list[Group]:
    """Writes the search index: members that go, then members that come."""
    come = [each for member in found for each in (0, member)]
    return [("ZREM", keys.search, list(unfound)), ("ZADD", keys.search, come)]


def counter_groups(keys: Keys, counted: Mapping[tuple[int, int], int]) -> list[Group]:
    """Changes the counters of days, and those of now."""
    by_key: dict[str, list[Any]] = {}
    for (day, field), number in sorted(counted.items()):
        if number:
            by_key.setdefault(keys.counters(day), []).extend((day, FIELDS[field], number))
    return [("MOVED", key, counts) for key, counts in by_key.items()]


def _case_groups(keys: Keys, found: Iterable[tuple[str, Entries]], gone: Iterable[str]) -> list[Group]:
    """Writes cases into the index of those that stand or of those that are over, and out of the other."""
    standing: list[Any] = []
    done: list[Any] = []
    not_standing, not_done = list(gone), list(gone)
    for id_, entries in found:
        if entries.case is not None:
            standing += (id_, entries.case)
        else:
            not_standing.append(id_)
        if entries.case_ended is not None:
            done += (entries.case_ended, id_)
        else:
            not_done.append(id_)
    return [
        ("HDEL", keys.cases, not_standing),
        ("HSET", keys.cases, standing),
        ("ZREM", keys.cases_done, not_done),
        ("ZADD", keys.cases_done, done),
    ]


def alert_groups(keys: Keys, alerts: Iterable[tuple[str, Alert]], gone: Iterable[str] = ()) -> list[Group]:
    """Writes alerts, each into the list of all and that of its state, and out of those of the other states.

    Args:
        keys: of the partition.
        alerts: (profile id, alert); of the same one the last counts.
        gone: ids of alerts that no document holds any more.
    """
    rows: list[Any] = []
    times: list[Any] = []
    ended = list(gone)
    listed: dict[str, list[Any]] = {state: [] for state in ALERT_STATES}
    unlisted: dict[str, list[Any]] = {state: list(ended) for state in ALERT_STATES}
    for id_, alert in {alert.id: (id_, alert) for id_, alert in alerts}.values():
        rows += (alert.id, alert_row(id_, alert))
        times += (alert.opened, alert.id)
        listed[alert.state] += (alert.opened, alert.id)
        for state in ALERT_STATES:
            if state != alert.state:
                unlisted[state].append(alert.id)
    return [
        ("HDEL", keys.alerts, ended),
        ("HSET", keys.alerts, rows),
        ("ZREM", keys.alerts_by_time, ended),
        ("ZADD", keys.alerts_by_time, times),
        *(("ZREM", keys.alerts_in(state), ids) for state, ids in unlisted.items()),
        *(("ZADD", keys.alerts_in(state), pairs) for state, pairs in listed.items()),
    ]
