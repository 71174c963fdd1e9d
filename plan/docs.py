"""A readable page of what is collected and why, from the plan alone: Markdown, or one HTML file without scripts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from models.conditions.rules import AlertRule, SegmentRule
from models.conditions.where import in_words
from models.conditions.words import duration_in_words
from models.config import ChurnConfig
from models.segments.purposes import alert_needs, segment_needs
from plan.model import ARCHIVED_FACTS, ConsentSpec, FactsSpec, Property, Trait
from plan.plan import Plan
from plan.rule import EventRule

__all__ = ["label_of_event", "properties_of", "render_html", "render_markdown", "type_in_words"]


class _Heading(NamedTuple):
    level: int
    text: str


class _Text(NamedTuple):
    text: str  # `code` and **strong** are the only markup


class _Table(NamedTuple):
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


_Block = _Heading | _Text | _Table


def render_markdown(plan: Plan) -> str:
    """The page as Markdown."""
    return "\n\n".join(_markdown(block) for block in _page(plan)) + "\n"


def render_html(plan: Plan) -> str:
    """The page as one self-contained HTML file."""
    body = "\n".join(_html(block) for block in _page(plan))
    return _SHELL.format(title=html.escape(plan.name), body=body)


def _page(plan: Plan) -> Iterator[_Block]:
    yield _Heading(1, f"What {plan.name} collects, and why")
    if plan.file.description:
        yield _Text(plan.file.description)
    yield _Text(
        f"Version {plan.version} of the plan: {len(plan.rules)} events from {len(plan.sources)} sources, "
        f"{len(plan.traits)} traits, {len(plan.segments)} segments, {len(plan.alerts)} alerts. "
        f"Money is in {plan.currency} unless an event names another currency."
    )
    yield _Heading(2, "Sources")
    yield _Table(
        ("source", "who has its key", "what it is", "topic", "events"),
        [
            (
                f"`{source.name}`" + ("" if source.enabled else " (disabled)"),
                "anybody" if source.public else "our servers",
                source.description,
                f"`{source.topic}`",
                str(sum(source.name in rule.sources for rule in plan.rules)),
            )
            for source in plan.sources.values()
        ],
    )
    if plan.file.webhooks:
        yield _Text("Other services send by themselves, and sign what they send:")
        yield _Table(
            ("webhook", "service", "source"),
            [(f"`{name}`", one.service, f"`{one.source}`") for name, one in plan.file.webhooks.items()],
        )
    if plan.trust.public:
        yield _Text(
            "Where anybody has the key, it is in a page or an app. What such a source says of orders, support, consent "
            "and people's traits is **claimed**: it is shown, and counts only when one of our servers says it"
            + (", or the person themselves, with a signed user id." if plan.file.verify_user_ids != "off" else ".")
        )
    file = plan.file
    yield _Text(
        f"Days, weeks and months of analyses are those of {file.timezone}; weeks begin on {file.week_start.title()}. "
        f"Shares and means of fewer than {file.analyses.smallest} customers are not shown."
    )
    yield from _people(plan)
    yield from _personal(plan)
    yield from _consent(plan)
    yield _Heading(2, "Events")
    yield _Text(
        "An event that breaks its rule is rejected (kept apart with the reason), flagged (used, with a remark) or "
        "used without the offending property, as stated with each event."
    )
    for rule in plan.rules:
        yield from _event(rule)
    yield from _rules(plan)


def _people(plan: Plan) -> Iterator[_Block]:
    yield _Heading(2, "Who is who")
    region = f" Telephone numbers without a country code are from {plan.file.region}." if plan.file.region else ""
    yield _Text(
        "Events with the same identity belong to one customer. At a conflict the weakest identity gives way. One "
        f"customer has at most {plan.most_identities} identities. An identity that is held **hashed** can be "
        f"recognised when it comes again, and not be read.{region}"
    )
    yield _Table(
        ("identity", "priority", "at most", "held", "found in", "what it is"),
        [
            (
                f"`{rule.type}`",
                str(rule.priority),
                str(rule.limit),
                "hashed" if rule.hashed else "plain",
                ", ".join(f"`{path}`" for path in rule.fields),
                rule.description,
            )
            for rule in plan.identities
        ],
    )
    yield _Heading(2, "Traits")
    yield _Text("What is known about a customer; the latest value wins, and null removes it.")
    yield _Table(
        ("trait", "type", "what it is", "why", "owner", "personal data"),
        list(_traits(plan.traits)),
    )
    for group, spec in plan.file.groups.items():
        yield _Heading(2, "Companies")
        yield _Text(
            f"Events also count for the **{group}** that they name in {', '.join(f'`{path}`' for path in spec.id)}, "
            "else for the only one that their customer belongs to: of who denies profiling or analytics, only what was "
            "bought and paid. What is known about a company:"
        )
        yield _Table(
            ("trait", "type", "what it is", "why", "owner", "personal data"),
            list(_traits(spec.traits)),
        )


def _traits(traits: Mapping[str, Trait]) -> Iterator[tuple[str, ...]]:
    for name, trait in traits.items():
        yield f"`{name}`", type_in_words(trait), trait.description, trait.why, trait.owner, _pii(trait)
        for path, kind, _, description, pii in _properties(trait.properties or {}, f"{name}."):
            yield path, kind, description, "", "", pii


def _personal(plan: Plan) -> Iterator[_Block]:
    places: dict[str, list[str]] = {}
    for name, trait in plan.traits.items():
        if trait.pii != "none":
            places.setdefault(trait.pii, []).append(f"trait `{name}`")
    for rule in plan.rules:
        for path, pii in rule.pii.items():
            if not (rule.type == "identify" and path.split(".")[0] in plan.traits):
                places.setdefault(pii, []).append(f"{label_of_event(rule)} `{path}`")
    yield _Heading(2, "Personal data")
    yield _Table(("class", "where"), [(pii, ", ".join(where)) for pii, where in sorted(places.items())])


def _consent(plan: Plan) -> Iterator[_Block]:
    if not plan.file.consent:
        return
    yield _Heading(2, "Consent")
    yield _Text(
        "What customers may allow or deny; their latest word counts, from the next event on. Without **profiling** no "
        "risk is computed or shown, without **outreach** no alert opens, without **analytics** they are left out of "
        "analyses."
    )
    yield _Table(
        ("purpose", "what it is", "until they say", "said by", "legal basis", "owner"),
        [
            (
                f"`{name}`",
                spec.description,
                spec.default,
                " or ".join(_said_by(spec)),
                spec.basis,
                spec.owner,
            )
            for name, spec in plan.file.consent.items()
        ],
    )


def _said_by(spec: ConsentSpec) -> Iterator[str]:
    if spec.trait:
        yield f"trait `{spec.trait}`"
    for category in spec.every_category:
        yield f"category `{category}`"
    if spec.tcf:
        yield f"TCF purposes {', '.join(map(str, spec.tcf))}"
    if spec.gpc:
        yield "Global Privacy Control"


def _event(rule: EventRule) -> Iterator[_Block]:
    yield _Heading(3, label_of_event(rule))
    yield _Text(rule.description)
    sources = ", ".join(f"`{source}`" for source in rule.sources)
    role = f" **Means:** `{rule.role}`." if rule.role else ""
    violation = {
        "reject": "the event is rejected",
        "flag": "the event is flagged",
        "drop_property": "the property is dropped",
    }[rule.enforce]
    yield _Text(
        f"**Why:** {rule.why} **Owner:** {rule.owner}. **From:** {sources}.{role} **On a violation:** {violation}."
    )
    facts = {
        fact: f"{fact} from {' or '.join(f'`{path}`' for path in paths)}"
        for fact in FactsSpec.model_fields
        if fact not in ("currency", "item") and (paths := getattr(rule.spec.facts, fact))
    }
    for word, told in (("Counts", facts.keys() - ARCHIVED_FACTS), ("The archive has", facts.keys() & ARCHIVED_FACTS)):
        if told:
            yield _Text(f"**{word}:** {'; '.join(text for fact, text in facts.items() if fact in told)}.")
    if rule.spec.show:
        yield _Text(f"**Timelines tell:** {', '.join(f'`{path}`' for path in rule.spec.show)}.")
    if kinds := [f"{kind} if {in_words(where)}" for kind, where in rule.spec.kinds.items()]:
        yield _Text(f"**Kinds:** {'; '.join(kinds)}.")
    rows = list(_properties(rule.spec.properties, ""))
    if rows:
        yield _Table(("property", "type", "required", "what it is", "personal data"), rows)
    elif rule.type == "identify":
        yield _Text("Carries the traits above.")


def _properties(properties: Mapping[str, Property], before: str) -> Iterator[tuple[str, ...]]:
    for path, prop in properties_of(properties, before):
        yield f"`{path}`", type_in_words(prop), "yes" if prop.required else "", prop.description, _pii(prop)


def properties_of(properties: Mapping[str, Property], before: str = "") -> Iterator[tuple[str, Property]]:
    """Every property with its path, those inside others after them: `products[].price`."""
    for name, prop in properties.items():
        path = f"{before}{name}"
        yield path, prop
        inner, inner_path = prop, path
        while inner.items is not None:
            inner, inner_path = inner.items, f"{inner_path}[]"
        if inner.properties:
            yield from properties_of(inner.properties, f"{inner_path}.")


def _definition(config: ChurnConfig) -> tuple[str, ...]:
    assert config.definition is not None
    bands = f"{config.bands.medium:.0%}, {config.bands.high:.0%}"
    definition = config.definition
    within = duration_in_words(config.horizon)
    return f"`{definition.name}`", definition.description, definition.ends_by.in_words(), within, bands


def _rules(plan: Plan) -> Iterator[_Block]:
    yield _Heading(2, "Churn")
    yield _Text(
        f"A customer without a {plan.churn.role} for {duration_in_words(plan.churn.horizon)} counts as lost. "
        f"The risk is **medium** from {plan.churn.bands.medium:.0%} and **high** from {plan.churn.bands.high:.0%}."
    )
    if plan.churn.definitions:
        headings = ("Also churn", "Described", "Ends by", "Within", "Medium and high from")
        yield _Table(headings, [_definition(config) for config in plan.churn.each()[1:]])
    needs = segment_needs(plan.segments)
    own = {rule.name for rule in plan.file.segments}
    for level, title, rules in (
        (2, "Segments", [rule for rule in plan.segments if rule.name in own]),
        (3, "Segments that every plan has", [rule for rule in plan.segments if rule.name not in own]),
    ):
        if rules:
            yield _Heading(level, title)
            yield _Table(
                ("segment", "who", "rule", "at most one of", "needs consent to"),
                [
                    (
                        f"`{rule.name}`",
                        rule.description,
                        _of_companies(rule) + rule.when.in_words(),
                        rule.group or "",
                        "" if _of_companies(rule) else ", ".join(needs[rule.name]),
                    )
                    for rule in rules
                ],
            )
    if plan.alerts:
        yield _Heading(2, "Alerts")
        yield _Table(
            ("alert", "when", "rule", "severity", "goes to", "needs consent to"),
            [
                (
                    f"`{rule.name}`",
                    rule.description,
                    _of_companies(rule) + rule.in_words(),
                    rule.severity,
                    rule.owner or rule.channel,
                    "" if _of_companies(rule) else ", ".join(alert_needs(rule, needs)),
                )
                for rule in plan.alerts
            ],
        )
    if plan.file.routes:
        yield _Heading(3, "Who gets a case")
        yield _Table(("case", "goes to"), [(route.when.in_words(), route.goes_to()) for route in plan.file.routes])
    if plan.file.sinks:
        yield _Heading(3, "Who is told")
        rows = [(name, sink.description, sink.in_words()) for name, sink in plan.file.sinks.items()]
        yield _Table(("sink", "what it is", "is told"), rows)
    if plan.file.audiences:
        yield _Heading(3, "Who is in tables for other tools")
        told = plan.file.audiences
        yield _Table(("segment", "of each member"), [(f"`{name}`", told.in_words()) for name in told.segments])


def _of_companies(rule: SegmentRule | AlertRule) -> str:
    """What stands before a rule about companies, of whom no consent is asked; "" before the others."""
    return "of companies: " if rule.grain == "company" else ""


def label_of_event(rule: EventRule) -> str:
    """How an event is called: its name, or "page: any"."""
    if rule.type == "track":
        return rule.name
    return f"{rule.type}: {'any' if rule.name == '*' else rule.name}"


def type_in_words(prop: Property) -> str:
    """The type of a property with its limits: "string (a, b)", "money (0 to 100)"."""
    kind: str = prop.type
    inner = prop
    while inner.items is not None:
        inner = inner.items
        kind += f" of {inner.type}"
    limits: list[str] = []
    if prop.enum:
        limits.append(", ".join(map(str, prop.enum)))
    if prop.format:
        limits.append(prop.format)
    if prop.pattern:
        limits.append(f"matches `{prop.pattern}`")
    for low, high, unit in (
        (prop.min, prop.max, ""),
        (prop.min_length, prop.max_length, " characters"),
        (prop.min_items, prop.max_items, " items"),
    ):
        if low is not None and high is not None:
            limits.append(f"{low:g} to {high:g}{unit}")
        elif low is not None:
            limits.append(f"at least {low:g}{unit}")
        elif high is not None:
            limits.append(f"at most {high:g}{unit}")
    return f"{kind} ({'; '.join(limits)})" if limits else kind


def _pii(prop: Property) -> str:
    return "" if prop.pii == "none" else prop.pii.replace("_", " ")


def _markdown(block: _Block) -> str:
    match block:
        case _Heading(level, text):
            return f"{'#' * level} {text}"
        case _Text(text):
            return text
        case _Table(head, rows):
            lines = [head, ["---"] * len(head), *rows]
            return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _html(block: _Block) -> str:
    match block:
        case _Heading(level, text):
            anchor = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
            return f'<h{level} id="{anchor}">{html.escape(text)}</h{level}>'
        case _Text(text):
            return f"<p>{_inline(text)}</p>"
        case _Table(head, rows):
            body = "".join(_row("td", row) for row in rows)
            return f"<table>\n<thead>{_row('th', head)}</thead>\n<tbody>{body}</tbody>\n</table>"


def _row(tag: str, cells: Iterable[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{_inline(cell)}</{tag}>' for cell in cells)}</tr>\n"


def _inline(text: str) -> str:
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"`([^`]*)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped)


_SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }}
h1, h2, h3 {{ line-height: 1.2; margin-top: 2em; }}
table {{ border-collapse: collapse; width: 100%; display: block; overflow-x: auto; font-size: .9em; }}
th, td {{ text-align: left; vertical-align: top; padding: .3em .7em; border-bottom: 1px solid #8884; }}
code {{ font-size: .92em; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
