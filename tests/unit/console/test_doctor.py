"""What the doctor finds without asking any server."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from pydantic import SecretStr

from console.doctor import examine
from streams.settings import Settings

PLAN = Path(__file__).parents[3] / "tracking_plan.yaml"


def test_an_installation_without_a_key_of_its_own_is_warned(monkeypatch) -> None:
    """Before anything is held by it: later it cannot be changed."""
    monkeypatch.delenv("RAPPORT_PII_KEY", raising=False)

    found = list(islice(examine(Settings(plan=PLAN, pii_key=None)), 2))

    assert [(finding.what, finding.verdict) for finding in found] == [
        ("tracking plan", "ok"), ("key of identities", "warning"),
    ]  # fmt: skip
    assert "set it" in found[1].message


def test_an_installation_with_a_key_is_not(monkeypatch) -> None:
    """The next thing to be looked at is Kafka."""
    monkeypatch.setenv("RAPPORT_PII_KEY", "x" * 32)

    settings = Settings(plan=PLAN, pii_key=SecretStr("x" * 32), kafka="127.0.0.1:1")

    assert [finding.what for finding in islice(examine(settings), 2)] == ["tracking plan", "Kafka"]
