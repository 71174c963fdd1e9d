"""What the stores of linker, learner, census and sources promise, in memory and in Redis."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from profiles.errors import Fenced
from profiles.identity.links import Claim, Erasure, Lifted, Link, Linked, PendingSplit, Refusal
from profiles.store import Changes, Output
from profiles.stores import Stores
from profiles.stores.access import (
    Account,
    ApiToken,
    EmbedGrant,
    FilePerson,
    LastAdmin,
    Session,
    SignInAttempt,
    SignInLink,
)
from profiles.types import ERASED, Profile
from profiles.units import CensusState, Count, LearnerState, LinkChanges, LinkState, Pause
from tests.contracts.fresh import PARTITIONS, Test

ADA, BOB, EVE = ("user_id", "ada"), ("email", "b@example.com"), ("anonymous_id", "e:v")
OUTPUT = Output("alerts", b"key", b"value", "id-1", 0)


def link(*identities: tuple[str, str], offset: int = 7) -> Link:
    return Link(list(identities), 5.0, "web", f"m-{offset}", offset, 6.0)


def linking(version: int = 0, **more: Any) -> LinkChanges:
    """Ada and Bob become one, Eve is kept apart."""
    return LinkChanges(
        version,
        7,
        mapping={ADA: "p1", BOB: "p1"},
        graph={"p1": sorted([ADA, BOB])},
        links={BOB: [link(ADA, BOB)]},
        apart={EVE: [ADA]},
        outputs=[OUTPUT],
        **more,
    )


def test_links_come_back_as_they_were_written(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        assert await stores.links.state() == LinkState(0, -1, 0)
        version = await stores.links.commit(linking())

        assert await stores.links.state() == LinkState(version, 7, 0)
        assert await stores.links.profiles_of([ADA, BOB, EVE]) == {ADA: "p1", BOB: "p1"}
        assert await stores.links.linked_to(["p1", "p2"]) == {"p1": Linked(sorted([ADA, BOB]), {BOB: [link(ADA, BOB)]})}
        assert await stores.links.met([ADA, EVE], [EVE]) == ({ADA: "p1"}, set())
        assert await stores.links.apart() == {EVE: [ADA]}
        assert await stores.links.profiles_of([]) == {}
        assert await stores.links.linked_to([]) == {}

    run(test)


def test_none_removes_a_link(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        version = await stores.links.commit(linking())
        gone = LinkChanges(version, 8, mapping={BOB: None}, graph={"p1": None}, apart={EVE: None})
        await stores.links.commit(gone)

        assert await stores.links.profiles_of([ADA, BOB]) == {ADA: "p1"}
        assert await stores.links.linked_to(["p1"]) == {}
        assert await stores.links.apart() == {}

    run(test)


def test_a_fenced_linker_writes_nothing(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        version = await stores.links.commit(linking())
        with pytest.raises(Fenced):
            await stores.links.commit(LinkChanges(version - 1, 99, mapping={ADA: "p9"}, outputs=[OUTPUT]))

        assert await stores.links.state() == LinkState(version, 7, 0)
        assert await stores.links.profiles_of([ADA]) == {ADA: "p1"}
        assert await stores.links.outbox() == [(version, [OUTPUT])]

    run(test)


def test_refusals_are_kept_by_slot_the_newest_first(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        first, second = (Refusal([ADA], [BOB], "limit", 1.0, "web", "m", offset, 2.0) for offset in (3, 4))
        version = await stores.links.commit(LinkChanges(0, 4, refusals=2, refused={"0": first, "1": second}))
        assert list((await stores.links.refusals()).items()) == [("1", second), ("0", first)]
        assert (await stores.links.state()).refusals == 2
        await stores.links.commit(LinkChanges(version, 5, refused_gone=["1"]))

        assert await stores.links.refusals() == {"0": first}
        assert (await stores.links.state()).refusals == 2

    run(test)


def test_claims_are_found_by_the_identity_and_by_who_claims_it(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        claims = {BOB: [Claim(ADA, 1.0, 2.0), Claim(EVE, 3.0, 4.0)], ADA: [Claim(BOB, 1.0, 1.0)]}
        version = await stores.links.commit(LinkChanges(0, 1, claims=dict(claims)))

        assert await stores.links.claims([BOB, EVE]) == {BOB: claims[BOB]}
        assert await stores.links.met([ADA], [BOB, EVE]) == ({}, {BOB})
        assert await stores.links.met([ADA], []) == ({}, set())
        assert await stores.links.claims_about(lambda identity: identity == EVE) == {BOB: claims[BOB]}
        assert await stores.links.claims_about(lambda identity: identity == ADA) == claims
        assert await stores.links.claims_about(lambda identity: identity == ("user_id", "nobody")) == {}
        await stores.links.commit(LinkChanges(version, 2, claims={BOB: None}))
        assert await stores.links.claims_about(lambda _: True) == {ADA: claims[ADA]}

    run(test)


def test_splits_erasures_and_receipts(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        pending = PendingSplit("s1", "p1", BOB, [ADA], {"h1": "p1", "h2": "p2"}, 9.0, "kim")
        erasure = Erasure("e1", "p3", EVE, 11.0)
        lifted = Lifted("l1", "hash", 12.0, 12.5, "kim", "asked to")
        version = await stores.links.commit(
            LinkChanges(
                0,
                1,
                splitting={"s1": pending},
                splits={"s1": "splitting"},
                deferred={"e1": erasure},
                suppressed={"hash": 11.0},
            )
        )
        assert await stores.links.splitting() == {"s1": pending}
        assert await stores.links.split_state("s1") == "splitting"
        assert await stores.links.split_state("s2") is None
        assert await stores.links.deferred() == [erasure]
        assert await stores.links.suppressed(["hash", "other"]) == {"hash": 11.0}
        assert await stores.links.all_suppressed() == {"hash": 11.0}
        assert await stores.links.count_suppressed() == (1, 0)
        await stores.links.commit(
            LinkChanges(
                version, 2, splitting={"s1": None}, splits={"s1": "done"}, deferred={"e1": None},
                suppressed={"hash": None}, lifted={"l1": lifted},
            )
        )  # fmt: skip
        assert await stores.links.all_suppressed() == {}
        assert await stores.links.lifted() == {"l1": lifted}
        assert await stores.links.count_suppressed() == (0, 1)
        assert await stores.links.splitting() == {}
        assert await stores.links.split_state("s1") == "done"
        assert await stores.links.deferred() == []
        assert await stores.links.receipt("e1") is None
        await stores.links.keep_receipt("e1", b"{}")
        assert await stores.links.receipt("e1") == b"{}"

    run(test)


def test_what_was_learned_comes_back_part_by_part(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        assert await stores.learner.load() == LearnerState(0, -1, None, {})
        version = await stores.learner.commit(0, 4, b"panel", {"a": b"1", "b": b"2"}, [], [OUTPUT], 0)
        version = await stores.learner.commit(version, 9, b"panel 2", {"b": b"3"}, ["a"], [], 0)

        assert await stores.learner.load() == LearnerState(version, 9, b"panel 2", {"b": b"3"})
        assert (await stores.learner.position())[:2] == (version, 9)
        assert await stores.learner.panel() == b"panel 2"
        assert await stores.learner.parts(["a", "b"]) == {"b": b"3"}
        assert await stores.learner.part_names() == ["b"]
        with pytest.raises(Fenced):
            await stores.learner.commit(version - 1, 10, b"", {"b": b"9"}, [], [], 0)
        assert await stores.learner.parts(["b"]) == {"b": b"3"}

    run(test)


def test_an_outbox_holds_outputs_until_they_are_produced(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        first = await stores.learner.commit(0, 1, b"", {}, [], [OUTPUT], 0)
        second = await stores.learner.commit(first, 2, b"", {}, [], [OUTPUT, OUTPUT], 0)
        assert await stores.learner.outbox() == [(first, [OUTPUT]), (second, [OUTPUT, OUTPUT])]
        third = await stores.learner.commit(second, 3, b"", {}, [], [], first)
        assert await stores.learner.outbox() == [(second, [OUTPUT, OUTPUT])]
        await stores.learner.clear_outbox(third)

        assert await stores.learner.outbox() == []

    run(test)


def test_a_census_counts_each_partition_and_keeps_what_it_found(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        people = [Profile(f"{number:022d}", created=1.0, updated=1.0) for number in range(5)]
        gone = Profile("g" * 22, redirect=ERASED)
        await stores.profiles.commit(1, Changes(0, applied=1, watermark=3.5, profiles=people))
        await stores.profiles.commit(1, Changes(1, applied=2, watermark=4.5, profiles=[gone], tombstones=1))
        everybody = range(PARTITIONS)
        assert await stores.census.size(everybody) == 5
        assert await stores.census.watermarks([0, 1]) == {0: 0.0, 1: 4.5}
        seen, cursor = [], 0
        while True:
            cursor, page = await stores.census.page(1, cursor, 2)
            seen += [id_ for id_, _ in page]
            if not cursor:
                break
        assert set(seen) == {profile.id for profile in [*people, gone]}

        await stores.census.count(1, Count(3, b"summary"))
        assert await stores.census.rounds([0, 1]) == {0: 0, 1: 3}
        assert await stores.census.counts([0, 1]) == {0: None, 1: Count(3, b"summary")}
        assert await stores.census.head() == (0, 0, 0.0)
        version = await stores.census.commit(CensusState(0, 3, 7.0, 0, 0), [])
        version = await stores.census.commit(CensusState(version, 3, 7.0, 3, 5, b"{}", 9.5), [OUTPUT])
        assert await stores.census.state() == CensusState(version, 3, 7.0, 3, 5, b"{}", 9.5)
        opened = dataclasses.replace(await stores.census.state(), round=4, opened=8.0, findings=None)
        await stores.census.commit(opened, [])

        assert await stores.census.head() == (4, 3, 9.5)
        assert await stores.census.findings() == b"{}"  # until there are newer ones
        assert await stores.census.outbox() == [(version, [OUTPUT])]
        with pytest.raises(Fenced):
            await stores.census.commit(opened, [])

    run(test)


def test_a_link_is_taken_once_and_what_ends_by_itself_is_gone_then(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        session = Session(user="kim", role="agent", via="link", began=5.0, seen=6.0)
        await stores.access.put_account(Account(name="kim", role="agent"))
        await stores.access.put_account(Account(name="kim", role="admin", disabled=True))
        await stores.access.put_link("one", SignInLink("kim", 5.0), 60.0)
        await stores.access.put_link("over", SignInLink("kim", 5.0), 0.001)
        await stores.access.put_session("here", session, 60.0)
        await stores.access.put_session("over", session, 0.001)
        await stores.access.put_session("out", session, 60.0)
        await stores.access.end_session("out")
        await asyncio.sleep(0.01)

        assert await stores.access.accounts() == {"kim": Account(name="kim", role="admin", disabled=True)}
        assert [await stores.access.take_link(link) for link in ("one", "one", "over", "none")] == [
            SignInLink("kim", 5.0),
            *3 * [None],
        ]
        assert [await stores.access.session(name) for name in ("here", "over", "out")] == [session, None, None]
        await stores.access.put_session("theirs", replace(session, user="lee"), 60.0)
        await stores.access.put_session("out", session, 60.0, renew=True)
        await stores.access.put_session("here", replace(session, seen=7.0), 60.0, renew=True)
        assert [await stores.access.session(name) for name in ("here", "out")] == [replace(session, seen=7.0), None]
        await stores.access.put_session("here", session, 60.0)
        assert await stores.access.sessions("kim") == {"here": session}
        assert await stores.access.sessions("ki") == {}
        assert await stores.access.change_account("kim", lambda _: None, even_the_last=True) is not None
        assert await stores.access.change_account("nobody", lambda _: None) is None
        assert await stores.access.account("kim") is None

    run(test)


def test_an_admin_stays_and_of_two_changes_at_once_none_is_lost(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        kim, lee = (Account(name=name, role="admin", created=5.0) for name in ("kim", "lee"))
        assert [await stores.access.add_account(one) for one in (kim, lee)] == [True, True]
        assert not await stores.access.add_account(Account(name="kim", role="agent"))
        out = await asyncio.gather(
            *(stores.access.change_account(name, lambda held: replace(held, role="agent")) for name in ("kim", "lee")),
            return_exceptions=True,
        )
        assert sorted(type(one).__name__ for one in out) == ["Account", "LastAdmin"]
        (last,) = [one for one in (await stores.access.accounts()).values() if one.role == "admin"]
        for change in (lambda _: None, lambda held: replace(held, disabled=True)):
            with pytest.raises(LastAdmin):
                await stores.access.change_account(last.name, change)
        changes = [lambda held: replace(held, password="z"), lambda held: replace(held, out=9.0)]
        await asyncio.gather(*(stores.access.change_account(last.name, change) for change in changes))
        assert await stores.access.account(last.name) == replace(last, password="z", out=9.0)
        assert await stores.access.change_account(last.name, lambda _: None, even_the_last=True) is not None
        assert list(await stores.access.accounts()) == [{"kim": "lee", "lee": "kim"}[last.name]]

    run(test)


def test_who_was_in_the_file_of_people_stays_known(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        assert await stores.access.file_people() == {}
        await stores.access.put_file_people({})
        await stores.access.put_file_people({"kim": FilePerson("d", 5.0), "lee@x": FilePerson("e", 5.0)})
        await stores.access.put_file_people({"kim": FilePerson("", 6.5)})
        assert await stores.access.file_people() == {"kim": FilePerson("", 6.5), "lee@x": FilePerson("e", 5.0)}

    run(test)


def test_who_was_sent_to_a_provider_comes_back_once(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        attempt = SignInAttempt("nonce", "verifier", "browser", "/c/42")
        await stores.access.put_attempt("one", attempt, 60.0)
        await stores.access.put_attempt("over", attempt, 0.001)
        await asyncio.sleep(0.01)

        taken = [await stores.access.take_attempt(state) for state in ("one", "one", "over", "none")]
        assert taken == [attempt, *3 * [None]]

    run(test)


def test_what_counts_once_counts_once_until_it_is_over(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        assert [await stores.access.first_use("one", 60.0) for _ in range(2)] == [True, False]
        assert await stores.access.first_use("over", 0.001)
        await asyncio.sleep(0.01)
        assert await stores.access.first_use("over", 60.0)

    run(test)


def test_who_looks_in_a_frame_does_so_for_a_while(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        grant = EmbedGrant("kim", "https://chat.example.com", "session", "d", 5.0, 9.0)
        await stores.access.put_embed("one", grant, 60.0)
        await stores.access.put_embed("over", grant, 0.001)
        await asyncio.sleep(0.01)

        assert [await stores.access.embed(digest) for digest in ("one", "one", "over", "none")] == [
            grant, grant, None, None,
        ]  # fmt: skip
        assert await stores.access.session("one") is None  # it is no session

    run(test)


def test_tokens_are_listed_replaced_and_gone_once_removed(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        token = ApiToken(
            id="one",
            digest="d",
            last4="abcd",
            name="crm",
            owner="kim",
            scopes=("alerts:read",),
            created=5.0,
            expires=9.0,
        )
        other = msgspec.structs.replace(token, id="two", owner="")
        for each in (token, other, token):
            await stores.access.put_token(each)
        await stores.access.use_token("one", "2026-01-01")
        await stores.access.use_token("one", "2026-01-02")

        assert await stores.access.tokens() == {"one": token, "two": other}
        assert [await stores.access.token(id_) for id_ in ("one", "none")] == [token, None]
        assert await stores.access.tokens_used() == {"one": "2026-01-02"}
        await stores.access.remove_token("one")
        await stores.access.remove_token("none")
        assert await stores.access.tokens() == {"two": other}
        assert await stores.access.tokens_used() == {}
        await stores.access.use_token("one", "2026-01-03")
        assert await stores.access.token("one") is None

    run(test)


def test_the_state_of_a_source_is_replaced(run: Callable[[Test], None]) -> None:
    async def test(stores: Stores) -> None:
        assert await stores.sources.states() == {}
        await stores.sources.write("web", Pause(paused=True, why="500 in a row", reasons={"unplanned": 500}))
        await stores.sources.write("app", Pause(paused=True))
        await stores.sources.write("web", Pause(paused=False, by="kim"))

        assert await stores.sources.states() == {"web": Pause(paused=False, by="kim"), "app": Pause(paused=True)}

    run(test)


def test_what_comes_in_adds_up_by_the_minute(run: Callable[[Test], None]) -> None:
    """Several workers tell of the same minute; one that is not heard of any more waits for nothing."""

    async def test(stores: Stores) -> None:
        sources = stores.sources
        await sources.count(7, {"event|web|accepted": 3})
        await sources.count(7, {"event|web|accepted": 2, "event|app|rejected": 1})
        await sources.count(8, {})
        await sources.tell_lag("one", {"events.web": 5}, now=100.0)
        await sources.tell_lag("two", {"events.web": 7, "events.app": 1}, now=120.0)

        assert await sources.counts([6, 7, 8]) == [{}, {"event|web|accepted": 5, "event|app|rejected": 1}, {}]
        assert await sources.lags(120.0) == {"events.web": 12, "events.app": 1}
        assert await sources.lags(140.0) == {"events.web": 7, "events.app": 1}

    run(test)
