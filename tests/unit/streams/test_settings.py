"""Settings: what cannot be used is named, in one line, with what can."""

from __future__ import annotations

import contextlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from profiles.errors import WrongUse
from profiles.stores.connection import connect
from streams.settings import Settings

BAD = {
    "kafka": "kafka-without-a-port",
    "kafka_security_protocol": "tls",
    "kafka_sasl_mechanism": "GSSAPI",
    "kafka_username": "somebody",  # says nothing without SASL, as the others below do without TLS
    "kafka_password": "a-secret",
    "kafka_token_command": "get-token",
    "kafka_ca": "ca.pem",
    "kafka_certificate": "me.pem",
    "kafka_key": "me.key",
    "kafka_key_password": "a-secret",
    "kafka_check_hostname": "perhaps",
    "redis_ca": "no/ca.pem",
    "redis_certificate": "no/me.pem",
    "redis_key": "no/me.key",
    "redis_check_hostname": "perhaps",
    "redis": "localhost:6379",
    "pii_key": "short-secret",
    "user_id_key": "short-secret",
    "partitions": "0",
    "replication": "two",
    "topic_prefix": "shop/",
    "group": "a group",
    "host": "http://127.0.0.1",
    "port": "70000",
    "metrics_port": "-1",
    "operations_port": "70000",
    "open_operations": "perhaps",
    "reveals_per_hour": "-1",
    "transparency": "perhaps",
    "public_url": "https://cdp.example.com/console",
    "mcp_write": "perhaps",
    "password_sign_in": "perhaps",
    "users_file": "no/users",
    "oidc_issuer": "http://id.example.com",
    "oidc_scopes": "profile",
    "oidc_group_claim": "two words",
    "group_roles": "support=boss",
    "proxy_user_header": "X User",
    "proxy_role_header": "X Role",
    "proxy_addresses": "10.0.0.0/33",
    "embed_origins": "https://chat.example.com/app",
    "intercom_secret": "short-secret",
    "intercom_role": "boss",
    "zendesk_key": "no/key.pem",
    "zendesk_audience": "https://shop.zendesk.com",
    "zendesk_role": "boss",
    "api_token": "two words",
    "rate_limit": "0",
    "session_timeout": "0",
    "batch": "0",
    "timeline": "501",
    "seen": "1",
    "require_aof": "perhaps",
    "archive_every": "never",
    "engine": "duck",
    "census_every": "-5",
    "refit_every": "nightly",
    "log_level": "loud",
}
ANY = {
    "plan",
    "archive",
    "audiences",
}  # any text names a file or a folder; whether it is there is said when it is opened
ANY |= {"oidc_client_id", "oidc_client_secret"}  # whatever a provider gave


def test_every_setting_has_a_bad_value_here() -> None:
    assert BAD.keys() == Settings.model_fields.keys() - ANY


@pytest.mark.parametrize(("name", "value"), BAD.items(), ids=BAD.keys())
def test_a_setting_that_cannot_be_used_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    variable = f"RAPPORT_{name.upper()}"
    monkeypatch.setenv(variable, value)

    with pytest.raises(WrongUse) as caught:
        Settings()

    told = str(caught.value)
    assert told.startswith(variable)
    assert "cannot be used; allowed: " in told or "says nothing with RAPPORT_KAFKA_SECURITY_PROTOCOL" in told
    assert "\n" not in told
    secret = name in {"redis", "pii_key", "user_id_key", "api_token", "kafka_password", "kafka_key_password"}
    secret |= name in {"intercom_secret", "engine"}
    assert (value in told) is not secret


@pytest.mark.parametrize(
    ("origins", "right"),
    [
        ("https://chat.example.com", True),
        ("https://chat.example.com:8443, http://localhost:3000,http://127.0.0.1:3000", True),
        ("https://chat.example.com:443", False),  # browsers say it without
        ("http://localhost:80", False),
        ("https://chat.example.com/", False),
        ("https://*.example.com", False),
        ("https://Chat.example.com", False),
        ("http://chat.example.com", False),
        ("http://localhost.example.com", False),
        ("https://chat.example.com;script-src *", False),
        ("https://chat.example.com 'self'", False),
        ("https://chat.example.com,", False),
        ("*", False),
        ("null", False),
    ],
)
def test_a_tool_is_an_exact_origin(monkeypatch: pytest.MonkeyPatch, origins: str, right: bool) -> None:
    monkeypatch.setenv("RAPPORT_EMBED_ORIGINS", origins)
    with contextlib.nullcontext() if right else pytest.raises(WrongUse, match="RAPPORT_EMBED_ORIGINS"):
        Settings()


def test_what_is_allowed_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("API_TOKEN", "correct-horse"),
        ("PARTITIONS", "0"),
        ("LOG_LEVEL", "moon"),
        ("REQUIRE_AOF", "perhaps"),
        ("PII_KEY", "short"),
    ):
        monkeypatch.setenv(f"RAPPORT_{name}", value)

    with pytest.raises(WrongUse) as caught:
        Settings()

    assert str(caught.value).splitlines() == [
        "RAPPORT_PII_KEY cannot be used; allowed: a text of at least 16 characters",
        "RAPPORT_PARTITIONS=0 cannot be used; allowed: a whole number from 1 up to 999",
        "RAPPORT_API_TOKEN cannot be used; allowed: a text of at least 16 characters",
        "RAPPORT_REQUIRE_AOF=perhaps cannot be used; allowed: true or false",
        "RAPPORT_LOG_LEVEL=moon cannot be used; allowed: one of debug, info, warning, error",
    ]


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose files pass on a variable that is not set as empty."""
    for name in Settings.model_fields:
        monkeypatch.setenv(f"RAPPORT_{name.upper()}", "")

    assert not Settings().model_fields_set


def test_secrets_do_not_print_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_PII_KEY", "x" * 16)

    assert "x" not in repr(Settings().pii_key)


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
    assert "'secret'" not in repr(Settings())


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
    with pytest.raises(WrongUse) as caught:
        Settings()
    told = str(caught.value)
    assert re.match(rf"RAPPORT_{wrong.upper()}\b", told)
    assert "secret" not in told
    assert "\n" not in told


def test_the_url_of_redis_takes_in_its_certificates(tmp_path, monkeypatch):
    """So whoever has the URL can connect; also when a child process is given both."""
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    monkeypatch.setenv("RAPPORT_REDIS", "rediss://rapport:secret@one:6379/0?ssl_min_version=x")
    monkeypatch.setenv("RAPPORT_REDIS_CA", str(ca))
    monkeypatch.setenv("RAPPORT_REDIS_CHECK_HOSTNAME", "false")
    url = Settings().redis.get_secret_value()
    asked = {"ssl_min_version": ["x"], "ssl_ca_certs": [str(ca)], "ssl_check_hostname": ["False"]}
    assert url.startswith("rediss://rapport:secret@one:6379/0?")
    assert parse_qs(urlsplit(url).query) == asked

    monkeypatch.setenv("RAPPORT_REDIS", url)
    assert Settings().redis.get_secret_value() == url

    several = "rediss+cluster://rapport:secret@one:6379,[::1]:6380"
    monkeypatch.setenv("RAPPORT_REDIS", several)
    nodes = connect(Settings().redis.get_secret_value()).startup_nodes
    assert [(node.host, node.port) for node in nodes] == [("one", 6379), ("::1", 6380)]


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (
            {"redis_ca": __file__, "redis": "redis://u:secret@one"},
            "RAPPORT_REDIS must begin with rediss:// with",
        ),
        ({"redis_check_hostname": "false"}, "rediss:// with RAPPORT_REDIS_CHECK_HOSTNAME"),
        (
            {"redis_ca": "/nowhere/ca.pem", "redis": "rediss://u:secret@one"},
            "RAPPORT_REDIS_CA=/nowhere/ca.pem cannot",
        ),
    ],
)
def test_certificates_that_redis_cannot_use_are_refused(given, wrong, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(f"RAPPORT_{name.upper()}", value)
    with pytest.raises(WrongUse, match=wrong) as refused:
        Settings()
    assert "secret" not in str(refused.value)
