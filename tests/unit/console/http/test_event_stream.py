"""Streams of events: each line ends in one character, so that no cut between two makes an empty line."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sse_starlette import EventSourceResponse

import console.http.event_stream as streams
from console.http.event_stream import Event, event_stream


def test_no_line_ends_in_two_characters_not_even_those_of_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_HEARTBEAT", 0.01)
    app = FastAPI()

    async def events() -> AsyncIterator[Event | bytes]:
        yield Event(comment="connected")
        yield Event("one\ntwo\r\nthree", event="row", id="7")
        await asyncio.sleep(0.2)
        yield Event("", event="ended").encode()

    @app.get("/live")
    async def live() -> EventSourceResponse:
        return event_stream(events(), {"X-Own": "1"})

    answer = TestClient(app).get("/live")
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["X-Own"] == "1"
    told, heartbeats = re.subn(r": ping[^\n]*\n\n", "", answer.text)
    assert heartbeats
    assert told == (": connected\n\nid: 7\nevent: row\ndata: one\ndata: two\ndata: three\n\nevent: ended\ndata: \n\n")
