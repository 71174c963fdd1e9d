"""What every store promises, on each of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from profiles.cases.case_rows import case_row
from profiles.daily.counters import EVENTS, NEW, NOW, OPEN_TICKETS, REVENUE
from profiles.documents import encode_profile
from profiles.errors import Fenced, Misconfigured
from profiles.store import ArrivalRate, Changes, Output
from profiles.stores import BadCursor
from profiles.stores.keys import SETUP
from profiles.stores.memory import MemoryStore
from profiles.stores.reading.queries import RedisReader
from profiles.stores.redis import RedisStore, connect
from profiles.stores.restoring.contents import expected_of, held_by_partition
from profiles.stores.setup import FORMAT, check_setup
from profiles.types import ERASED, Alert, Case, Company, Joined, Profile, Score, Stay, partition_of

NAMESPACE = uuid.UUID("6b1c0e5e-8d6b-4f3a-9a52-0d7d2b8f4c11")
PARTITIONS = 4
KEY = b"a key of the tests"


class Both:
    """A store and a reader of the same data, whatever keeps it."""

    def __init__(self, store: Any, reader: Any) -> None:
        self.store = store
        self.reader = reader


@pytest.fixture(params=["memory", "redis", "cluster"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[Both], Awaitable[None]]], None]:
    """Runs a coroutine function on a fresh store."""
    if request.param == "memory":

        def on_memory(test: Callable[[Both], Awaitable[None]]) -> None:
            memory = MemoryStore(NAMESPACE, PARTITIONS)
            asyncio.run(test(Both(memory, memory)))

        return on_memory
    if request.param == "cluster":
        url = request.getfixturevalue("redis_cluster").url
    else:
        url = request.getfixturevalue("make_settings")(partitions=PARTITIONS).redis.get_secret_value()

    def on_redis(test: Callable[[Both], Awaitable[None]]) -> None:
        async def with_client() -> None:
            client = connect(url)
            await check_setup(
                client, partitions=PARTITIONS, namespace=NAMESPACE, pii_key=KEY, segments=["vip", "lapsed"]
            )
            try:
                await test(Both(RedisStore(client), RedisReader(client, NAMESPACE, PARTITIONS)))
            finally:
                await client.aclose()

        asyncio.run(with_client())

    return on_redis


def someone(number: int, **fields: Any) -> Profile:
    return Profile(f"{number:032x}", created=1.0, updated=float(number), **fields)


def scored(number: int, risk: float) -> Profile:
    return someone(number, score=Score(risk, "high", 5.0, "m1"))


async def scanned(both: Both, limit: int) -> list[str]:
    """The ids of all pages of a scan."""
    ids, cursor = [], None
    while True:
        page, cursor = await both.reader.scan(limit=limit, cursor=cursor)
        ids += [profile.id for profile in page]
        if cursor is None:
            return ids


async def put(both: Both, *profiles: Profile, **more: Any) -> None:
    """Commit profiles to the partitions they belong to."""
    for profile in profiles:
        partition = partition_of(profile.id, PARTITIONS)
        loaded = await both.store.load(partition, [])
        await both.store.commit(partition, Changes(loaded.version, profiles=[profile], **more))


def test_what_was_committed_is_loaded(run: Any) -> None:
    """Documents, applied offset, watermark and version come back as they were written."""

    async def test(both: Both) -> None:
        version = await both.store.commit(1, Changes(0, applied=41, watermark=7.5, profiles=[someone(1), someone(2)]))
        loaded = await both.store.load(1, [someone(1).id, someone(9).id])

        assert (loaded.version, loaded.applied, loaded.watermark) == (version, 41, 7.5)
        assert loaded.profiles == {someone(1).id: someone(1)}
        assert await both.store.applied([0, 1]) == {0: -1, 1: 41}

    run(test)


def test_a_commit_notes_up_to_where_it_is_known_what_was_told(run: Any) -> None:
    """A commit that says nothing of it leaves it as it was."""

    async def test(both: Both) -> None:
        assert await both.store.told(1) is None
        version = await both.store.commit(1, Changes(0, told={"alerts": 4, "segment.changes": 9}))
        await both.store.commit(1, Changes(version))
        assert await both.store.told(1) == {"alerts": 4, "segment.changes": 9}
        assert await both.store.told(2) is None

    run(test)


def test_arrival_rates_are_committed_with_the_rest(run: Any) -> None:
    """How busy a partition is comes back to the bit, belongs to it alone, and moves with its commits only."""

    async def test(both: Both) -> None:
        arrivals = ArrivalRate(1.5, 1_700_000_000.25, 37.125, 90_000.0, [(10.5, 20.25), (30.0, 40.0)])
        version = await both.store.commit(
            1, Changes(0, applied=1, arrival_rates={"events": arrivals, "orders": ArrivalRate()})
        )
        arrivals.last = 5.0
        with pytest.raises(Fenced):
            await both.store.commit(1, Changes(0, applied=2, arrival_rates={"events": arrivals}))

        first = (await both.store.load(1, [])).arrival_rates
        first["events"].silences.append((50.0, 60.0))
        again = (await both.store.load(1, [])).arrival_rates

        held = ArrivalRate(1.5, 1_700_000_000.25, 37.125, 90_000.0, [(10.5, 20.25), (30.0, 40.0)])
        assert again == {"events": held, "orders": ArrivalRate()}
        assert (await both.store.load(2, [])).arrival_rates == {}

        await both.store.commit(1, Changes(version, arrival_rates={"events": arrivals}))
        assert (await both.store.load(1, [])).arrival_rates == {"events": arrivals}

    run(test)


def test_a_fenced_commit_writes_nothing(run: Any) -> None:
    """A writer whose version is old fails as a whole: no document, no offset, no timer, no output."""

    async def test(both: Both) -> None:
        await both.store.commit(0, Changes(0, applied=10, profiles=[someone(1)]))
        stale = Changes(
            0, applied=99, profiles=[someone(2, scheduled_at=1.0)], outputs=[Output("alerts", b"", b"", "x", 0)]
        )

        with pytest.raises(Fenced):
            await both.store.commit(0, stale)

        loaded = await both.store.load(0, [someone(2).id], due_by=1e12)
        assert (loaded.applied, loaded.profiles, loaded.due) == (10, {}, [])
        assert await both.store.outbox(0) == []

    run(test)


def test_timers_come_up_in_order_and_move_with_their_profile(run: Any) -> None:
    """A due profile is answered with its document; a new scheduled_at replaces the old one, zero removes it."""

    async def test(both: Both) -> None:
        await both.store.commit(2, Changes(0, profiles=[someone(1, scheduled_at=30.0), someone(2, scheduled_at=20.0)]))
        first = await both.store.load(2, [], due_by=25.0)
        assert first.due == [(someone(2).id, 20.0)]
        assert first.profiles[someone(2).id].scheduled_at == 20.0

        await both.store.commit(2, Changes(first.version, profiles=[someone(2, scheduled_at=0.0)]))
        later = await both.store.load(2, [], due_by=100.0, limit=5)
        assert later.due == [(someone(1).id, 30.0)]

    run(test)


def test_the_outbox_holds_what_was_committed_until_it_is_produced(run: Any) -> None:
    """Entries stay, oldest first, until a commit says that they were produced."""

    async def test(both: Both) -> None:
        one, two = Output("alerts", b"k", b"1", "a", 0), Output("alerts", b"k", b"2", "b", 0)
        first = await both.store.commit(0, Changes(0, outputs=[one]))
        second = await both.store.commit(0, Changes(first, outputs=[two]))
        assert await both.store.outbox(0) == [(first, [one]), (second, [two])]

        third = await both.store.commit(0, Changes(second, produced=first))
        assert await both.store.outbox(0) == [(second, [two])]
        await both.store.clear_outbox(0, third)
        assert await both.store.outbox(0) == []

    run(test)


def test_lists_page_through_all_partitions_highest_first(run: Any) -> None:
    """Pages of any size give every scored profile once, ties included, and end with no cursor."""

    async def test(both: Both) -> None:
        risks = [0.9, 0.5, 0.5, 0.5, 0.2, 0.7]
        await put(both, *(scored(number, risk) for number, risk in enumerate(risks, 1)), someone(99))
        seen, cursor = [], None
        while True:
            page, cursor = await both.reader.by_risk(limit=2, cursor=cursor)
            seen += [(profile.score.risk, profile.id) for profile in page]
            if cursor is None:
                break
        assert seen == sorted(((risk, f"{n:032x}") for n, risk in enumerate(risks, 1)), reverse=True)
        assert await both.reader.count() == 7
        with pytest.raises(BadCursor):
            await both.reader.by_risk(cursor="no cursor of ours")

    run(test)


def test_cases_are_listed_while_they_stand_and_then_as_over(run: Any) -> None:
    """A reader that has read before tells of what changed since."""

    def with_case(number: int, state: str, changed: float) -> Profile:
        return someone(number, case=Case(f"cs_{number}", "retention", state, 1.0, changed, {"rule": 1.0}, value=number))

    async def test(both: Both) -> None:
        await put(both, *(with_case(number, "new", 1.0) for number in range(1, 6)), someone(9))
        for _ in range(2):
            assert sorted(row.value for row in await both.reader.cases()) == [1, 2, 3, 4, 5]
        await put(both, with_case(2, "resolved", 20.0), with_case(4, "cleared", 40.0), with_case(5, "snoozed", 3.0))
        rows = {row.value: row.state for row in await both.reader.cases()}
        assert rows == {1: "new", 3: "new", 5: "snoozed"}
        assert [one.id for one in (await both.reader.cases_done())[0]] == [f"{4:032x}", f"{2:032x}"]
        assert await both.reader.count_cases_done() == 2
        assert sorted(await both.reader.cases_ended(20.0)) == [(f"{2:032x}", 20.0), (f"{4:032x}", 40.0)]
        assert await both.reader.cases_ended(20.5) == [(f"{4:032x}", 40.0)]
        await put(both, with_case(4, "new", 50.0))
        assert await both.reader.cases_ended(20.5) == []
        await put(both, someone(1, redirect=f"{3:032x}"), someone(2, redirect=ERASED))  # no tombstone is in a list
        assert sorted(row.value for row in await both.reader.cases()) == [3, 4, 5]
        assert await both.reader.count_cases_done() == 0
        held = scored(6, 0.5)
        held.case, held.segments = with_case(6, "new", 1.0).case, {"vip": Stay(1.0)}
        await put(both, held)
        assert case_row(held) in await both.reader.cases()

    run(test)


def test_cases_of_companies_are_beside_those_of_customers(run: Any) -> None:
    """Not of one that counts for another company, and none is left of one that is removed."""

    def firm(number: int, state: str, changed: float, **more: Any) -> Profile:
        case = Case(f"cs_~{number}", "retention", state, 1.0, changed, {"rule": 1.0}, value=number)
        held = Company("company", f"firm {number}", {"p": b""}, **more)
        return msgspec.structs.replace(someone(number), id="~" + someone(number).id, case=case, company=held)

    async def test(both: Both) -> None:
        await put(both, firm(1, "new", 1.0), firm(2, "cleared", 2.0), firm(3, "new", 3.0))
        assert {row.value: row.companies for row in await both.reader.cases()} == {1: ["firm 1"], 3: ["firm 3"]}
        assert [one.id for one in (await both.reader.cases_done())[0]] == [firm(2, "cleared", 2.0).id]
        joined = Joined("~" + someone(1).id, "firm 1", 9.0, "kim", "")
        await put(both, firm(2, "cleared", 2.0, joined=joined), msgspec.structs.replace(firm(3, "new", 3.0), case=None))
        assert [row.value for row in await both.reader.cases()] == [1]
        assert (await both.reader.count_cases_done(), await both.reader.cases_ended(0.0)) == (0, [])
        await put(both, firm(2, "cleared", 2.0))
        assert await both.reader.count_cases_done() == 1
        for gone in (firm(1, "", 0.0).id, firm(2, "", 0.0).id):
            partition = partition_of(gone, PARTITIONS)
            loaded = await both.store.load(partition, [gone])
            await both.store.commit(partition, Changes(loaded.version, removed=[gone]))
        assert (await both.reader.cases(), await both.reader.count_cases_done()) == ([], 0)

    run(test)


def test_segments_know_their_members(run: Any) -> None:
    """Entering and leaving show in size, members and in the list by risk."""

    async def test(both: Both) -> None:
        inside = [scored(1, 0.3), scored(2, 0.8)]
        for profile in inside:
            profile.segments["vip"] = Stay(profile.updated)
            await put(both, profile, entered=[("vip", profile.id, profile.updated)])
        await put(both, scored(3, 0.99))

        assert (await both.reader.segment_sizes())["vip"] == 2
        assert (await both.reader.members("vip"))[0] == [(inside[1].id, 2.0), (inside[0].id, 1.0)]
        assert [p.id for p in (await both.reader.by_risk(segment="vip"))[0]] == [inside[1].id, inside[0].id]

        gone = scored(1, 0.3)
        await put(both, gone, left=[("vip", gone.id)])
        assert (await both.reader.segment_sizes())["vip"] == 1

    run(test)


def test_who_enters_and_leaves_is_counted_by_the_commit_that_moves_them(run: Any) -> None:
    """Once, also if its answer is lost; not by a fenced one; a day gives way to the one 32 days later."""

    async def test(both: Both) -> None:
        first, other = scored(1, 0.3), scored(2, 0.4)
        partitions = {partition_of(profile.id, PARTITIONS) for profile in (first, other)}
        for partition in partitions:
            changes = Changes(version=0, moved={(100, "vip", True): 2, (100, "vip", False): 1, (99, "lapsed", True): 1})
            for _ in range(2):
                assert await both.store.commit(partition, changes) == 1
            with pytest.raises(Fenced):
                await both.store.commit(partition, Changes(version=0, moved={(100, "vip", True): 7}))
        n = len(partitions)
        assert await both.reader.segment_moves([98, 99, 100]) == {
            "lapsed": [(0, 0), (n, 0), (0, 0)],
            "vip": [(0, 0), (0, 0), (2 * n, n)],
        }

        later = Changes(version=1, moved={(132, "vip", True): 1, (67, "lapsed", True): 5})
        await both.store.commit(min(partitions), later)
        assert await both.reader.segment_moves([132]) == {"vip": [(1, 0)]}
        assert await both.reader.segment_moves([67]) == {}  # 99 has its place
        assert (await both.reader.segment_moves([100])).get("vip", [(0, 0)]) == [(2 * (n - 1), n - 1)]

    run(test)


def test_counters_of_days_are_summed_over_all_partitions(run: Any) -> None:
    """By the commits that stand, however often they are tried; those of a day give way to the eighth after it."""

    async def test(both: Both) -> None:
        for partition in range(PARTITIONS):
            first = Changes(version=0, counted={(100, EVENTS): 3, (99, EVENTS): 1, (NOW, OPEN_TICKETS): 2})
            await both.store.commit(partition, first)
            assert await both.store.commit(partition, first) == 1
            with pytest.raises(Fenced):
                await both.store.commit(partition, Changes(version=0, counted={(100, EVENTS): 7}))
        await both.store.commit(1, Changes(version=1, counted={(100, EVENTS): -2, (100, REVENUE): 5, (NOW, NEW): 0}))
        n = PARTITIONS
        assert await both.reader.counters([100, 99, 98, NOW]) == [
            {"events": 3 * n - 2, "revenue": 5}, {"events": n}, {}, {"open_tickets": 2 * n},
        ]  # fmt: skip

        later = {(108, EVENTS): 1, (91, EVENTS): 5, (NOW, OPEN_TICKETS): -1}
        await both.store.commit(2, Changes(version=1, counted=later))
        assert await both.reader.counters([108, 100, 99, 91, NOW]) == [
            {"events": 1}, {"events": 3 * (n - 1) - 2, "revenue": 5}, {"events": n}, {}, {"open_tickets": 2 * n - 1},
        ]  # fmt: skip

    run(test)


def test_alerts_are_listed_newest_first_and_found_by_id(run: Any) -> None:
    """Also filtered by state over page borders."""

    async def test(both: Both) -> None:
        for number in range(1, 8):
            state = "open" if number % 2 else "resolved"
            alert = Alert(f"a{number}", "rule", state, float(number), float(number), 0.5)
            await put(both, someone(number), alerts=[(someone(number).id, alert)])
        page, cursor = await both.reader.alerts(state="open", limit=2)
        rest, end = await both.reader.alerts(state="open", limit=10, cursor=cursor)

        assert [alert.id for _, alert in page + rest] == ["a7", "a5", "a3", "a1"]
        assert end is None
        assert (await both.reader.alert("a4"))[1].state == "resolved"
        assert await both.reader.alert("none") is None

    run(test)


def test_a_tie_is_paged_from_any_place_in_it(run: Any) -> None:
    """Members of one score come in one order, also behind a row that has gone, and none twice."""

    async def test(both: Both) -> None:
        people = [scored(number, 0.5) for number in range(1, 31)]
        await put(both, scored(99, 0.9), *people, scored(98, 0.1))
        expected = [p.id for p in (scored(99, 0.9), *reversed(people), scored(98, 0.1))]

        page, cursor = await both.reader.by_risk(limit=12)
        assert [p.id for p in page] == expected[:12]
        await put(both, scored(20, 0.95))  # the row that the cursor names moves away
        rest, end = await both.reader.by_risk(limit=50, cursor=cursor)
        assert [p.id for p in rest] == expected[12:]
        assert end is None

    run(test)


@pytest.mark.parametrize("lowest", [True, False])
def test_a_segment_is_paged_by_risk_wherever_its_members_are(run: Any, lowest: bool) -> None:
    """Those of the lowest risk come as surely as those of the highest, in ties too, whatever the size of a page."""

    async def test(both: Both) -> None:
        count = 1200  # several steps down the index of risks in each partition
        ranked = [scored(number, (number // 3) / count) for number in range(1, count + 1)]
        members = ranked[:900] if lowest else ranked[-900:]
        for profile in members:
            profile.segments["vip"] = Stay(1.0)
        for partition in range(PARTITIONS):
            mine = [profile for profile in ranked if partition_of(profile.id, PARTITIONS) == partition]
            entered = [("vip", profile.id, 1.0) for profile in mine if profile.segments]
            await both.store.commit(partition, Changes(0, profiles=mine, entered=entered))

        seen: list[str] = []
        cursor = None
        while not seen or cursor:
            page, cursor = await both.reader.by_risk(segment="vip", limit=70, cursor=cursor)
            seen += [profile.id for profile in page]
        assert seen == [profile.id for profile in reversed(members)]

    run(test)


def test_an_alert_is_in_the_list_of_its_state_alone(run: Any) -> None:
    """It moves with each change, also back, and leaves with its document; the list of all has it once."""

    async def listed(both: Both) -> dict[str | None, list[str]]:
        states = (None, "open", "acknowledged", "resolved", "cleared")
        return {state: [alert.id for _, alert in (await both.reader.alerts(state=state))[0]] for state in states}

    async def test(both: Both) -> None:
        empty: dict[str | None, list[str]] = await listed(both)
        for state in ("open", "acknowledged", "resolved", "cleared", "open"):
            await put(both, someone(1), alerts=[(someone(1).id, Alert("a1", "rule", state, 1.0, 1.0, 0.5))])
            assert await listed(both) == {**empty, None: ["a1"], state: ["a1"]}
        await put(both, someone(1), alerts_gone=["a1"])
        assert await listed(both) == empty

    run(test)


@pytest.mark.parametrize("kind", ["redis", "cluster"])
def test_a_commit_leaves_the_entries_that_a_check_expects(kind: str, request: pytest.FixtureRequest) -> None:
    """An alert that changes its state, a risk that goes, a timer that ends: nothing of before stays in any index."""
    fixture = request.getfixturevalue("redis_cluster" if kind == "cluster" else "redis_url")
    url = fixture.url if kind == "cluster" else fixture

    async def test() -> None:
        client = connect(url)
        store, version = RedisStore(client), 0
        for state in ("open", "acknowledged", "resolved", "cleared", "open"):
            for score, when in ((Score(0.5, "low", 1.0, "m"), 9.0), (None, 0.0)):
                profile = someone(1, score=score, scheduled_at=when)
                profile.alerts["rule"] = Alert("a1", "rule", state, 1.0, 1.0, 0.5)
                changes = Changes(version, profiles=[profile], alerts=[(profile.id, profile.alerts["rule"])])
                version = await store.commit(0, changes)
                held = await held_by_partition(client, 0)
                assert held.pop(("tombstones", "")) == 0
                assert held == dict(expected_of(profile, encode_profile(profile)))
        await client.aclose()

    asyncio.run(test())


def test_several_profiles_are_read_at_once(run: Any) -> None:
    """By the id asked for: redirects are followed, who is erased or unknown is left out."""

    async def test(both: Both) -> None:
        moved = [someone(number, redirect=someone(number + 1).id) for number in range(2, 5)]
        await put(both, someone(1), *moved, someone(5), someone(6, redirect=ERASED))
        ids = [someone(number).id for number in range(1, 8)]

        found = await both.reader.profiles([*ids, ids[0]])
        assert {asked: profile.id for asked, profile in found.items()} == {ids[0]: ids[0]} | dict.fromkeys(
            ids[1:5], ids[4]
        )
        assert await both.reader.profiles([]) == {}

    run(test)


def test_a_tombstone_redirects_and_does_not_count(run: Any) -> None:
    """Reading a merged profile gives the winner; it is neither counted nor listed."""

    async def test(both: Both) -> None:
        await put(both, scored(1, 0.4), scored(2, 0.6))
        await put(both, Profile(scored(2, 0).id, redirect=scored(1, 0).id), tombstones=1)

        assert (await both.reader.profile(scored(2, 0).id)).id == scored(1, 0).id
        assert [p.id for p in (await both.reader.by_risk())[0]] == [scored(1, 0).id]
        assert await both.reader.count() == 1

    run(test)


def test_partitions_namespace_and_key_may_not_change_under_the_data(make_settings: Any) -> None:
    """The first start records them, of the key a fingerprint; others are refused with what to do."""
    url = make_settings().redis.get_secret_value()

    async def test() -> None:
        client = connect(url)
        await check_setup(client, partitions=4, namespace=NAMESPACE, pii_key=KEY, segments=[])
        with pytest.raises(Misconfigured, match="RAPPORT_PARTITIONS"):
            await check_setup(client, partitions=8, namespace=NAMESPACE, pii_key=KEY, segments=[])
        with pytest.raises(Misconfigured, match="RAPPORT_PII_KEY"):
            await check_setup(client, partitions=4, namespace=NAMESPACE, pii_key=b"another", segments=[])
        await check_setup(client, partitions=4, namespace=NAMESPACE, pii_key=KEY, segments=[])
        assert KEY not in (await client.hget(SETUP, "pii_key"))
        await client.aclose()

    asyncio.run(test())


def test_a_redis_of_another_format_is_refused(make_settings: Any) -> None:
    """What an earlier version wrote, which noted no format, is not taken for this version's; nor is a later one's."""
    url = make_settings().redis.get_secret_value()

    async def test() -> None:
        client = connect(url)
        await check_setup(client, partitions=4, namespace=NAMESPACE, pii_key=KEY, segments=[])
        for change in (client.hdel(SETUP, "format"), client.hset(SETUP, "format", str(int(FORMAT) + 1))):
            await change
            with pytest.raises(Misconfigured, match="rapport rebuild --replace"):
                await check_setup(client, partitions=4, namespace=NAMESPACE, pii_key=KEY, segments=[])
        await client.aclose()

    asyncio.run(test())


def test_a_scan_comes_to_everybody_page_by_page(run: Any) -> None:
    """Tombstones are nobody; a cursor of something else is refused."""

    async def scan(both: Both) -> None:
        assert await both.reader.scan() == ([], None)
        people = [someone(number) for number in range(300)]
        await put(both, *people, someone(300, redirect=people[0].id))
        for limit in (1, 50, 1000):
            found = await scanned(both, limit)
            assert sorted(found) == [profile.id for profile in people]
        page, following = await both.reader.scan(limit=50)
        assert following is not None
        assert len(page) < 300
        for cursor in ("x", "7", "99.0", "-1.0", "0.x", f"{10**30}.0"):
            with pytest.raises(BadCursor):
                await both.reader.scan(cursor=cursor)

    run(scan)


def test_a_company_is_in_lists_of_companies_alone(run: Any) -> None:
    """It is loaded, woken and removed like a customer, and counted and listed as none."""

    async def test(both: Both) -> None:
        company = msgspec.structs.replace(someone(7), id="~" + someone(7).id, scheduled_at=3.0)
        await put(both, company, scored(1, 0.5))
        partition = partition_of(company.id, PARTITIONS)

        loaded = await both.store.load(partition, [company.id], due_by=5.0)
        assert loaded.profiles[company.id] == company
        assert (company.id, 3.0) in loaded.due
        assert (await both.store.fetch(partition, [company.id]))[company.id] == company
        assert (await both.reader.profile(company.id)) == company
        assert [one.id for one in (await both.reader.companies())[0]] == [company.id]
        assert await both.reader.count() == 1
        assert await scanned(both, 10) == [someone(1).id]
        for rows, _ in (await both.reader.by_risk(), await both.reader.recent()):
            assert [one.id for one in rows] == [someone(1).id]

        await both.store.commit(partition, Changes(loaded.version, removed=[company.id]))
        assert (await both.reader.companies())[0] == []
        assert not (await both.store.load(partition, [company.id], due_by=5.0)).due

    run(test)


def test_what_was_committed_is_found_by_its_beginning_and_no_longer_once_it_goes(run: Any) -> None:
    """The entries of the search index, in the order of their bytes, so many of each partition at most."""

    async def test(both: Both) -> None:
        terms = ["daan weber\0n", "weber\0n", "daan@example.com\0e", "王小明\0n", "ÿ\0n"]
        ids = {partition_of(someone(number).id, PARTITIONS): someone(number).id for number in range(40)}
        for id_ in ids.values():
            await put(both, Profile(id_), found=[f"{term}{id_}" for term in terms])

        daan, nobody, chinese, last = await both.reader.find(["daan", "daan w!", "王小", "ÿ"], limit=1)
        assert sorted(daan) == sorted(("daan weber", "n", id_) for id_ in ids.values())
        assert (nobody, len(chinese), len(last)) == ([], len(ids), len(ids))
        assert await both.reader.find([]) == []

        gone = next(iter(ids.values()))
        await put(both, Profile(gone, redirect="other"), unfound=[f"{term}{gone}" for term in terms])
        assert gone not in {entry.profile for entry in (await both.reader.find([""]))[0]}

    run(test)
