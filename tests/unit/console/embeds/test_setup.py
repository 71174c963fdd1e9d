"""What the settings say of other tools."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from console.embeds.setup import Embeds, Intercom, Zendesk, embeds_of
from profiles.errors import WrongUse
from streams.settings import Settings

AUDIENCE = "https://shop.zendesk.com/api/v2/apps/installations/123.json"


def test_nothing_is_open_unless_a_setting_says_so() -> None:
    found = embeds_of(Settings())

    assert found == Embeds()
    assert not found.may_hold("")
    assert found.role_of("zendesk") is None


def test_each_tool_is_opened_by_itself(tmp_path: Path) -> None:
    key = tmp_path / "zendesk.pem"
    key.write_text("PEM")

    found = embeds_of(
        Settings(
            embed_origins="https://chat.example.com, http://localhost:3000,https://chat.example.com",
            intercom_secret=SecretStr("a-client-secret-of-an-app"),
            intercom_role="agent",
            zendesk_key=key,
            zendesk_audience=AUDIENCE,
        )
    )

    assert found.origins == ("https://chat.example.com", "http://localhost:3000")
    assert isinstance(found.intercom, Intercom)
    assert found.role_of("intercom") == "agent"
    assert found.zendesk == Zendesk("PEM", AUDIENCE)
    assert found.may_hold("https://shop.zendesk.com")
    assert not found.may_hold("https://other.zendesk.com")
    assert "client-secret" not in repr(found)


def test_a_key_of_zendesk_is_for_one_installation(tmp_path: Path) -> None:
    key = tmp_path / "zendesk.pem"
    key.write_text("PEM")

    with pytest.raises(WrongUse, match="needs RAPPORT_ZENDESK_AUDIENCE"):
        embeds_of(Settings(zendesk_key=key))
