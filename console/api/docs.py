"""`/docs`: the OpenAPI document as a page of our own. FastAPI's loads its scripts from elsewhere on the internet."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse

__all__ = ["add_docs"]

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body{{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}td{{padding:.2em 1em .2em 0}}</style>
<h1>{title} {version}</h1><p style="white-space:pre-line">{description}</p><table>{rows}</table>
<p>Every parameter, answer and field: <a href="openapi.json">openapi.json</a>, for Postman, Insomnia, Swagger UI or a
generator of clients.</p></html>
"""
_ROW = "<tr><td><code>{method}</code></td><td><code>{path}</code></td><td>{summary}</td></tr>\n"


def add_docs(app: FastAPI, let_in: Callable[[Request], object]) -> None:
    """Give an application the page and the document; `let_in` raises for who may not see them."""

    @app.get("/openapi.json", include_in_schema=False)
    async def described(request: Request) -> JSONResponse:
        let_in(request)
        return JSONResponse(app.openapi())

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        let_in(request)
        document = app.openapi()
        rows = [
            _ROW.format(method=method.upper(), path=escape(path), summary=escape(operation["summary"]))
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]
        info = document["info"]
        words = {name: escape(info.get(name, "")) for name in ("title", "version", "description")}
        return HTMLResponse(_PAGE.format(rows="".join(rows), **words))
