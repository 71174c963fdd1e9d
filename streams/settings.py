"""Every setting of Rapport, read once from the environment (`RAPPORT_*`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from profiles.identity.secrets import LEAST

__all__ = ["Settings"]

_TO_KAFKA = (
    "kafka_sasl_mechanism", "kafka_username", "kafka_password", "kafka_token_command",
    "kafka_ca", "kafka_certificate", "kafka_key", "kafka_key_password", "kafka_check_hostname",
)  # fmt: skip


class Settings(BaseSettings):
    """Settings; the environment variable of `kafka` is `RAPPORT_KAFKA`, and so on."""

    model_config = SettingsConfigDict(
        env_prefix="RAPPORT_",
        env_ignore_empty=True,  # compose files pass on variables that are not set as empty
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    kafka: str = Field("127.0.0.1:9092", description="Bootstrap servers of Kafka, host:port, comma separated.")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to connect to Kafka: with TLS or without, with SASL or without."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        None, validate_default=True, description="How to log in to Kafka with SASL."
    )
    kafka_username: str | None = Field(None, validate_default=True, description="User of PLAIN and SCRAM.")
    kafka_password: SecretStr | None = Field(None, validate_default=True, description="Password of that user.")
    kafka_token_command: str | None = Field(
        None, validate_default=True, description="Command that prints a token for OAUTHBEARER."
    )
    kafka_ca: Path | None = Field(None, description="PEM file of the authorities that Kafka's certificate may be of.")
    kafka_certificate: Path | None = Field(None, description="PEM file of our certificate, for mutual TLS.")
    kafka_key: Path | None = Field(None, description="PEM file of its key, if that is not in the same file.")
    kafka_key_password: SecretStr | None = Field(None, description="Password of the key.")
    kafka_check_hostname: bool = Field(True, description="Whether Kafka's certificate must name the host we call.")
    redis: SecretStr = Field(
        SecretStr("redis://127.0.0.1:6379/0"), description="URL of the Redis that holds the profiles."
    )
    plan: Path = Field(Path("tracking_plan.yaml"), description="The tracking plan.")
    pii_key: SecretStr | None = Field(
        None, min_length=LEAST, description="Key of hashed identities and suppression entries; set once, then fixed."
    )
    partitions: int = Field(16, ge=1, le=999, description="Partitions of each keyed topic; set once, then fixed.")
    replication: int = Field(1, ge=1, description="Replication factor of the topics Rapport creates.")
    topic_prefix: str = Field("", description="Put before the name of every topic, to share a cluster.")
    group: str = Field("rapport", description="Consumer group of the workers.")

    host: str = Field("127.0.0.1", description="Address that HTTP listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that HTTP listens on.")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of a worker's own /metrics, the next ones for more workers; 0 for none."
    )
    api_token: SecretStr | None = Field(None, description="Bearer token of the support API; required to serve it.")
    rate_limit: int = Field(20_000, ge=1, description="Events a second that one write key may send to one collector.")

    clock: Literal["wall", "event"] = Field(
        "wall", description="What timers run on: the wall clock, or event time (replays, backtests, the demo)."
    )
    session_timeout: float = Field(
        10.0, gt=0, description="Seconds after which a silent worker's partitions move to another."
    )
    batch: int = Field(1000, ge=1, le=10_000, description="Most records of one partition in one batch.")
    timeline: int = Field(24, ge=1, le=500, description="Events a profile shows, newest first.")
    seen: int = Field(512, ge=16, le=65_536, description="Message ids a profile remembers to drop repeats.")
    require_aof: bool = Field(False, description="Refuse a Redis without an append-only file rather than warn.")
    archive: str = Field("", description="Folder or fsspec URL of the event archive.")
    archive_every: float = Field(60.0, gt=0, description="Seconds between flushes of the archive.")
    census_every: float = Field(3600.0, gt=0, description="Seconds between two counts of all customers.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    @field_validator(*_TO_KAFKA)
    @classmethod
    def _fits_kafka(cls, value: object, info: ValidationInfo) -> object:
        """What is missing for the way to connect, or says nothing with it, is a mistake."""
        data, name = info.data, info.field_name or ""
        if not {"kafka_security_protocol", "kafka_sasl_mechanism"} - {name} <= data.keys():
            return value  # one of them is wrong, which is told already
        protocol, mechanism = data["kafka_security_protocol"], data.get("kafka_sasl_mechanism")
        needed, allowed = _fitting(protocol, mechanism, certificate=data.get("kafka_certificate") is not None)
        chosen = f"RAPPORT_KAFKA_SECURITY_PROTOCOL={protocol}"
        if mechanism is not None:
            chosen += f" and RAPPORT_KAFKA_SASL_MECHANISM={mechanism}"
        if value is None and name in needed:
            raise ValueError(f"must be set with {chosen}")
        if value not in (None, True) and name not in needed | allowed:
            without = " without RAPPORT_KAFKA_CERTIFICATE" if name.startswith("kafka_key") and "SSL" in protocol else ""
            raise ValueError(f"says nothing with {chosen}{without}; leave it out, or choose another of these")
        return value

    @property
    def worker_group(self) -> str:
        """The consumer group as Kafka knows it."""
        return self.topic_prefix + self.group


def _fitting(protocol: str, mechanism: str | None, *, certificate: bool) -> tuple[set[str], set[str]]:
    """The settings that a way to connect to Kafka needs, and those that it allows."""
    needed = {"kafka_sasl_mechanism"} if protocol.startswith("SASL") else set()
    if mechanism == "OAUTHBEARER":
        needed |= {"kafka_token_command"}
    elif mechanism is not None:
        needed |= {"kafka_username", "kafka_password"}
    allowed = {"kafka_ca", "kafka_certificate", "kafka_check_hostname"} if protocol.endswith("SSL") else set()
    if certificate:
        allowed |= {"kafka_key", "kafka_key_password"}
    return needed, allowed
