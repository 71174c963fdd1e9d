"""A proxy that says who is signed in: of whom it is believed, what it may say, and that nobody else can say it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from fastapi import Request

from console.access.group_roles import GroupRoles
from console.access.proxy import PEER, Pretended, Proxy, Said
from console.access.ways import Ways
from profiles.stores.access import Account
from tests.console.browsing.living import Living, living
from tests.console.support_api import TOKEN

OURS = {"Sec-Fetch-Site": "same-origin"}


def request(peer: str | None, *headers: tuple[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "headers": raw, "client": ("10.0.0.5", 1), PEER: peer})


@pytest.mark.parametrize("peer", ["10.0.0.5", "10.1.2.3", "::ffff:10.0.0.5", "2001:db8::1"])
def test_the_header_is_believed_of_the_proxys_addresses(peer: str) -> None:
    proxy = Proxy("10.0.0.5, 10.1.0.0/16,2001:db8::/32", "X-User")

    assert proxy.said(request(peer, ("X-User", " kim "))) == Said("kim", None, says_role=False)
    assert proxy.said(request(peer)) is None
    assert proxy.said(request(peer, ("X-User", ""))) is None


@pytest.mark.parametrize("peer", [None, "", "10.0.0.6", "unix", "::1", "::ffff:10.0.0.6", "10.0.0.5, 1.2.3.4"])
@pytest.mark.parametrize("header", ["X-User", "x-user", "X-Role"])
def test_of_nobody_else(peer: str | None, header: str) -> None:
    proxy = Proxy("10.0.0.5", "X-User", "X-Role")

    with pytest.raises(Pretended):
        proxy.said(request(peer, (header, "admin")))


@pytest.mark.parametrize(
    "headers",
    [
        [("X-User", "kim"), ("X-User", "lee")],
        [("X-User", "kim smith")],
        [("X-User", "kim,lee")],
        [("X-User", "k" * 101)],
        [("X-User", "kim"), ("X-Role", "agent"), ("X-Role", "admin")],
    ],
)
def test_what_no_proxy_says_is_refused(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(Pretended, match="once"):
        Proxy("10.0.0.5", "X-User", "X-Role").said(request("10.0.0.5", *headers))


def test_the_role_is_the_headers_or_that_of_the_first_group() -> None:
    plain = Proxy("10.0.0.5", "X-User", "X-Role")
    groups = Proxy("10.0.0.5", "X-User", "X-Role", GroupRoles("ops=operator,all=agent"))

    def role(proxy: Proxy, *said: str) -> object:
        found = proxy.said(request("10.0.0.5", ("X-User", "kim"), *(("X-Role", one) for one in said)))
        assert found is not None
        return found.role

    assert [role(plain, "admin"), role(plain, "boss"), role(plain)] == ["admin", None, None]
    assert [role(groups, "all, ops"), role(groups, "admin"), role(groups)] == ["operator", None, None]


def test_who_pretends_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = iter([0.0, 1.0, 61.0]).__next__
    proxy = Proxy("10.0.0.5", "X-User", clock=clock)
    for _ in range(3):
        with pytest.raises(Pretended):
            proxy.said(request("10.0.0.6", ("X-User", "kim")))

    assert caplog.text.count("10.0.0.6 sent the header") == 2


@pytest.fixture(scope="module")
def by_account() -> Iterator[Living]:
    """A console whose proxy is this machine, and whose roles are those of accounts."""
    with living(ways=Ways(passwords=False, proxy=Proxy("127.0.0.1", "X-User"))) as one:
        asyncio.run(one.access.put_account(Account("kim", "analyst")))
        asyncio.run(one.access.put_account(Account("out", "admin", disabled=True)))
        yield one


@pytest.fixture(scope="module")
def by_header() -> Iterator[Living]:
    """The same, which says roles, too."""
    with living(ways=Ways(passwords=False, proxy=Proxy("127.0.0.1", "X-User", "X-Role"))) as one:
        yield one


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Living]:
    """One whose proxy is somewhere else."""
    with living(ways=Ways(passwords=False, proxy=Proxy("192.0.2.7", "X-User", "X-Role"))) as one:
        yield one


def ask(console: Living, path: str = "/customers", method: str = "GET", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, console.url + path, headers={"Accept": "text/html", **named})


def test_whom_the_proxy_says_is_in_with_the_role_of_their_account(by_account: Living) -> None:
    answer = ask(by_account, X_User="kim")

    assert answer.status_code == 200
    assert '<span class="who">kim</span>' in answer.text
    assert "set-cookie" not in answer.headers
    assert ask(by_account, "/v1/profiles", X_User="kim").status_code == 200
    assert ask(by_account, "/v1/audit", X_User="kim").status_code == 403
    rows = asyncio.run(by_account.audit.newest(50)).rows
    assert [row.actor for row in rows if row.action == "sign-in"] == ["kim"]


@pytest.mark.parametrize("name", ["nobody", "out"])
def test_who_has_no_account_or_a_disabled_one_stays_out(by_account: Living, name: str) -> None:
    for path in ("/customers", "/v1/profiles", "/"):
        answer = ask(by_account, path, X_User=name)
        assert answer.status_code == 403, path
    assert "rapport users" in answer.text
    assert "nobody" not in asyncio.run(by_account.access.accounts())


def test_without_the_header_nobody_is_in_and_passwords_open_nothing(by_account: Living) -> None:
    assert ask(by_account).status_code == 303
    assert ask(by_account, "/v1/profiles").status_code == 401
    page = ask(by_account, "/sign-in")
    assert 'type="password"' not in page.text
    assert "proxy" in page.text
    data = {"name": "kim", "password": "any"}
    assert httpx.post(by_account.url + "/sign-in", data=data, headers=OURS).status_code == 403


def test_the_word_of_the_proxy_goes_before_a_cookie(by_account: Living) -> None:
    with httpx.Client(base_url=by_account.url, timeout=30) as http:
        http.post(f"/sign-in/{by_account.link('admin')}", headers=OURS)
        assert '<span class="who">admin</span>' in http.get("/customers").text
        assert '<span class="who">kim</span>' in http.get("/customers", headers={"X-User": "kim"}).text


def test_another_site_changes_nothing_in_their_name(by_account: Living) -> None:
    path = "/settings/sessions/end-others"
    assert ask(by_account, path, "POST", X_User="kim", Sec_Fetch_Site="cross-site").status_code == 403
    assert ask(by_account, path, "POST", X_User="kim", Sec_Fetch_Site="same-origin").status_code == 200
    assert ask(by_account, "/v1/profiles", X_User="kim", Sec_Fetch_Site="cross-site").status_code == 403


def test_a_role_that_the_header_says_makes_an_account_which_can_be_disabled(by_header: Living) -> None:
    assert ask(by_header, X_User="lee", X_Role="agent").status_code == 200
    lee = asyncio.run(by_header.access.account("lee"))
    assert lee is not None
    assert (lee.role, lee.source) == ("agent", "proxy")
    assert ask(by_header, "/v1/audit", X_User="lee", X_Role="admin").status_code == 200
    assert ask(by_header, X_User="lee", X_Role="boss").status_code == 403
    assert ask(by_header, X_User="lee").status_code == 403
    assert ask(by_header, X_User="owner", X_Role="admin").status_code == 403
    asyncio.run(by_header.access.put_account(Account("lee", "admin", disabled=True)))
    assert ask(by_header, X_User="lee", X_Role="admin").status_code == 403


@pytest.mark.parametrize("forwarded", [{}, {"X_Forwarded_For": "192.0.2.7"}, {"Forwarded": "for=192.0.2.7"}])
def test_no_other_header_makes_anybody_the_proxy(elsewhere: Living, forwarded: dict[str, str]) -> None:
    for path in ("/customers", "/", "/sign-in", "/v1/profiles"):
        assert ask(elsewhere, path, X_User="kim", X_Role="admin", **forwarded).status_code == 400, path
    assert asyncio.run(elsewhere.access.accounts()) == {}
    token = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(elsewhere.url + "/v1/profiles", headers=token).status_code == 200
