"""Coming in: who is let in, where they are led, and that no other site can do anything in their name."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from tests import REPOSITORY
from tests.console.browsing.living import Living, living

PAGES = REPOSITORY / "console" / "pages"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def console() -> Iterator[Living]:
    with living() as one:
        yield one


@pytest.fixture
def client(console: Living) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.url, timeout=30, headers={"Accept": "text/html"}) as http:
        yield http


def sign_in(client: httpx.Client, console: Living) -> None:
    assert client.post(f"/sign-in/{console.link('agent')}", headers=OURS).status_code == 303


def test_who_is_not_signed_in_is_led_there_and_back(client: httpx.Client) -> None:
    answer = client.get("/customers?order=risk")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?to=/customers%3Forder%3Drisk"


def test_an_open_page_that_asks_for_more_goes_to_the_sign_in_page(client: httpx.Client) -> None:
    answer = client.get("/customers", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/sign-in")


def test_a_part_of_a_page_that_somebody_may_not_see_does_not_send_them_in_a_circle(
    client: httpx.Client, console: Living
) -> None:
    sign_in(client, console)

    assert client.get("/jobs/list").status_code == 403


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_nobody_is_led_elsewhere(client: httpx.Client, console: Living, to: str) -> None:
    answer = client.post(f"/sign-in/{console.link('agent')}", headers=OURS, data={"to": to})

    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_changes_nothing(client: httpx.Client, console: Living, headers: dict[str, str]) -> None:
    sign_in(client, console)

    assert client.post("/sign-out", headers=headers).status_code == 403
    assert client.get("/customers").status_code == 200


def test_opening_a_link_does_not_use_it_up(client: httpx.Client, console: Living) -> None:
    secret = console.link("agent")
    assert client.get(f"/sign-in/{secret}").status_code == 200

    assert client.post(f"/sign-in/{secret}", headers=OURS).headers["location"] == "/"
    assert client.post(f"/sign-in/{secret}", headers=OURS).status_code == 401


def test_the_cookie_is_out_of_reach_of_scripts(client: httpx.Client, console: Living) -> None:
    answer = client.post(f"/sign-in/{console.link('agent')}", headers=OURS)

    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_every_page_has_the_policy(client: httpx.Client, console: Living) -> None:
    sign_in(client, console)
    for path in ("/", "/customers", "/nowhere-at-all", "/c/nobody"):
        answer = client.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert answer.headers["cache-control"] == "no-store"


def test_guessing_is_slowed_down(client: httpx.Client) -> None:
    tries = [client.post("/sign-in", headers=OURS, data={"name": "kim", "password": "x"}) for _ in range(6)]

    assert [answer.status_code for answer in tries] == [401] * 5 + [429]
    assert "Too many tries" in tries[-1].text


@pytest.mark.parametrize("name", ["lee ", " lee", "lee\t"])
def test_guessing_is_slowed_down_however_a_name_is_spaced(client: httpx.Client, name: str) -> None:
    """Each of these opens the same account."""
    there = OURS | {"X-Forwarded-For": f"192.0.2.{len(name.rstrip()) + ord(name[-1])}"}
    tries = [client.post("/sign-in", headers=there, data={"name": "lee", "password": "x"}) for _ in range(5)]

    assert {answer.status_code for answer in tries} == {401}
    assert client.post("/sign-in", headers=there, data={"name": name, "password": "x"}).status_code == 429


def test_who_guesses_keeps_nobody_else_out(client: httpx.Client) -> None:
    """Neither the owner of the account at another address, nor others by tries that were refused."""
    guesser, owner = (OURS | {"X-Forwarded-For": address} for address in ("192.0.2.1", "192.0.2.2"))
    for _ in range(80):
        last = client.post("/sign-in", headers=guesser, data={"name": "ann", "password": "x"})

    assert last.status_code == 429
    assert client.post("/sign-in", headers=owner, data={"name": "ann", "password": "x"}).status_code == 401


def test_signing_out_over_https_takes_the_cookie_back(client: httpx.Client, console: Living) -> None:
    """Browsers take nothing that is said of a `__Host-` cookie without `Secure`."""
    headers = OURS | {"X-Forwarded-Proto": "https"}
    cookie = client.post("/sign-out", headers=headers).headers["set-cookie"]

    assert cookie.startswith("__Host-rapport=")
    assert "Secure" in cookie
    assert "Path=/" in cookie


def test_a_page_that_is_not_there_is_no_fault_of_ours_when_the_store_is_away() -> None:
    async def away(_: str) -> None:
        raise RedisConnectionError("gone")

    with living() as console, httpx.Client(base_url=console.url, timeout=30, headers={"Accept": "text/html"}) as client:
        sign_in(client, console)
        console.access.session = away  # type: ignore[method-assign]
        assert client.get("/nowhere-at-all").status_code == 404
        assert client.get("/customers").status_code == 503


def test_no_stream_counts_as_asking_or_goes_on_for_another_role() -> None:
    """All ask in one way whether somebody is still who they were."""
    texts = {path.name: path.read_text() for path in PAGES.rglob("*.py")}
    streams = [text for text in texts.values() if " stream(" in text and "def stream(" not in text]

    assert len(streams) > 4
    assert all(text.count(" stream(") == text.count("entry.still(request, viewer)") for text in streams)
    asking = {name for name, text in texts.items() if "entry.viewer(request)" in text}
    assert asking == {"entry.py", "site.py", "plan_pages.py"}  # whole pages only, which somebody opens


def test_pages_speak_the_language_of_the_browser_or_the_chosen_one(client: httpx.Client, console: Living) -> None:
    sign_in(client, console)
    assert '<html lang="zh-Hans">' in client.get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).text
    assert '<html lang="en">' in client.get("/", headers={"Accept-Language": "nl"}).text

    client.post("/language", headers=OURS, data={"chosen": "zh_Hans"})
    assert '<html lang="zh-Hans">' in client.get("/").text
