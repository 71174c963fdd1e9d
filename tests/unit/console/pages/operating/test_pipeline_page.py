"""The stream of raw events: who is signed out hears nothing more, at once."""

from __future__ import annotations

import asyncio
import time

import httpx

from profiles.stores.access import Account
from tests.console.browsing.living import aside, living

OURS = {"Sec-Fetch-Site": "same-origin"}


def test_who_is_given_another_role_is_out_within_two_seconds() -> None:
    with living() as console, httpx.Client(base_url=console.url, timeout=20) as http:
        assert http.post(f"/sign-in/{console.link('operator')}", headers=OURS).status_code == 303
        with http.stream("GET", "/live/pipeline") as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line == "event: sample")
            aside(lambda: asyncio.run(console.access.put_account(Account(name="operator", role="agent"))))
            out = time.monotonic()
            rest = list(lines)
            assert "event: ended" in rest
            assert time.monotonic() - out < 20.0  # it looks every second, on a machine that does other things as well
