"""The tools: twelve that read, and two that act where they are allowed to.

What customers made stands in fields called `untrusted_text` alone. Of groups of fewer than ten customers nothing is
broken down. None of them erases, exports, splits, promotes, replays, reveals or sends anything out.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from urllib.parse import quote

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from console.mcp.asking import Asking, Refused
from console.mcp.untrusted import NOTE, untrusted
from profiles.times import parse_time

__all__ = ["FEWEST", "ROWS", "add_tools"]

ROWS = 50
"""Rows of an answer at most."""

FEWEST = 10
"""Customers of a group below which it is not broken down."""

_PARTS = 20  # of a preview, after which it is given up: what was looked at is told

Answer = dict[str, Any]
Id = Annotated[str, Field(description="profile_id:ID of find_customer, or TYPE:VALUE such as user_id:42")]
Limit = Annotated[int, Field(ge=1, le=ROWS)]
Why = Annotated[str, Field(description="Why personal data is needed; without it, masked. Written down.")]
Section = Literal["identities", "traits", "companies", "purchases", "subscriptions", "support", "activity", "segments"]

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_ACTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
_OF_CASE = ("id", "state", "severity", "owner", "assignee")
_ALWAYS = ("id", "first_seen", "last_seen", "lifecycle", "withheld")


def add_tools(server: MCPServer, asking: Asking, *, write: bool) -> None:
    """Give a server its tools; `write`: also those that act."""
    ask = _Asked(asking)
    _of_customers(server, ask.get)
    _of_lists(server, ask.get, ask.post)
    _of_operation(server, ask.get)
    if write:
        _that_act(server, ask.post)


class _Asked:
    """Requests whose refusals a model is told."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    async def get(self, path: str, why: str = "", **params: Any) -> Answer:
        try:
            return await self._asking.get(path, why, **params)
        except Refused as refused:
            raise ToolError(str(refused)) from None

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        try:
            return await self._asking.post(path, body)
        except Refused as refused:
            raise ToolError(str(refused)) from None


def _told(**parts: Any) -> Answer:
    """An answer that may hold what customers wrote."""
    return {"note": NOTE, **parts}


Get = Callable[..., Awaitable[Answer]]
Post = Callable[[str, dict[str, Any]], Awaitable[Answer]]


def _of_customers(server: MCPServer, get: Get) -> None:
    """One customer at a time."""

    @server.tool(annotations=_READS, description="Find customers by name, e-mail, phone, order, ticket or id.")
    async def find_customer(
        query: Annotated[str, Field(min_length=1, max_length=200)], why: Why = "", limit: Limit = 10
    ) -> Answer:
        found = await get("/v1/search", why, q=query, limit=limit)
        rows = [
            {
                "id": f"profile_id:{hit['profile']}",
                "untrusted_text": untrusted(hit["label"]),
                "matched": hit["matched"]["kind"],
                "exact": hit["exact"],
                "risk": hit["risk"],
                "band": hit["band"],
                "stage": hit["stage"],
                "last_seen": hit["last_seen"],
            }
            for hit in found["data"]
            if hit["company"] is None
        ]
        return _told(customers=rows, more=found["more"], timed_out=found["timed_out"])

    @server.tool(
        annotations=_READS, description="A customer: stage, risk, value, open matters; further sections by name."
    )
    async def get_customer(id: Id, sections: list[Section] = [], why: Why = "") -> Answer:  # noqa: B006
        held = await get(_customer(id), why)
        shown = {name: held[name] for name in _ALWAYS} | {
            "untrusted_text": untrusted(held["label"]),
            "orders": held["purchases"]["orders"],
            "revenue": held["purchases"]["revenue"],
            "open_tickets": held["support"]["open_tickets"],
            "risk": held["churn"] and held["churn"]["risk"],
            "case": held["case"] and {name: held["case"][name] for name in _OF_CASE},
        }
        return _told(customer=shown | {name: _SECTIONS[name](held[name]) for name in sections})

    @server.tool(annotations=_READS, description="A customer's latest events, the newest first.")
    async def get_timeline(id: Id, since: str = "", limit: Limit = 20, why: Why = "") -> Answer:
        after = _time(since) if since else -math.inf
        found = await get(f"{_customer(id)}/events", why, limit=ROWS)
        rows = [
            {
                "time": event["time"], "source": event["source"], "role": event["role"], "amount": event["amount"],
                "counts": event["claimed"] is None, "untrusted_text": untrusted(_event(event)),
            }
            for event in found["data"]
            if parse_time(event["time"]) >= after
        ]  # fmt: skip
        return _told(
            events=rows[:limit], note_of_end="a profile keeps its latest events; older ones are in the archive"
        )

    @server.tool(
        annotations=_READS, description="Why a customer is likely to leave or stay, and what would lower the risk."
    )
    async def explain_risk(id: Id) -> Answer:
        held = await get(_customer(id))
        if held["churn"] is None:
            return _told(risk=None, withheld=held["withheld"])
        return _told(risk=_without_text(held["churn"]))

    @server.tool(annotations=_READS, description="Whether a customer allows a purpose: analytics, profiling, outreach…")
    async def check_consent(id: Id, purpose: str) -> Answer:
        held = (await get(_customer(id)))["consent"]
        if purpose not in held:
            raise ToolError(f"the plan knows no such purpose; it knows {', '.join(sorted(held))}")
        return _told(purpose=purpose, **{name: held[purpose][name] for name in ("status", "source", "since")})


def _of_lists(server: MCPServer, get: Get, post: Post) -> None:
    """Many customers."""

    @server.tool(annotations=_READS, description="Open matters: customers at risk, those of most value at risk first.")
    async def list_at_risk(
        segment: str | None = None,
        min_value: Annotated[float | None, Field(ge=0, description="Value at risk, in the plan's currency.")] = None,
        limit: Limit = 20,
    ) -> Answer:
        found = await get("/v1/cases", grain="customer", segment=segment, worth=min_value, limit=limit)
        names = (
            "state",
            "kind",
            "severity",
            "risk_now",
            "band",
            "stage",
            "value_at_risk",
            "owner",
            "assignee",
            "opened",
        )
        rows = [
            {
                "case": row["id"], "id": f"profile_id:{row['profile']}", "untrusted_text": untrusted(row["label"]),
                "reasons": [untrusted(reason) for reason in row["reasons"][:3]],
            } | {name: row[name] for name in names}
            for row in found["data"]
        ]  # fmt: skip
        return _told(cases=rows, total=found["total"])

    @server.tool(annotations=_READS, description="All segments with their sizes.")
    async def list_segments() -> Answer:
        found = await get("/v1/segments")
        return _told(segments=[_segment(one) for one in found["data"]])

    @server.tool(
        annotations=_READS, description="A segment: what it means, how large it is, what sets its customers apart."
    )
    async def describe_segment(name: str) -> Answer:
        held = await get(f"/v1/segments/{quote(name, safe='')}")
        if (_size(held) or 0) < FEWEST:
            return _told(segment=_segment(held), persona=f"not told of fewer than {FEWEST} customers")
        return _told(segment=_without_text(held))

    @server.tool(
        annotations=_READS,
        description="How many customers would be in a segment of this condition (JSON, as in a plan).",
    )
    async def preview_segment(condition: dict[str, Any]) -> Answer:
        inside = looked_at = 0
        cursor: str | None = None
        for _ in range(_PARTS):
            part = await post("/v1/segments/preview", {"condition": condition, "limit": 0, "cursor": cursor})
            inside, looked_at, cursor = inside + part["inside"], looked_at + part["looked_at"], part["next"]
            if cursor is None:
                break
        counted = f"fewer than {FEWEST}" if inside < FEWEST else inside
        return _told(words=untrusted(part["words"]), customers=counted, looked_at=looked_at, total=part["total"])


def _of_operation(server: MCPServer, get: Get) -> None:
    """What is planned, and how it goes."""

    @server.tool(
        annotations=_READS,
        description="Events, traits, segments and alerts of the tracking plan whose words hold a text.",
    )
    async def search_plan(text: Annotated[str, Field(min_length=2, max_length=100)], limit: Limit = 20) -> Answer:
        found = _planned(await get("/v1/plan"), text.casefold())
        return {"found": found[:limit], "more": len(found) > limit}

    @server.tool(
        annotations=_READS, description="Whether data flows: rates, lag, what is rejected and why, paused sources."
    )
    async def pipeline_status() -> Answer:
        groups = await get("/v1/rejected/groups")
        rejected = [
            {name: group[name] for name in ("source", "step", "reason", "events") if name in group}
            for group in groups["data"][:ROWS]
        ]
        return _told(pipeline=_without_text(await get("/v1/pipeline")), rejected=rejected)

    @server.tool(annotations=_READS, description="The models: which one speaks, how good each is, since when.")
    async def model_status() -> Answer:
        return _told(models=_without_text(await get("/v1/models")))


def _that_act(server: MCPServer, post: Post) -> None:
    """Decisions on cases."""

    @server.tool(annotations=_ACTS, description="Take a case: nobody is reminded of it any more.")
    async def acknowledge_case(case: str, note: Annotated[str, Field(max_length=500)] = "") -> Answer:
        await post(f"/v1/cases/{quote(case, safe='')}/acknowledge", {"note": note} if note else {})
        return _told(done="acknowledged")

    @server.tool(annotations=_ACTS, description="Write a note on a case, for people to read.")
    async def add_note(case: str, note: Annotated[str, Field(min_length=1, max_length=500)]) -> Answer:
        await post(f"/v1/cases/{quote(case, safe='')}/note", {"note": note})
        return _told(done="noted")


def _customer(id_: str) -> str:
    return f"/v1/profiles/{quote(id_, safe='')}"


def _time(text: str) -> float:
    try:
        return parse_time(text)
    except ValueError:
        raise ToolError("since is no time; write it as RFC 3339, such as 2026-07-01T00:00:00Z") from None


def _event(event: Answer) -> str:
    shown = "; ".join(f"{one['label']}: {_plain(one['value'])}" for one in event["shown"])
    return " · ".join(filter(None, (event["name"], event["about"], shown)))


def _plain(value: Any) -> Any:
    return f"{value['amount']} {value['currency']}" if isinstance(value, dict) else value


def _size(segment: Answer) -> int | None:
    size = segment.get("size", segment.get("members"))
    return size if isinstance(size, int) else None


def _segment(one: Answer) -> Answer:
    return {"name": untrusted(one["name"]), "description": one.get("description"), "size": _size(one)}


def _named(value: Any) -> list[Answer]:
    return [
        {"trait": name, "untrusted_text": untrusted(figure["value"]), "at": figure["at"]}
        for name, figure in value.items()
    ]


def _known(value: Any) -> list[Answer]:
    return [
        {"type": one["type"], "hashed": one["hashed"], "untrusted_text": untrusted(one["value"])}
        for one in value[:ROWS]
    ]


def _member(value: Any) -> list[Answer]:
    return [
        {"since": one["since"], "until": one["until"], "untrusted_text": untrusted(one["company"])}
        for one in value[:ROWS]
    ]


def _without_text(value: Any) -> Any:
    """The same with each text made harmless: short ones that we write ourselves stay as they are."""
    if isinstance(value, dict):
        return {untrusted(name): _without_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_text(inner) for inner in value[:ROWS]]
    return untrusted(value) if isinstance(value, str) else value


_SECTIONS = {
    "identities": _known,
    "traits": _named,
    "companies": _member,
    "purchases": _without_text,
    "subscriptions": _without_text,
    "support": _without_text,
    "activity": _without_text,
    "segments": _without_text,
}


def _planned(plan: Answer, text: str) -> list[Answer]:
    found = []
    for section in ("events", "traits", "segments", "alerts"):
        held = plan.get(section) or []
        for one in held.values() if isinstance(held, dict) else held:
            words = " ".join(str(one.get(name) or "") for name in ("name", "description", "why", "role"))
            if text in words.casefold():
                found.append(
                    {"kind": section[:-1]}
                    | {
                        name: one[name]
                        for name in ("name", "type", "role", "description", "why", "owner", "pii")
                        if one.get(name)
                    }
                )
    return found
