"""The HTTP role as it really runs, with neither Kafka nor Redis there: every answer says so, and none hangs."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from console.http.credentials import require_credentials
from console.http.serve import create_http
from console.local.process import free_port
from plan import load_plan
from profiles.errors import Misconfigured
from streams.settings import Settings
from tests.console.serving import serving
from tests.integration.rapport import PLAN


@pytest.fixture
def settings() -> Settings:
    return Settings(
        kafka=f"127.0.0.1:{free_port()}",
        redis=SecretStr(f"redis://127.0.0.1:{free_port()}/0"),
        api_token=SecretStr("token-of-the-tests"),
        plan=PLAN,
    )


def test_what_is_away_is_a_503_with_when_to_come_back(settings: Settings) -> None:
    """Profiles and alerts without Redis, rejected events and the collector without Kafka; health stays up."""
    before = set(REGISTRY._names_to_collectors)
    app = create_http(settings, load_plan(PLAN), collect=True, api=True)
    try:
        with serving(app) as url, httpx.Client(base_url=url, timeout=30) as client:
            bearer = {"Authorization": "Bearer token-of-the-tests"}
            event = {"type": "track", "event": "Product Viewed", "userId": "u", "messageId": "m"}
            answers = {
                "profile": client.get("/v1/profiles/user_id:1", headers=bearer),
                "alerts": client.get("/v1/alerts", headers=bearer),
                "rejected": client.get("/v1/rejected", headers=bearer),
                "track": client.post("/v1/track", json=event, auth=("dev-web-key", "")),
            }
            health = client.get("/health").status_code
            ready = client.get("/ready", headers=bearer)
    finally:
        for name in set(REGISTRY._names_to_collectors) - before:
            if (collector := REGISTRY._names_to_collectors.get(name)) is not None:
                REGISTRY.unregister(collector)

    for what, answer in answers.items():
        assert answer.status_code == 503, what
        assert answer.headers["Retry-After"] == "1", what
        assert set(answer.json()) == {"code", "message"}, what
    assert health == 200
    assert ready.status_code == 503
    assert set(ready.json()["checks"]) == {"kafka", "redis", "workers"}


def test_the_support_api_is_not_served_where_nobody_could_come_in(settings: Settings) -> None:
    """Nor where nobody can tell whether somebody could."""
    with pytest.raises(Misconfigured, match="Redis"):
        require_credentials(settings.model_copy(update={"api_token": None}))
