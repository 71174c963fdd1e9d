"""People who may sign in to the console, their sessions, links that sign somebody in once, and tokens of programs: the
port, and Redis, in which every console agrees, and which a restart and a rebuild keep.

Whatever lets somebody in is a secret that is never kept: the store has its SHA-256 (of 256 random bits a faster hash is
as safe as a slow one), and of passwords, which people choose, an argon2id hash.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, Protocol, TypeVar

import msgspec

from profiles.errors import Misconfigured, WrongUse
from profiles.stores.connection import Client, connect
from profiles.stores.keys import (
    ACCOUNTS,
    FILE_PEOPLE,
    SESSIONS,
    TOKENS,
    TOKENS_USED,
    attempt_key,
    embed_key,
    first_steps_key,
    link_key,
    session_key,
    used_key,
)
from profiles.stores.reading.together import Together
from profiles.stores.trouble import answering
from profiles.stores.unit import lua

__all__ = [
    "AccessStore", "Account", "ApiToken", "Change", "EmbedGrant", "FilePerson", "LastAdmin", "RedisAccessStore",
    "Role", "Session", "SignInAttempt", "SignInLink", "with_access",
]  # fmt: skip

Answer = TypeVar("Answer")

Role = Literal["agent", "analyst", "operator", "admin"]
"""What somebody may see and do; `console.access.scopes` says what each is."""


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person who may sign in."""

    name: str
    role: Role
    password: str = ""  # argon2id hash; "": signs in by a link, by OIDC or through a proxy only
    disabled: bool = False
    created: float = 0.0  # seconds since the epoch
    out: float = 0.0  # when it was disabled last: sessions from before stay ended
    source: str = ""  # who says that there is one: "" people here, oidc, proxy, file
    subject: str = ""  # digest of an OpenID provider's name and of what it calls them, which alone says who they are


Change = Callable[[Account], Account | None]
"""What becomes of an account; None: it is removed."""


class LastAdmin(WrongUse):
    """After this nobody would be left who is an admin and may sign in."""


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody who is signed in, in one browser."""

    user: str
    role: Role
    via: str  # how they signed in: password, link, oidc, proxy
    began: float  # seconds since the epoch
    seen: float
    device: str = ""  # what the browser says it is
    sid: str = ""  # what an OpenID provider calls its own session, by which it ends this one


class SignInLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a link signs in, once."""

    user: str
    made: float  # seconds since the epoch


class SignInAttempt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who was sent to an OpenID provider, and is to come back."""

    nonce: str  # that the provider has to say again
    verifier: str  # of PKCE: proves that who comes back with a code is who was sent
    browser: str  # SHA-256 of the cookie of the browser in which it began
    to: str  # where they wanted to go


class EmbedGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who may look at customers in a frame of another tool, for some minutes."""

    user: str  # an account, or whom the tool vouches for
    origin: str  # of the tool's page
    by: str  # who says so: session, proxy, zendesk
    session: str  # digest of the session's cookie, which it ends with; "": there is none
    began: float  # seconds since the epoch, when they proved who they are
    expires: float


class ApiToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a program shows to be let in to the API."""

    id: str  # 8 characters; part of the token, and no secret
    digest: str  # SHA-256 of the whole token, in hex
    last4: str  # of its secret part, so that people can tell which one somebody has
    name: str  # what it is for; two of one name while it is being replaced
    owner: str  # account that answers for it, and whose role bounds it; "": nobody's
    scopes: tuple[str, ...]
    created: float  # seconds since the epoch
    expires: float


class FilePerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A name that is, or was, in the file of people."""

    digest: str  # SHA-256 of the hash of the password, in hex; "": nobody is called so there any more
    since: float  # seconds since the epoch


class AccessStore(Protocol):
    """Who may come in, and who is in."""

    async def accounts(self) -> dict[str, Account]:
        """Everybody with an account here, by name."""
        ...

    async def account(self, name: str) -> Account | None:
        """One of them."""
        ...

    async def put_account(self, account: Account) -> None:
        """Add or replace an account."""
        ...

    async def add_account(self, account: Account) -> bool:
        """Add an account; False: there is one of this name, and it stays as it is."""
        ...

    async def change_account(self, name: str, change: Change, *, even_the_last: bool = False) -> Account | None:
        """Change or remove an account, in one step: of two changes at once none is lost. Answers the account as it is
        now, or as it was when it was removed; None: there is none. A removed one's sessions end when they are next
        looked at.

        Raises:
            LastAdmin: no admin would be left who may sign in; not `even_the_last`.
        """
        ...

    async def file_people(self) -> dict[str, FilePerson]:
        """Who was in the file of people when it was last looked at, and who had been before, by name."""
        ...

    async def put_file_people(self, people: Mapping[str, FilePerson]) -> None:
        """Add or replace some of them."""
        ...

    async def first_steps(self, name: str) -> frozenset[str]:
        """What somebody has done of the guide for who is new; gone with their account."""
        ...

    async def note_first_step(self, name: str, step: str) -> None:
        """They have done this, too."""
        ...

    async def session(self, digest: str) -> Session | None:
        """The session of a cookie's digest, if it is still there."""
        ...

    async def put_session(self, digest: str, session: Session, lasts: float, *, renew: bool = False) -> None:
        """Begin a session that ends by itself so many seconds after it was `seen`, which is now; or renew one, which
        brings none back that was ended meanwhile."""
        ...

    async def end_session(self, digest: str) -> None:
        """End a session, if there is one."""
        ...

    async def sessions(self, user: str) -> dict[str, Session]:
        """The sessions that somebody has, by digest."""
        ...

    async def put_link(self, digest: str, link: SignInLink, lasts: float) -> None:
        """Keep a link that signs an account in once, within so many seconds."""
        ...

    async def take_link(self, digest: str) -> SignInLink | None:
        """A link, which is used up by that; None: there is none, or somebody had it already."""
        ...

    async def put_attempt(self, digest: str, attempt: SignInAttempt, lasts: float) -> None:
        """Keep who was sent to a provider, by the digest of their state, for so many seconds."""
        ...

    async def take_attempt(self, digest: str) -> SignInAttempt | None:
        """The same, which is used up by that; None: there is none, or somebody had it already."""
        ...

    async def put_embed(self, digest: str, grant: EmbedGrant, lasts: float) -> None:
        """Let somebody look in a frame for so many seconds."""
        ...

    async def embed(self, digest: str) -> EmbedGrant | None:
        """Who has a frame's token, by its digest, if it still lasts."""
        ...

    async def first_use(self, digest: str, lasts: float) -> bool:
        """Whether nobody has used this within so many seconds, nor will again: of what counts once."""
        ...

    async def tokens(self) -> dict[str, ApiToken]:
        """Every token of the API, by id, the expired ones too."""
        ...

    async def token(self, id_: str) -> ApiToken | None:
        """One of them."""
        ...

    async def put_token(self, token: ApiToken) -> None:
        """Add or replace a token."""
        ...

    async def remove_token(self, id_: str) -> None:
        """Remove a token, if there is one."""
        ...

    async def use_token(self, id_: str, day: str) -> None:
        """Note the day on which a token was used, which never brings a removed one back."""
        ...

    async def tokens_used(self) -> dict[str, str]:
        """The day each was last used, by id; none for those that never were."""
        ...


_LAST = "{name} is the last admin who may sign in; make somebody else one first"
"""Why an account is not changed."""

_account_of = msgspec.json.Decoder(Account).decode
_file_person_of = msgspec.json.Decoder(FilePerson).decode
_token_of = msgspec.json.Decoder(ApiToken).decode
_session_of = msgspec.json.Decoder(Session).decode
_link_of = msgspec.json.Decoder(SignInLink).decode
_embed_of = msgspec.json.Decoder(EmbedGrant).decode
_attempt_of = msgspec.json.Decoder(SignInAttempt).decode
_encode = msgspec.json.encode


class RedisAccessStore:
    """One hash of accounts; a key of its own for what ends by itself."""

    def __init__(self, client: Client, together: Together | None = None) -> None:
        self._client = client
        self._together = together or Together(client)
        self._change_script = client.register_script(lua("account"))

    async def accounts(self) -> dict[str, Account]:
        held = await self._client.hgetall(ACCOUNTS)
        return {name.decode(): _read_account(value) for name, value in held.items()}

    async def account(self, name: str) -> Account | None:
        held = await self._together.ask("HGET", ACCOUNTS, name)
        return None if held is None else _read_account(held)

    async def put_account(self, account: Account) -> None:
        await self._client.hset(ACCOUNTS, account.name, _encode(account))

    async def add_account(self, account: Account) -> bool:
        return bool(await self._client.hsetnx(ACCOUNTS, account.name, _encode(account)))

    async def change_account(self, name: str, change: Change, *, even_the_last: bool = False) -> Account | None:
        while (held := await self._client.hget(ACCOUNTS, name)) is not None:
            before = _read_account(held)
            after = change(before)
            kept, anyhow = b"" if after is None else _encode(after), b"1" if even_the_last else b""
            done = await self._change_script(keys=[ACCOUNTS], args=[name.encode(), held, kept, anyhow])
            if done == b"last":
                raise LastAdmin(_LAST.format(name=name))
            if done == b"done":
                if after is None:
                    await self._client.delete(first_steps_key(name))
                return after or before
        return None

    async def file_people(self) -> dict[str, FilePerson]:
        held = await self._client.hgetall(FILE_PEOPLE)
        return {name.decode(): _read_file_person(value) for name, value in held.items()}

    async def put_file_people(self, people: Mapping[str, FilePerson]) -> None:
        if people:
            await self._client.hset(FILE_PEOPLE, mapping={name: _encode(one) for name, one in people.items()})

    async def first_steps(self, name: str) -> frozenset[str]:
        return frozenset(step.decode() for step in await self._client.smembers(first_steps_key(name)))

    async def note_first_step(self, name: str, step: str) -> None:
        await self._client.sadd(first_steps_key(name), step)

    async def session(self, digest: str) -> Session | None:
        held = await self._together.ask("GET", session_key(digest))
        try:
            return None if held is None else _session_of(held)
        except msgspec.MsgspecError:
            return None  # of another version: who has it signs in again

    async def put_session(self, digest: str, session: Session, lasts: float, *, renew: bool = False) -> None:
        now, place = session.seen, f"{digest} {session.user}"
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.set(session_key(digest), _encode(session), px=round(lasts * 1000), xx=renew)
            pipe.zadd(SESSIONS, {place: now + lasts})
            pipe.zremrangebyscore(SESSIONS, "-inf", now)
            await pipe.execute()

    async def end_session(self, digest: str) -> None:
        await self._client.delete(session_key(digest))

    async def sessions(self, user: str) -> dict[str, Session]:
        places = [place.decode().partition(" ") for place in await self._client.zrange(SESSIONS, 0, -1)]
        found = {digest: await self.session(digest) for digest, _, of in places if of == user}
        return {digest: session for digest, session in found.items() if session is not None and session.user == user}

    async def put_link(self, digest: str, link: SignInLink, lasts: float) -> None:
        await self._client.set(link_key(digest), _encode(link), px=round(lasts * 1000))

    async def take_link(self, digest: str) -> SignInLink | None:
        held = await self._client.getdel(link_key(digest))
        try:
            return None if held is None else _link_of(held)
        except msgspec.MsgspecError:
            return None  # of another version: another one is made within the minute

    async def put_attempt(self, digest: str, attempt: SignInAttempt, lasts: float) -> None:
        await self._client.set(attempt_key(digest), _encode(attempt), px=round(lasts * 1000))

    async def take_attempt(self, digest: str) -> SignInAttempt | None:
        held = await self._client.getdel(attempt_key(digest))
        try:
            return None if held is None else _attempt_of(held)
        except msgspec.MsgspecError:
            return None  # of another version: who has it begins again

    async def put_embed(self, digest: str, grant: EmbedGrant, lasts: float) -> None:
        await self._client.set(embed_key(digest), _encode(grant), px=round(lasts * 1000))

    async def embed(self, digest: str) -> EmbedGrant | None:
        held = await self._together.ask("GET", embed_key(digest))
        try:
            return None if held is None else _embed_of(held)
        except msgspec.MsgspecError:
            return None  # of another version: who has it proves again who they are

    async def first_use(self, digest: str, lasts: float) -> bool:
        return bool(await self._client.set(used_key(digest), b"", px=round(lasts * 1000), nx=True))

    async def tokens(self) -> dict[str, ApiToken]:
        held = await self._client.hgetall(TOKENS)
        return {id_.decode(): _read_token(value) for id_, value in held.items()}

    async def token(self, id_: str) -> ApiToken | None:
        held = await self._together.ask("HGET", TOKENS, id_)
        return None if held is None else _read_token(held)

    async def put_token(self, token: ApiToken) -> None:
        await self._client.hset(TOKENS, token.id, _encode(token))

    async def remove_token(self, id_: str) -> None:
        await self._client.hdel(TOKENS, id_)
        await self._client.hdel(TOKENS_USED, id_)

    async def use_token(self, id_: str, day: str) -> None:
        await self._client.hset(TOKENS_USED, id_, day.encode())

    async def tokens_used(self) -> dict[str, str]:
        return {id_.decode(): day.decode() for id_, day in (await self._client.hgetall(TOKENS_USED)).items()}


async def with_access(url: str, question: Callable[[AccessStore], Awaitable[Answer]]) -> Answer:
    """Ask or tell the store at a URL.

    Raises:
        Misconfigured: Redis does not answer.
    """
    client = connect(url, retrying=False)
    try:
        with answering():
            return await question(RedisAccessStore(client))
    finally:
        await client.aclose()


def _read_account(value: bytes) -> Account:
    try:
        return _account_of(value)
    except msgspec.MsgspecError as error:
        raise Misconfigured(
            f"an account in Redis ({ACCOUNTS}) is damaged: {error}; `rapport users` adds it anew"
        ) from error


def _read_file_person(value: bytes) -> FilePerson:
    try:
        return _file_person_of(value)
    except msgspec.MsgspecError:
        return FilePerson("damaged", 0.0)  # as somebody with another hash: who has that name signs in anew


def _read_token(value: bytes) -> ApiToken:
    try:
        return _token_of(value)
    except msgspec.MsgspecError as error:
        raise Misconfigured(
            f"a token in Redis ({TOKENS}) is damaged: {error}; `rapport tokens revoke` removes it"
        ) from error
