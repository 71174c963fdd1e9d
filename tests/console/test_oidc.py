"""Signing in by a real OpenID provider, as a browser goes the way: there, back, and out."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from console.access.ways import OIDC_DONE, ways_of
from profiles.stores.access import Account
from streams.settings import Settings
from tests.console.browsing.living import Living, living
from tests.console.sdk_builds import SDKS, node_modules

pytestmark = pytest.mark.node

OURS = {"Sec-Fetch-Site": "same-origin"}
SECRET = "a secret: 100 % of it+"


Browse = Callable[[str], "Browser"]


class Place(NamedTuple):
    """A console, and the provider that its people sign in with."""

    console: Living
    issuer: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    log = tmp_path_factory.mktemp("oidc") / "log"
    command = ["node", SDKS / "oidc_provider.mjs", node_modules(), "rapport", SECRET, url + OIDC_DONE]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            port = process.stdout.readline().strip()
            assert port, log.read_text()
            issuer = f"http://127.0.0.1:{port}"
            settings = Settings(
                public_url=url, oidc_issuer=issuer, oidc_client_id="rapport", oidc_client_secret=SecretStr(SECRET),
                group_roles="cdp-admins=admin,support=agent",
            )  # fmt: skip
            with living(listener=listener, ways=ways_of(settings)) as console:
                yield Place(console, issuer)
        finally:
            process.kill()


@pytest.fixture
def browse(place: Place) -> Iterator[Browse]:
    """Answers a new browser, in which somebody signs in at the provider: `NAME+GROUP,GROUP`."""
    with contextlib.ExitStack() as opened:

        def opens(person: str) -> Browser:
            http = opened.enter_context(httpx.Client(headers={"Accept": "text/html"}))
            return Browser(http, place.console.url, person)

        yield opens


class Browser:
    """Follows redirects by hand, and fills in the provider's forms."""

    def __init__(self, http: httpx.Client, home: str, person: str) -> None:
        self._http = http
        self._person = person
        self.home = home
        self.seen: list[str] = []

    def open(self, url: str) -> httpx.Response:
        """Where it ends, once nothing leads on."""
        answer = self._http.get(urljoin(self.home, url))
        for _ in range(20):
            self.seen.append(str(answer.url))
            if answer.is_redirect:
                answer = self._http.get(urljoin(str(answer.url), answer.headers["location"]))
            elif form := re.search(r'<form[^>]*action="([^"]*/interaction/[^"]*)"', answer.text):
                prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
                assert prompt is not None
                data = {"prompt": prompt[1], "login": self._person, "password": "any"}
                answer = self._http.post(urljoin(str(answer.url), form[1]), data=data)
            else:
                return answer
        raise AssertionError(self.seen)

    def post(self, path: str) -> httpx.Response:
        return self._http.post(self.home + path, headers=OURS)

    def send(self, url: str, data: Mapping[str, str]) -> httpx.Response:
        return self._http.post(url, data=data)

    def get(self, path: str) -> httpx.Response:
        return self._http.get(self.home + path)

    def cookies(self) -> set[str]:
        return set(self._http.cookies)


def accounts(place: Place) -> dict[str, Account]:
    return asyncio.run(place.console.access.accounts())


def test_the_first_sign_in_makes_an_account_with_the_role_of_the_groups(place: Place, browse: Browse) -> None:
    browser = browse("kim+else,support")

    answer = browser.open("/sign-in/oidc/start?to=/customers%3Forder%3Drisk")

    assert (answer.status_code, str(answer.url)) == (200, f"{place.console.url}/customers?order=risk")
    assert '<span class="who">kim</span>' in answer.text
    sent = next(url for url in browser.seen if urlsplit(url).path == "/auth")
    assert all(f"{name}=" in sent for name in ("state", "nonce", "code_challenge"))
    assert "code_challenge_method=S256" in sent
    kim = accounts(place)["kim"]
    assert (kim.role, kim.source, kim.password) == ("agent", "oidc", "")
    assert browser.cookies() & {"rapport", "rapport-attempt"} == {"rapport"}

    assert browse("kim+else,support").open("/sign-in/oidc/start").status_code == 200
    assert accounts(place)["kim"] == kim


def test_signing_out_is_offered_at_the_provider_too(place: Place, browse: Browse) -> None:
    browser = browse("ann+support")
    browser.open("/sign-in/oidc/start")

    out = browser.post("/sign-out")

    page = browser.open(out.headers["location"])
    assert browser.get("/customers").status_code == 303
    assert 'href="/sign-in/oidc/out"' in page.text
    there = browser.open("/sign-in/oidc/out")
    assert str(there.url).startswith(f"{place.issuer}/session/end")
    assert there.status_code == 200


def test_who_has_no_role_or_is_disabled_here_stays_out(place: Place, browse: Browse) -> None:
    stranger = browse("joe+others").open("/sign-in/oidc/start")
    assert stranger.status_code == 403
    assert "joe" not in accounts(place)

    browser = browse("lee+cdp-admins")
    assert browser.open("/sign-in/oidc/start").status_code == 200
    lee = accounts(place)["lee"]
    assert lee.role == "admin"
    asyncio.run(place.console.access.put_account(replace(lee, disabled=True)))
    assert browser.get("/customers").status_code == 303
    assert browse("lee+cdp-admins").open("/sign-in/oidc/start").status_code == 403


def test_a_name_that_is_taken_is_not_given_to_somebody_else(place: Place, browse: Browse) -> None:
    taken = Account("ben", "admin", created=1.0)
    asyncio.run(place.console.access.put_account(taken))

    answer = browse("ben+support").open("/sign-in/oidc/start")

    assert answer.status_code == 200
    assert accounts(place)["ben"] == taken
    (other,) = [name for name in accounts(place) if name.startswith("ben-")]
    assert f'<span class="who">{other}</span>' in answer.text
    assert accounts(place)[other].role == "agent"


def test_an_answer_counts_once_and_only_in_the_browser_that_asked(place: Place, browse: Browse) -> None:
    browser, other = browse("eve+support"), browse("eve+support")
    browser.open("/sign-in/oidc/start")
    back = next(url for url in browser.seen if urlsplit(url).path == OIDC_DONE)

    assert browser.open(back).status_code == 401
    assert other.open(back).status_code == 401


def test_who_signs_out_at_the_provider_is_out_here_at_once_in_that_browser(place: Place, browse: Browse) -> None:
    """The provider tells it to the console itself; another browser, with a session of its own there, stays in."""
    browser, other = browse("out+support"), browse("out+support")
    for one in (browser, other):
        assert one.open("/sign-in/oidc/start").status_code == 200
        assert one.get("/customers").status_code == 200

    there = browser.open(f"{place.issuer}/session/end?client_id=rapport")
    leave = re.search(r'<form[^>]*action="([^"]*)"', there.text)
    secret = re.search(r'name="xsrf" value="([^"]+)"', there.text)
    assert leave is not None
    assert secret is not None
    data = {"xsrf": secret[1], "logout": "yes"}
    assert browser.send(urljoin(str(there.url), leave[1]), data).status_code in (200, 303)

    assert browser.get("/customers").status_code == 303
    assert other.get("/customers").status_code == 200
    (row, *_) = asyncio.run(place.console.audit.newest(1)).rows
    assert (row.action, row.actor, row.via, row.fields) == ("session.end", "out", "oidc", ("provider",))
