"""Calling addresses that somebody has given: what may be called, what comes back, and what must never be reached."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from streams.sinks.http import Call, Caller, NoAnswer, Refused, masked, public
from tests.sinks import HERE, Reply, caller, receiver


def names(*answers):
    """Resolves to these one after the other."""
    left = list(answers)

    async def resolve(host, port):
        return left.pop(0)

    return resolve


def call(url, **options):
    async def main():
        async with Caller(**options) as made:
            return await made.call(Call(url, b"{}"))

    return asyncio.run(main())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
        "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "255.255.255.255", "ff02::1",
        "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fec0::1", "4000::1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address):
    assert not public(ipaddress.ip_address(address))
    with pytest.raises(Refused, match="no address of the public Internet"):
        call("https://example.com/in", resolve=names([address]))


def test_a_name_of_which_one_address_is_private_is_refused():
    with pytest.raises(Refused, match=r"leads to 10\.0\.0\.1"):
        call("https://example.com/in", resolve=names(["93.184.215.14", "10.0.0.1"]))


def test_a_name_that_turns_private_between_the_look_and_the_call_is_not_called():
    """The receiver on this machine hears nothing: not at the first call, whose address was looked at, nor later."""

    async def main():
        async with receiver() as held:
            looks = names(["203.0.113.1"], ["127.0.0.1"], ["127.0.0.1"])
            asked = []

            async def resolve(host, port):
                asked.append(host)
                return await looks(host, port)

            allowed = (ipaddress.ip_network("203.0.113.0/24"),)  # for tests; nobody is there
            async with Caller(allowed, resolve=resolve, timeout=0.5) as made:
                with pytest.raises(NoAnswer):
                    await made.call(Call(f"http://turns.example:{held.port}/", b"{}"))
                assert asked == ["turns.example"], "once an attempt"
                with pytest.raises(Refused, match="no address of the public Internet"):
                    await made.call(Call(f"http://turns.example:{held.port}/", b"{}"))
            assert held.received == []

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://93.184.215.14/", "without TLS"),
        ("https://93.184.215.14:8443/", "only 443"),
        ("ftp://93.184.215.14/", "no URL"),
        ("https:///in", "no URL"),
        ("https://93.184.215.14:port/", "no URL"),
        ("https://2130706433/", "no address of the public Internet"),
        ("https://0x7f.1/", "no address of the public Internet"),
        ("https://user@127.0.0.1/", "no address of the public Internet"),
    ],
)
def test_other_ways_in_are_refused(url, told):
    with pytest.raises(Refused, match=told):
        call(url)


def test_a_name_without_an_address_is_no_answer():
    with pytest.raises(NoAnswer, match="no address"):
        call("https://nobody.invalid/")


def test_the_name_and_not_the_address_is_asked_for():
    async def main():
        async with receiver() as held, Caller(HERE, resolve=names(["127.0.0.1"])) as made:
            answer = await made.call(Call(f"http://crm.example:{held.port}/in?a=1", b"body", {"x-a": "1"}))
            (got,) = held.received
            return answer, got, held.port

    answer, got, port = asyncio.run(main())
    assert (answer.status, answer.text) == (200, "ok")
    assert (got.method, got.path, got.body, got.headers["x-a"]) == ("POST", "/in?a=1", b"body", "1")
    assert got.headers["host"] == f"crm.example:{port}"


def test_redirects_are_not_followed_and_large_answers_cut():
    async def main():
        async with receiver() as held, receiver() as other, caller() as made:
            held.replies.append(Reply(301, headers={"location": other.url}))
            held.replies.append(Reply(200, b"x" * 10_000_000))
            first = await made.call(Call(held.url, b""))
            second = await made.call(Call(held.url, b""))
            return first.status, len(second.text), other.received

    status, length, elsewhere = asyncio.run(main())
    assert status == 301
    assert elsewhere == []
    assert length <= 64 * 1024


@pytest.mark.parametrize("how", ["hang", "drop"])
def test_who_says_nothing_is_no_answer(how):
    async def main():
        async with receiver() as held, caller(timeout=0.3) as made:
            held.usual = Reply(how=how)
            with pytest.raises(NoAnswer):
                await made.call(Call(held.url, b""))

    asyncio.run(main())


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async def main():
        async with receiver() as held, caller() as made:
            return (await made.call(Call(held.url, b""))).status

    assert asyncio.run(main()) == 200


def test_what_people_see_of_an_answer_is_masked():
    told = masked("daan@example.com +31 6 1234 5678 whsec_abc s3cret\x1b[31m" + "y" * 3000, ["s3cret"])
    assert "example.com" not in told
    assert "1234" not in told
    assert "s3cret" not in told
    assert "abc" not in told
    assert "\x1b" not in told
    assert len(told) <= 500
