"""Personal data in the wrong place: not in the logs, the metrics, the API's list or the command line's answers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from typer.testing import CliRunner

from console.commands.main import create_cli
from console.local.process import free_port
from streams.dead_letters.newest import RejectedTail
from streams.kafka.log import KafkaLog
from streams.settings import Settings
from tests.integration.operations.test_replay import end_of
from tests.integration.rapport import PLAN, Rapport, environment, running
from tests.unit.streams.dead_letters.test_masking import BROKEN, leaks


def said(rapport: Rapport, *arguments: str) -> str:
    """All that a command says, whether it succeeds or not."""
    env = {**environment(rapport.settings), "RAPPORT_PLAN": str(PLAN), "COLUMNS": "400"}
    return CliRunner().invoke(create_cli(), list(arguments), env=env).output


def test_no_personal_value_leaves_with_a_rejected_event(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """Wrong types, wrong places, no JSON: everything that people look at is searched for the values that were sent."""
    payloads = [(event if isinstance(event, str) else json.dumps(event)).encode() for _, event in BROKEN]
    settings = make_settings(metrics_port=free_port(), log_level="debug")
    with running(settings, tmp_path) as rapport:
        for source in rapport.plan.sources:
            rapport.send(source, payloads)
        sent = len(payloads) * len(rapport.plan.sources)
        deadline = time.monotonic() + 120
        while end_of(rapport.settings, "events.rejected") + end_of(rapport.settings, "profile.events") < sent:
            assert time.monotonic() < deadline, rapport.logs()
            time.sleep(0.3)

        listed = asyncio.run(RejectedTail(KafkaLog(rapport.settings), rapport.settings, rapport.plan).tail(500))
        metrics = httpx.get(f"http://127.0.0.1:{settings.metrics_port}/metrics", trust_env=False).text
        views = {
            "the API's list": json.dumps(listed, ensure_ascii=False),
            "the metrics": metrics,
            "list": said(rapport, "rejected", "list", "--limit", "500"),
            "list --json": said(rapport, "rejected", "list", "--limit", "500", "--json"),
            "list --summary": said(rapport, "rejected", "list", "--summary"),
            "replay --dry-run": said(rapport, "rejected", "replay", "--dry-run"),
            "doctor": said(rapport, "doctor"),
        }
        places = [row["position"] for row in listed if row["source"] == "purchase"]
        for place in places[:3]:
            views[f"show {place}"] = said(rapport, "rejected", "show", place)
        unmasked = said(rapport, "rejected", "show", places[0], "--unmasked")
    views["the log"] = "\n".join(rapport.log_of(0))

    assert len(listed) > 2 * len(rapport.plan.sources)
    assert "rapport_rejections_total" in metrics
    assert {what: leaks(text) for what, text in views.items()} == {what: [] for what in views}
    assert leaks(unmasked), "--unmasked shows what was sent"
