"""Delivery by real processes on real Kafka and Redis, to receivers that refuse as services do."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import jsonschema_rs
import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from streams.kafka.output import Row
from streams.settings import Settings
from streams.sinks.desk import Asked
from streams.sinks.messages import schemas
from tests.integration.rapport import PLAN, Rapport, order, running
from tests.sinks import Receiver, Reply, receiver
from tests.telling import SECRET, Telling

BOUGHT = "when: {count: purchase, within: 30d, at_least: 1}"
SINKS = """sinks:
  crm: {type: webhook, payload: full}
  ads: {type: segment_style, segments: [bought_lately]}
routes:
  - {when: {rule: bought}, sinks: [crm], continue: true}
"""


@contextmanager
def delivering(telling: Telling, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`rapport deliver` as a process."""
    with log.open("ab") as file:
        process = telling.start(file)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            finally:
                process.kill()  # whatever became of the test, nothing of it goes on beside others
                process.wait()


def ids(held: Receiver) -> list[str]:
    return [one.headers["webhook-id"] for one in held.received]


def since(log: Path) -> str:
    """When a process became the owner of `crm` last, as its log has it."""
    return max((line[:23] for line in log.read_text().splitlines() if "sink crm is ours" in line), default="")


async def until(condition: Callable[[], Awaitable[bool] | bool], seconds: float = 120.0) -> None:
    """Wait until something is so; who waits looks twenty times a second."""
    for _ in range(int(seconds * 20)):
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        await asyncio.sleep(0.05)
    pytest.fail(f"did not come true within {seconds:g} s")


def test_each_alert_arrives_over_a_kill_in_mid_attempt(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """Under one id, signed, a customer's in order; a sink that is dead keeps nothing of another back."""

    async def run() -> None:
        async with receiver() as crm, receiver() as dead:
            dead.usual = Reply(500, b"no")
            telling = Telling(make_settings(), tmp_path, {"crm": crm.url, "dead": dead.url})
            await telling.begin(customers=12)
            log = tmp_path / "deliver.log"
            with delivering(telling, log) as process:
                await telling.ready()
                await telling.produce([telling.opening(profile) for profile in telling.profiles])
                await crm.until(12, 60)
                before = len(crm.received)
                crm.usual = Reply(how="hang")
                await telling.produce([telling.changing(profile, "acknowledged") for profile in telling.profiles])
                await telling.produce([telling.changing(profile, "cleared") for profile in telling.profiles])
                await until(lambda: len(crm.received) >= before + 8)
                process.kill()
                process.wait()
            crm.usual = Reply()
            with delivering(telling, log):
                await until(lambda: len(set(ids(crm))) == 36, 90)
                await until(lambda: len(dead.received) >= 20)
            told = ids(crm)
            assert len(set(told)) == 36, "one id for each"
            assert len(told) > 36, "those in mid-attempt were told again"
            order = ["open", "acknowledged", "cleared"]
            for profile in telling.profiles:
                states = [id_.split(":")[1] for id_ in told if id_.startswith(profile.id)]
                assert states == sorted(states, key=order.index), "in order"
            newest = crm.received[-1]
            body = Webhook(SECRET).verify(newest.body, dict(newest.headers))
            jsonschema_rs.validator_for(schemas()["alert.json"]).validate(body)
            assert body["data"]["customer"]["label"] is None, "a thin payload"

    asyncio.run(run())


def test_a_sink_that_asks_to_be_told_nothing_is_told_again_when_somebody_says_so(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """What it missed is among the dead letters, and put back; another sink is told that it was given up."""

    async def run() -> None:
        async with receiver() as crm, receiver() as other:
            telling = Telling(make_settings(), tmp_path, {"crm": crm.url, "other": other.url})
            await telling.begin(customers=3)
            desk = telling.desk()

            async def dead() -> bool:
                return len((await desk.look(Asked("crm", "dead"))).letters) == 3

            with delivering(telling, tmp_path / "deliver.log"):
                await telling.ready()
                crm.usual = Reply(410, b"gone, ask nobody@example.com")
                await telling.produce([telling.opening(profile) for profile in telling.profiles])
                await until(dead)
                await until(lambda: any(b"sink.disabled" in one.body for one in other.received))
                found = await desk.look(Asked("crm", "dead"), sinks=["crm", "other"])
                assert {one.name: bool(one.disabled) for one in found.sinks} == {"crm": True, "other": False}
                answers = [one.attempts[-1].answer for one in found.letters if one.attempts]
                assert any("gone" in answer for answer in answers)
                assert not any("example.com" in answer for answer in answers)
                crm.usual = Reply()
                crm.received.clear()
                await desk.enable("crm", "kim")
                assert len(await desk.replay(Asked("crm"), "kim")) == 3
                await until(lambda: len(set(ids(crm))) == 3)
                assert {one.rpartition(":")[0] for one in ids(crm)} == {f"{id_}risk:open" for id_ in telling.alerts}

    asyncio.run(run())


def test_what_fails_comes_again_under_its_id_and_redirects_lead_nowhere(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    async def run() -> None:
        async with receiver() as crm, receiver() as elsewhere:
            telling = Telling(make_settings(), tmp_path, {"crm": crm.url})
            await telling.begin(customers=4)
            with delivering(telling, tmp_path / "deliver.log"):
                await telling.ready()
                crm.replies.extend(
                    [Reply(500), Reply(301, headers={"location": elsewhere.url}), Reply(how="drop"), Reply(404)]
                )
                await telling.produce([telling.opening(profile) for profile in telling.profiles])
                await until(lambda: len(crm.received) == 8)  # the second attempts, after five seconds
                assert sorted(ids(crm)[:4]) == sorted(ids(crm)[4:])
                assert elsewhere.received == []

    asyncio.run(run())


def test_what_is_of_the_past_is_told_nobody(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """An alert that opened two hours ago; one that a load found; one of before the sink was there."""

    async def run() -> None:
        async with receiver() as crm:
            telling = Telling(make_settings(), tmp_path, {"crm": crm.url})
            await telling.begin(customers=4)
            await telling.produce([telling.opening(telling.profiles[0])])
            with delivering(telling, tmp_path / "deliver.log"):
                await telling.ready()
                await telling.produce(
                    [
                        telling.opening(telling.profiles[1], ago=7200.0),
                        telling.opening(telling.profiles[2], found="load"),
                        telling.opening(telling.profiles[3]),
                    ]
                )
                await telling.produce([telling.changing(profile, "cleared") for profile in telling.profiles])
                await crm.until(2, 60)
                await asyncio.sleep(1)
                assert {id_[:22] for id_ in ids(crm)} == {telling.profiles[3].id}

    asyncio.run(run())


def test_a_group_of_people_is_told_in_one_card_in_their_language(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """With what models say, by the console's catalogue, and what the service says of it in the delivery."""

    async def run() -> None:
        async with receiver() as group, receiver() as channel:
            group.replies.append(Reply(200, b'{"errcode":310000,"errmsg":"sign not match"}'))
            group.usual = Reply(200, b'{"errcode":0,"errmsg":"ok"}')
            urls = {"group": f"{group.url}/robot/send?access_token=t", "care": channel.url}
            sinks = {
                "group": {"type": "dingtalk", "language": "zh-Hans", "group_wait": "2s"},
                "care": {"type": "slack", "group_wait": "2s"},
            }
            telling = Telling(make_settings(), tmp_path, urls, sinks=sinks)
            await telling.begin(customers=3)
            reason = {"feature": "recency", "contribution": 1.9, "effect": "raises",
                      "text": "Last order 65 days ago, usually every 9 days"}  # fmt: skip
            rows = []
            for profile in telling.profiles:
                row = telling.opening(profile)
                body = orjson.loads(row.value or b"")
                body["alert"]["reasons"] = [reason]
                rows.append(Row(row.topic, row.partition, row.key, orjson.dumps(body)))
            with delivering(telling, tmp_path / "deliver.log"):
                await telling.ready()
                await telling.produce(rows)
                await group.until(2, 60)
                await channel.until(1, 60)
            first, second = (orjson.loads(one.body)["markdown"]["text"] for one in group.received)
            assert first == second, "told again as it was"
            assert second.startswith("### 3 条提醒")
            assert second.count("原因: 上次下单在65 天前，通常每 9 天一次") == 3
            assert all(f"Daan Weber {number}" in second for number in range(3))
            assert "timestamp=" in group.received[0].path
            (card,) = [orjson.loads(one.body) for one in channel.received]
            assert card["text"].startswith("3 alerts")
            assert str(card).count("Last order 65 days ago") == 3


def test_what_happens_to_a_customer_arrives_as_an_alert_and_as_an_audience(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """From an order to the receivers, with a name and without an address; who denies outreach is in none."""

    text = PLAN.read_text().replace("\nsegments:\n", f"\nsegments:\n  - {{name: bought_lately, {BOUGHT}}}\n", 1)
    text = text.replace("\nalerts:\n", f"\nalerts:\n  - {{name: bought, {BOUGHT}}}\n", 1)
    text = text.replace("\nroutes:\n", f"\n{SINKS}", 1)
    (tmp_path / "plan.yaml").write_text(text)
    settings = make_settings(plan=tmp_path / "plan.yaml")

    async def run(rapport: Rapport) -> None:
        async with receiver() as crm, receiver() as ads:
            telling = Telling.of(settings, {"crm": crm.url, "ads": ads.url})
            with delivering(telling, tmp_path / "deliver.log"):
                await telling.ready()
                now = datetime.now(UTC).isoformat()
                known = {"type": "identify", "timestamp": now}
                traits = {"firstName": "Daan", "lastName": "Weber", "email": "daan@example.com"}
                told = [
                    {**known, "userId": "42", "messageId": "i1", "traits": traits},
                    {**known, "userId": "43", "messageId": "i2", "traits": {"outreach_consent": False}},
                ]
                await asyncio.to_thread(rapport.send, "web", told)
                await asyncio.sleep(2)
                await asyncio.to_thread(rapport.send, "purchase", [order(user, 1, now) for user in ("42", "43")])
                await crm.until(1, 120)
                await until(lambda: len(ads.received) >= 2)
                await asyncio.sleep(1)
            alert = json.loads(crm.received[0].body)
            jsonschema_rs.validator_for(schemas()["alert.json"]).validate(alert)
            customer = alert["data"]["customer"]
            assert (alert["type"], alert["data"]["rule"]["name"]) == ("alert.opened", "bought")
            assert (customer["label"], customer["ids"]["user_id"]) == ("Daan Weber", "42")
            assert "bought_lately" in customer["segments"]
            assert "example.com" not in crm.received[0].body.decode()
            calls = [json.loads(one.body) for one in ads.received]
            assert [(call["type"], call["userId"]) for call in calls] == [("track", "42"), ("identify", "42")]
            assert [one.path for one in ads.received] == ["/v1/track", "/v1/identify"]
            assert calls[0]["event"] == "Audience Entered"
            assert calls[0]["properties"] == {"audience_key": "bought_lately", "bought_lately": True}
            assert len(crm.received) == 1, "who denies outreach is told of to nobody"

    with running(settings, tmp_path) as rapport:
        asyncio.run(run(rapport))


def test_another_process_takes_over_from_one_that_is_killed(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """What was under way is told by the other one, without anybody starting anything."""

    async def run() -> None:
        async with receiver() as crm, receiver() as other:
            telling = Telling(make_settings(), tmp_path, {"crm": crm.url, "other": other.url})
            await telling.begin(customers=6)
            with delivering(telling, tmp_path / "one.log") as one, delivering(telling, tmp_path / "two.log") as two:
                await telling.ready()
                await asyncio.sleep(8)  # both are members of the groups
                crm.usual = Reply(how="hang")
                await telling.produce([telling.opening(profile) for profile in telling.profiles])
                await until(lambda: len(crm.received) >= 6)
                await until(lambda: len(other.received) >= 6)
                owner = max((one, "one.log"), (two, "two.log"), key=lambda each: since(tmp_path / each[1]))[0]
                crm.usual = Reply()
                owner.kill()
                owner.wait()
                await until(lambda: len(crm.received) >= 12, 60)
                await telling.produce([telling.changing(profile, "cleared") for profile in telling.profiles])
                await until(lambda: len(set(ids(crm))) == 12)
                await until(lambda: len(set(ids(other))) == 12)

    asyncio.run(run())


def test_it_stops_whenever_it_is_asked_to(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """While it starts, in mid-attempt to a receiver that never answers, and while another fails."""

    async def run() -> None:
        async with receiver() as crm, receiver() as hangs, receiver() as fails:
            hangs.usual, fails.usual = Reply(how="hang"), Reply(500)
            urls = {"crm": crm.url, "hangs": hangs.url, "fails": fails.url}
            telling = Telling(make_settings(), tmp_path, urls)
            await telling.begin(customers=30)
            log = tmp_path / "deliver.log"
            with delivering(telling, log) as process:
                await telling.ready()
                await telling.produce([telling.opening(profile) for profile in telling.profiles])
                await hangs.until(8, 60)
                await stopped(process)
            for tenths in (5, 12, 18, 25, 35, 50):
                with delivering(telling, log) as process:
                    await asyncio.sleep(tenths / 10)
                    await stopped(process)

    async def stopped(process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 8)  # it is made to end after ten
        assert code in (0, -signal.SIGTERM)

    asyncio.run(run())
