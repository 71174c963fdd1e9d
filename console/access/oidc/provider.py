"""The OpenID provider that people sign in with: what it says of itself, its keys, and its answers.

Authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636), with discovery (OpenID Connect
Discovery 1.0). Who somebody is the provider says in an ID token, which it is asked for directly, never by way of the
browser: signed by one of its keys with an asymmetric algorithm, for us, for this very attempt, and for now.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry
from pydantic import SecretStr

from console.access.oidc.claims import Person, person_of, subject_of
from console.access.oidc.refusals import NotAccepted, ProviderAway

__all__ = ["Client", "Ended", "Provider"]

_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
"""With a key of the provider's own: neither `none` nor one whose key we have as well."""

_LOGGED_OUT = "http://schemas.openid.net/event/backchannel-logout"
_LOGOUT_LASTS = 120.0  # seconds after it was made in which a logout token counts
_LEEWAY = 60  # seconds that its clock may be off
_KEPT = 3600.0  # seconds for which what it says of itself is kept
_KEYS_KEPT = 10.0  # seconds before its keys are asked for again because of a token that none has signed
_PATIENCE = 5.0  # seconds
_LARGEST = 1_000_000  # bytes of an answer


class Client(NamedTuple):
    """What the provider knows us by."""

    issuer: str
    id: str
    secret: SecretStr | None
    scopes: str
    group_claim: str
    redirect_uri: str


class Ended(NamedTuple):
    """Whose sessions the provider says are over: one, or all of somebody."""

    subject: str  # as `Person` has it; "": whoever has the session
    sid: str  # "": all of theirs
    digest: str  # of the token: it counts once
    lasts: float  # seconds for which it would count


class Provider:
    """An OpenID provider.

    Args:
        client: which one, and who we are there.
        clock: seconds since the epoch.
    """

    def __init__(self, client: Client, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._clock = clock
        self._metadata: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._asking = asyncio.Lock()

    @property
    def issuer(self) -> str:
        """As it calls itself."""
        return self._client.issuer

    @property
    def name(self) -> str:
        """What people know it by."""
        return urlsplit(self.issuer).netloc

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where somebody is sent to sign in.

        Raises:
            ProviderAway: it does not say where.
        """
        metadata = await self._described()
        url: str = prepare_grant_uri(
            self._endpoint(metadata, "authorization_endpoint"), client_id=self._client.id, response_type="code",
            redirect_uri=self._client.redirect_uri, scope=self._client.scopes, state=state, nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier), code_challenge_method="S256",
        )  # fmt: skip
        return url

    async def sign_out_url(self, back: str) -> str | None:
        """Where somebody is sent to sign out there, too, and from there to `back`; None: it has no such place."""
        metadata = await self._described()
        if "end_session_endpoint" not in metadata:
            return None
        place = self._endpoint(metadata, "end_session_endpoint")
        query = urlencode({"client_id": self._client.id, "post_logout_redirect_uri": back})
        return f"{place}{'&' if urlsplit(place).query else '?'}{query}"

    async def person(self, code: str, nonce: str, verifier: str, issuer: str | None) -> Person:
        """Who came back with a code.

        Args:
            code: that they came back with.
            nonce: of the attempt.
            verifier: of the attempt.
            issuer: who says that it has sent them (RFC 9207), if anybody.

        Raises:
            ProviderAway: the provider does not answer.
            NotAccepted: what it answers is not for us, not for this attempt, not of now, or not signed by it.
        """
        metadata = await self._described()
        if issuer is not None and issuer != self.issuer:
            raise NotAccepted("another provider has sent them")
        if issuer is None and metadata.get("authorization_response_iss_parameter_supported") is True:
            raise NotAccepted("it is not said which provider has sent them")
        tokens = await self._exchange(metadata, code, verifier)
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise NotAccepted("the provider gave no ID token")
        claims = await self._claims(metadata, id_token, nonce, tokens.get("access_token"))
        person = person_of(self.issuer, claims, self._client.group_claim)
        if person.complete or "userinfo_endpoint" not in metadata or not isinstance(tokens.get("access_token"), str):
            return person
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        more = await self._ask("GET", self._endpoint(metadata, "userinfo_endpoint"), headers=headers)
        if more.get("sub") != claims["sub"]:
            raise NotAccepted("the provider tells of somebody else")
        return person_of(self.issuer, {**more, **claims}, self._client.group_claim)

    async def ended(self, logout_token: str) -> Ended:
        """What a logout token ends (OpenID Connect Back-Channel Logout 1.0, section 2.6).

        Raises:
            ProviderAway: the provider does not show its keys.
            NotAccepted: the token is not for us, not of now, not signed by the provider, or no logout token.
        """
        metadata = await self._described()
        now = self._clock()
        try:
            token = await self._decoded(metadata, logout_token)
            claims, header = token.claims, token.header
            rules = JWTClaimsRegistry(
                now=int(now), leeway=_LEEWAY, iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self._client.id}, iat={"essential": True},
            )  # fmt: skip
            rules.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotAccepted(f"its logout token is not accepted: {type(error).__name__}: {error}") from error
        sub, sid, jti, events = (claims.get(name) for name in ("sub", "sid", "jti", "events"))
        said = [one for one in (sub, sid, jti) if one is not None]
        if str(header.get("typ", "logout+jwt")).lower().removeprefix("application/") not in ("logout+jwt", "jwt"):
            raise NotAccepted("it is a token of another kind")
        if "nonce" in claims or not isinstance(events, dict) or not isinstance(events.get(_LOGGED_OUT), dict):
            raise NotAccepted("it is no logout token")
        if not jti or not (sub or sid) or not all(isinstance(one, str) for one in said):
            raise NotAccepted("its logout token names nobody, or has no id")
        if claims["iat"] < now - _LOGOUT_LASTS - _LEEWAY:
            raise NotAccepted("its logout token is old")
        subject = subject_of(self.issuer, sub) if sub else ""
        return Ended(subject, sid or "", subject_of(self.issuer, jti), _LOGOUT_LASTS + 2 * _LEEWAY)

    async def _exchange(self, metadata: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        place = self._endpoint(metadata, "token_endpoint")
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._client.redirect_uri, code_verifier=verifier
        )
        secret = self._client.secret.get_secret_value() if self._client.secret is not None else ""
        allowed = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "client_secret_basic" if "client_secret_basic" in allowed else "client_secret_post"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if secret and method == "client_secret_basic":  # RFC 6749, section 2.3.1: written as in a form, by us
            auth = ClientAuth(quote_plus(self._client.id), quote_plus(secret), method)
        else:
            auth = ClientAuth(self._client.id, secret, method if secret else "none")
        place, headers, body = auth.prepare("POST", place, headers, body)
        return await self._ask("POST", place, headers=headers, body=body)

    async def _claims(
        self, metadata: Mapping[str, Any], id_token: str, nonce: str, access_token: object
    ) -> Mapping[str, Any]:
        try:
            token = await self._decoded(metadata, id_token)
            options: dict[str, Any] = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self._client.id},
                "sub": {"essential": True},
            }
            params = {"nonce": nonce, "client_id": self._client.id, "access_token": access_token}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(now=int(self._clock()), leeway=_LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotAccepted(f"its ID token is not accepted: {type(error).__name__}: {error}") from error
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise NotAccepted("its ID token names nobody")
        return dict(claims)

    async def _decoded(self, metadata: Mapping[str, Any], token: str) -> jwt.Token:
        """What a token says that one of the provider's keys has signed.

        Raises:
            JoseError, ValueError: none has.
        """
        said = metadata.get("id_token_signing_alg_values_supported")
        algorithms = sorted(_ALGORITHMS.intersection(said if isinstance(said, list) else ["RS256"]))
        registry = JWSRegistry(algorithms=algorithms, strict_check_header=False)
        try:
            return jwt.decode(token, await self._key_set(metadata), registry=registry)
        except (JoseError, ValueError):  # it may have a new key
            return jwt.decode(token, await self._key_set(metadata, anew=True), registry=registry)

    async def _key_set(self, metadata: Mapping[str, Any], *, anew: bool = False) -> KeySet:
        async with self._asking:
            now = self._clock()
            if self._keys is None or now - self._keys[0] >= (_KEYS_KEPT if anew else _KEPT):
                found = await self._ask("GET", self._endpoint(metadata, "jwks_uri"))
                self._keys = now, _usable(found)
            return self._keys[1]

    async def _described(self) -> Mapping[str, Any]:
        """What it says of itself."""
        async with self._asking:
            now = self._clock()
            if self._metadata is None or now - self._metadata[0] >= _KEPT:
                found = await self._ask("GET", get_well_known_url(self.issuer, external=True))
                if found.get("issuer") != self.issuer:
                    raise ProviderAway(f"what is found there calls itself {found.get('issuer')!r}, not {self.issuer!r}")
                self._metadata = now, found
            return self._metadata[1]

    def _endpoint(self, metadata: Mapping[str, Any], name: str) -> str:
        """A place of the provider's, which is reached as safely as the provider itself."""
        place = metadata.get(name)
        if not isinstance(place, str) or urlsplit(place).scheme not in {"https", urlsplit(self.issuer).scheme}:
            raise ProviderAway(f"it has no {name} that can be used")
        return place

    async def _ask(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: str | None = None
    ) -> Mapping[str, Any]:
        """The JSON object that the provider answers; redirects are not followed.

        Raises:
            ProviderAway: it does not answer.
            NotAccepted: it refuses.
        """
        headers = {"Accept": "application/json", **(headers or {})}
        try:
            async with (
                asyncio.timeout(2 * _PATIENCE),
                httpx.AsyncClient(timeout=_PATIENCE) as http,
                http.stream(method, url, headers=headers, content=body) as answer,
            ):
                status, held = answer.status_code, b""
                async for part in answer.aiter_bytes():
                    held += part[: _LARGEST - len(held)]  # what is cut is no JSON
            found = json.loads(held) if status == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError) as error:
            raise ProviderAway(f"{url} does not answer as a provider: {type(error).__name__}: {error}") from error
        if 400 <= status < 500 and method == "POST":
            raise NotAccepted(f"the provider refuses: {held[:200]!r}")
        if not isinstance(found, dict):
            raise ProviderAway(f"{url} answers {status}")
        return found


def _usable(found: Mapping[str, Any]) -> KeySet:
    """The keys that sign, of those that the provider shows."""
    keys = []
    for held in found.get("keys") or []:
        if isinstance(held, dict) and held.get("use", "sig") == "sig" and held.get("kty") in {"RSA", "EC", "OKP"}:
            try:
                keys += KeySet.import_key_set({"keys": [held]}).keys
            except (JoseError, ValueError, KeyError):
                continue  # of a kind that we do not know: others may do
    if not keys:
        raise ProviderAway("it shows no key that signs")
    return KeySet(keys)
