"""Every error of the API is `{"code", "message"}`; what went wrong inside stays inside."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from console.views.document import Problem
from profiles.errors import Busy, Misconfigured
from profiles.stores import AWAY, BadCursor, explain
from streams.kafka.client import Unavailable

__all__ = ["NO_STORE", "ApiError", "describe_errors", "handle_errors"]

NO_STORE = {"Cache-Control": "no-store"}
"""Of every answer that may be about people; errors name whom they were asked about."""

_PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

log = logging.getLogger(__name__)


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def handle_errors(app: FastAPI) -> None:
    """Give an application this way of answering errors, those of unknown routes included, and describe it."""
    inner = app.openapi

    def openapi() -> dict[str, Any]:
        document = inner()
        document["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it

    async def api_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return _answer(error.status, error.code, error.message, error.headers)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = HTTPStatus(error.status_code).name.lower()
        return _answer(error.status_code, code, _words(request, error), error.headers)

    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        message = "; ".join(_problem(problem) for problem in error.errors())
        return _answer(HTTPStatus.BAD_REQUEST, "invalid_request", message)

    async def bad_cursor(_: Request, error: Exception) -> Response:
        return _answer(HTTPStatus.BAD_REQUEST, "invalid_cursor", str(error))

    async def unavailable(_: Request, error: Exception) -> Response:
        what = str(error) if isinstance(error, Unavailable) else re.split(r" \(|: ", explain(error))[0]
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", f"{what}; try again", {"Retry-After": "1"})

    async def busy(_: Request, error: Exception) -> Response:
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "busy", f"{error}; try again", {"Retry-After": "1"})

    async def damaged(_: Request, error: Exception) -> Response:
        log.error("what the store holds cannot be read: %s", error)
        message = "what the store holds of this cannot be read; the log of the API says more"
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "damaged", message)

    async def unexpected(_: Request, error: Exception) -> Response:
        message = "something went wrong here; it is in the log of the API"
        return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", message)

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(BadCursor, bad_cursor)
    away: tuple[type[Exception], ...] = (Unavailable, *AWAY)
    for kind in away:
        app.add_exception_handler(kind, unavailable)
    app.add_exception_handler(Busy, busy)
    app.add_exception_handler(Misconfigured, damaged)
    app.add_exception_handler(Exception, unexpected)


def describe_errors(*statuses: int | Literal["default"]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for OpenAPI; `default` is any other error.

    They refer to what `handle_errors` describes once. Said as a model, each answer of each route would have a validator
    of its own, which made half of the time in which the API is built.
    """
    return {status: {"content": _PROBLEM, "description": _phrase(status)} for status in statuses}


def _phrase(status: int | Literal["default"]) -> str:
    return "Any other error" if status == "default" else HTTPStatus(status).phrase


def _words(request: Request, error: HTTPException) -> str:
    if error.status_code == HTTPStatus.NOT_FOUND and error.detail == HTTPStatus.NOT_FOUND.phrase:
        return f"there is nothing at {request.url.path}; what there is: /docs"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        return f"{request.method} is not possible here{f'; use {allowed}' if allowed else ''}"
    return str(error.detail)


def _problem(problem: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"] if part not in {"query", "body", "path"})
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{where}: {message}" if where else message


def _answer(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps({"code": code, "message": message})
    return Response(body, status, {**NO_STORE, **(headers or {})}, media_type="application/json")
