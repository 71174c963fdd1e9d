"""Which identities an event carries: the plan's rules, applied by a pure function compiled once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from profiles.errors import Unacceptable
from profiles.identity.placeholders import Placeholders
from profiles.identity.secrets import hashed
from profiles.identity.spelling import EXACT, MAX_LENGTH, PII, as_text, clean, normalise
from profiles.types import Identity

__all__ = [
    "Extractor", "Fits", "Held", "IdentityRule", "InexactNumber", "Spell", "Spellings", "compile_extractor",
    "compile_spellings",
]  # fmt: skip

Held = Literal["hashed", "plain"]
"""How an identity is kept: as a keyed hash (`profiles.identity.secrets`), or as it is."""

Extractor = Callable[[dict[str, Any]], list[Identity]]

Spell = Callable[[object], str | None]
"""From a value as found to the one it is held as, or None for what identifies nobody."""

Fits = Callable[[str], bool]
"""Whether a text is what its field is for."""

_REMEMBERED = 20_000  # values of a type that are not spelt or hashed again; 10 MB at most

_OF_BROWSERS = ("anonymousId", "previousId")
_OF_DEVICES = "context.device."

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*")


class IdentityRule(BaseModel):
    """One type of identity: where it is found, how strong it is, how many of it one customer may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64, description="Name of the identity type.")
    priority: int = Field(ge=1, description="1 is the strongest; at a conflict the weakest identity is dropped.")
    limit: int = Field(100, ge=1, description="How many values of this type one profile may hold.")
    fields: tuple[str, ...] = Field(
        min_length=1, description="Where it is found in a raw event, e.g. userId, traits.email, context.externalIds."
    )
    pii: PII = Field("id", description="Class of personal data; email and phone are normalised as such.")
    held: Held | None = Field(
        None, description="`hashed` or `plain`; if absent, `plain` for the classes id and none, else `hashed`."
    )
    person: bool | None = Field(
        None,
        description="Whether it says who somebody is, not which browser or device; if absent, unless it is only found "
        "in anonymousId, previousId and context.device.",
    )
    keep: Literal["first", "last"] | None = Field(
        None,
        description="Whose it is if several customers claim it who cannot be one: `first`, who claimed it first by the "
        "time of the events; `last`, to whom it has gone since; if absent, who claimed it first by arrival.",
    )
    alias: Literal["refuse", "join"] = Field(
        "refuse",
        description="What an alias of two of this type does, if `previousId` is among the fields: `join` makes one "
        "customer of them, whatever `limit` says; a public source's never does.",
    )
    description: str = Field("", description="What it is, for people.")

    @field_validator("fields")
    @classmethod
    def _are_paths(cls, fields: tuple[str, ...]) -> tuple[str, ...]:
        for path in fields:
            if not _PATH.fullmatch(path):
                raise ValueError(f"'{path}' is not a field path such as 'userId' or 'context.traits.email'")
        return fields

    @property
    def hashed(self) -> bool:
        """Whether profiles, mapping and topics hold a hash instead of the value."""
        return (self.held or ("plain" if self.pii in ("id", "none") else "hashed")) == "hashed"

    @property
    def names_a_person(self) -> bool:
        """Whether it says who somebody is, and not only which browser or device they use."""
        if self.person is not None:
            return self.person
        return not all(path in _OF_BROWSERS or path.startswith(_OF_DEVICES) for path in self.fields)


class InexactNumber(Unacceptable):
    """A number in floating point that stands for several whole ones, and so for several customers.

    Who has the bytes of the event can read it again, digit by digit; nobody can make one customer of it as it is.
    """

    def __init__(self) -> None:
        super().__init__(
            "inexact_identity", "an identity is a number of so many digits that it stands for several; send it as text"
        )


class Spellings(dict[str, Spell]):
    """For each identity type the function from a value to what is held of it. It may raise InexactNumber.

    Args:
        rules: the plan's identity rules.
        blocked, unblocked: values that count as absent beside the usual ones, and those of the usual that do not.
        key: of the hashes.
        region: where telephone numbers without a country code are from.
    """

    def __init__(
        self,
        rules: Iterable[IdentityRule],
        blocked: Iterable[str],
        unblocked: Iterable[str],
        key: bytes,
        region: str | None,
    ) -> None:
        self._blocked, self._unblocked = list(blocked), list(unblocked)
        self._key, self._region = key, region
        self._rules = {rule.type: rule for rule in rules}
        super().__init__({kind: self.of(kind) for kind in self._rules})

    def of(self, kind: str, fits: Fits | None = None) -> Spell:
        """The function of a type; of a field, if only what fits identifies there."""
        rule, key, region = self._rules[kind], self._key, self._region
        # What is blocked is meant in every spelling: "06 0000 0001" as well as "+31600000001".
        placeholders = Placeholders(
            self._blocked, self._unblocked, lambda text: normalise(text, rule.pii, Placeholders(), region)
        )

        @lru_cache(maxsize=_REMEMBERED)
        def remembered(text: str) -> str | None:
            found = normalise(text, rule.pii, placeholders, region)
            if found is None or not (fits is None or _fits(fits, text, found)):
                return None
            return hashed(key, kind, found) if rule.hashed else found

        def spell(value: object) -> str | None:
            if type(value) is str and len(value) <= MAX_LENGTH:
                return remembered(value)  # which trims it
            text = as_text(value)
            if text is None and type(value) is float and EXACT <= abs(value) < inf:
                raise InexactNumber
            return None if text is None else remembered(text)

        return spell


def _fits(fits: Fits, text: str, found: str) -> bool:
    """As it was written, in its one spelling, or (of a telephone number) in that without the extension."""
    return fits(clean(text) or "") or fits(found) or (";" in found and fits(found.partition(";")[0]))


def compile_spellings(
    rules: Iterable[IdentityRule],
    blocked: Iterable[str] = (),
    unblocked: Iterable[str] = (),
    *,
    key: bytes,
    region: str | None = None,
) -> Spellings:
    """The spellings of the identity types of a plan."""
    return Spellings(rules, blocked, unblocked, key, region)


def compile_extractor(
    rules: Iterable[IdentityRule], spellings: Spellings, fits: Mapping[tuple[str, str], Fits] | None = None
) -> Extractor:
    """A function from a raw Segment event to its identities, the strongest first, without repeats.

    `context.externalIds` yields the entries whose `type` is the rule's. In a `group` call `traits` describe the
    group, so they identify nobody.

    Args:
        rules: the plan's identity rules.
        spellings: of `compile_spellings`, for the same rules.
        fits: what identifies at all, by type and field: `("email", "traits.email")`.
    """
    fits = fits or {}
    ordered = sorted(rules, key=lambda rule: rule.priority)
    fields = (
        _Field(
            place, kind, *_parted(path), spellings.of(kind, fit) if (fit := fits.get((kind, path))) else spellings[kind]
        )
        for place, (kind, path) in enumerate((rule.type, path) for rule in ordered for path in rule.fields)
    )
    every = list(fields)
    of_customers = _object(every, ())
    of_groups = _object([field for field in every if field.parent != _TRAITS], ())

    def extractor(event: dict[str, Any]) -> list[Identity]:
        found: list[tuple[int, Identity]] = []
        _search(event, of_groups if event.get("type") == "group" else of_customers, found)
        if len(found) == 1:
            return [found[0][1]]
        if len(found) == 2:  # as of most events, so without the cost of the general case
            (place, one), (other_place, other) = found
            return [one] if one == other else [one, other] if place <= other_place else [other, one]
        found.sort(key=_place)
        return list(dict.fromkeys([identity for _, identity in found]))

    return extractor


class _Field(NamedTuple):
    """Where a type of identity is found."""

    place: int  # among all: the lower, the stronger
    kind: str
    parent: tuple[str, ...]  # path of the object that it is in
    name: str
    spell: Spell


class _Object(NamedTuple):
    """What is looked for in an object of an event, so that each is looked up once: most events lack most of them."""

    single: list[tuple[int, str, Spell, str]]  # (place, type, spelling, name) of a field
    listed: list[tuple[int, str, Spell]]  # the same of entries of `externalIds`
    inner: list[tuple[str, _Object]]  # by name


def _object(fields: Sequence[_Field], at: tuple[str, ...]) -> _Object:
    """The object at a path, with those inside it."""
    here = [field for field in fields if field.parent == at]
    below = sorted({field.parent[: len(at) + 1] for field in fields if field.parent[: len(at)] == at != field.parent})
    return _Object(
        [(field.place, field.kind, field.spell, field.name) for field in here if field.name != _LIST],
        [(field.place, field.kind, field.spell) for field in here if field.name == _LIST],
        [(path[-1], _object(fields, path)) for path in below],
    )


def _search(node: dict[str, Any], sought: _Object, found: list[tuple[int, Identity]]) -> None:
    """Add what an object holds to what was found."""
    single, listed, inner = sought
    get = node.get
    for place, kind, spell, name in single:
        if (value := get(name)) is not None and (text := spell(value)) is not None:
            found.append((place, (kind, text)))
    if listed and (entries := get(_LIST)) is not None:
        for place, kind, spell in listed:
            for candidate in _external_ids(entries, kind):
                if (text := spell(candidate)) is not None:
                    found.append((place, (kind, text)))
    for name, deeper in inner:
        if type(value := get(name)) is dict:
            _search(value, deeper, found)


_LIST = "externalIds"
_TRAITS = ("traits",)
_place = itemgetter(0)


def _parted(path: str) -> tuple[tuple[str, ...], str]:
    """The path of the object that a field is in, and the field's own name."""
    *parent, name = path.split(".")
    return tuple(parent), name


def _external_ids(entries: object, kind: str) -> list[object]:
    """The ids of one type among `context.externalIds`: those of users, as they are.

    Segment's SDKs may name the `collection` an id is of (accounts have ids, too) and its `encoding`; one that we cannot
    undo would make another customer of the same id.
    """
    if type(entries) is not list:
        return []
    return [
        entry.get("id")
        for entry in entries
        if type(entry) is dict
        and entry.get("type") == kind
        and entry.get("collection") in (None, "users")
        and entry.get("encoding") in (None, "none")
    ]
