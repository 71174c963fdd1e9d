"""The page of one customer: who they are, how likely they leave and why, what to do next, what happened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from console.access.masking import sight_of
from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.pages.languages import language_of
from console.pages.live.looks import Looks
from console.pages.live.streaming import stream
from console.services.assignees import assignees
from console.services.first_steps import FirstSteps
from console.services.links import links_of
from console.services.picturing import Picturing
from console.services.ports import ApiDeps
from console.services.revealing import veils_of
from console.views.churn import DefinedChurnView, may_be_scored
from console.views.label import label
from console.views.operating.audit import ACTIONS, AuditView
from console.views.profile import ProfileView, profile_view
from console.views.timeline import timeline_view
from plan import Plan
from profiles.claims import believed_traits
from profiles.types import Profile
from streams.audit.trail import Wanted

__all__ = ["customer_router"]

_FRAGMENTS = (
    "head", "risk", "next", "value", "figures", "outlook", "timeline", "segments", "tickets", "stages", "subscriptions",
    "companies", "consents", "identities", "traits", "claims", "bar",
)  # fmt: skip
"""Parts of the page that are alive; each is a block of the template and fills the element of its name.

None of them holds a `<details>`: they are what is in one, so that one that somebody opened stays open.
"""

_SHOWN = 40  # events
_LOOKED = 20  # rows of the audit trail
_KEPT = 1000  # events of a timeline at most

BOUGHT = "buy"
"""As a source of the timeline: what was bought, whoever told it."""

_BUYING = frozenset({"purchase", "order_cancelled", "refund", "return", "payment", "payment_failed"})
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{4,30}")

Source = Annotated[str, Query(max_length=100)]


def customer_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The routes /c/{profile}, its stream, and why its identities are one customer's."""
    router = APIRouter(include_in_schema=False)
    reads, audits = Depends(entry.may("profiles:read")), Depends(entry.may("audit:read"))
    first_steps, written = FirstSteps(deps), Looks(entry.note, "profile.view")
    picturing = Picturing(deps.plan, deps.findings)

    @router.get("/c/{profile}")
    async def customer(
        request: Request, profile: str, source: Source = "", joined: bool = False, viewer: Viewer = reads
    ) -> Response:
        found = await _known(deps, profile)
        if found.id != profile:  # merged into another
            return RedirectResponse(f"/c/{found.id}?joined=true", 303, HEADERS)
        written.page(request, viewer, found.id)
        await first_steps.looked(viewer, found.id)
        return await frame.page(request, viewer, "customer", joined=joined, **await values(found, viewer, source))

    @router.get("/c/{profile}/links")
    async def links(request: Request, profile: str, viewer: Viewer = reads) -> Response:
        found = await _known(deps, profile)
        entry.note(request, viewer, "profile.links", found.id)
        why = await links_of(found, deps.desk.links, deps.plan)
        return await frame.part(request, viewer, "customer_links", "links", links=why, one=True)

    @router.get("/c/{profile}/looked")
    async def looked(
        request: Request,
        profile: str,
        cursor: Annotated[str, Query(pattern=r"^\d{0,18}$")] = "",
        viewer: Viewer = audits,
    ) -> Response:
        found = await _known(deps, profile)
        # Whoever looked at one of those who are this customer now has looked at this customer.
        homes = (one.home for one in (await links_of(found, deps.desk.links, deps.plan)).identities)
        wanted = Wanted(frozenset({found.id, profile, *homes}))
        trail = await deps.audit.newest(_LOOKED, wanted, before=int(cursor) if cursor else None)
        return await frame.part(
            request, viewer, "customer_looked", "looked", rows=[AuditView.of_row(row) for row in trail.rows],
            actions=ACTIONS, older=trail.following, profile=found.id,
        )  # fmt: skip

    @router.get("/live/c/{profile}")
    async def live(request: Request, profile: str, source: Source = "", viewer: Viewer = reads) -> Response:
        language = language_of(request)
        found = await deps.reader.profile(profile)
        written.stream(request, viewer, profile, found if found is None or found.company is None else None)

        async def render() -> dict[str, str]:
            found = await deps.reader.profile(profile)
            if found is None or found.company is not None or found.id != profile:
                into = found.id if found is not None and found.company is None else ""
                gone = frame.fragment(language, "gone", "head", {"into": into, "company": False})
                return {**dict.fromkeys(_FRAGMENTS, ""), "head": gone}
            await frame.turn.take()
            shared = {**await frame.shared(request, viewer), **await values(found, viewer, source)}
            return await frame.fragments(language, "customer", _FRAGMENTS, shared)

        still = entry.still(request, viewer)
        return stream(frame.boards, request, viewer, render, still, about=profile, by_name=False)

    async def values(found: Profile, viewer: Viewer, source: str) -> Mapping[str, Any]:
        advice = await deps.adviser(found) if may_be_scored(found, deps.plan) else None
        masked = not viewer.may("pii:one")
        events = timeline_view(found, _KEPT if source else _SHOWN, deps.plan)
        chosen = [event for event in events if _of(event.source, event.role, source)][:_SHOWN]
        now = await deps.now()
        view = profile_view(found, now, deps.plan, advice)
        by = first_scored(view)
        return {
            "customer": view,
            "figures": await picturing(found, now, advice),
            "spoken": view.churn if by is None else by.churn,
            "by": by,
            "veils": veils_of(view, sight_of(viewer, deps.plan, one=True)).fields,
            "may_act": viewer.may("alerts:write"),
            "whom": await assignees(deps) if viewer.may("alerts:write") else [],
            "label": label(found, deps.plan, masked=masked),
            "one": True,
            "phone": "" if masked else _phone(found, deps.plan),
            "contacts": [] if masked else _contacts(found, deps.plan),
            "events": chosen,
            "currency": deps.plan.currency,
            "source": source,
            "sources": [*sorted(found.activity), *([BOUGHT] if found.purchases.orders else [])],
            "ever": sum(activity.count for activity in found.activity.values()),
        }

    return router


def first_scored(view: ProfileView) -> DefinedChurnView | None:
    """The first further definition of churn that scores somebody, where the plan's own does not; else None."""
    if view.churn is not None:
        return None
    return next((one for one in view.churns if one.churn is not None), None)


def _of(source: str, role: str | None, chosen: str) -> bool:
    bought = role is not None and (role in _BUYING or role.startswith("subscription_"))
    return not chosen or source == chosen or (chosen == BOUGHT and bought)


def _phone(profile: Profile, plan: Plan) -> str:
    """The number to call, as a telephone dials it; "" without one that is a number."""
    for name, (value, *_) in believed_traits(profile).items():
        rule = plan.traits.get(name)
        if rule is not None and rule.pii == "phone" and isinstance(value, str) and _PHONE.fullmatch(value):
            return re.sub(r"[^+0-9]", "", value)
    return ""


def _contacts(profile: Profile, plan: Plan) -> list[str]:
    """E-mail addresses and telephone numbers, as the customer's traits have them."""
    traits = believed_traits(profile)
    names = (*plan.searchable.emails, *plan.searchable.phones)
    return list(dict.fromkeys(str(traits[name][0]) for name in names if name in traits and traits[name][0]))


async def _known(deps: ApiDeps, id_: str) -> Profile:
    found = await deps.reader.profile(id_)
    if found is None or found.company is not None:
        raise ApiError(404, "unknown_profile", "there is no such customer; perhaps they were erased")
    return found
