"""Answers of an OpenID provider that must not be believed, and places that nobody may be led to."""

from __future__ import annotations

import contextlib
import hmac
import json
import socket
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.access.ways import OIDC_DONE, OIDC_ENDED, ways_of
from streams.settings import Settings
from tests.console.browsing.living import Living, living
from tests.console.serving import serving

ADDRESSES = count(1)
OURS = {"Sec-Fetch-Site": "same-origin"}
KEY, STRANGE = (RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}) for _ in range(2))


class Liar:
    """A provider that answers what a test wants."""

    def __init__(self) -> None:
        self.issuer = ""
        self.document: dict[str, Any] = {}
        self.answer: Any = {}
        self.keys = [KEY]
        self.asked: dict[str, str] = {}

    def app(self) -> Starlette:
        """As it is served."""

        async def described(_: Request) -> Response:
            places = {
                "authorization_endpoint": f"{self.issuer}/auth",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
            return JSONResponse({"issuer": self.issuer, **places, **self.document})

        async def keys(_: Request) -> Response:
            return JSONResponse(KeySet(self.keys).as_dict(private=False))

        async def token(request: Request) -> Response:
            self.asked = {name: str(value) for name, value in (await request.form()).items()}
            return self.answer if isinstance(self.answer, Response) else JSONResponse(self.answer)

        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", described),
                Route("/keys", keys),
                Route("/token", token, methods=["POST"]),
            ]
        )


class Place(NamedTuple):
    """A console, and the provider that its people sign in with."""

    console: Living
    liar: Liar


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    liar, listener = Liar(), socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with serving(liar.app()) as issuer:
        liar.issuer = issuer
        settings = Settings(public_url=url, oidc_issuer=issuer, oidc_client_id="rapport", group_roles="*=agent")
        with living(listener=listener, ways=ways_of(settings)) as console:
            yield Place(console, liar)


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    """From an address of its own, as tries are counted by it."""
    headers = {"Accept": "text/html", "X-Forwarded-For": f"192.0.2.{next(ADDRESSES)}"}
    with httpx.Client(base_url=place.console.url, timeout=30, headers=headers) as http:
        place.liar.document, place.liar.keys = {}, [KEY]
        yield http


class Attempt(NamedTuple):
    """What the console sent somebody to the provider with."""

    state: str
    nonce: str
    challenge: str


def begin(client: httpx.Client, to: str = "/") -> Attempt:
    answer = client.get("/sign-in/oidc/start", params={"to": to})
    assert answer.status_code == 303, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return Attempt(query["state"][0], query["nonce"][0], query["code_challenge"][0])


def claims(place: Place, attempt: Attempt, **changed: Any) -> dict[str, Any]:
    now = int(time.time())
    right = {
        "iss": place.liar.issuer, "aud": "rapport", "sub": "1", "exp": now + 60, "iat": now, "nonce": attempt.nonce,
        "preferred_username": "kim",
    }  # fmt: skip
    return {name: value for name, value in (right | changed).items() if value is not None}


def signed(said: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", **header: Any) -> dict[str, str]:
    registry = JWSRegistry(algorithms=[algorithm])
    return {"id_token": jwt.encode({"alg": algorithm, "kid": "one", **header}, said, key, registry=registry)}


def unsigned(said: dict[str, Any], algorithm: str) -> dict[str, str]:
    """A token without a signature, or (HS256) with one by what everybody knows of the key, as if it were a secret."""
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "kid": "one"}, said)]
    head = ".".join(map(coded, parts))
    signature = hmac.digest(KEY.as_pem(private=False), head.encode(), "sha256") if algorithm == "HS256" else b""
    return {"id_token": f"{head}.{coded(signature)}"}


def coded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def come_back(client: httpx.Client, **query: str) -> httpx.Response:
    return client.get(OIDC_DONE, params={"code": "c", **query})


def is_in(client: httpx.Client) -> bool:
    return client.get("/customers").status_code == 200


def test_a_right_answer_lets_in_and_the_code_is_asked_with_the_verifier(place: Place, client: httpx.Client) -> None:
    attempt = begin(client, "/customers")
    place.liar.answer = signed(claims(place, attempt))

    answer = come_back(client, state=attempt.state)

    assert (answer.status_code, answer.headers["location"]) == (303, "/customers")
    assert is_in(client)
    assert place.liar.asked["redirect_uri"] == place.console.url + OIDC_DONE
    assert len(place.liar.asked["code_verifier"]) >= 43


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://id.example.com"},
    "another audience": {"aud": "shop"},
    "for others, too, and made for one of them": {"aud": ["rapport", "shop"], "azp": "shop"},
    "for others, too, and nobody says for whom": {"aud": ["rapport", "shop"]},
    "expired": {"exp": int(time.time()) - 3600},
    "never expires": {"exp": None},
    "not yet": {"nbf": int(time.time()) + 3600},
    "the nonce of another attempt": {"nonce": "x" * 64},
    "no nonce": {"nonce": None},
    "nobody": {"sub": None},
    "nobody by name": {"sub": ""},
    "a number for a name": {"sub": 7},
    "of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG.keys())
def test_what_is_not_said_to_us_now_lets_nobody_in(place: Place, client: httpx.Client, changed: dict[str, Any]) -> None:
    attempt = begin(client)
    place.liar.answer = signed(claims(place, attempt, **changed)) | {"access_token": "a", "token_type": "Bearer"}

    assert come_back(client, state=attempt.state).status_code == 401
    assert not is_in(client)


@pytest.mark.parametrize("way", ["none", "None", "strange key", "shared", "half", "no token", "refused", "not JSON"])
def test_what_the_provider_has_not_signed_lets_nobody_in(place: Place, client: httpx.Client, way: str) -> None:
    attempt = begin(client)
    said = claims(place, attempt)
    place.liar.document = {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
    token = signed(said)["id_token"]
    place.liar.answer = {
        "none": unsigned(said, "none"),
        "None": unsigned(said, "None"),
        "strange key": signed(said, STRANGE),
        "shared": unsigned(said, "HS256"),
        "half": {"id_token": token[: len(token) // 2]},
        "no token": {"access_token": "a"},
        "refused": JSONResponse({"error": "invalid_grant"}, 400),
        "not JSON": Response("<html>", media_type="application/json"),
    }[way]

    assert come_back(client, state=attempt.state).status_code in {401, 502}
    assert not is_in(client)


def test_a_state_counts_once_in_its_browser_only_and_with_the_provider_that_was_asked(
    place: Place, client: httpx.Client
) -> None:
    first, second, third = (begin(client) for _ in range(3))  # the cookie is the third's
    place.liar.answer = signed(claims(place, third))

    assert come_back(client, state=first.state).status_code == 401
    assert come_back(client, state="").status_code == 401
    assert come_back(client, state=third.state, iss="https://id.example.com").status_code == 401
    assert come_back(client, state=third.state).status_code == 401, "it was used"
    with contextlib.closing(httpx.Client(base_url=place.console.url, timeout=30)) as other:
        assert come_back(other, state=second.state).status_code == 401
    assert not is_in(client)


def test_who_declines_there_is_told_so(place: Place, client: httpx.Client) -> None:
    attempt = begin(client)

    answer = client.get(OIDC_DONE, params={"error": "access_denied", "state": attempt.state})

    assert answer.status_code == 401
    assert "did not let you in" in answer.text


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "/sign-in", "javascript:x"]
)
def test_nobody_is_led_elsewhere_after_signing_in(place: Place, client: httpx.Client, to: str) -> None:
    attempt = begin(client, to)
    place.liar.answer = signed(claims(place, attempt))

    place_ = httpx.URL(place.console.url).join(come_back(client, state=attempt.state).headers["location"])

    assert (place_.host, place_.port) == ("127.0.0.1", httpx.URL(place.console.url).port)


def test_a_browser_that_came_by_another_name_begins_where_the_provider_sends_it_back(
    place: Place, client: httpx.Client
) -> None:
    answer = client.get("/sign-in/oidc/start?to=/customers", headers={"Host": "console.internal:8000"})

    assert answer.headers["location"] == f"{place.console.url}/sign-in/oidc/start?to=%2Fcustomers&moved=true"
    assert "set-cookie" not in answer.headers
    behind = client.get("/sign-in/oidc/start?moved=true", headers={"Host": "console.internal:8000"})  # a proxy's doing
    assert not behind.headers["location"].startswith(place.console.url)


def test_keys_that_are_new_are_asked_for(place: Place, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.access.oidc.provider._KEYS_KEPT", 0.0)
    fresh = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    place.liar.keys = [KEY, fresh]
    attempt = begin(client)
    place.liar.answer = signed(claims(place, attempt), fresh, kid="two")

    assert come_back(client, state=attempt.state).status_code == 303


def test_an_address_that_tries_too_often_waits(place: Place, client: httpx.Client) -> None:
    tries = [come_back(client, state="x").status_code for _ in range(22)]

    assert tries == [401] * 20 + [429] * 2
    assert client.get("/sign-in/oidc/start").status_code == 429


def test_the_browsers_session_before_ends_and_no_cookie_of_others_is_taken_over(
    place: Place, client: httpx.Client
) -> None:
    client.post(f"/sign-in/{place.console.link('agent')}", headers=OURS)
    before = client.cookies["rapport"]
    attempt = begin(client)
    place.liar.answer = signed(claims(place, attempt))
    come_back(client, state=attempt.state)

    assert client.cookies["rapport"] != before
    assert is_in(client)
    with httpx.Client(base_url=place.console.url, timeout=30, cookies={"rapport": before}) as old:
        assert old.get("/customers").status_code == 303


def test_a_provider_that_calls_itself_otherwise_is_none() -> None:
    liar, listener = Liar(), socket.create_server(("127.0.0.1", 0))
    liar.issuer = "https://id.example.com"
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with serving(liar.app()) as issuer:
        settings = Settings(public_url=url, oidc_issuer=issuer, oidc_client_id="rapport", group_roles="*=admin")
        with living(listener=listener, ways=ways_of(settings)), httpx.Client(base_url=url, timeout=30) as http:
            assert http.get("/sign-in/oidc/start").status_code == 502


LOGGED_OUT = {"http://schemas.openid.net/event/backchannel-logout": {}}
IDS = count(1)


def ends(place: Place, **changed: Any) -> dict[str, Any]:
    """What a right logout token says, but for this; None: without it."""
    now = int(time.time())
    right = {
        "iss": place.liar.issuer, "aud": "rapport", "iat": now, "exp": now + 120, "jti": f"j{next(IDS)}",
        "events": LOGGED_OUT, "sub": "out", "sid": "s1",
    }  # fmt: skip
    return {name: value for name, value in (right | changed).items() if value is not None}


def tell(place: Place, token: str) -> int:
    """As the provider's server does: without cookies, from no page."""
    answer = httpx.post(f"{place.console.url}{OIDC_ENDED}", data={"logout_token": token})
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code


def enter(place: Place, client: httpx.Client, **said: Any) -> None:
    attempt = begin(client)
    place.liar.answer = signed(
        claims(place, attempt, **{"sub": "out", "sid": "s1", "preferred_username": "out"} | said)
    )
    assert come_back(client, state=attempt.state).status_code == 303
    assert is_in(client)


def test_a_logout_token_ends_the_session_that_it_names_once(place: Place, client: httpx.Client) -> None:
    enter(place, client)
    token = signed(ends(place), typ="logout+jwt")["id_token"]

    assert tell(place, signed(ends(place, sid="another"))["id_token"]) == 200
    assert is_in(client)
    assert tell(place, token) == 200
    assert not is_in(client)

    enter(place, client)
    assert tell(place, token) == 400  # it was used
    assert is_in(client)
    assert tell(place, signed(ends(place, sid=None))["id_token"]) == 200  # all of theirs
    assert not is_in(client)
    enter(place, client)
    assert tell(place, signed(ends(place, sub=None))["id_token"]) == 200  # whoever has it
    assert not is_in(client)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://else.example.com"}, {"aud": "another"}, {"aud": None}, {"iat": None}, {"jti": None},
        {"events": None}, {"events": {}}, {"events": {"http://schemas.openid.net/event/backchannel-logout": 1}},
        {"sub": None, "sid": None}, {"sub": 5}, {"nonce": "n"}, {"iat": 1_700_000_000}, {"exp": 1_700_000_000},
    ],
)  # fmt: skip
def test_a_logout_token_that_is_not_right_ends_nothing(
    place: Place, client: httpx.Client, changed: dict[str, Any]
) -> None:
    enter(place, client)

    assert tell(place, signed(ends(place, **changed))["id_token"]) == 400
    assert is_in(client)


def test_a_logout_token_that_the_provider_has_not_signed_ends_nothing(place: Place, client: httpx.Client) -> None:
    enter(place, client)

    tokens = [
        signed(ends(place), STRANGE), unsigned(ends(place), "none"), unsigned(ends(place), "HS256"),
        signed(ends(place), typ="at+jwt"), place.liar.answer, {"id_token": "x"}, {"id_token": ""},
    ]  # fmt: skip
    assert [tell(place, token["id_token"]) for token in tokens] == len(tokens) * [400]
    assert is_in(client)
