"""Settings that need more than a type."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from streams.settings import Settings


def test_a_key_of_identities_is_long_or_absent(monkeypatch):
    """Compose files pass on a variable that is not set as empty."""
    monkeypatch.setenv("RAPPORT_PII_KEY", "")
    assert Settings().pii_key is None

    monkeypatch.setenv("RAPPORT_PII_KEY", "x" * 16)
    key = Settings().pii_key
    assert key is not None
    assert "x" not in repr(key)

    monkeypatch.setenv("RAPPORT_PII_KEY", "short-secret")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "short-secret" not in str(caught.value)
