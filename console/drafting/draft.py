"""A tracking plan drafted from events: what there is as it was seen, and what it may mean marked `# guessed`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping

from console.drafting.guesses import Guesses, Of
from console.drafting.like import Particulars
from console.drafting.observed import Call, Field, Seen
from console.drafting.scalar import scalar
from console.terminal.figures import counted
from plan import EventRule
from profiles.consent import is_consent
from profiles.errors import WrongUse

__all__ = ["draft"]

_GUESSED = "  # guessed"
_PUBLIC = re.compile(r"(^|[-_])(web|site|page|browser|app|ios|android|mobile|product|frontend)([-_]|$)")
_ORDER = ("identify", "alias", "group", "page", "screen", "track")
_GROUPS = ("groupId", "context.groupId")
_IDENTITIES = (
    ("user_id", ("userId",), "The account", 1),
    ("email", ("traits.email", "context.traits.email"), "An e-mail address", 5),
    ("phone", ("traits.phone", "context.traits.phone"), "A telephone number", 5),
    ("anonymous_id", ("anonymousId", "previousId"), "A browser or an installed app", 100),
    ("device_id", ("context.device.id",), "A phone or tablet", 20),
)
"""Type, where it is found, what it is, and how many of it one customer may have; the strongest first."""


def draft(seen: Seen, guesses: Guesses, particulars: Particulars, namespace: uuid.UUID, file: str) -> str:
    """The text of a plan that takes the events that were seen.

    Args:
        seen: what a file holds: events of somebody.
        guesses: what names mean.
        particulars: of the business.
        namespace: that all profile ids will derive from.
        file: name of what the events were read from, for the first line.

    Raises:
        WrongUse: nothing in them says who somebody is, or what happened.
    """
    made = _Draft(seen, guesses)
    if not made.knows_people:
        raise WrongUse("nothing in these events says who somebody is: no userId, no anonymousId, no e-mail address")
    if not seen.calls:
        raise WrongUse("none of these events has a name")
    named = "".join(character if character.isprintable() else "?" for character in file)
    return "\n".join(made.lines(particulars, namespace, named)) + "\n"


class _Draft:
    def __init__(self, seen: Seen, guesses: Guesses) -> None:
        self._seen, self._guesses = seen, guesses
        self._sources = {name: _source_name(name) for name in seen.sources}
        identify = seen.calls.get(("identify", ""))
        self._traits = identify.fields if identify else {}

    @property
    def knows_people(self) -> bool:
        """Whether anything says who somebody is."""
        return any(self._has(path) for _, paths, *_ in _IDENTITIES for path in paths)

    def lines(self, particulars: Particulars, namespace: uuid.UUID, file: str) -> Iterator[str]:
        yield f"# Drafted from {counted(self._seen.count, 'event')} of {file}. What is marked `guessed` goes by"
        yield "# names and values: read it, mend it, say who answers for what, and take the mark away."
        yield "# Then `rapport plan check`. What may be written here: docs/tracking-plan.md."
        if self._seen.left_out:
            yield f"# {self._seen.left_out:,} events of further names are not in it: too many names for one plan."
        yield ""
        yield f"name: {scalar(particulars.name)}"
        yield "version: 1"
        yield f"namespace: {namespace}  # profile ids derive from it: never change it"
        yield f"currency: {particulars.currency}"
        yield f"region: {scalar(particulars.region)}  # where telephone numbers without a country code are from"
        yield "enforce: flag      # a violation is remarked, and the event is used"
        yield "extra: allow       # properties that are not planned are kept"
        yield "unplanned: reject  # an event that is not in this plan goes to events.rejected"
        yield from self._source_lines()
        yield from self._identity_lines()
        yield from self._trait_lines()
        yield from self._group_lines()
        yield from self._event_lines()
        yield from self._churn_lines()

    def _source_lines(self) -> Iterator[str]:
        yield ""
        yield "# Anybody can read the key of a public source in its page or app: it is believed of behaviour alone."
        yield "sources:"
        for name in dict.fromkeys(self._sources.values()):
            sent = [given for given, made in self._sources.items() if made == name]
            browsers = sum(self._seen.browsers[given] for given in sent) * 2
            public = bool(_PUBLIC.search(name)) or browsers > sum(self._seen.sources[given] for given in sent)
            yield f"  {scalar(name)}:"
            yield f"    description: {scalar(f'What sends as {name}')}{_GUESSED}"
            yield f"    write_key: {scalar(f'dev-{name}-key')}"
            yield f"    public: {str(public).lower()}{_GUESSED}"

    def _identity_lines(self) -> Iterator[str]:
        yield ""
        yield "identities:  # who is who; 1 is the strongest"
        priority = 0
        for type_, paths, description, limit in _IDENTITIES:
            held = [path for path in paths if self._has(path)]
            if not held:
                continue
            priority += 1
            pii = type_ if type_ in ("email", "phone") else ""
            mail = type_ == "user_id" and self._seen.named("userId").all_look("email")
            more = ", pii: email, held: plain" if mail else f", pii: {pii}, held: hashed, keep: last" if pii else ""
            yield (
                f"  - {{type: {type_}, priority: {priority}, limit: {limit}, fields: [{', '.join(held)}]{more}, "
                f"description: {description}}}{_GUESSED}"
            )

    def _has(self, path: str) -> bool:
        name = path.rpartition("traits.")[2]
        if "traits." not in path:
            return self._seen.named(path).count > 0
        planned = name in self._traits and self._line(name, self._traits[name], "traits") is not None
        return planned and (path.startswith("traits.") or self._seen.named(path).count > 0)

    def _trait_lines(self) -> Iterator[str]:
        held = [line for name, values in self._traits.items() for line in self._owned(name, values, "traits")]
        if any(not line.lstrip().startswith("#") for line in held):
            yield ""
            yield "traits:"
            yield from held

    def _group_lines(self) -> Iterator[str]:
        paths = [path for path in _GROUPS if self._has(path)]
        if not paths:
            return
        yield ""
        yield "groups:"
        yield "  company:"
        yield f"    id: [{', '.join(paths)}]"
        call = self._seen.calls.get(("group", ""))
        fields = call.fields if call else {}
        held = [line for name, values in fields.items() for line in self._owned(name, values, "company")]
        if any(not line.lstrip().startswith("#") for line in held):
            yield "    traits:"
            yield from (f"    {line}" for line in held)

    def _owned(self, name: str, values: Field, of: Of) -> Iterator[str]:
        owner, why = self._guesses.owner(name, of)
        more = f", why: {scalar(why)}, owner: {scalar(owner)}"
        yield self._line(name, values, of, more=more) or f"  # {scalar(name)}: left out: no type fits its values"

    def _event_lines(self) -> Iterator[str]:
        yield ""
        yield "events:"
        for call in sorted(
            self._seen.calls.values(), key=lambda call: (_ORDER.index(call.type), -call.count, call.name)
        ):
            yield from self._event(call)

    def _event(self, call: Call) -> Iterator[str]:
        rule = self._guesses.event(call.type, call.name)
        yield f"  - name: {scalar(call.name)}" if call.type == "track" else f"  - type: {call.type}"
        sources = dict.fromkeys(self._sources[name] for name in call.sources)
        yield f"    sources: [{', '.join(map(scalar, sources))}]  # {counted(call.count, 'event')}"
        if rule is None:
            yield f"    owner: Say who{_GUESSED}"
            yield f"    description: Say when it is sent{_GUESSED}"
            yield f"    why: Say why it is collected{_GUESSED}"
        else:
            yield f"    owner: {scalar(rule.spec.owner)}{_GUESSED}"
            yield f"    description: {scalar(rule.spec.description)}{_GUESSED}"
            yield f"    why: {scalar(rule.spec.why)}{_GUESSED}"
        role = rule.role if rule is not None else ""
        if role:
            yield f"    role: {role}{_GUESSED}"
        if rule is not None and rule.spec.member and any(map(self._has, _GROUPS)):
            yield f"    member: {rule.spec.member}{_GUESSED}"
        if call.type in ("identify", "group"):
            yield "    enforce: drop_property"
            return
        yield from self._properties(call, rule)

    def _properties(self, call: Call, rule: EventRule | None) -> Iterator[str]:
        lines = {name: self._line(name, values, "properties", rule) for name, values in call.fields.items()}
        if any(lines.values()):
            yield "    properties:"
        for name, line in lines.items():
            yield f"    {line or f'  # {scalar(name)}: left out: no type fits its values'}"
        if call.left_out:
            yield "      # …and more: too many names for one event"
        types = {name: self._type(name, call.fields[name], "properties") for name, line in lines.items() if line}
        types |= self._in_lists({name: call.fields[name] for name in types})
        if facts := self._guesses.facts(rule.role if rule is not None else "", types):
            yield f"    facts: {{{', '.join(f'{fact}: {scalar(path)}' for fact, path in facts.items())}}}{_GUESSED}"

    def _in_lists(self, fields: Mapping[str, Field]) -> dict[str, str]:
        """Types of what stands in lists of objects, by the paths of facts."""
        return {
            f"{name}[].{inner}": self._type(inner, held, "properties")
            for name, values in fields.items()
            if values.all_of("array") and values.item is not None and values.item.all_of("object")
            for inner, held in values.item.inner.items()
        }

    def _churn_lines(self) -> Iterator[str]:
        rules = [self._guesses.event(call.type, call.name) for call in self._seen.calls.values()]
        if any(rule is not None and rule.role == "purchase" for rule in rules):
            yield ""
            yield "churn:  # `rapport models horizon` recommends both"
            yield f"  horizon: 26w{_GUESSED}"
            yield f"  label_horizon: 4w{_GUESSED}"

    def _type(self, name: str, values: Field, of: Of) -> str:
        if self._guesses.pii(name, values, of) in ("email", "phone", "name") and values.all_of("string"):
            return "string"
        return self._guesses.type(name, values)

    def _line(self, name: str, values: Field, of: Of, rule: EventRule | None = None, more: str = "") -> str | None:
        """A field on a line; None if nothing can be said of it."""
        if not name or is_consent(name):
            return None
        said = self._said(name, values, of, rule)
        return None if said is None else f"  {scalar(name)}: {{{said}{more}}}{_GUESSED}"

    def _said(self, name: str, values: Field, of: Of, rule: EventRule | None = None) -> str | None:
        type_ = self._type(name, values, of)
        if not type_:
            return None
        parts = [f"type: {type_}"]
        if type_ == "string" and values.all_look("email"):
            parts.append("format: email")
        elif type_ == "string" and values.all_look("currency") and "currency" in name.lower():
            parts.append("format: currency")
        pii = self._guesses.pii(name, values, of)
        if type_ == "string" and not pii and (enum := self._guesses.enum(name, values)):
            parts.append(f"enum: [{', '.join(map(scalar, enum))}]")
        if pii:
            parts.append(f"pii: {pii}")
        parts.append(f"description: {scalar(self._guesses.description(name, of, rule))}")
        if type_ == "object" and (inner := self._inner(values.inner)):
            parts.append(f"properties: {{{inner}}}")
        if type_ == "array" and values.item and (item := self._said("item", values.item, "properties")):
            parts.append(f"items: {{{item}}}")
        return ", ".join(parts)

    def _inner(self, fields: Mapping[str, Field]) -> str:
        said = {name: self._said(name, values, "properties") for name, values in fields.items() if name}
        return ", ".join(f"{scalar(name)}: {{{text}}}" for name, text in said.items() if text)


def _source_name(given: str) -> str:
    """A name of a source as plans write it, such as `web` for `Web`."""
    name = re.sub(r"[^a-z0-9_-]+", "-", given.lower()).strip("-_")[:60]
    return name if re.search("[a-z]", name) else f"source-{name}".rstrip("-")
