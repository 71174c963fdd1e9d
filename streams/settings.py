"""Every setting of Rapport, read once from the environment (`RAPPORT_*`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from profiles.identity.secrets import LEAST

__all__ = ["Settings"]


class Settings(BaseSettings):
    """Settings; the environment variable of `kafka` is `RAPPORT_KAFKA`, and so on."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", extra="ignore", frozen=True, hide_input_in_errors=True)

    kafka: str = Field("127.0.0.1:9092", description="Bootstrap servers of Kafka, host:port, comma separated.")
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

    @field_validator("pii_key", mode="before")
    @classmethod
    def _empty_is_none(cls, key: object) -> object:
        return key or None  # compose files pass on variables that are not set as empty

    @property
    def worker_group(self) -> str:
        """The consumer group as Kafka knows it."""
        return self.topic_prefix + self.group
