"""The page of deliveries: who may see it, what it shows of an answer, and what may be done there."""

from __future__ import annotations

import asyncio

import httpx

from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.topics import DELIVERIES
from streams.records.deliveries import Attempt, Entry, Letter, decode_delivery, encode_delivery, key_of
from streams.settings import Settings
from streams.sinks.desk import DeliveryDesk
from tests.console.browsing.living import living

OURS = {"Sec-Fetch-Site": "same-origin"}
HOSTILE = "<img src=x onerror=alert(1)>"
LETTER = Letter(
    "crm", HOSTILE, "single", [Entry("a:open", "alert.opened", 100.0, "p", "a")], 100.0, 1, "dead",
    attempts=[Attempt(101.0, 0.2, 500, HOSTILE)], reason="10 attempts failed",
)  # fmt: skip


def test_it_shows_attempts_as_text_and_operators_put_back_what_is_dead():
    log = MemoryLog({DELIVERIES: 1})
    asyncio.run(log.produce([Row(DELIVERIES, 0, key_of(LETTER), encode_delivery(LETTER))]))
    desk = DeliveryDesk(log, log, Settings(topic_prefix=""))
    with living(deliveries=desk) as console:
        with httpx.Client(base_url=console.url, timeout=20) as http:
            assert http.post(f"/sign-in/{console.link('agent')}", headers=OURS).status_code == 303
            assert http.get("/settings/deliveries").status_code == 403
        with httpx.Client(base_url=console.url, timeout=20) as http:
            assert http.post(f"/sign-in/{console.link('operator')}", headers=OURS).status_code == 303
            page = http.get("/settings/deliveries").text
            assert "10 attempts failed" in page
            assert "&lt;img src=x" in page
            assert HOSTILE not in page
            assert "10 attempts failed" in http.get("/settings/deliveries/list?sink=crm&state=dead").text
            assert "10 attempts failed" not in http.get("/settings/deliveries/list?state=due").text
            assert "10 attempts failed" in http.get("/settings/deliveries.csv").text
            done = http.post("/settings/deliveries/replay", data={"sink": "crm"}, headers=OURS)
            assert (done.status_code, done.headers["location"]) == (303, "/settings/deliveries")
            page = http.post("/settings/deliveries/reconcile", data={"sink": "nobody"}, headers=OURS)
            assert page.status_code == 404
            assert http.post("/settings/deliveries/enable", data={"sink": "nobody"}, headers=OURS).status_code == 404
    newest = decode_delivery(log._topics[DELIVERIES][0].records[-1].value)
    assert (newest.action, newest.by, newest.letter) == ("replay", "operator", LETTER)
