"""Tokens of the API: what opens, what does not, and what ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from console.access.api_tokens import Tokens
from profiles.errors import NotFound, WrongUse
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore

DAY = 86_400.0
SCOPES = ["profiles:read", "alerts:write"]


class Clock:
    """Stands until it is moved."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


Test = Callable[[Tokens, MemoryAccessStore, Clock], Awaitable[None]]


def run(test: Test) -> None:
    store, clock = MemoryAccessStore(), Clock()
    asyncio.run(test(Tokens(store, clock), store, clock))


def test_a_token_opens_what_it_is_for_and_no_other_text_does() -> None:
    async def test(tokens: Tokens, store: MemoryAccessStore, _: Clock) -> None:
        made = await tokens.add("crm", SCOPES)
        viewer = await tokens.viewer(made.text)
        assert viewer is not None
        assert (viewer.scopes, viewer.token) == (frozenset(SCOPES), made.token.id)

        other = (await tokens.add("other", ["admin"])).text
        head, secret, _check = made.text[:12], made.text[13:45], made.text[46:]
        assert head == f"rpt_{made.token.id}"
        for wrong in ("", "rpt_", made.text[:-1], made.text + "0", f"{head}_{secret[::-1]}_{_check}", other[:-6]):
            assert await tokens.viewer(wrong) is None, wrong
        assert made.text not in repr(await store.tokens())
        assert secret not in repr(await store.tokens())

    run(test)


def test_a_right_checksum_is_no_secret() -> None:
    """Anybody can make a text of the form for an id that there is."""

    async def test(tokens: Tokens, store: MemoryAccessStore, _: Clock) -> None:
        made = await tokens.add("crm", SCOPES)
        forged = (await Tokens(MemoryAccessStore()).add("crm", SCOPES)).token
        await store.put_token(made.token)
        await store.put_token(forged)
        assert await tokens.viewer(made.text) is not None
        await store.remove_token(made.token.id)
        assert await tokens.viewer(made.text) is None

    run(test)


def test_a_token_ends_at_its_time() -> None:
    async def test(tokens: Tokens, _: MemoryAccessStore, clock: Clock) -> None:
        made = await tokens.add("crm", SCOPES, days=2)
        clock.now += 2 * DAY - 1
        assert await tokens.viewer(made.text) is not None
        clock.now += 1
        assert await tokens.viewer(made.text) is None

    run(test)


def test_two_of_a_name_while_it_is_rotated() -> None:
    async def test(tokens: Tokens, store: MemoryAccessStore, clock: Clock) -> None:
        texts = [(await tokens.add("crm", SCOPES)).text]
        for _turn in range(2):
            clock.now += 1
            texts.append((await tokens.rotate("crm", overlap=3)).text)

        assert [await tokens.viewer(text) is not None for text in texts] == [False, True, True]
        assert len(await store.tokens()) == 2
        clock.now += 3 * DAY
        assert [await tokens.viewer(text) is not None for text in texts] == [False, False, True]

    run(test)


def test_a_token_does_no_more_than_its_owner_may_now() -> None:
    async def test(tokens: Tokens, store: MemoryAccessStore, _: Clock) -> None:
        await store.put_account(Account(name="kim", role="admin"))
        made = await tokens.add("crm", [*SCOPES, "privacy:erase"], owner="kim")
        viewer = await tokens.viewer(made.text)
        assert viewer is not None
        assert viewer.may("privacy:erase")
        await store.put_account(Account(name="kim", role="analyst"))
        viewer = await tokens.viewer(made.text)
        assert viewer is not None
        assert viewer.scopes == {"profiles:read"}
        await store.put_account(Account(name="kim", role="admin", disabled=True))
        assert await tokens.viewer(made.text) is None
        await store.change_account("kim", lambda _: None, even_the_last=True)
        assert await tokens.viewer(made.text) is None
        await store.put_account(
            Account(name="kim", role="admin", out=1_000_060.0)
        )  # let in again, or given a role anew
        assert await tokens.viewer(made.text) is None
        await store.put_account(Account(name="kim", role="admin", created=1_000_060.0))  # another kim
        assert await tokens.viewer(made.text) is None

    run(test)


def test_revoked_by_name_or_by_id() -> None:
    async def test(tokens: Tokens, store: MemoryAccessStore, clock: Clock) -> None:
        one = await tokens.add("crm", SCOPES)
        clock.now += 1
        two = await tokens.rotate("crm")
        await tokens.revoke(one.token.id)
        assert [await tokens.viewer(made.text) is not None for made in (one, two)] == [False, True]
        await tokens.revoke("crm")
        assert await tokens.viewer(two.text) is None
        with pytest.raises(NotFound):
            await tokens.revoke("crm")

    run(test)


def test_the_day_of_the_last_use_is_noted_and_brings_nothing_back() -> None:
    async def test(tokens: Tokens, store: MemoryAccessStore, clock: Clock) -> None:
        made = await tokens.add("crm", SCOPES)
        assert await store.tokens_used() == {}
        await tokens.viewer(made.text)
        clock.now += DAY
        await tokens.viewer(made.text)
        assert await store.tokens_used() == {made.token.id: "1970-01-13"}

    run(test)


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("crm", ["everything"], 90), ("crm", [], 90), ("c r m", SCOPES, 90), ("crm", SCOPES, 0), ("held", SCOPES, 90)],
)
def test_what_cannot_be_a_token(name: str, scopes: list[str], days: float) -> None:
    async def test(tokens: Tokens, _: MemoryAccessStore, __: Clock) -> None:
        await tokens.add("held", SCOPES)
        with pytest.raises(WrongUse):
            await tokens.add(name, scopes, days=days)

    run(test)
