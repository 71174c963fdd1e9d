"""Accounts, sessions and sign-in links in Redis: every console agrees, a restart keeps them, and a rebuild too."""

from __future__ import annotations

import msgspec

from profiles.access import Account, Session
from profiles.errors import Misconfigured
from profiles.stores.connection import Client
from profiles.stores.keys import ACCOUNTS, link_key, session_key

__all__ = ["RedisAccessStore"]

_account_of = msgspec.json.Decoder(Account).decode
_session_of = msgspec.json.Decoder(Session).decode
_encode = msgspec.json.encode


class RedisAccessStore:
    """One hash of accounts; a key of its own for what ends by itself."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def accounts(self) -> dict[str, Account]:
        held = await self._client.hgetall(ACCOUNTS)
        return {name.decode(): _read_account(value) for name, value in held.items()}

    async def account(self, name: str) -> Account | None:
        held = await self._client.hget(ACCOUNTS, name)
        return None if held is None else _read_account(held)

    async def put_account(self, account: Account) -> None:
        await self._client.hset(ACCOUNTS, account.name, _encode(account))

    async def remove_account(self, name: str) -> None:
        await self._client.hdel(ACCOUNTS, name)

    async def session(self, digest: str) -> Session | None:
        held = await self._client.get(session_key(digest))
        try:
            return None if held is None else _session_of(held)
        except msgspec.MsgspecError:
            return None  # of another version: who has it signs in again

    async def put_session(self, digest: str, session: Session, lasts: float) -> None:
        await self._client.set(session_key(digest), _encode(session), px=round(lasts * 1000))

    async def end_session(self, digest: str) -> None:
        await self._client.delete(session_key(digest))

    async def put_link(self, digest: str, name: str, lasts: float) -> None:
        await self._client.set(link_key(digest), name.encode(), px=round(lasts * 1000))

    async def take_link(self, digest: str) -> str | None:
        held = await self._client.getdel(link_key(digest))
        return None if held is None else held.decode()


def _read_account(value: bytes) -> Account:
    try:
        return _account_of(value)
    except msgspec.MsgspecError as error:
        raise Misconfigured(
            f"an account in Redis ({ACCOUNTS}) is damaged: {error}; `rapport users` adds it anew"
        ) from error
