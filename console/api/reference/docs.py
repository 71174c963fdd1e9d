"""`/docs`: the OpenAPI document with forms that try it, by Swagger UI from our own files, none from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse

from console.api.reference.collector_paths import SCHEME, collector_paths

__all__ = ["add_docs", "describe_collector"]

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Rapport API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}"><script src="{bundle}" defer></script><script src="{start}" defer></script></head>
<body><div id="docs"></div><noscript>Every path, parameter and field: <a href="openapi.json">openapi.json</a></noscript>
</body></html>
"""


def add_docs(app: FastAPI, let_in: Callable[[Request], Awaitable[object]]) -> None:
    """Give an application the page and the document; `let_in` raises for who may not see them."""
    # Here, as pages need the API's errors before the whole of the API is read.
    from console.pages.headers import HEADERS  # noqa: PLC0415
    from console.pages.statics import static_url, statics_router  # noqa: PLC0415

    app.include_router(statics_router())

    @app.get("/openapi.json", include_in_schema=False)
    async def described(request: Request) -> JSONResponse:
        await let_in(request)
        return JSONResponse(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        await let_in(request)
        files = {
            "icon": "rapport.svg",
            "style": "swagger-ui.css",
            "bundle": "swagger-ui-bundle.js",
            "start": "docs.js",
        }
        return HTMLResponse(_PAGE.format(**{name: static_url(file) for name, file in files.items()}), headers=HEADERS)


def describe_collector(app: FastAPI) -> None:
    """Add the collector's paths to what an application says of itself."""
    inner = app.openapi

    def openapi() -> dict[str, Any]:
        document = inner()
        if "/v1/batch" not in document["paths"]:
            document["paths"].update(collector_paths())
            document.setdefault("components", {}).setdefault("securitySchemes", {}).update(SCHEME)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it
