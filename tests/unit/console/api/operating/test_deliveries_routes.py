"""/v1/deliveries and the page of it: messages with their attempts, putting back, telling a sink again."""

from __future__ import annotations

import asyncio

from aiokafka.structs import TopicPartition

from plan import parse_plan
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.topics import DELIVERIES
from streams.records.deliveries import (
    Attempt,
    Condition,
    Entry,
    Letter,
    Reconciled,
    Request,
    Waiting,
    decode_delivery,
    encode_delivery,
    key_of,
)
from streams.settings import Settings
from streams.sinks.desk import DeliveryDesk
from tests.console.people import store
from tests.console.support_api import support_api
from tests.plans import BASE

SETTINGS = Settings(topic_prefix="")
PLAN = parse_plan(
    BASE.replace("alerts:\n", "sinks:\n  crm: {type: webhook}\n  ads: {type: segment_style}\nalerts:\n"), "p", {}
)


def entry(name, **more):
    return Entry(f"{name}:open", "alert.opened", 100.0, f"p-{name}", name, **more)


def log(*records):
    held = MemoryLog({DELIVERIES: 1})
    asyncio.run(held.produce([Row(DELIVERIES, 0, key_of(each), encode_delivery(each)) for each in records]))
    return held


DEAD = Letter(
    "crm", "a:open", "single", [entry("a")], 100.0, 1, "dead", attempts=[Attempt(101.0, 0.2, 500, "no")], tries=10,
    reason="10 attempts failed",
)  # fmt: skip
TOLD = Letter(
    "crm", "b:open", "single", [entry("b")], 110.0, 2, "delivered", attempts=[Attempt(111.0, 0.1, 200, "ok", True)]
)


def test_messages_are_listed_with_their_attempts_and_sinks_with_how_they_are():
    held = log(
        Waiting("crm", entry("c"), "joined", "g", 200.0, 120.0),
        Waiting("crm", entry("a"), "single", "single", 1.0, 1.0),  # told since
        DEAD,
        TOLD,
        Condition("crm", 120.0, "gone"),
    )
    with support_api(store(), plan=PLAN, deliveries=DeliveryDesk(held, held, SETTINGS)) as http:
        found = http.get("/v1/deliveries").json()
        assert [(one["id"], one["state"]) for one in found["data"]] == [("b:open", "delivered"), ("a:open", "dead")]
        assert found["data"][1]["attempts"] == [
            {"at": "1970-01-01T00:01:41.000000Z", "seconds": 0.2, "status": 500, "answer": "no"}
        ]
        crm, ads = found["sinks"]
        assert (crm["disabled"], crm["waiting"], crm["dead"], crm["delivered"]) == ("gone", 1, 1, 1)
        assert (ads["name"], ads["type"], ads["disabled"]) == ("ads", "segment_style", None)
        assert [one["id"] for one in http.get("/v1/deliveries", params={"state": "dead"}).json()["data"]] == ["a:open"]
        assert http.get("/v1/deliveries", params={"state": "lost"}).status_code == 400


def test_what_is_dead_is_put_back_by_a_request_to_the_owner():
    held = log(DEAD, TOLD)
    with support_api(store(), plan=PLAN, deliveries=DeliveryDesk(held, held, SETTINGS)) as http:
        assert http.post("/v1/deliveries/crm/replay", json={"by": "kim"}).json() == {
            "sink": "crm",
            "replayed": ["a:open"],
        }
        assert http.post("/v1/deliveries/ads/replay").status_code == 404
        assert http.post("/v1/deliveries/crm/enable").json() == {"sink": "crm"}
        assert http.post("/v1/deliveries/nobody/enable").status_code == 404
    asked = [decode_delivery(one.value) for one in held.held(TopicPartition(DELIVERIES, 0)).records[2:]]
    assert [(type(one), one.action, one.by) for one in asked] == [(Request, "replay", "kim"), (Request, "enable", "")]
    assert asked[0].letter == DEAD


def test_who_asks_for_a_comparison_sees_what_came_of_the_last_and_that_one_is_to_come():
    assert not PLAN.file.sinks["crm"].keeps_audiences
    held = log(Reconciled("ads", 100.0, 101.0, 7, 2, 1, 3))
    with support_api(store(), plan=PLAN, deliveries=DeliveryDesk(held, held, SETTINGS)) as http:
        crm, ads = http.get("/v1/deliveries").json()["sinks"]
        assert (crm["audiences"], crm["reconciled"], crm["reconcile_asked"]) == (False, None, False)
        assert ads["reconciled"] == {
            "began": "1970-01-01T00:01:40.000000Z", "ended": "1970-01-01T00:01:41.000000Z", "members": 7, "entered": 2,
            "exited": 1, "unnamed": 3,
        }  # fmt: skip
        answer = http.post("/v1/deliveries/ads/reconcile", json={"everybody": True, "by": "kim"})
        assert answer.status_code == 202
        assert http.get("/v1/deliveries").json()["sinks"][1]["reconcile_asked"]
        assert http.post("/v1/deliveries/nobody/reconcile").status_code == 404
        refused = http.post("/v1/deliveries/crm/reconcile")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_compared")
    (asked,) = [decode_delivery(one.value) for one in held.held(TopicPartition(DELIVERIES, 0)).records[1:]]
    assert (asked.id, asked.action, asked.everybody, asked.by) == (answer.json()["request"], "reconcile", True, "kim")
