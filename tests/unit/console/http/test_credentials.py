"""Who could come in, looked at before anything is served."""

from __future__ import annotations

import asyncio
import logging

import pytest
from pydantic import SecretStr

from console.access.api_tokens import Tokens
from console.http import credentials
from console.http.credentials import require_credentials
from profiles.errors import WrongUse
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore
from streams.settings import Settings

NOBODY = Settings(host="0.0.0.0", redis=SecretStr("redis://127.0.0.1:9/0"))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryAccessStore:
    """What is known of who may come in, in memory instead of Redis."""
    held = MemoryAccessStore()
    monkeypatch.setattr(credentials, "with_access", lambda _, question: question(held))
    return held


def test_nothing_is_served_where_nobody_could_come_in(store: MemoryAccessStore) -> None:
    asyncio.run(store.put_account(Account(name="lee", role="admin", disabled=True)))
    asyncio.run(Tokens(store, lambda: 0.0).add("old", ["admin"]))  # expired since the seventies
    with pytest.raises(WrongUse, match="rapport users add"):
        require_credentials(NOBODY)


def test_an_account_or_a_token_is_enough(store: MemoryAccessStore) -> None:
    asyncio.run(store.put_account(Account(name="kim", role="agent")))
    require_credentials(NOBODY)
    asyncio.run(store.change_account("kim", lambda _: None, even_the_last=True))
    asyncio.run(Tokens(store).add("crm", ["alerts:read"]))
    require_credentials(NOBODY)


def test_the_one_token_is_warned_of_where_others_reach_it(
    store: MemoryAccessStore, caplog: pytest.LogCaptureFixture
) -> None:
    master = SecretStr("a-token-of-16-characters")
    with caplog.at_level(logging.WARNING):
        require_credentials(NOBODY.model_copy(update={"host": "127.0.0.1", "api_token": master}))
        assert caplog.text == ""
        require_credentials(NOBODY.model_copy(update={"api_token": master}))
    assert "rapport tokens add" in caplog.text
