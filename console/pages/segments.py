"""Segments: how large each is and how it goes, what its members are like, and trying one before it is saved."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from console.access.scopes import Viewer
from console.api.profiles import known_segment
from console.pages.catalogues.condition_words import say_in
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.languages import language_of
from console.pages.live.streaming import stream
from console.services.builder import EXAMPLES, Join, rows_of, write
from console.services.ports import ApiDeps
from console.services.preview import rule_of
from console.services.segments import Segments
from console.views.companies import summary_of_company
from console.views.label import label
from console.views.profile import summary_view
from models.conditions.rules import of_grain
from profiles.errors import Misconfigured

__all__ = ["segments_pages_router"]

_MEMBERS = 50

Rows = Annotated[list[str], Query(alias="row", max_length=60, default_factory=list)]


def segments_pages_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The routes below /segments."""
    router = APIRouter(include_in_schema=False)
    found = Segments(deps)
    own = {rule.name for rule in deps.plan.file.segments}
    rules = {rule.name: rule for rule in deps.plan.segments}
    of_companies = {rule.name for rule in of_grain(deps.plan.segments, "company")}
    reads, tries = Depends(entry.may("segments:read")), Depends(entry.may("segments:preview"))

    @router.get("/segments")
    async def segments(request: Request, viewer: Viewer = reads) -> Response:
        return await frame.page(request, viewer, "segments", **await listed())

    @router.get("/live/segments")
    async def live(request: Request, viewer: Viewer = reads) -> Response:
        language = language_of(request)

        async def render() -> dict[str, str]:
            shared = {**await frame.shared(request, viewer), **await listed()}
            return {"list": frame.fragment(language, "segments", "list", shared)}

        still = entry.still(request, viewer)
        return stream(frame.boards, request, viewer, render, still, kinds=("profile",), every=2.0, by_name=False)

    async def listed() -> dict[str, Any]:
        sizes = await found.sizes()
        learned = [one for one in sizes if one.learned]
        ours = [one for one in sizes if one.name in own]
        builtin = [one for one in sizes if one.name not in own and not one.learned]
        # A census counts customers alone: of companies nobody knows a share or a course.
        return {"of_companies": of_companies, "groups": [("plan", ours), ("builtin", builtin), ("learned", learned)]}

    @router.get("/segments/new")
    async def builder(
        request: Request,
        rows: Rows,
        name: str = "",
        join: Join = "all",
        viewer: Viewer = tries,
    ) -> Response:
        if name:
            await known_segment(deps, name)
        if name in rules and not rows:
            join, rows = rows_of(rules[name])
        values = await tried(viewer, language_of(request), name, join, rows, None)
        return await frame.page(request, viewer, "builder", examples=EXAMPLES, **values)

    @router.get("/segments/preview")
    async def preview(
        request: Request,
        rows: Rows,
        name: str = "",
        join: Join = "all",
        cursor: str | None = None,
        so_far: Annotated[str, Query(pattern=r"^\d{1,12}(,\d{1,12}){3}$")] = "0,0,0,0",
        viewer: Viewer = tries,
    ) -> Response:
        """One part of the customers after the other; each answer asks for the next."""
        values = await tried(
            viewer, language_of(request), name, join, rows, cursor, tuple(map(int, so_far.split(",")))
        )  # fmt: skip
        return await frame.part(request, viewer, "builder", "preview", **values)

    async def tried(
        viewer: Viewer,
        language: str,
        name: str,
        join: Join,
        rows: list[str],
        cursor: str | None,
        so_far: tuple[int, ...] = (0, 0, 0, 0),
    ) -> dict[str, Any]:
        written = write(join, rows, name, deps.plan)
        answer, problem, words = None, "", ""
        if written.asked is not None:
            try:
                answer = await found.preview(written.asked.model_copy(update={"cursor": cursor}))
                words = rule_of(written.asked).when.in_words(say_in(language))
            except Misconfigured as error:
                problem = str(error)
        counts = (answer.looked_at, answer.inside, answer.enters, answer.leaves) if answer else (0, 0, 0, 0)
        summed = [before + now for before, now in zip(so_far, counts, strict=True)]
        ids = [row.id for row in (*answer.sample, *answer.leaving)] if answer else []
        known = await deps.reader.profiles(ids)
        masked = not viewer.may("pii:one")
        labels = {id_: label(one, deps.plan, masked=masked) for id_, one in known.items()}
        return {
            "name": name, "join": join, "written": written, "answer": answer, "problem": problem, "summed": summed,
            "words": words,
            "labels": labels, "stored": name if name in rules else "",
        }  # fmt: skip

    @router.get("/segments/{name}")
    async def segment(
        request: Request, name: str, cursor: Annotated[str | None, Query(max_length=200)] = None, viewer: Viewer = reads
    ) -> Response:
        await known_segment(deps, name)
        rows, following = await deps.reader.members(name, limit=_MEMBERS, cursor=cursor)
        known = await deps.reader.profiles([id_ for id_, _ in rows])
        masked = not viewer.may("pii:one")
        members = [
            (label(known[id_], deps.plan, masked=masked), summary_view(known[id_], deps.plan), since)
            for id_, since in rows
            if id_ in known and known[id_].company is None
        ]
        companies = [known[id_] for id_, _ in rows if id_ in known and known[id_].company is not None]
        rule = rules.get(name)
        return await frame.page(
            request, viewer, "segment", segment=await found.persona(name), members=members, following=following,
            cursor=cursor, words=rule.when.in_words() if rule else "", rows=list(map(summary_of_company, companies)),
        )  # fmt: skip

    return router
