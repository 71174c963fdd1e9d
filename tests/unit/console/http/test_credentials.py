"""Who could come in, looked at before anything is served."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from console.access.api_tokens import Tokens
from console.access.passwords import hash_password
from console.http import credentials
from console.http.credentials import require_credentials
from console.http.serve import serve
from plan import load_plan
from profiles.errors import WrongUse
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore
from streams.settings import Settings
from tests import REPOSITORY

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


OIDC = {
    "oidc_issuer": "https://id.example.com",
    "oidc_client_id": "rapport",
    "public_url": "https://cdp.example.com",
    "group_roles": "a=agent",
}
PROXY = {"proxy_user_header": "X-User", "proxy_addresses": "10.0.0.5"}


def with_(**more: object) -> Settings:
    return Settings.model_validate({"host": "0.0.0.0", "redis": "redis://127.0.0.1:9/0", **more})


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::"])
@pytest.mark.parametrize("given", [{}, PROXY, {"password_sign_in": False}], ids=["none", "proxy", "no passwords"])
def test_a_way_that_nobody_can_go_lets_nothing_be_served(
    store: MemoryAccessStore, given: dict[str, object], host: str
) -> None:
    """Whose roles are those of accounts needs an account; on this machine, too."""
    with pytest.raises(WrongUse, match="nobody could come in"):
        require_credentials(with_(**{**given, "host": host}))
    asyncio.run(store.put_account(Account(name="kim", role="agent")))
    require_credentials(with_(**{**given, "host": host}))


@pytest.mark.parametrize("given", [OIDC, PROXY | {"proxy_role_header": "X-Role"}], ids=["provider", "proxy"])
def test_who_says_who_may_come_in_is_enough(store: MemoryAccessStore, given: dict[str, object]) -> None:
    require_credentials(with_(**given))


def test_people_of_a_file_are_enough_and_an_empty_one_is_not(store: MemoryAccessStore, tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("# nobody yet\n")
    with pytest.raises(WrongUse, match="nobody could come in"):
        require_credentials(with_(users_file=file))
    file.write_text(f"kim:agent:{hash_password('a long password')}\n")
    require_credentials(with_(users_file=file))


@pytest.mark.parametrize("token", [None, "a-token-of-16-characters"])
def test_what_does_not_fit_is_told_at_the_start_whoever_could_come_in(
    store: MemoryAccessStore, tmp_path: Path, token: str | None
) -> None:
    file = tmp_path / "users"
    file.write_text("kim:boss:x\n")
    for given, told in (
        (OIDC | PROXY, "not both"),
        ({"proxy_user_header": "X-User"}, "RAPPORT_PROXY_ADDRESSES"),
        ({"users_file": file}, "line 1: there is no role 'boss'"),
    ):
        with pytest.raises(WrongUse, match=told):
            require_credentials(with_(api_token=token, **given))


@pytest.mark.parametrize("given", [OIDC, PROXY | {"proxy_role_header": "X-Role"}], ids=["provider", "proxy"])
def test_no_way_to_sign_in_lets_others_reach_keys_that_everybody_knows(given: dict[str, object]) -> None:
    with pytest.raises(WrongUse, match="can be guessed"):
        serve(with_(**given), load_plan(REPOSITORY / "tracking_plan.yaml", {}), collect=True, api=True)
