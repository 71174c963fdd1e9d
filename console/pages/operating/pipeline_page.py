"""What comes in: figures, raw events as they come, and rejections by mistake, with what to do about each."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.api.operating.pipeline_routes import ReplayRequest, replay
from console.http.event_stream import Event, event_stream
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.pages.languages import language_of
from console.pages.live.lately import Lately
from console.services.ports import ApiDeps
from console.views.operating.pipeline import RawEventView, read_pipeline, rejected_groups, resume
from profiles.errors import NotFound, RapportError
from streams.visible import visible_json
from streams.watching.raw_feed import WhichEvents

__all__ = ["pipeline_page_router"]

_BETWEEN = 0.25  # seconds between two looks at the events
_FIGURES = 2.0  # seconds between two states of the figures
_ROWS = 400  # events that are kept as they were written: several may watch


def pipeline_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /pipeline, its stream, and what may be done there."""
    router = APIRouter(include_in_schema=False)
    written, flow = _Written(), Lately(partial(read_pipeline, deps), _FIGURES / 2)
    reads, replays = Depends(entry.may("pipeline:read")), Depends(entry.may("pipeline:replay"))

    @router.get("/pipeline")
    async def pipeline(
        request: Request, wanted: Annotated[WhichEvents, Depends(_wanted)], viewer: Viewer = reads
    ) -> Response:
        figures = await read_pipeline(deps)
        return await frame.page(request, viewer, "pipeline", flow=figures, wanted=wanted)

    @router.get("/pipeline/rejected")
    async def rejected(request: Request, viewer: Viewer = reads) -> Response:
        groups, problem = [], ""
        try:
            groups = await rejected_groups(deps)
        except RapportError as error:
            problem = str(error)
        shown = [(group, _laid_out(group.sample)) for group in groups]
        return await frame.part(request, viewer, "pipeline", "rejected", groups=shown, problem=problem)

    @router.get("/live/pipeline")
    async def live(
        request: Request, wanted: Annotated[WhichEvents, Depends(_wanted)], viewer: Viewer = reads
    ) -> Response:
        return event_stream(_events(request, wanted, viewer), HEADERS)

    @router.post("/pipeline/replay")
    async def put_back(
        request: Request,
        source: Annotated[str, Form(max_length=200)] = "",
        reason: Annotated[str, Form(max_length=200)] = "",
        event: Annotated[str, Form(max_length=500)] = "",
        dry_run: Annotated[bool, Form()] = True,
        viewer: Viewer = replays,
    ) -> Response:
        asked = ReplayRequest(source=source, reason=reason, event=event, dry_run=dry_run, by=viewer.name)
        done, problem = None, ""
        try:
            done = await replay(deps, asked)
        except ApiError as error:
            problem = error.message
        entry.note(request, viewer, "rejected.replay", done.id if done else "", result="409" if problem else "ok")
        return await frame.part(request, viewer, "pipeline", "replayed", done=done, asked=asked, problem=problem)

    @router.post("/pipeline/resume")
    async def take_again(
        request: Request, source: Annotated[str, Form(max_length=200)], viewer: Viewer = replays
    ) -> Response:
        try:
            await resume(deps, source, viewer.name)
        except NotFound as error:
            raise ApiError(404, "not_found", str(error)) from None
        entry.note(request, viewer, "source.resume", source)
        return RedirectResponse("/pipeline", 303, HEADERS)

    async def _events(request: Request, wanted: WhichEvents, viewer: Viewer) -> AsyncIterator[Event | bytes]:
        """`figures` and `row` are HTML of ours, `sample` is JSON."""
        language, loop = language_of(request), asyncio.get_running_loop()
        still, figures_at, seen = entry.still(request, viewer), loop.time(), viewer._replace(name="")
        with deps.raw.watch(wanted) as watcher:
            while True:
                rows = await watcher.take(1.0)
                if not await still():
                    break
                shared = await frame.shared(request, viewer)
                for row in rows:
                    yield written.of((row.id, language, seen), partial(_written, frame, language, shared, row))
                if loop.time() - figures_at >= _FIGURES:
                    figures_at = loop.time()
                    state = {**shared, "flow": await flow.read()}
                    yield Event(frame.fragment(language, "pipeline", "figures", state), event="figures")
                told = {"shown": watcher.shown, "came": watcher.came, "reading": watcher.reading}
                yield Event(json.dumps({**told, "trouble": watcher.trouble}), event="sample")
                await asyncio.sleep(_BETWEEN)
        yield Event("", event="ended")

    return router


def _wanted(
    source: Annotated[str, Query(max_length=200)] = "",
    event: Annotated[str, Query(max_length=500)] = "",
    user: Annotated[str, Query(max_length=500)] = "",
    only_bad: Annotated[bool, Query()] = False,
) -> WhichEvents:
    return WhichEvents(source, event.strip(), user.strip(), only_bad)


class _Written:
    """Events as they were written lately, for all who watch."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Hashable, bytes] = OrderedDict()

    def of(self, key: Hashable, write: Callable[[], bytes]) -> bytes:
        """One of them."""
        if (found := self._rows.get(key)) is None:
            found = self._rows[key] = write()
            if len(self._rows) > _ROWS:
                self._rows.popitem(last=False)
        return found


def _written(frame: Frame, language: str, shared: Mapping[str, Any], row: Any) -> bytes:
    return Event(frame.fragment(language, "pipeline", "row", {**shared, **_row(row)}), event="row").encode()


def _row(row: Any) -> dict[str, Any]:
    event = RawEventView.of(row)
    return {"event": event, "raw": _laid_out(event.raw), "stored": _laid_out(event.stored)}


def _laid_out(value: Any) -> str:
    """JSON for people, in which nothing hides."""
    return visible_json(json.dumps(value, indent=2, ensure_ascii=False))
