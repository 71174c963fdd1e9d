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


USER = {"kafka_username": "rapport", "kafka_password": "secret"}
LOGIN = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "SCRAM-SHA-512"}


@pytest.mark.parametrize(
    "given",
    [
        {},
        {**LOGIN, **USER},
        {**LOGIN, **USER, "kafka_ca": "ca.pem", "kafka_check_hostname": "false"},
        {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_sasl_mechanism": "PLAIN", **USER},
        {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_mechanism": "OAUTHBEARER", "kafka_token_command": "get"},
        {"kafka_security_protocol": "SSL"},
        {
            "kafka_security_protocol": "SSL", "kafka_ca": "ca.pem", "kafka_certificate": "me.pem",
            "kafka_key": "me.key", "kafka_key_password": "secret",
        },
    ],
)  # fmt: skip
def test_ways_to_connect_to_kafka(given, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(f"RAPPORT_{name.upper()}", value)
    assert "secret" not in repr(Settings())


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "kafka_sasl_mechanism"),
        ({"kafka_security_protocol": "sasl"}, "kafka_security_protocol"),
        ({"kafka_sasl_mechanism": "PLAIN", **USER}, "kafka_sasl_mechanism"),
        ({**LOGIN, "kafka_sasl_mechanism": "GSSAPI", **USER}, "kafka_sasl_mechanism"),
        ({**LOGIN, "kafka_password": "secret"}, "kafka_username"),
        ({**LOGIN, "kafka_username": "rapport"}, "kafka_password"),
        ({**LOGIN, **USER, "kafka_token_command": "get"}, "kafka_token_command"),
        ({**LOGIN, "kafka_sasl_mechanism": "OAUTHBEARER"}, "kafka_token_command"),
        ({"kafka_password": "secret"}, "kafka_password"),
        ({"kafka_ca": "ca.pem"}, "kafka_ca"),
        ({"kafka_check_hostname": "false"}, "kafka_check_hostname"),
        ({"kafka_security_protocol": "SSL", "kafka_key": "me.key"}, "kafka_key"),
        ({"kafka_security_protocol": "SSL", "kafka_key_password": "secret"}, "kafka_key_password"),
    ],
)
def test_what_does_not_fit_the_way_to_connect_is_told_by_its_variable(given, wrong, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(f"RAPPORT_{name.upper()}", value)
    with pytest.raises(ValidationError) as caught:
        Settings()
    [problem] = caught.value.errors()
    assert problem["loc"] == (wrong,)
    assert "secret" not in problem["msg"]
