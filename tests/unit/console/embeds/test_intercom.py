"""Intercom's requests: what it signs is answered, what else comes is refused, buttons decide if a setting says so."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from console.embeds import intercom
from console.embeds.setup import Intercom
from profiles.stores.access import Role
from tests.console.browsing.test_case_actions import with_case
from tests.console.embedding import ADA, World, run
from tests.console.people import hostile

SECRET = "a-client-secret-of-an-app"
PATH = "/embed/intercom"


def app(role: Role | None = None) -> dict[str, Any]:
    return {"origins": (), "intercom": Intercom(SecretStr(SECRET), role)}


def request(number: str = "7654321", **more: Any) -> dict[str, Any]:
    """As the inbox asks (Canvas Kit, version 2.11), with made-up values."""
    contact = {"type": "contact", "id": "65f", "external_id": number, "email": "x@example.com", "phone": None}
    return {
        "workspace_id": "abc123",
        "workspace_region": "EU",
        "admin": {"type": "admin", "id": "814860", "name": "Kim", "email": "kim@shop.example.com"},
        "context": {"conversation_id": 3, "location": "conversation"},
        "conversation": {"type": "conversation", "id": "3", "created_at": 1767225000},
        "contact": contact,
        **more,
    }


async def post(world: World, what: str, body: Any, secret: str = SECRET, signed: bytes | None = None) -> httpx.Response:
    raw = json.dumps(body).encode()
    signature = hmac.new(secret.encode(), raw if signed is None else signed, hashlib.sha256).hexdigest()
    headers = {"X-Body-Signature": signature, "Content-Type": "application/json"}
    return await world.http.post(f"{PATH}/{what}", content=raw, headers=headers)


def texts(answer: httpx.Response) -> str:
    """All that a canvas says."""
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < 64 * 1024
    return json.dumps(answer.json()["canvas"]["content"], ensure_ascii=False)


def components(answer: httpx.Response, type_: str) -> Iterator[dict[str, Any]]:
    return (one for one in answer.json()["canvas"]["content"]["components"] if one["type"] == type_)


def pressed(canvas: httpx.Response, button: str, number: str = "42") -> dict[str, Any]:
    """What Intercom asks when a button of a canvas is pressed."""
    return request(number, component_id=button, input_values={}, current_canvas=canvas.json()["canvas"])


def test_a_teammate_sees_the_customer_and_it_is_written_down() -> None:
    async def test(world: World) -> None:
        answer = await post(world, "initialize", request())
        said = texts(answer)
        assert answer.headers["cache-control"] == "no-store"
        [header] = [one["text"] for one in components(answer, "text") if one["style"] == "header"]
        assert header == "Ada Lovelace"
        [table] = components(answer, "data-table")
        assert {one["field"]: one["value"] for one in table["items"]} == {
            "Risk": "80% high", "Value": "€65.00", "Open tickets": "1",
        }  # fmt: skip
        assert "+ " in said
        assert "T1" in said
        assert "CSAT Answered" in said
        [button] = components(answer, "button")
        assert button["action"] == {"type": "url", "url": f"http://test/c/{ADA.id}"}
        assert world.rows() == [("intercom:kim@shop.example.com", "embed", "profile.view", ADA.id)]

    run(test, **app("agent"))


def test_without_a_role_it_is_masked_and_decides_nothing() -> None:
    async def test(world: World) -> None:
        canvas = await post(world, "initialize", request("42"))
        assert next(one["text"] for one in components(canvas, "text")) == "A."
        assert [one["id"] for one in components(canvas, "button")] == ["console"]
        assert "stored_data" not in canvas.json()["canvas"]
        answer = await post(world, "submit", pressed(canvas, "acknowledge"))
        assert "You may not decide this here." in texts(answer)
        assert {action for *_, action, _ in world.rows()} == {"profile.view"}

    run(test, "agent", with_case(42), **app())


def test_a_button_decides_as_the_role_may_and_shows_what_came_of_it() -> None:
    async def test(world: World) -> None:
        canvas = await post(world, "initialize", request("42"))
        assert [one["id"] for one in components(canvas, "button")] == [
            "acknowledge",
            "stayed",
            "left",
            "wrong",
            "console",
        ]
        done = await post(world, "submit", pressed(canvas, "acknowledge"))
        assert "Done." in texts(done)
        [table] = components(done, "data-table")
        assert {"type": "field-value", "field": "Case", "value": "acknowledged"} in table["items"]
        assert "Done." in texts(await post(world, "submit", pressed(done, "stayed")))
        profile = await world.deps.reader.profile(with_case(42).id)
        assert profile is not None
        assert profile.case is not None
        assert (profile.case.state, profile.case.outcome) == ("resolved", "stayed")
        assert profile.case.history[-1].by == "intercom:kim@shop.example.com"
        assert "The case is over already." in texts(await post(world, "submit", pressed(done, "left")))
        decided = [
            (row.actor, row.via, row.fields, row.result) for row in world.audit.rows if row.action == "case.decide"
        ]
        assert decided == [
            ("intercom:kim@shop.example.com", "embed", ("acknowledge",), "ok"),
            ("intercom:kim@shop.example.com", "embed", ("resolve",), "ok"),
            ("intercom:kim@shop.example.com", "embed", ("resolve",), "409"),
        ]

    run(test, "agent", with_case(42), **app("agent"))


@pytest.mark.parametrize("what", ["initialize", "submit"])
def test_what_intercom_has_not_signed_is_refused(what: str) -> None:
    async def test(world: World) -> None:
        tampered = await post(world, what, request("42"), signed=json.dumps(request("43")).encode())
        other = await post(world, what, request("42"), secret="another-secret-of-an-app")
        none = await world.http.post(f"{PATH}/{what}", json=request("42"))
        upper = await world.http.post(f"{PATH}/{what}", json=request("42"), headers={"X-Body-Signature": "é".encode()})
        for answer in (tampered, other, none, upper):
            assert answer.status_code == 401
            assert "Ada" not in answer.text
        for body in ([], "x", None):
            assert (await post(world, what, body)).status_code == 400
        assert world.rows() == []

    run(test, "agent", with_case(42), **app("agent"))


def test_a_button_of_long_ago_or_of_another_canvas_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        canvas = await post(world, "initialize", request("42"))
        late = pressed(canvas, "acknowledge")
        theirs = pressed(canvas, "acknowledge", "43")  # of another conversation
        forged = pressed(canvas, "acknowledge")
        case = forged["current_canvas"]["stored_data"]["case"].partition(" ")[0]
        forged["current_canvas"]["stored_data"]["case"] = f"{case} {time.time() - 30:.0f}"
        gone = request("42", component_id="acknowledge", current_canvas={"stored_data": {"case": 3, "mac": None}})
        for body, said in ((theirs, "You may not"), (forged, "over an hour ago"), (gone, "over an hour ago")):
            assert said in texts(await post(world, "submit", body))

        monkeypatch.setattr(intercom, "LATE", -120.0)  # an hour later
        assert "over an hour ago" in texts(await post(world, "submit", late))
        for id_ in (with_case(42).id, with_case(43).id):
            profile = await world.deps.reader.profile(id_)
            assert profile is not None
            assert profile.case is not None
            assert profile.case.state == "new"

    run(test, "agent", with_case(42), with_case(43), **app("agent"))


def test_whoever_is_not_known_is_told_so_in_the_teammates_language() -> None:
    async def test(world: World) -> None:
        body = request("1", admin={"id": 7, "email": "not an address", "locale": "zh-CN"})
        assert "这里没有人与之相符" in texts(await post(world, "initialize", body))
        assert world.rows() == [("intercom:7", "embed", "profile.view", "")]
        for contact in (None, [], "x", {"external_id": {"a": 1}}, {"email": "x" * 100_000}):
            assert (await post(world, "initialize", request(contact=contact))).status_code == 200

    run(test, **app("agent"))


def test_a_hostile_customer_is_text_without_marks() -> None:
    async def test(world: World) -> None:
        answer = await post(world, "initialize", request("42"))
        said = texts(answer)
        assert "\u202e" not in said
        assert "\u2067" not in said
        assert "\x00" not in said
        for one in components(answer, "text"):
            assert not set("[]*`<>\\") & set(one["text"]), one["text"]
        assert len(answer.content) < 16 * 1024

    run(test, "agent", hostile(42), **app("agent"))


def test_without_a_secret_there_is_no_such_path() -> None:
    async def test(world: World) -> None:
        assert (await post(world, "initialize", request())).status_code == 404

    run(test)


def test_it_is_not_asked_too_often() -> None:
    async def test(world: World) -> None:
        answers = [await post(world, "initialize", request(), secret="another") for _ in range(61)]
        assert [answer.status_code for answer in answers[-2:]] == [401, 429]

    run(test, **app())
