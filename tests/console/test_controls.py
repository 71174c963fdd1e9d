"""What people sent may steer no terminal: every command that shows it, with control characters in all that it shows."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.http.serve import create_http
from console.terminal import output
from profiles.identity.links import Link, PendingSplit, Refusal
from profiles.state import Limits, apply
from profiles.store import Changes
from profiles.stores import open_stores
from profiles.types import Event, Identity, Profile, Score, partition_of, profile_id
from profiles.units import LinkChanges, Pause
from streams.clock import WALL
from streams.kafka.admin import ensure_topics
from streams.kafka.output import BatchProducer, Row
from streams.kafka.topics import topic_name
from streams.records.rejected import Rejection
from streams.settings import Settings
from tests.conftest import MakeSettings
from tests.console.collecting import PLAN, shipped_plan
from tests.console.serving import serving
from tests.integration.rapport import environment

TOKEN = "correct-horse-battery-staple"
EVIL = "x\x1b[35m\x1b]0;t\x07\x9b2J\r\x08\x7f\u202e\u2066\u2028[red]y[/]\n2026-01-01 FORGED"
"""Colours, a title, a cleared screen, a line from its beginning, text turned round, markup, and a line like ours."""

SHOWN = {
    "profile user_id:1": "traits and the names of events",
    "export user_id:1": "all events",
    "models explain user_id:1": "",
    "segments list": "",
    "segments show all": "",
    "segments preview '{risk: above 0.1}'": "",
    "identity show user_id:1": "ids of events",
    "identity explain user_id:1": "ids of events",
    "identity splits": "identities",
    "identity refused": "reasons",
    "rejected list": "names of events and messages",
    "rejected list --summary": "names of events",
    "rejected show 0:0": "the event",
    "rejected show 0:0 --unmasked": "its bytes",
    "rejected replay --dry-run": "",
    "replay --source web --since 1d --dry-run": "",
    "source list": "why a source is paused",
    "doctor": "the same",
    "load events.jsonl --check": "names of events, bad rows",
    "send events.jsonl --check": "names of events, bad rows",
    "load bad.jsonl --check": "bad rows",
    "send bad.jsonl --write-key web=k": "the bad row, in an error",
    "backtest events.jsonl --horizon 4w": "",
    "profile 'user_id:\x1b[35m\u202e2'": "an error that quotes what was asked",
}
"""Of every command that shows what people sent: what of it."""

JSON = ("profile", "export", "identity", "rejected", "source", "segments", "doctor", "replay")


class Installation:
    """Servers, topics and the support API, with a customer who is full of it and no worker."""

    def __init__(self, settings: Settings, url: str, folder: Path) -> None:
        self.environ = environment(settings) | {
            "RAPPORT_URL": url, "RAPPORT_DATA_DIR": str(folder / "data"), "COLUMNS": "400", "RAPPORT_ARCHIVE": "",
        }  # fmt: skip

    def run(self, command: str) -> str:
        """All that a command writes."""
        result = CliRunner().invoke(create_cli(), shlex.split(command), env=self.environ)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return str(result.output)


async def fill(settings: Settings) -> None:
    """A customer, links, a paused source and rejected events: where people may write, it says EVIL."""
    plan, now = shipped_plan(), WALL.now()
    stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions)
    user: Identity = ("user_id", "1")
    other: Identity = ("anonymous_id", EVIL)
    profile = Profile(id=profile_id(plan.namespace, user))
    event = Event(
        profile=profile.id, id=EVIL, source="web", type="track", name=EVIL, role="", time=now - 60, received=now,
        identities=[user, other], traits={"firstName": EVIL, EVIL: "v", "plan": EVIL}, subject=EVIL,
    )  # fmt: skip
    apply(profile, event, "EUR", Limits())
    profile.score = Score(0.8, "high", now, "hazard-7", [], 0.7)
    partition = partition_of(profile.id, settings.partitions)
    loaded = await stores.profiles.load(partition, [])
    await stores.profiles.commit(partition, Changes(version=loaded.version, profiles=[profile]))
    link = Link([user, other], now, "web", EVIL, 0, now)
    state = await stores.links.state()
    await stores.links.commit(
        LinkChanges(
            state.version, 0, refusals=1, mapping={other: profile.id}, graph={profile.id: sorted([user, other])},
            links={user: [], other: [link]}, apart={user: [other], other: [user]},
            refused={"0": Refusal([user, other], [other], EVIL, now, "web", EVIL, 0, now)},
            splitting={"s1": PendingSplit("s1", profile.id, other, [user], {}, now, EVIL)},
        )
    )  # fmt: skip
    await stores.sources.write("web", Pause(paused=True, since=now, why=EVIL, reasons={EVIL: 9}, example=EVIL, by=EVIL))
    await stores.close()
    raw = json.dumps({"type": "track", "event": EVIL, "userId": "1", "messageId": "m", "properties": {EVIL: EVIL}})
    rejection = Rejection(
        at="2026-01-01T00:00:00Z", step="check", reason="unknown_event", message=EVIL, source="web",
        topic=topic_name(settings, "events.web"), partition=0, offset=0, payload=raw.encode(), recorded=now,
    )  # fmt: skip
    producer = BatchProducer(settings)
    rows = {
        "events.web": raw.encode(),
        "events.rejected": rejection.encode(),
        "profile.events": msgspec.msgpack.encode(event),
    }
    for topic, value in rows.items():
        await producer.produce([Row(topic_name(settings, topic), 0, b"1", value)])
    await producer.stop()


@pytest.fixture
def installation(
    make_settings: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """One to look at."""
    monkeypatch.chdir(tmp_path)
    for console in (output.out, output.err):  # they keep the width that the terminal had when they were made
        monkeypatch.setattr(console, "width", 400)
    settings = make_settings(plan=PLAN, api_token=TOKEN, partitions=1)
    ensure_topics(settings, shipped_plan())
    asyncio.run(fill(settings))
    event = {"type": "track", "userId": "1", "timestamp": "2026-01-01T00:00:00Z", "source": "web"}
    good = [event | {"event": EVIL}, event | {"event": "Product Viewed", "properties": {EVIL: EVIL, "price": EVIL}}]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in good))
    (tmp_path / "bad.jsonl").write_text(json.dumps(event | {"source": EVIL, "timestamp": EVIL}) + "\n")
    before = set(REGISTRY._names_to_collectors)
    app = create_http(settings, shipped_plan(), collect=False, api=True)
    try:
        with serving(app) as url:
            yield Installation(settings, url, tmp_path)
    finally:
        for name in set(REGISTRY._names_to_collectors) - before:
            if (collector := REGISTRY._names_to_collectors.get(name)) is not None:
                REGISTRY.unregister(collector)


def problems(written: str) -> set[str]:
    """What gets out that should not: control characters other than our layout, and forged lines."""
    flat = " ".join(written.split())  # a line that is too wide goes on in the next
    found = {ascii(character) for character in written if not character.isprintable() and character not in "\n\t"}
    if any(before != "\\n2026-01-01 " for before in re.findall(r"(.{0,13})FORGED", flat)):
        found.add("a forged line")
    return found


def test_no_control_character_of_a_stranger_reaches_a_terminal(installation: Installation) -> None:
    got_out: dict[str, set[str]] = {}
    silent = set()
    for command, what in SHOWN.items():
        forms = [command, *([f"{command} --json"] if command.startswith(JSON) and "export" not in command else [])]
        for form in forms:
            written = installation.run(form)
            if found := problems(written):
                got_out[form] = found
            if what and "FORGED" not in written and "\\u202e" not in written:
                silent.add(f"{form}: {written[:500]}")

    assert not got_out
    assert not silent, "these are meant to show what was sent"
