"""Apprise: each service's own result, no redirect, a host that is looked at, text that does nothing, off the loop."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import pytest
from pydantic import SecretStr

from plan.sinks.kinds import AppriseSink
from profiles.errors import WrongUse
from streams.sinks.http import Caller, NoAnswer, Refused
from streams.sinks.kinds.apprise import Apprise
from tests.sinks import Reply, caller, receiver
from tests.told import HOSTILE, URL, alert, hostile, told


def sink(*urls):
    return Apprise("care", AppriseSink(type="apprise"), {"URL": SecretStr(" ".join(urls))})


def run(main):
    return asyncio.run(main())


def test_each_service_is_told_in_its_form():
    async def main():
        async with receiver() as held, caller() as made:
            verdict = await sink(f"json://127.0.0.1:{held.port}/in").send(told(alert()), made)
            return verdict, held.received

    verdict, (got,) = run(main)
    assert verdict.outcome == "delivered"
    said = json.loads(got.body)
    assert said["title"] == "New: Daan Weber 1: A customer worth keeping is likely to be lost"
    for part in ("Risk: 81% (high), before 64%", "Value at risk: €658.04", f"{URL}/c/XYlwaH1"):
        assert part in said["message"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("asked", ["", "?redirect=yes"])
def test_no_redirect_is_followed(status, asked):
    async def main():
        async with receiver() as held, receiver() as elsewhere, caller() as made:
            held.usual = Reply(status, b"", {"location": f"{elsewhere.url}/stolen"})
            verdict = await sink(f"json://127.0.0.1:{held.port}/in{asked}").send(told(alert()), made)
            return verdict, elsewhere.received

    verdict, elsewhere = run(main)
    assert verdict.outcome == "again"
    assert elsewhere == []


@pytest.mark.parametrize("reply", [Reply(410), Reply(429), Reply(500), Reply(how="drop"), Reply(how="hang")])
def test_a_refusal_is_told_with_the_service_and_tried_again(reply):
    async def main():
        async with receiver() as held, caller(1.0) as made:
            held.usual = reply
            return await sink(f"json://127.0.0.1:{held.port}/in").send(told(alert()), made)

    verdict = run(main)
    assert verdict.outcome == "again"
    assert verdict.answer.startswith("JSON: ")


def test_of_several_only_those_that_did_not_take_it_are_asked_again():
    async def main():
        async with receiver() as good, receiver() as bad, caller() as made:
            bad.replies.append(Reply(500))
            both = sink(f"json://127.0.0.1:{good.port}/", f"json://127.0.0.1:{bad.port}/")
            first = await both.send(told(alert()), made)
            second = await both.send(told(alert()), made)
            another = await both.send(told(alert(2), id="al_2:open:1"), made)
            return [first.outcome, second.outcome, another.outcome], len(good.received), len(bad.received)

    assert run(main) == (["again", "delivered", "delivered"], 2, 3)


def test_the_loop_goes_on_while_a_service_is_silent():
    async def main():
        async with receiver() as held, caller(1.0) as made:
            held.usual = Reply(how="hang")
            attempt = asyncio.create_task(sink(f"json://127.0.0.1:{held.port}/").send(told(alert()), made))
            longest, ticks = 0.0, 0
            await held.until(1)
            while not attempt.done():
                start = time.perf_counter()
                await asyncio.sleep(0.01)
                longest, ticks = max(longest, time.perf_counter() - start), ticks + 1
            return longest, ticks, await attempt

    longest, ticks, verdict = run(main)
    assert verdict.outcome == "again"
    assert ticks > 20
    assert longest < 0.9  # of the second that it is silent


def test_a_host_that_must_not_be_called_is_not():
    async def main():
        async def private(host, port):
            return ["10.0.0.5"]

        async def open_(host, port):
            return ["93.184.215.14"]

        async def nobody(host, port):
            raise OSError("no such name")

        for resolve, url, error, text in (
            (private, "jsons://intra.example/", Refused, "no address of the public Internet"),
            (open_, "json://open.example/", Refused, "without TLS"),
            (nobody, "jsons://gone.example/", NoAnswer, "has no address"),
        ):
            async with Caller(resolve=resolve) as made:
                with pytest.raises(error, match=text):
                    await sink(url).send(told(alert()), made)

    run(main)


@pytest.mark.parametrize("text", [HOSTILE, "<@123> " * 20_000])
def test_hostile_text_does_nothing(text):
    async def main():
        async with receiver() as held, caller() as made:
            urls = [f"json://127.0.0.1:{held.port}/", f"mmost://127.0.0.1:{held.port}/3ccdd113474722377935511fc85d3dd4"]
            verdict = await sink(*urls).send(told(hostile(1, text), alert(2)), made)
            return verdict, [json.loads(got.body) for got in held.received]

    verdict, bodies = run(main)
    assert verdict.outcome == "delivered"
    assert len(bodies) == 2
    for body in bodies:
        said = json.dumps(body, ensure_ascii=False).replace("https://github.com", "")
        assert "@" not in said
        assert not set("<>*`") & set(body.get("message") or body["text"])
        assert "evil.example" not in said.partition("://evil")[2]


def test_as_many_alerts_as_a_service_has_room_for():
    discord = sink("discord://123456789012345678/abcdefghijklmnopqrstuvwxyz")._services[0]
    kind = sink("json://localhost")
    title, body = kind._words(discord, told(*(alert(number, 100 * number) for number in range(1, 30))))
    assert len(title) + len(body) <= discord.body_maxlen
    named = body.count("Daan Weber")
    assert 1 <= named < 10
    assert f"and {29 - named} more, €" in body


@pytest.mark.parametrize("urls", ["", "nonsense", "json://localhost nope://x", " ".join(["json://localhost"] * 11)])
def test_what_apprise_does_not_know_is_refused_and_not_shown(urls):
    with pytest.raises(WrongUse, match="RAPPORT_SINK_CARE_URL") as refused:
        sink(urls)
    assert "nope" not in str(refused.value)


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(WrongUse, match=r"rapport-cdp\[apprise\]"):
        sink("json://localhost")


def test_parts_of_an_address_that_are_secret_are_hidden():
    hidden = sink("jsons://user:pass12345@host.example/token-abcdef")
    assert {"pass12345", "token-abcdef"} <= set(hidden.hidden)
