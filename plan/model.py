"""The shape of `tracking_plan.yaml`: what may be written in it, as pydantic models.

Cross-references (a segment that names a trait, say) are checked in `semantics`; what it does is in `plan` and `rule`.
"""

from __future__ import annotations

import ipaddress
import uuid
from datetime import date
from typing import Annotated, Any, Literal, get_args

import idna
import jsonschema_rs
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from models.cases.routes import ROUTES, Route
from models.conditions.rules import RULES, AlertRule, Name, SegmentRule
from models.conditions.where import Where
from models.config import ChurnConfig
from plan.analyses import AnalysesSpec, TimeZone, WeekStart
from plan.sinks.audience_table import AudiencesSpec
from plan.sinks.kinds import AnySink
from plan.sinks.sink import SINKS
from profiles.identity.extract import IdentityRule
from profiles.identity.spelling import PII
from profiles.money import CURRENCIES

__all__ = [
    "ARCHIVED_FACTS", "ROLES", "BreakerSpec", "ChampionsSpec", "ConsentSpec", "Enforce", "EventSpec", "EventType",
    "Extra", "FactsSpec", "GroupSpec", "IgnoreSpec", "ItemSpec", "PlanFile", "Property", "PropertyType", "Role",
    "SourceSpec", "Trait", "Verify",
]  # fmt: skip

Role = Literal[
    "visit", "view", "search", "cart", "checkout", "purchase", "refund", "payment", "payment_failed", "signup", "login",
    "feature_use", "subscription_start", "subscription_cancel", "ticket_opened", "ticket_solved", "ticket_reopened",
    "complaint", "inquiry", "csat", "nps", "ces", "review", "contact_made", "contact_opened", "contact_clicked",
    "unsubscribe", "consent", "coupon_denied", "order_cancelled", "return", "delivered", "delivery_late",
    "undelivered", "subscription_renew", "subscription_pause", "uninstalled", "subscription_change",
    "subscription_grow", "subscription_shrink", "goal", "ticket_replied", "survey_asked", "stock_alert", "invoice",
]  # fmt: skip
"""What an event means, whatever it is called; everything below the plan knows only these."""

ROLES: tuple[str, ...] = get_args(Role)

EventType = Literal["track", "identify", "page", "screen", "group", "alias"]
PropertyType = Literal["string", "id", "integer", "number", "boolean", "date-time", "money", "object", "array"]
Format = Literal["email", "date", "time", "uri", "uuid", "ipv4", "ipv6", "hostname", "currency"]
Enforce = Literal["reject", "flag", "drop_property"]
OnRepeat = Literal["first", "last", "each"]
Extra = Literal["allow", "flag", "drop", "reject"]
Verify = Literal["off", "optional", "required"]

_NUMERIC = ("integer", "number", "money")
_APPLIES: dict[str, tuple[str, ...]] = {
    "enum": ("string", "id", "integer", "number"),
    "pattern": ("string", "id"),
    "format": ("string",),
    "min": _NUMERIC,
    "max": _NUMERIC,
    "min_length": ("string", "id"),
    "max_length": ("string", "id"),
    "items": ("array",),
    "min_items": ("array",),
    "max_items": ("array",),
    "properties": ("object",),
    "currency": ("money",),
    "unit": ("integer", "number"),
}


def _currency(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError(f"'{code}' is not an ISO-4217 currency code such as EUR")
    return code


def _region(code: str) -> str:
    from profiles.identity.phone import REGIONS  # noqa: PLC0415  (its tables take a tenth of a second)

    if code not in REGIONS:
        raise ValueError(f"'{code}' is not an ISO-3166 code of a region that has telephone numbers, such as NL")
    return code


def _pattern(pattern: str) -> str:
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except jsonschema_rs.ValidationError:
        raise ValueError(
            f"'{pattern}' is not a regular expression that matches in linear time (no look-around, no back-references)"
        ) from None
    return pattern


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1)]
ShownPath = Annotated[str, Field(min_length=1, max_length=64)]
Paths = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Currency = Annotated[str, AfterValidator(_currency)]
Region = Annotated[str, AfterValidator(_region)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_PUBLIC = Field(False, description="Whether the public page of what is collected, and why, tells of it.")


class Property(_Strict):
    """One value that an event or a customer carries."""

    type: PropertyType = Field(description="`id` is a string or a whole number; `money` a decimal amount.")
    description: Text = Field(description="What it is, for people.")
    required: bool = Field(False, description="Absent or null is a violation.")
    enum: list[str | int | float] | None = Field(None, min_length=1, description="The values it may have.")
    pattern: Annotated[str, AfterValidator(_pattern)] | None = Field(
        None, description="Regular expression that must match somewhere; anchor it with ^ and $."
    )
    format: Format | None = Field(None, description="A well-known format of a string.")
    min: float | None = Field(None, description="Least value.", allow_inf_nan=False)
    max: float | None = Field(None, description="Greatest value.", allow_inf_nan=False)
    min_length: int | None = Field(None, ge=0, description="Least number of characters.")
    max_length: int | None = Field(None, ge=0, description="Greatest number of characters.")
    min_items: int | None = Field(None, ge=0, description="Least number of items.")
    max_items: int | None = Field(None, ge=0, description="Greatest number of items.")
    items: Property | None = Field(None, description="What each item of an array is.")
    properties: dict[str, Property] | None = Field(None, description="The properties of an object.")
    currency: str | None = Field(
        None, description="Of money: the sibling property that holds its currency; `currency` if there is one."
    )
    pii: PII = Field("none", description="Class of personal data.")
    unit: Text | None = Field(None, max_length=16, description="Of a number: what it counts, such as min or km.")

    @model_validator(mode="after")
    def _consistent(self) -> Property:
        wrong = [
            f"`{key}` does not apply to type {self.type}"
            for key, types in _APPLIES.items()
            if getattr(self, key) is not None and self.type not in types
        ]
        for low, high in (("min", "max"), ("min_length", "max_length"), ("min_items", "max_items")):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least > most:
                wrong.append(f"`{low}` is greater than `{high}`")
        if self.enum is not None and self.type in _APPLIES["enum"]:
            expected: tuple[type, ...] = {"string": (str,), "id": (str, int), "integer": (int,)}.get(
                self.type, (int, float)
            )
            wrong += [
                f"`enum` holds {value!r}, which is not a value of type {self.type}"
                for value in self.enum
                if not isinstance(value, expected)
            ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class Trait(Property):
    """One thing that is known about a customer; the latest value wins."""

    owner: str = Field("", description="Who answers for it.")
    why: str = Field("", description="Why it is collected.")
    public: bool = _PUBLIC


class ItemSpec(_Strict):
    """Where the archive finds what it keeps of each item of an order, in the item: the usual names if absent."""

    product: Paths = Field((), description="Number of the product.")
    category: Paths = Field((), description="Its category.")
    quantity: Paths = Field((), description="How many; absent: one.")
    price: Paths = Field((), description="Price of one.")
    cost: Paths = Field((), description="Cost of one.")


class FactsSpec(_Strict):
    """Where the neutral facts of an event come from: a property path, or several of which the first present counts."""

    amount: Paths = Field((), description="Money of the event, e.g. revenue.")
    currency: Paths = Field((), description="Its currency, if not the one beside the amount.")
    quantity: Paths = Field((), description="Items; `products[].quantity` sums, an item without it counts one.")
    subject: Paths = Field((), description="What it is about: an order, ticket, subscription or product id.")
    refund: Paths = Field(
        (), description="Which of the refunds of its subject it is; absent: another one with every message."
    )
    rating: Paths = Field((), description="An answer on a scale: csat, nps, ces, review.")
    category: Paths = Field((), description="What was bought; of `products[].category` the one of most products.")
    ends: Paths = Field((), description="Of a subscription: when the period that is paid ends, or ended.")
    interval: Paths = Field((), description="Of a subscription: how often it is paid, such as month or year.")
    seats: Paths = Field((), description="Of a subscription: for how many people it is.")
    mrr: Paths = Field(
        (), description="Of a subscription: what it brings a month; absent: the amount, divided by the interval."
    )
    items: Paths = Field((), description="For the archive: the list of what was bought, such as products.")
    item: ItemSpec | None = Field(None, description="Where the figures of an item are found in it.")
    product: Paths = Field((), description="For the archive: the product that it is about.")
    feature: Paths = Field((), description="For the archive: the feature of the product.")
    topic: Paths = Field((), description="For the archive: what a ticket, complaint or contact is about.")
    reason: Paths = Field((), description="For the archive: why, such as of a refund or an end; one of a few words.")
    cost: Paths = Field((), description="For the archive: cost of the goods.")
    discount: Paths = Field((), description="For the archive: what was taken off.")
    shipping: Paths = Field((), description="For the archive: what the delivery cost the customer.")
    channel: Paths = Field((), description="For the archive: how: phone, e-mail, web…")
    device: Paths = Field((), description="For the archive: kind of device, if not by its SDK or user agent.")
    os: Paths = Field((), description="For the archive: system of the device.")
    browser: Paths = Field((), description="For the archive: the browser.")
    locale: Paths = Field((), description="For the archive: language and region that the client is set to.")
    utm_source: Paths = Field((), description="For the archive: where a campaign reached the customer.")
    utm_medium: Paths = Field((), description="For the archive: by what means it did.")
    utm_campaign: Paths = Field((), description="For the archive: the campaign.")
    referrer: Paths = Field((), description="For the archive: address that the visitor came from; its host is kept.")
    department: Paths = Field((), description="For the archive: who of ours.")
    agent: Paths = Field((), description="For the archive: which person of ours.")
    resolution: Paths = Field((), description="For the archive: how a ticket was solved.")
    results: Paths = Field((), description="For the archive: how much a search found.")
    in_stock: Paths = Field((), description="For the archive: whether a product could be bought.")
    text: Paths = Field((), description="For the archive: what the customer wrote; of the class free_text only.")
    language: Paths = Field((), description="For the archive: the language of that text.")
    plan: Paths = Field((), description="For the archive: the kind of subscription.")
    starts: Paths = Field((), description="For the archive: when the period that is paid begins.")


ARCHIVED_FACTS = frozenset(list(FactsSpec.model_fields)[list(FactsSpec.model_fields).index("items") :])
"""The facts that only the archive has; profiles keep of some the latest few (`plan.traced`), models know none."""


HealthPart = Literal["use", "breadth", "seats", "outcome", "support", "sentiment", "relationship", "payment"]


class ChampionsSpec(_Strict):
    """Who carries the product in a company: members who work with it on most days."""

    days: int = Field(12, ge=1, le=28, description="Days of the last 28 on which a champion has worked with it.")
    silent: int = Field(14, ge=3, le=28, description="Days of silence after which a champion is gone.")
    trait: str | None = Field(None, description="A trait of people…")
    values: list[str | int | bool] = Field([], description="…and its values: for those members `key_days` are enough.")
    key_days: int = Field(4, ge=1, le=28, description="Days of the last 28 of a member whose trait is so.")

    @model_validator(mode="after")
    def _whole(self) -> ChampionsSpec:
        if (self.trait is None) != (not self.values):
            raise ValueError("`trait` and `values` go together")
        return self


class GroupSpec(_Strict):
    """Companies that customers belong to: each has a document of its own."""

    id: Paths = Field(
        ("groupId", "context.groupId"),
        min_length=1,
        description="Where an event names the company: a path, or several of which the first present counts.",
    )
    traits: dict[str, Trait] = Field({}, description="What group calls say of a company; the latest value wins.")
    champions: ChampionsSpec = Field(ChampionsSpec(), description="Which members count as champions.")
    health: dict[HealthPart, Annotated[float, Field(ge=0, le=1000)]] = Field(
        {}, description="What the parts of a company's health count, where not as usual; 0 leaves one out."
    )


class SourceSpec(_Strict):
    """Where events come from."""

    description: Text = Field(description="What it is, for people.")
    write_key: SecretStr = Field(
        description="What its senders authenticate with; RAPPORT_WRITE_KEY_<SOURCE> overrides it."
    )
    topic: str = Field("", description="Kafka topic; `events.<source>` if empty.", pattern=r"^[A-Za-z0-9._-]{0,249}$")
    enabled: bool = Field(True, description="A disabled source is answered 404.")
    public: bool | None = Field(
        None, description="Whether others can read its key, as that of a page or an app; absent: no, and a warning."
    )

    @model_validator(mode="after")
    def _usable_key(self) -> SourceSpec:
        key = self.write_key.get_secret_value()
        if not 8 <= len(key) <= 200 or not key.isascii() or not all(c.isalnum() or c in "_-.~" for c in key):
            raise ValueError("`write_key` must have 8 to 200 characters, of letters, digits, '_', '-', '.', '~'")
        return self


WebhookName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Service = Literal["chatwoot", "generic", "intercom", "shopify", "stripe", "woocommerce", "zendesk"]
"""Whose webhooks are understood; `generic`: whoever signs by Standard Webhooks."""


class WebhookSpec(_Strict):
    """Requests that a service sends by itself, signed with the secret in RAPPORT_WEBHOOK_<NAME>_SECRET."""

    service: Service = Field(description="Whose it is, by how it signs.")
    source: str = Field(description="The source that its events are of.")
    mapping: str = Field("", description="File of further mappings, beside the ready ones; by the plan's folder.")
    secret: SecretStr = Field(
        SecretStr(""),
        exclude=True,
        description="Never here but in RAPPORT_WEBHOOK_<NAME>_SECRET; two while it changes.",
    )

    @property
    def secrets(self) -> list[str]:
        """One, or both while it changes over."""
        return self.secret.get_secret_value().replace(",", " ").split()


class EventSpec(_Strict):
    """One planned event: what it is, who wants it and why, what it carries."""

    name: Text = Field("*", description="As senders name it; `*` for any page, screen, identify, group or alias.")
    type: EventType = Field("track", description="The call of the Segment API.")
    sources: list[str] = Field(min_length=1, description="The sources it may come from.")
    owner: Text = Field(description="Who answers for it.")
    description: Text = Field(description="When it is sent.")
    why: Text = Field(description="Why it is collected.")
    public: bool = _PUBLIC
    role: Role | None = Field(None, description="What it means to profiles, models and analyses.")
    on_repeat: OnRepeat | None = Field(
        None,
        description="Of a role that adds up, which of several reports of one subject says the amount: `last` (by event "
        "time; the default) or `first`; or `each` counts by itself.",
    )
    member: Literal["left"] | None = Field(
        None, description="`left`: after it the customer is no member any more of the company that it names."
    )
    enforce: Enforce | None = Field(None, description="What a violation does; the plan's if absent.")
    extra: Extra | None = Field(None, description="What unplanned properties do; the plan's if absent.")
    properties: dict[str, Property] = Field({}, description="What it carries; for identify added to the traits.")
    facts: FactsSpec = Field(
        FactsSpec(), description="Where amount, currency, quantity, subject, rating, category and others are found."
    )
    show: Annotated[tuple[ShownPath, ...], BeforeValidator(_as_list)] = Field(
        (), max_length=4, description="Which properties a customer's timeline tells, as paths: `products[].name`."
    )
    kinds: dict[str, Where] = Field(
        {}, description="When it is of a kind that models tell apart: a complaint about the price, a late delivery."
    )

    @model_validator(mode="after")
    def _named(self) -> EventSpec:
        if self.type == "track" and self.name == "*":
            raise ValueError("a track event needs a `name`")
        if self.type in ("identify", "group", "alias") and self.name != "*":
            raise ValueError(f"{self.type} calls have no name; leave `name` out")
        return self


class ConsentSpec(_Strict):
    """One purpose that customers may allow or deny, and where they say so."""

    description: Text = Field(description="What their data is used for, in words for them.")
    default: Literal["granted", "denied"] = Field(description="What holds while a customer has said nothing.")
    trait: str | None = Field(None, description="The boolean trait of identify calls that says it.")
    category: str | None = Field(
        None, description="The category of `context.consent.categoryPreferences`, of any event, that says it."
    )
    categories: tuple[Text, ...] = Field(
        (),
        description="Further names of it, there or among RudderStack's consent ids: OneTrust's C0002.",
    )
    tcf: tuple[Annotated[int, Field(ge=1, le=24)], ...] = Field(
        (), description="Purposes of the IAB's framework that must all have consent in `context.consent.tcString`."
    )
    gpc: bool = Field(False, description="Whether Global Privacy Control, `context.gpc`, denies it.")
    owner: Text = Field(description="Who answers for it.")
    public: bool = _PUBLIC
    basis: Text = Field(description="The legal basis, in words.")

    @property
    def every_category(self) -> tuple[str, ...]:
        """All names that consent managers have for it."""
        return tuple(dict.fromkeys([*([self.category] if self.category else []), *self.categories]))

    @property
    def is_said(self) -> bool:
        """Whether anybody can say anything about it, beside an event of the role `consent`."""
        return bool(self.trait or self.every_category or self.tcf or self.gpc)


GroupName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
PurposeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]


class BreakerSpec(_Strict):
    """When a source is paused rather than drained into `events.rejected`."""

    ratio: float = Field(
        0.5, gt=0, lt=1, description="Share of senders above which it is: those of whose events most are rejected."
    )
    senders: int = Field(20, ge=2, description="Such senders there must be.")
    least: int = Field(200, ge=1, description="Events there must be of them all, unless one kind of event went wrong.")
    over: float = Field(600, ge=10, le=86_400, description="Seconds that are looked back.")
    retry: float = Field(30, gt=0, le=3600, description="Seconds until it is tried again, doubled up to five minutes.")
    kept: int = Field(200, ge=0, description="Rejected events of one sender kept with their bytes in an hour.")
    run: int = Field(500, ge=1, description="Says nothing any more: one sender could reach it.")
    window: int = Field(1000, ge=1, le=100_000, description="Says nothing any more: one sender could fill it.")


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip(), strict=False))
    except ValueError:
        raise ValueError(f"'{text}' is no IP address or range such as 192.0.2.0/24 or 2001:db8::/32") from None


def _domain(text: str) -> str:
    try:
        return idna.encode(text.strip().removeprefix("@"), uts46=True).decode().lower()
    except idna.IDNAError:
        raise ValueError(f"'{text}' is no domain such as shop.example") from None


class IgnoreSpec(_Strict):
    """What is kept out of profiles and models: what programs do, and your own people."""

    bots: bool = Field(False, description="Crawlers and monitors, by their user agents, from pages and apps.")
    user_agents: list[Annotated[str, Field(min_length=3, max_length=200)]] = Field(
        [], description="Further user agents: a part of theirs, in any case."
    )
    addresses: list[Annotated[str, AfterValidator(_network)]] = Field(
        [], description="IP addresses and ranges of your own, as `context.ip` has them."
    )
    mail_domains: list[Annotated[str, AfterValidator(_domain)]] = Field(
        [], description="Domains of your own people's e-mail addresses, with those below them."
    )


class RatesSpec(_Strict):
    """What other currencies are worth, from a day on until a later entry says otherwise."""

    since: date = Field(description="The day from whose beginning (UTC) they hold.")
    rates: dict[Currency, Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]] = Field(
        min_length=1, description="By currency, what one of it is worth in the plan's."
    )


def _each_day_once(table: list[RatesSpec]) -> list[RatesSpec]:
    days = [each.since for each in table]
    if twice := next((day for day in days if days.count(day) > 1), None):
        raise ValueError(f"two entries are of {twice}; make them one")
    return table


class PlanFile(_Strict):
    """The whole plan."""

    name: Text = Field(description="Of the plan.")
    version: int = Field(ge=1, description="Raise it with every change.")
    description: str = Field("", description="What the plan is for.")
    namespace: uuid.UUID | None = Field(
        None, description="Profile ids derive from it: never change it. Derived from the name if absent."
    )
    currency: Currency = Field("EUR", description="Of money that names none, and of all spend figures.")
    rates: Annotated[list[RatesSpec], AfterValidator(_each_day_once)] = Field(
        [],
        max_length=5_000,
        description="What other currencies are worth, so that sums are of all money; without one it is in no sum.",
    )
    timezone: TimeZone = Field("UTC", description="In which days, weeks and months of analyses are cut.")
    week_start: WeekStart = Field("monday", description="The first day of their weeks.")
    analyses: AnalysesSpec = Field(AnalysesSpec(), description="How analyses are made.")
    catalogue: str = Field(
        "", max_length=1000, description="A CSV or Parquet file of products, by its path from the plan's folder."
    )
    region: Region | None = Field(
        None, description="Where telephone numbers without a country code are from; without it they identify nobody."
    )
    earliest: date = Field(
        date(1990, 1, 1),
        ge=date(1970, 1, 2),
        description="An event that says it happened before this day counts as of its receipt, with a remark.",
    )
    enforce: Enforce = Field("reject", description="What a violation does, unless the event says otherwise.")
    extra: Extra = Field("allow", description="What properties that are not planned do.")
    unplanned: Literal["reject", "flag"] = Field("reject", description="What an event that is not planned does.")
    verify_user_ids: Verify = Field(
        "off", description="Whether the userId of a public source may be signed, or must be, to be believed."
    )
    sources: dict[str, SourceSpec] = Field(min_length=1, description="Where events come from.")
    webhooks: dict[WebhookName, WebhookSpec] = Field(
        {}, max_length=100, description="What other services send by themselves, to /v1/webhook/NAME."
    )
    identities: list[IdentityRule] = Field(min_length=1, description="What tells customers apart.")
    most_identities: int = Field(
        1000, ge=2, description="Linked identities of one profile at which merges stop; events go on to be resolved."
    )
    blocked: list[str] = Field([], description="Further values that identify nobody, in any case.")
    unblocked: list[str] = Field([], description="Of the usual placeholders those that identify somebody here.")
    ignore: IgnoreSpec = Field(IgnoreSpec(), description="What is kept out of profiles and models.")
    traits: dict[str, Trait] = Field({}, description="What is known about a customer.")
    groups: dict[GroupName, GroupSpec] = Field(
        {}, max_length=1, description="What customers belong to, by what it is called, such as company."
    )
    consent: dict[PurposeName, ConsentSpec] = Field({}, description="What customers may allow or deny.")
    events: list[EventSpec] = Field(min_length=1, description="What may happen.")
    churn: ChurnConfig = Field(ChurnConfig(), description="What churn means and how its model is fed.")
    segments: list[SegmentRule] = Field([], max_length=RULES, description="Groups of customers, kept live.")
    builtin_segments: bool = Field(True, description="Whether the segments by value and the learned ones are there.")
    alerts: list[AlertRule] = Field([], max_length=RULES, description="When people should look at a customer.")
    routes: list[Route] = Field(
        [],
        max_length=ROUTES,
        description="To whom a case goes and where its alerts are told; the first that matches counts.",
    )
    sinks: dict[Name, AnySink] = Field(
        {}, max_length=SINKS, description="Other tools that are told of alerts, and of who enters and leaves segments."
    )
    audiences: AudiencesSpec | None = Field(
        None, description="Segments that are written as tables for other tools, and what of each member may leave."
    )
    breaker: Literal["off"] | BreakerSpec = Field(
        BreakerSpec(), description="When a source is paused instead of being rejected event by event."
    )
