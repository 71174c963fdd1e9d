"""People who may sign in, from a file: `NAME:ROLE:HASH` a line, as `rapport users hash` prints them.

The file is the word on its people: commands and pages leave them alone, and it goes before an account of the same name.
It is looked at when somebody is asked about, and read again when it has changed; while a changed one cannot be read,
the people of the one before stay. Who is in it no more, or with another hash, is out: the store keeps who was in it, so
that this holds as well when the file changes while nobody looks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from console.access.group_roles import role_named
from console.access.passwords import is_hash
from console.access.people import NAME, Refused
from console.access.scopes import ROLES
from profiles.errors import WrongUse
from profiles.stores.access import AccessStore, Account, Change, FilePerson

__all__ = ["people_of", "read_users", "with_users_file"]

log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """Somebody in the file."""

    account: Account
    line: int


def with_users_file(store: AccessStore, file: Path | None) -> AccessStore:
    """A store in which the people of a file, if there is one, have accounts, too.

    Raises:
        WrongUse: the file cannot be read; says which line.
    """
    return store if file is None else cast(AccessStore, _WithFile(store, file))


def people_of(file: Path) -> dict[str, Entry]:
    """The people of a file as it is, by name.

    Raises:
        WrongUse: it cannot be read; says which line.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise WrongUse(f"{file} cannot be read: {error.strerror}") from error
    return read_users(text, file)


def read_users(text: bytes, file: Path) -> dict[str, Entry]:
    """The people of a file by name. Empty lines, and those that begin with `#`, say nothing.

    Raises:
        WrongUse: a line is not as it must be; says which and why.
    """
    found: dict[str, Entry] = {}
    for number, line in enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not (said := line.strip()) or said.startswith(b"#"):
            continue
        try:
            account = _account(said.decode(), found)
        except (WrongUse, UnicodeDecodeError) as error:
            why = "this is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
            raise WrongUse(f"{file}, line {number}: {why}") from None
        found[account.name] = Entry(account, number)
    return found


def _account(line: str, before: Mapping[str, Entry]) -> Account:
    name, _, rest = line.partition(":")
    role, colon, kept = rest.partition(":")
    if not colon:
        raise WrongUse("a line is NAME:ROLE:HASH, as `rapport users hash NAME` prints it")
    if not NAME.fullmatch(name):
        raise WrongUse(f"{name!r} cannot be a name; allowed: up to 100 letters, digits and any of . _ - + @")
    if name in before:
        raise WrongUse(f"{name} is in line {before[name].line} already")
    if (known := role_named(role)) is None:
        raise WrongUse(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    if not is_hash(kept):  # which is not shown: it may be a password
        raise WrongUse(f"what {name} has behind the second colon is no argon2id hash; `rapport users hash` makes one")
    return Account(name, known, kept, source="file")


class _WithFile:
    """An access store, in which those of a file come before others of their names."""

    def __init__(self, store: AccessStore, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._file = file
        self._clock = clock
        self._damage = ""
        self._people: Mapping[str, Entry] = {}  # as the store knows of them
        self._settling = asyncio.Lock()
        self._mark: object
        self._found: Mapping[str, Entry] | None  # in the file, and the store does not know yet
        self._found, self._mark = self._read()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def accounts(self) -> dict[str, Account]:
        people = await self._now()
        return {**await self._store.accounts(), **{name: entry.account for name, entry in people.items()}}

    async def account(self, name: str) -> Account | None:
        entry = (await self._now()).get(name)
        return await self._store.account(name) if entry is None else entry.account

    async def put_account(self, account: Account) -> None:
        await self._leave_alone(account.name)
        await self._store.put_account(account)

    async def add_account(self, account: Account) -> bool:
        """By people here also in the place of one that was put out as its name was taken out of the file."""
        if account.name in await self._now():
            return False
        if await self._store.add_account(account):
            return True
        was = (await self._store.file_people()).get(account.name)
        if was is None or account.source:
            return False
        added = False

        def anew(held: Account) -> Account:
            nonlocal added
            added = held.disabled and held.out == was.since
            return account if added else held

        await self._store.change_account(account.name, anew)
        return added

    async def change_account(self, name: str, change: Change, *, even_the_last: bool = False) -> Account | None:
        await self._leave_alone(name)
        return await self._store.change_account(name, change, even_the_last=even_the_last)

    async def _leave_alone(self, name: str) -> None:
        if (entry := (await self._now()).get(name)) is not None:
            raise Refused(f"{name} is in {self._file}, line {entry.line}: change them there")

    async def _now(self) -> Mapping[str, Entry]:
        """The people of the file as it is."""
        try:
            if self._stat() != self._mark:
                self._found, self._mark = self._read()
                self._damage = ""
        except (WrongUse, OSError) as error:
            if str(error) != self._damage:
                log.error("the people of the file before stay: %s", error)  # noqa: TRY400
                self._damage = str(error)
        if self._found is not None:
            async with self._settling:
                if (found := self._found) is not None:
                    self._people = await self._settle(found)
                    self._found = None if self._found is found else self._found
        return self._people

    async def _settle(self, people: Mapping[str, Entry]) -> dict[str, Entry]:
        """These people, each an account since they came with this hash; who was there before them is out."""
        held, now = await self._store.file_people(), self._clock()
        digests = {name: sha256(entry.account.password.encode()).hexdigest() for name, entry in people.items()}
        gone = dict.fromkeys((name for name, was in held.items() if was.digest and name not in people), "")
        changed = {
            name: FilePerson(digest, now)
            for name, digest in {**digests, **gone}.items()
            if name not in held or held[name].digest != digest
        }
        for name in changed:
            if name in gone:  # an older account of this name is theirs no more than the next one of the file
                await self._store.change_account(name, partial(_put_out, now), even_the_last=True)
            for digest in await self._store.sessions(name):
                await self._store.end_session(digest)
        await self._store.put_file_people(changed)
        known = {**held, **changed}
        return {
            name: entry._replace(account=replace(entry.account, created=known[name].since))
            for name, entry in people.items()
        }

    def _read(self) -> tuple[dict[str, Entry], object]:
        mark = self._stat()  # before: what changes meanwhile is seen the next time
        return people_of(self._file), mark

    def _stat(self) -> object:
        held = self._file.stat()
        return held.st_mtime_ns, held.st_size, held.st_ino


def _put_out(now: float, held: Account) -> Account:
    return replace(held, disabled=True, created=now, out=now)
