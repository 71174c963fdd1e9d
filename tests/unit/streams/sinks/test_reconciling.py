"""What a sink knows of segments becomes what the store has: whatever was lost, once, and not twice."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec
import orjson
import pytest
from aiokafka.structs import TopicPartition

from models.labels.treatment import held_out
from plan import parse_plan
from profiles.errors import Misconfigured
from profiles.times import rfc3339
from streams.kafka.topics import DELIVERIES
from streams.records.deliveries import Letter, Member, Request
from streams.sinks.crew import end
from streams.sinks.reconciling import RECONCILED
from tests.audiences import awaited
from tests.build import T0
from tests.owning import Owning, member
from tests.sinks import Reply, receiver
from tests.telling import plan_with

pytestmark = pytest.mark.quick

DAY = 86_400.0


def plan(more="", **sink):
    spec = {"type": "webhook", "events": ["segment.*"], "sync": "all", **sink}
    return parse_plan(more + plan_with({"crm": spec}, [{"owner": "CRM"}]), "plan.yaml", {})


def picture(held):
    """Whom the receiver takes for members, by segment and profile; each message counts once."""
    inside, seen = set(), set()
    for one in held.received:
        if one.headers["webhook-id"] in seen:
            continue
        seen.add(one.headers["webhook-id"])
        data = orjson.loads(one.body)["data"]
        key = data["segment"]["name"], data["customer"]["profile"]
        (inside.add if data["change"] == "entered" else inside.discard)(key)
    return inside


async def settled(owning, runner, *, compared=None):
    """Wait until a comparison was made, after that one, and all is told."""
    runner.wake()
    async with asyncio.timeout(30):
        await so(lambda: (last := runner.ledger.reconciled) is not None and last.began != compared)
        await so(lambda: not runner.ledger.letters and not runner.ledger.waiting)
    return runner.ledger.reconciled


async def so(is_so):
    """Wait until something is."""
    while not is_so():  # noqa: ASYNC110  (nobody tells of it)
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def passing(owning, runner):
    """Time passes, as a service is told only so much a second."""

    async def pass_on():
        while True:
            owning.clock.advance(1.0)
            runner.wake()
            await asyncio.sleep(0.01)

    task = asyncio.create_task(pass_on())
    try:
        yield
    finally:
        await end([task])


async def moved(owning, number, change, at):
    body = {"id": f"{number}:{change}:{at}", "profile": member(number).id, "at": rfc3339(at), "segment": "dutch",
            "change": change, "reason": "event"}  # fmt: skip
    await owning.tell("segment.changes", body["profile"], orjson.dumps(body))


def dutch(*numbers):
    return {("dutch", member(number).id) for number in numbers}


@awaited
async def test_all_members_of_before_are_told_first_and_a_second_run_tells_nothing():
    async with receiver() as crm:
        owning = Owning(plan(), crm)
        await owning.put(*(member(number, {"dutch": T0 - DAY}) for number in range(5)), member(9))
        async with owning.running() as runner:
            found = await settled(owning, runner)
            assert (found.members, found.entered, found.exited) == (5, 5, 0)
            assert picture(crm) == dutch(*range(5))
            first = orjson.loads(crm.received[0].body)
            assert (first["data"]["reason"], first["data"]["since"]) == (RECONCILED, rfc3339(T0 - DAY))
            owning.clock.advance(DAY)
            again = await settled(owning, runner, compared=found.began)
            assert (again.members, again.entered, again.exited) == (5, 0, 0)
        assert len(crm.received) == 5
        async with owning.running() as runner:  # another owner knows it, and that it was compared
            await asyncio.sleep(0.1)
            assert runner.ledger.reconciled.began == again.began
        assert len(crm.received) == 5


@awaited
async def test_what_happened_while_nobody_delivered_is_told_the_next_day():
    """Two hours are too long for what was on the topic, and some of it was lost."""
    async with receiver() as crm:
        owning = Owning(plan(), crm)
        await owning.put(*(member(number, {"dutch": T0 - DAY}) for number in range(4)), member(7), member(8))
        async with owning.running() as runner:
            found = await settled(owning, runner)
        left, back = ("dutch", member(0).id), member(7, {"dutch": T0 + 600})
        await owning.put(member(0), member(1), back, left=(left, ("dutch", member(1).id)))
        await moved(owning, 0, "exited", T0 + 500)
        owning.clock.advance(7200)
        async with owning.running() as runner:
            await owning.put(member(8, {"dutch": T0 + 7200}))
            await moved(owning, 8, "entered", T0 + 7200)
            await crm.until(5)
            assert picture(crm) == dutch(0, 1, 2, 3, 8), "what is of the past is not told as it comes"
            owning.clock.advance(DAY)
            found = await settled(owning, runner, compared=found.began)
        assert (found.members, found.entered, found.exited) == (4, 1, 2)
        assert picture(crm) == dutch(2, 3, 7, 8)


@awaited
async def test_only_changes_are_told_unless_somebody_asks_for_everybody():
    async with receiver() as crm:
        owning = Owning(plan(sync="changes"), crm)
        await owning.put(*(member(number, {"dutch": T0 - DAY}) for number in range(3)))
        async with owning.running() as runner:
            await so(lambda: runner.ledger.positioned)
            await owning.put(member(4, {"dutch": T0 + 60}))  # and nothing on the topic
            owning.clock.advance(DAY)
            found = await settled(owning, runner)
            assert picture(crm) == dutch(4)
            owning.clock.advance(60)
            runner.hear(Request("crm", "r1", "reconcile", owning.clock.now(), "kim", everybody=True))
            found = await settled(owning, runner, compared=found.began)
            assert (found.request, found.everybody, found.entered) == ("r1", True, 3)
            assert picture(crm) == dutch(0, 1, 2, 4)


@awaited
async def test_nobody_is_inside_who_may_not_be_told_of():
    """Erased, of your own people, withdrawn, of the share that is left alone; and who is one with another."""
    made = plan("churn: {hold_out: 0.3}\n")
    async with receiver() as crm:
        owning = Owning(made, crm)
        people = [member(number, {"dutch": T0 - DAY}) for number in range(40)]
        told = [one for one in people if not held_out(one.id, made.churn.hold_out)]
        assert 10 < len(told) < 40
        await owning.put(*people)
        async with owning.running() as runner:
            found = await settled(owning, runner)
            assert picture(crm) == {("dutch", one.id) for one in told}
            erased, ours, denies, merged, *rest = told
            ours.traits["consent.Internal"] = (True, T0, b"12345678")
            denies.traits["consent.outreach"] = (False, T0, b"12345678")
            gone = msgspec.structs.replace(merged, redirect=rest[0].id, segments={})
            left = (("dutch", erased.id), ("dutch", merged.id))
            await owning.put(ours, denies, gone, removed=(erased.id,), left=left)
            owning.clock.advance(DAY)
            found = await settled(owning, runner, compared=found.began)
            assert found.exited == 4
            assert picture(crm) == {("dutch", one.id) for one in rest}
            denies.traits["consent.outreach"] = (True, T0 + 1, b"12345678")
            await owning.put(denies)
            owning.clock.advance(DAY)
            await settled(owning, runner, compared=found.began)
            assert picture(crm) == {("dutch", one.id) for one in (denies, *rest)}


@awaited
async def test_a_comparison_that_is_killed_goes_on_and_tells_nobody_under_two_ids():
    async with receiver() as crm:
        owning = Owning(plan(), crm)
        people = [member(number, {"dutch": T0 - DAY}) for number in range(2500)]
        await owning.put(*people)
        told = 0
        for _ in range(4):
            async with owning.running() as runner, passing(owning, runner):
                await crm.until(told + 150, 20)
            told = len(crm.received)
        assert owning.ledger().reconciled is None
        async with owning.running() as runner, passing(owning, runner):
            await settled(owning, runner)
        assert picture(crm) == {("dutch", one.id) for one in people}
        by_profile = {}
        for one in crm.received:
            profile = orjson.loads(one.body)["data"]["customer"]["profile"]
            by_profile.setdefault(profile, set()).add(one.headers["webhook-id"])
        assert all(len(ids) == 1 for ids in by_profile.values())
        assert len(crm.received) - 2500 <= 4 * 32, "a kill repeats at most what was under way"


@awaited
async def test_what_was_given_up_is_told_again_under_its_id():
    async with receiver() as crm:
        owning = Owning(plan(), crm)
        await owning.put(*(member(number, {"dutch": T0 - DAY}) for number in range(3)))
        crm.usual = Reply(410, b"gone")
        async with owning.running() as runner:
            found = await settled(owning, runner)
            assert {one.state for one in owning.deliveries() if isinstance(one, Letter)} >= {"dead"}
            crm.usual = Reply()
            before = {one.headers["webhook-id"] for one in crm.received}
            crm.received.clear()
            runner.hear(Request("crm", "e1", "enable", owning.clock.now() + 1, "kim"))
            owning.clock.advance(DAY)
            found = await settled(owning, runner, compared=found.began)
            assert found.entered == 3
        assert picture(crm) == dutch(0, 1, 2)
        assert before <= {one.headers["webhook-id"] for one in crm.received}


@awaited
async def test_a_store_that_is_not_whole_is_believed_nothing():
    async with receiver() as crm:
        owning = Owning(plan(), crm)
        await owning.put(*(member(number, {"dutch": T0 - DAY}) for number in range(3)))
        async with owning.running() as runner:
            found = await settled(owning, runner)
        await owning.put(
            removed=tuple(member(number).id for number in range(3)),
            left=tuple(("dutch", member(number).id) for number in range(3)),
        )
        owning.clock.advance(DAY)

        async def lost():
            raise Misconfigured("this Redis holds no profiles yet")

        async with owning.running(whole=lost) as runner:
            runner.wake()
            await asyncio.sleep(0.3)
            assert runner.ledger.reconciled.began == found.began
        assert picture(crm) == dutch(0, 1, 2)


@awaited
async def test_what_was_told_is_known_though_kafka_has_forgotten_the_messages():
    async with receiver() as crm:
        owning = Owning(plan(), crm)
        await owning.put(*(member(number, {"dutch": T0 - DAY}) for number in range(3)))
        async with owning.running() as runner:
            found = await settled(owning, runner)
            end = owning.log.held(TopicPartition(DELIVERIES, 0)).end
            owning.clock.advance(16 * DAY)
            found = await settled(owning, runner, compared=found.began)
        owning.log.compact(DELIVERIES, 0)
        owning.log.delete_before(DELIVERIES, 0, end)  # older than thirty days, half a month later
        kept = [one for one in owning.deliveries() if isinstance(one, (Member, Letter))]
        assert [type(one) for one in kept] == [Member] * 3
        owning.clock.advance(15 * DAY)
        await owning.put(member(0), left=(("dutch", member(0).id),))
        async with owning.running() as runner:
            found = await settled(owning, runner, compared=found.began)
            assert (found.entered, found.exited) == (0, 1)
        assert picture(crm) == dutch(1, 2)


@awaited
async def test_who_gets_a_name_by_which_they_can_be_told_is_told():
    """A Segment-style endpoint knows customers by user id: an anonymous member is nobody there until they sign in."""
    async with receiver() as crm:
        owning = Owning(plan(type="segment_style", events=None), crm)
        anonymous = member(0, {"dutch": T0 - DAY})
        anonymous.identities = {"anonymous_id": {"a": T0}}
        await owning.put(anonymous, member(1, {"dutch": T0 - DAY}))
        async with owning.running() as runner:
            found = await settled(owning, runner)
            assert (found.members, found.entered, found.unnamed) == (2, 1, 1)
            anonymous.identities["user_id"] = {"u0": T0}
            await owning.put(anonymous)
            owning.clock.advance(DAY)
            found = await settled(owning, runner, compared=found.began)
            assert (found.entered, found.unnamed) == (1, 0)
        users = [orjson.loads(one.body)["userId"] for one in crm.received]
        assert users == ["u1", "u1", "u0", "u0"]
