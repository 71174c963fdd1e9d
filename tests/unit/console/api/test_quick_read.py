"""The read of one customer by a token: the same answers as by the route of all, and never to whom is no more let in."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from console.access.api_tokens import Tokens
from console.api import create_api, quick_read
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore
from profiles.types import ERASED, Profile
from tests.console.people import customer, keep, store
from tests.console.support_api import TOKEN, Noted, api_deps


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    @functools.wraps(test)
    def run(**arguments: Any) -> None:
        asyncio.run(test(**arguments))

    return run


class Served:
    """The API over customers in memory, with both ways to read one."""

    def __init__(self) -> None:
        self.held, self.access, self.audit = store(), MemoryAccessStore(), Noted()
        self.deps = api_deps(self.held, access=self.access, audit=self.audit)
        self.app = create_api(self.deps)
        self.quick = next(route for route in self.app.router.routes if isinstance(route, quick_read._QuickRead))
        routes = list(self.app.router.routes)
        self.usual = create_api(self.deps)
        self.usual.router.routes[:] = [one for one in routes if one is not self.quick]

    async def token(self, *scopes: str, name: str = "crm", owner: str = "") -> str:
        """One that may do this."""
        return (await Tokens(self.access).add(name, scopes, owner=owner)).text

    async def get(self, path: str, token: str, *, usual: bool = False, **headers: str) -> httpx.Response:
        """The answer of either way."""
        transport = httpx.ASGITransport(self.usual if usual else self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            return await http.get(path, headers={"Authorization": f"Bearer {token}", **headers})


def kept(served: Served, *profiles: Profile) -> Coroutine[Any, Any, None]:
    """Commit profiles, beside a running loop."""
    return asyncio.to_thread(keep, served.held, *profiles)


@pytest.mark.parametrize("scopes", [("profiles:read",), ("profiles:read", "pii:one"), ("profiles:read", "pii:read")])
@pytest.mark.parametrize("who", ["user_id:42", "profile_id:{id}", "user_id:nobody", "phone:x", "no%20identity"])
@in_a_loop
async def test_its_answers_are_those_of_the_route(who: str, scopes: tuple[str, ...]) -> None:
    served, ada = Served(), customer()
    await kept(served, ada)
    token, path = await served.token(*scopes), f"/v1/profiles/{who.format(id=ada.id)}"
    quick, again, usual = [await served.get(path, token, usual=usual) for usual in (False, False, True)]

    assert quick.content == again.content == usual.content
    assert quick.status_code == again.status_code == usual.status_code
    assert quick.headers == usual.headers
    rows = [(row.actor, row.action, row.object, row.token, row.result) for row in served.audit.rows]
    assert len(rows) == 3
    assert len(set(rows)) == 1


@in_a_loop
async def test_it_is_the_way_of_simple_requests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    served, ada = Served(), customer()
    await kept(served, ada)
    token, asked = await served.token("profiles:read"), []
    answer = served.quick._respond

    async def counted(request: Any, segment: str) -> Any:
        asked.append(segment)
        return await answer(request, segment)

    monkeypatch.setattr(served.quick, "_respond", counted)
    assert (await served.get("/v1/profiles/user_id:42?x=1", token)).status_code == 400
    assert (await served.get("/v1/profiles/user_id:42", token, Cookie="rapport=x")).status_code == 400
    assert (await served.get("/v1/profiles/user_id:42/links", token)).status_code != 200
    assert (await served.get("/v1/profiles", token)).status_code == 200
    assert not asked
    assert (await served.get("/v1/profiles/user_id:42", token)).status_code == 200
    assert (await served.get("/v1/profiles/user_id:42", TOKEN)).status_code == 200
    assert len(asked) == 2


@in_a_loop
async def test_who_is_let_in_no_more_is_answered_nothing_from_then_on() -> None:
    served, ada = Served(), customer()
    await kept(served, ada)
    token = await served.token("profiles:read", "pii:read")
    assert (await served.get("/v1/profiles/user_id:42", token)).status_code == 200
    await Tokens(served.access).revoke("crm")
    for who in ("42", "nobody"):
        refused = await served.get(f"/v1/profiles/user_id:{who}", token)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")


@in_a_loop
async def test_who_may_less_than_before_sees_less_from_then_on() -> None:
    served, ada = Served(), customer()
    await kept(served, ada)
    await served.access.put_account(Account(name="kim", role="admin", created=1.0))
    token = await served.token("profiles:read", "pii:read", owner="kim")
    assert '"Ada"' in (await served.get("/v1/profiles/user_id:42", token)).text
    await served.access.put_account(Account(name="kim", role="analyst", created=1.0))
    less = await served.get("/v1/profiles/user_id:42", token)
    assert less.status_code == 200
    assert '"Ada"' not in less.text


@in_a_loop
async def test_who_may_not_or_too_often_is_told_so_and_it_is_written_down() -> None:
    served, ada = Served(), customer()
    await kept(served, ada)
    other = await served.token("segments:read", name="other")
    assert (await served.get("/v1/profiles/user_id:42", other)).status_code == 403
    token = await served.token("profiles:read")
    answers = [(await served.get("/v1/profiles/user_id:42", token)).status_code for _ in range(130)]
    assert set(answers) <= {200, 429}
    assert served.audit.rows[0].result == "403"
    assert [row.result for row in served.audit.rows[1:]] == ["ok" if one == 200 else "429" for one in answers]


@in_a_loop
async def test_a_customer_is_as_they_are_now() -> None:
    """What is kept of them, for the models, is of a version of theirs."""
    served, ada = Served(), customer()
    await kept(served, ada)
    token = await served.token("profiles:read", "pii:read")
    before = (await served.get("/v1/profiles/user_id:42", token)).json()
    assert ada.score is not None
    ada.score.risk = 0.3
    await kept(served, ada)
    assert before["churn"]["risk"] == 0.8
    assert (await served.get("/v1/profiles/user_id:42", token)).json()["churn"]["risk"] == 0.3
    await kept(served, Profile(ada.id, redirect=ERASED))
    assert (await served.get("/v1/profiles/user_id:42", token)).status_code == 404
