"""People from a file: what a line says, what is wrong with it, and that the file has the word on its people."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from console.access.api_tokens import Tokens
from console.access.passwords import hash_password
from console.access.people import People
from console.access.sessions import Sessions
from console.access.users_file import read_users, with_users_file
from console.commands.main import create_cli
from profiles.errors import WrongUse
from profiles.stores.access import AccessStore, Account
from profiles.stores.memory import MemoryAccessStore

PASSWORD = "a long password"
HASH = hash_password(PASSWORD)
OTHER = hash_password("another password")
FILE = Path("users")

Test = Callable[[AccessStore, MemoryAccessStore, Path], Awaitable[None]]


def run(tmp_path: Path, test: Test, text: str = f"kim:agent:{HASH}\n") -> None:
    file, store = tmp_path / "users", MemoryAccessStore()
    file.write_text(text)
    asyncio.run(test(with_users_file(store, file), store, file))


def write(file: Path, text: str) -> None:
    """As an editor does, also within the tick of a coarse clock."""
    before = file.stat().st_mtime_ns
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))


def test_a_line_is_a_person() -> None:
    text = f"\ufeff# people\r\n\r\nkim:agent:{HASH}\r\n  lee@example.com:admin:{OTHER}  \n"
    found = read_users(text.encode(), FILE)

    assert {name: (one.account.role, one.account.password, one.line) for name, one in found.items()} == {
        "kim": ("agent", HASH, 3),
        "lee@example.com": ("admin", OTHER, 4),
    }


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("kim", "NAME:ROLE:HASH"),
        ("kim:agent", "NAME:ROLE:HASH"),
        (f":agent:{HASH}", "cannot be a name"),
        (f"kim smith:agent:{HASH}", "cannot be a name"),
        (f"kim:boss:{HASH}", "there is no role 'boss'"),
        ("kim:agent:", "no argon2id hash"),
        (f"kim:agent:{PASSWORD}", "no argon2id hash"),
        (f"kim:agent:{HASH[:-30]}", "no argon2id hash"),
        (f"kim:agent:{HASH} ann:admin:{HASH}", "no argon2id hash"),
        ("kim:agent:$2b$12$LJ3m4ys3Lk0TSwMCkVc3Ou8ZCqgFwJbH1xq9o4oN8g6l0r1xq9o4o", "no argon2id hash"),
        (f"ann:admin:{HASH}", "ann is in line 1 already"),
        (b"\xff:agent:x", "not UTF-8"),
    ],
    ids=lambda said: (
        None if said is None or HASH[:40] not in str(said) else "with-a-hash"
    ),  # another one in each process
)
def test_a_line_that_is_wrong_is_told_by_its_number_and_without_what_may_be_a_password(
    line: str | bytes, told: str
) -> None:
    head = f"ann:agent:{OTHER}\n\n".encode()
    with pytest.raises(WrongUse, match="line 3: ") as caught:
        read_users(head + (line if isinstance(line, bytes) else line.encode()), FILE)

    assert told in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_who_is_in_the_file_signs_in_and_goes_before_an_account_of_that_name(tmp_path: Path) -> None:
    async def test(both: AccessStore, store: MemoryAccessStore, _: Path) -> None:
        await store.put_account(Account("kim", "admin", OTHER))
        sessions = Sessions(both)
        kim = await sessions.by_password("kim", PASSWORD)
        assert kim is not None
        assert kim.role == "agent"
        assert await sessions.by_password("kim", "another password") is None
        viewer = await sessions.viewer(await sessions.begin(kim, "password"))
        assert viewer is not None
        assert viewer.role == "agent"
        assert [account.name for account in await People(both).everybody()] == ["kim"]
        token = await Tokens(both).add("crm", ["alerts:write", "admin"], owner="kim")
        told = await Tokens(both).viewer(token.text)
        assert told is not None
        assert told.scopes == {"alerts:write"}

    run(tmp_path, test)


def test_nobody_here_changes_who_is_in_the_file(tmp_path: Path) -> None:
    async def test(both: AccessStore, store: MemoryAccessStore, file: Path) -> None:
        people = People(both)
        changes: list[Callable[[], Awaitable[object]]] = [
            lambda: people.give_role("kim", "admin"),
            lambda: people.set_password("kim", PASSWORD),
            lambda: people.disable("kim"),
            lambda: people.enable("kim"),
            lambda: people.remove("kim"),
            lambda: both.put_account(Account("kim", "admin")),
        ]
        for change in changes:
            with pytest.raises(WrongUse, match=f"kim is in {file}, line 1"):
                await change()
        with pytest.raises(WrongUse, match="already"):
            await people.add("kim", "admin")
        assert await store.accounts() == {}

    run(tmp_path, test)


def test_a_file_that_changes_counts_at_once(tmp_path: Path) -> None:
    async def test(both: AccessStore, _: MemoryAccessStore, file: Path) -> None:
        sessions = Sessions(both)
        kim = await both.account("kim")
        assert kim is not None
        cookie = await sessions.begin(kim, "password")

        write(file, f"kim:analyst:{HASH}\nann:admin:{OTHER}\n")
        viewer = await sessions.viewer(cookie)
        assert viewer is not None
        assert viewer.role == "analyst"
        ann = await both.account("ann")
        assert ann is not None
        assert ann == Account("ann", "admin", OTHER, source="file", created=ann.created)

        write(file, f"ann:admin:{OTHER}\n")
        assert await sessions.viewer(cookie) is None
        write(file, f"kim:admin:{HASH}\n")  # the next of that name is not in by it
        assert await sessions.viewer(cookie) is None

    run(tmp_path, test)


def test_who_has_another_hash_is_another_person(tmp_path: Path) -> None:
    async def test(both: AccessStore, _: MemoryAccessStore, file: Path) -> None:
        sessions, kim = Sessions(both), await both.account("kim")
        assert kim is not None
        cookie = await sessions.begin(kim, "password")
        write(file, f"kim:agent:{OTHER}\n")
        assert await sessions.viewer(cookie) is None

    run(tmp_path, test)


def test_a_change_while_no_console_runs_counts_as_well(tmp_path: Path) -> None:
    async def test(both: AccessStore, store: MemoryAccessStore, file: Path) -> None:
        cookies = []
        for name in ("kim", "lee", "ann"):
            person = await both.account(name)
            assert person is not None
            cookies.append(await Sessions(both).begin(person, "password"))
        token = await Tokens(both).add("crm", ["alerts:write"], owner="kim")

        write(file, f"kim:agent:{OTHER}\nann:analyst:{HASH}\n")
        after = with_users_file(store, file)
        found = [await Sessions(after).viewer(cookie) for cookie in cookies]
        assert [viewer and viewer.role for viewer in found] == [None, None, "analyst"]
        assert await store.sessions("kim") == {}
        assert await Tokens(after).viewer(token.text) is None

    run(tmp_path, test, "".join(f"{name}:agent:{HASH}\n" for name in ("kim", "lee", "ann")))


def test_a_token_of_who_was_taken_out_is_not_the_next_ones(tmp_path: Path) -> None:
    async def test(both: AccessStore, _: MemoryAccessStore, file: Path) -> None:
        token = await Tokens(both).add("crm", ["alerts:write"], owner="kim")
        assert await Tokens(both).viewer(token.text) is not None
        write(file, "")
        assert await Tokens(both).viewer(token.text) is None
        write(file, f"kim:agent:{OTHER}\n")
        assert await Tokens(both).viewer(token.text) is None

    run(tmp_path, test)


@pytest.mark.parametrize("restarted", [False, True])
def test_who_is_taken_out_is_not_let_in_by_an_older_account(tmp_path: Path, restarted: bool) -> None:
    async def test(both: AccessStore, store: MemoryAccessStore, file: Path) -> None:
        await store.put_account(Account("kim", "admin", OTHER, created=5.0))
        token = await Tokens(both).add("crm", ["alerts:write"], owner="kim")
        write(file, "")
        after = with_users_file(store, file) if restarted else both
        assert await Sessions(after).by_password("kim", "another password") is None
        assert await Sessions(store).by_password("kim", "another password") is None  # nor where the file is not known
        assert not await after.add_account(Account("kim", "admin", source="oidc", subject="s"))
        assert (await People(after).enable("kim")).password == OTHER
        assert await Tokens(after).viewer(token.text) is None
        with pytest.raises(WrongUse, match="already"):
            await People(after).add("kim", "agent")

    run(tmp_path, test)


def test_somebody_adds_who_was_taken_out_anew(tmp_path: Path) -> None:
    async def test(both: AccessStore, store: MemoryAccessStore, file: Path) -> None:
        await store.put_account(Account("kim", "admin", OTHER))
        assert await both.account("kim") is not None
        write(file, "")
        added = await People(both).add("kim", "agent")
        assert await both.account("kim") == added
        assert (added.role, added.password, added.disabled) == ("agent", "", False)

    run(tmp_path, test)


def test_people_of_a_file_are_settled_once_however_many_ask(tmp_path: Path) -> None:
    async def test(both: AccessStore, store: MemoryAccessStore, _: Path) -> None:
        found = await asyncio.gather(*(both.account("kim") for _ in range(5)))
        assert len(set(map(str, found))) == 1
        assert (await store.file_people())["kim"].since == found[0].created  # type: ignore[union-attr]

    run(tmp_path, test)


def test_a_damaged_file_changes_nothing_and_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(both: AccessStore, _: MemoryAccessStore, file: Path) -> None:
        before = await both.account("kim")
        write(file, "kim:boss:x\n")
        assert [await both.account("kim") for _ in range(3)] == [before] * 3
        await asyncio.to_thread(file.unlink)
        assert await both.account("kim") == before
        await asyncio.to_thread(file.write_text, f"ann:admin:{HASH}\n")
        assert await both.account("kim") is None

    run(tmp_path, test)
    assert caplog.text.count("line 1: there is no role 'boss'") == 1


def test_a_file_that_cannot_be_read_is_wrong_use_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="cannot be read"):
        with_users_file(MemoryAccessStore(), tmp_path)


def test_the_command_prints_a_line_that_signs_in() -> None:
    result = CliRunner().invoke(create_cli(), ["users", "hash", "kim", "--role", "operator", "--stdin"], input=PASSWORD)

    assert result.exit_code == 0
    account = read_users(result.stdout.encode(), FILE)["kim"].account
    assert replace(account, password="") == Account("kim", "operator", source="file")
    for arguments in (["kim smith"], ["kim", "--role", "boss"]):
        refused = CliRunner().invoke(create_cli(), ["users", "hash", *arguments, "--stdin"], input=PASSWORD)
        assert refused.exit_code == 2
