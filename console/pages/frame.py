"""What all pages share: templates by language, who looks, what they may see, and the way around."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2_fragments import render_block

from console.access.masking import masked, sight_of
from console.access.scopes import Scope, Viewer
from console.pages.catalogues.condition_words import PlanWords
from console.pages.drawing.curve import survival_curve
from console.pages.drawing.moves import moves_plot
from console.pages.drawing.sparkline import sparkline, weekly
from console.pages.drawing.swimlane import swimlane
from console.pages.formats import FILTERS, Formats
from console.pages.headers import HEADERS
from console.pages.languages import LANGUAGES, language_of, locale, translations
from console.pages.live.boards import Boards
from console.pages.live.turn import Turn
from console.pages.statics import static_url
from console.services.revealing import Veils
from plan import Plan

__all__ = ["NAVIGATION", "Frame", "Place", "environment"]


Row = TypeVar("Row")


class Place(NamedTuple):
    """An entry of the navigation."""

    path: str
    title: str  # English; looked up in the catalogue
    key: str  # after `g`
    scope: Scope


NAVIGATION: tuple[Place, ...] = (
    Place("/", "At risk", "a", "alerts:read"),
    Place("/customers", "Customers", "c", "profiles:read"),
    Place("/companies", "Companies", "f", "profiles:read"),
    Place("/segments", "Segments", "s", "segments:read"),
    Place("/analyses", "Analyses", "y", "analyses:read"),
    Place("/models", "Models", "m", "models:read"),
    Place("/pipeline", "Pipeline", "p", "pipeline:read"),
    Place("/jobs", "Jobs", "j", "pipeline:read"),
    Place("/plan", "Plan", "t", "profiles:read"),
)
"""In the order of the page."""


_AT_A_TIME = 0.002
"""Seconds that a page is worked on before others have their turn."""

_NOBODY = Viewer("", "token", frozenset(), "page")


@cache
def environment(language: str) -> Environment:
    """The templates in a language. Everything is escaped, and what is missing is an error."""
    made = Environment(
        loader=PackageLoader("console.pages", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"], auto_reload=False,
    )  # fmt: skip
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    formats = Formats(locale(language), translations(language).gettext)
    made.filters.update({name: getattr(formats, name) for name in FILTERS})
    made.globals.update(
        static=static_url,
        language=language,
        languages=LANGUAGES,
        sparkline=sparkline,
        moves_plot=moves_plot,
        url_query=_query,
        veil=lambda profile, field, nth: Veils(profile, frozenset()).id_of(field, nth),
        curve=survival_curve,
        swimlane=swimlane,
        weekly=weekly,
    )
    # As a global: a block that is rendered by itself knows nothing of what its page imports.
    made.globals["ui"] = made.get_template("macros.html").module
    made.globals["fig"] = made.get_template("customer_figures.html").module
    made.globals["settings"] = made.get_template("settings_tabs.html").module
    made.globals["act"] = made.get_template("case_actions.html").module
    return made


def _query(**values: Any) -> str:
    """The query of a URL; a list is as many values of one name."""
    return urlencode({name: value for name, value in values.items() if value not in (None, "")}, doseq=True)


class Frame:
    """Makes pages for whoever looks.

    Args:
        now: answers seconds since the epoch, as customers' time goes.
        plan: says what is personal. Whatever a template gets, it gets as who looks may see it.
        boards: of the pages that are open.
        without: paths of the navigation that there is nothing behind with this plan.
    """

    def __init__(self, now: Callable[[], Any], plan: Plan, boards: Boards, without: Collection[str] = ()) -> None:
        self.boards = boards
        self.turn = Turn()
        self._now = now
        self._plan = plan
        self._without = without
        self._words = PlanWords(plan)

    async def page(
        self, request: Request, viewer: Viewer | None, template: str, /, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A whole page; where a script of ours asks for a part, its `main`."""
        context = self._seen({**await self.shared(request, viewer), **values})
        made = environment(language_of(request))
        if request.headers.get("hx-request-type") == "partial":
            text = render_block(made, f"{template}.html", "main", **context)
        else:
            text = made.get_template(f"{template}.html").render(**context)
        return HTMLResponse(text, status, HEADERS)

    async def shared(self, request: Request, viewer: Viewer | None) -> Mapping[str, Any]:
        """What every template knows."""
        places = [
            place for place in NAVIGATION if viewer and viewer.may(place.scope) and place.path not in self._without
        ]
        language = language_of(request)
        return {
            "viewer": viewer, "places": places, "path": request.url.path, "now": await self._now(),
            "of_plan": lambda text: self._words.say(text, language),
        }  # fmt: skip

    async def part(self, request: Request, viewer: Viewer, template: str, block: str, /, **values: Any) -> HTMLResponse:
        """One block of a page, for who looks."""
        context = {**await self.shared(request, viewer), **values}
        return HTMLResponse(self.fragment(language_of(request), template, block, context), headers=HEADERS)

    def fragment(self, language: str, name: str, block: str, values: Mapping[str, Any]) -> str:
        """One block of a page, for the `viewer` among the values; `one`, if true: it is about one customer."""
        return render_block(environment(language), f"{name}.html", block, **self._seen(values))

    async def fragments(
        self, language: str, name: str, blocks: Iterable[str], values: Mapping[str, Any]
    ) -> dict[str, str]:
        """Blocks of a page, as `fragment` makes each; what all of them need is made once, and others have their turn
        between."""
        template, made = environment(language).get_template(f"{name}.html"), {}
        await self.turn.take()
        began, known = time.perf_counter(), {**template.globals, **self._seen(values)}
        for block in blocks:
            if time.perf_counter() - began > _AT_A_TIME:
                await self.turn.take()
                began = time.perf_counter()
            made[block] = "".join(template.blocks[block](template.new_context(known, shared=True)))
        return made

    def seen(self, viewer: Viewer, rows: list[Row]) -> list[Row]:
        """Documents of a list as somebody may see them."""
        return masked(rows, sight_of(viewer, self._plan))

    def _seen(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        viewer = values.get("viewer") or _NOBODY
        return masked(dict(values), sight_of(viewer, self._plan, one=bool(values.get("one"))))
