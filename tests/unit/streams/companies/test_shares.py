"""Shares on their way: from customers to companies, and through the cells of a large one."""

from __future__ import annotations

import dataclasses
from collections import deque

import msgspec

from profiles.companies.counting import parts_of
from profiles.companies.sharing import CELLS, Companies
from profiles.consent import Consent
from profiles.state import Limits
from profiles.store import Loaded
from profiles.types import Erase, Event, Grouping, Profile, Record, Share, is_cell
from streams.records.happened import read_record
from streams.steps.update import update
from streams.steps.work import Work
from tests.build import event

WHOLE = 4
LIMITS = dataclasses.replace(
    Limits(),
    companies=Companies(
        "company",
        lambda key: f"~{key}",
        lambda key, number: f"~~{key} {number}",
        Consent(),
        Limits(),
        "EUR",
        whole=WHOLE,
    ),
)
STEP = update("EUR", LIMITS)


def run(*records: Record, profiles: dict[str, Profile] | None = None, batch: int = 3) -> dict[str, Profile]:
    """All documents once nothing is on its way any more; `batch` records are worked on together."""
    held = {} if profiles is None else profiles
    waiting = deque(records)
    for offset in range(0, 10_000, batch):
        if not waiting:
            return held
        some = [waiting.popleft() for _ in range(min(batch, len(waiting)))]
        for number, record in enumerate(some):
            record.origin = ("profile.events", 0, (offset + number) << 16)
        work = Work(0, Loaded(profiles=held), 1)
        work.begin(0.0, some)
        STEP(work)
        assert not any(is_cell(profile.id) for profile in work.live())
        waiting += (read_record(output.value) for output in work.outputs)
    raise AssertionError("it does not come to rest")


def visits(members: int, days: range = range(3)) -> list[Event]:
    return [
        event("visit", day, profile=f"m{number}", id=f"{number} {day}", group=Grouping("acme"))
        for day in days
        for number in range(members)
    ]


def test_a_company_is_told_once_a_batch_and_of_nothing_that_is_as_it_was() -> None:
    """Whatever the number of a customer's events in it."""
    work = Work(0, Loaded(), 1)
    work.begin(0.0, [*visits(1), event("login", 9, profile="else")])
    STEP(work)
    shares = [read_record(output.value) for output in work.outputs]

    assert [(type(share), share.profile) for share in shares] == [(Share, "~acme")]
    repeat = Work(0, Loaded(profiles=work.profiles), 1)
    repeat.begin(0.0, visits(1))
    STEP(repeat)
    assert repeat.outputs == []


def test_a_large_company_comes_to_the_same_as_a_small_one() -> None:
    """Divided while its members come, and whichever come together; what is written for one of them stays small."""
    for batch in (1, 3, 50):
        held = run(*visits(40), batch=batch)
        company = held["~acme"]

        assert company.company is not None
        assert company.company.divided
        assert company.roles["visit"].count == company.activity["web"].count == 120
        cells = [profile for id_, profile in held.items() if is_cell(id_)]
        assert len(cells) <= CELLS
        assert sum(len(parts_of(cell)) for cell in cells) == 40
        assert set(company.company.shares) == {cell.id for cell in cells}
    small = run(*visits(WHOLE))["~acme"]
    assert small.company is not None
    assert (small.company.divided, len(small.company.shares)) == (False, WHOLE)


def test_erased_members_leave_a_company_and_the_last_one_takes_it_along() -> None:
    """Divided or not, with all that was kept of it."""
    for members in (2, 20):
        held = run(*visits(members))
        run(Erase("m0", 99.0), profiles=held)
        assert held["~acme"].roles["visit"].count == 3 * (members - 1)
        assert b"m0" not in msgspec.msgpack.encode(held["~acme"].timeline)

        run(*(Erase(f"m{number}", 99.0) for number in range(1, members)), profiles=held)
        assert [id_ for id_ in held if id_.startswith("~")] == []
