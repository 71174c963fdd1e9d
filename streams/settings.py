"""Every setting of Rapport, read once from the environment (`RAPPORT_*`)."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import parse_qsl, urlencode

from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)  # fmt: skip
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from profiles.errors import WrongUse
from profiles.identity.secrets import LEAST

__all__ = ["PREFIX", "Settings", "engine_of"]

PREFIX = "RAPPORT_"

_LEAST_OF = {"ge": "from {}", "gt": "above {}", "min_length": "of at least {} characters"}
_MOST_OF = {"le": "up to {}", "lt": "below {}"}


def _like(pattern: str, allowed: str) -> AfterValidator:
    """A text, secret or not, of this form; `allowed` says in words which."""
    compiled = re.compile(pattern)

    def check(value: Any) -> Any:
        if not compiled.fullmatch(value.get_secret_value() if isinstance(value, SecretStr) else value):
            raise ValueError(f"cannot be used; allowed: {allowed}")
        return value

    return AfterValidator(check)


def _is_there(file: Path) -> Path:
    if not file.is_file():
        raise ValueError("cannot be used; allowed: a file that is there")
    return file


def _are_networks(networks: str) -> str:
    try:
        for network in networks.split(","):
            ip_network(network.strip())
    except ValueError:
        raise ValueError("cannot be used; allowed: addresses or networks, such as 10.0.0.5,10.1.0.0/16") from None
    return networks


def _are_origins(origins: str) -> str:
    for origin in origins.split(","):
        if not _FRAME_ORIGIN.fullmatch(origin.strip()):
            raise ValueError(
                "cannot be used; allowed: https://HOST[:PORT][,…], without a path or *; http:// on this machine only"
            )
    return origins


_FRAME_ORIGIN = re.compile(
    r"(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(?!:443$)|http://(127\.0\.0\.1|localhost)(?!:80$))(:[1-9][0-9]{1,4})?"
)
"""As browsers spell origins, without the port that goes without saying: in `event.origin` and in `frame-ancestors`."""

_File = Annotated[Path, AfterValidator(_is_there)]
_Servers = Annotated[str, _like(r"[^\s,/]+:\d+(,[^\s,/]+:\d+)*", "HOST:PORT[,HOST:PORT…]")]
_RedisUrl = Annotated[
    SecretStr,
    _like(r"(rediss?(\+cluster)?|unix)://.+", "such as redis://HOST:6379/0, rediss://USER:PASSWORD@HOST:6379/0"),
]
_Address = Annotated[str, _like(r"[^\s/]+", "a name or address such as 127.0.0.1 or 0.0.0.0")]
_KafkaName = Annotated[str, _like(r"[A-Za-z0-9._-]*", "letters, digits, dots, _ and -")]
_Origin = Annotated[str, _like(r"https?://[^\s/?#@]+", "such as https://cdp.example.com, without a path")]
_Issuer = Annotated[
    str,
    _like(
        r"(https://|http://(127\.0\.0\.1|localhost)[:/])[^\s?#@]+",
        "such as https://id.example.com; http:// on this machine only",
    ),
]
_Header = Annotated[str, _like(r"[A-Za-z][A-Za-z0-9-]*", "the name of a header, such as X-Forwarded-User")]
_Networks = Annotated[str, AfterValidator(_are_networks)]
_Origins = Annotated[str, AfterValidator(_are_origins)]
_GroupRoles = Annotated[
    str,
    _like(
        r"[^,=]+=(agent|analyst|operator|admin)(,[^,=]+=(agent|analyst|operator|admin))*",
        "GROUP=ROLE[,GROUP=ROLE…], of the roles agent, analyst, operator, admin",
    ),
]
_Role = Literal["agent", "analyst", "operator", "admin"]
_ZendeskAudience = Annotated[
    str,
    _like(
        r"https://[a-z0-9-]+\.zendesk\.com/api/v2/apps/installations/[0-9]+\.json",
        "https://SUBDOMAIN.zendesk.com/api/v2/apps/installations/NUMBER.json",
    ),
]
_Token = Annotated[SecretStr, _like(r"[!-~]+", "letters, digits and signs of ASCII without spaces")]

_Engine = Annotated[
    SecretStr,
    _like(
        r"(spark|sc|clickhouse|trino|trino\+https)://\S*",
        "spark://…, sc://…, clickhouse://… or trino://…, docs/analyses.md says how; nothing for DuckDB",
    ),
]

_TO_KAFKA = (
    "kafka_sasl_mechanism", "kafka_username", "kafka_password", "kafka_token_command",
    "kafka_ca", "kafka_certificate", "kafka_key", "kafka_key_password", "kafka_check_hostname",
)  # fmt: skip

_REDIS_TLS = {
    "redis_ca": "ssl_ca_certs", "redis_certificate": "ssl_certfile", "redis_key": "ssl_keyfile",
    "redis_check_hostname": "ssl_check_hostname",
}  # fmt: skip
"""Setting → the parameter of a URL by which redis-py knows it."""


class Settings(BaseSettings):
    """Settings; the environment variable of `kafka` is `RAPPORT_KAFKA`, and so on."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True,
        env_ignore_empty=True,  # compose files pass on variables that are not set as empty
    )  # fmt: skip

    kafka: _Servers = Field("127.0.0.1:9092", description="Bootstrap servers of Kafka, host:port, comma separated.")
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
    # Those of TLS before the URL, which takes them in.
    redis_ca: _File | None = Field(None, description="PEM file of the authorities that Redis' certificate may be of.")
    redis_certificate: _File | None = Field(None, description="PEM file of our certificate, for mutual TLS.")
    redis_key: _File | None = Field(None, description="PEM file of its key, without a password.")
    redis_check_hostname: bool = Field(True, description="Whether Redis' certificate must name the host we call.")
    redis: _RedisUrl = Field(
        SecretStr("redis://127.0.0.1:6379/0"),
        validate_default=True,
        description="URL of the Redis that holds the profiles.",
    )
    plan: Path = Field(Path("tracking_plan.yaml"), description="The tracking plan.")
    pii_key: SecretStr | None = Field(
        None, min_length=LEAST, description="Key of hashed identities and suppression entries; set once, then fixed."
    )
    user_id_key: SecretStr | None = Field(
        None, min_length=LEAST, description="Key of signed user ids, shared with the servers that sign them."
    )
    partitions: int = Field(16, ge=1, le=999, description="Partitions of each keyed topic; set once, then fixed.")
    replication: int = Field(1, ge=1, description="Replication factor of the topics Rapport creates.")
    topic_prefix: _KafkaName = Field("", description="Put before the name of every topic, to share a cluster.")
    group: _KafkaName = Field("rapport", description="Consumer group of the workers.")

    host: _Address = Field("127.0.0.1", description="Address that HTTP listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that HTTP listens on.")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port of a worker's own /metrics, the next ones for more workers; 0 for none."
    )
    operations_port: int = Field(
        0, ge=0, le=65535, description="Port of the HTTP roles' own /metrics and /ready with all it knows; 0 for none."
    )
    open_operations: bool = Field(
        False, description="Whether the HTTP port shows anybody /metrics, /docs, /openapi.json and all /ready knows."
    )
    api_token: _Token | None = Field(
        None, min_length=LEAST, description="Bearer token that may do everything in the support API."
    )
    reveals_per_hour: int = Field(
        60, ge=0, le=100_000, description="Pieces of masked personal data that a person may reveal an hour; 0 for none."
    )
    public_url: _Origin | None = Field(
        None, description="Where people reach the console, as https://cdp.example.com; needed for OIDC."
    )
    mcp_write: bool = Field(
        False, description="Whether models that ask at /mcp may acknowledge cases and write notes, with `alerts:write`."
    )
    password_sign_in: bool = Field(
        True, description="Whether people sign in with passwords; where a proxy signs them in only if this says so."
    )
    users_file: _File | None = Field(
        None, description="File of people who may sign in, a line each: NAME:ROLE:HASH, as `rapport users hash` prints."
    )
    oidc_issuer: _Issuer | None = Field(
        None, description="OpenID provider that people sign in with, as it calls itself (`iss`)."
    )
    oidc_client_id: str | None = Field(None, min_length=1, description="What the provider knows the console by.")
    oidc_client_secret: SecretStr | None = Field(None, min_length=1, description="And its secret, if it has one.")
    oidc_scopes: Annotated[str, _like(r"openid( [!#-\[\]-~]+)*", "openid, and further scopes after a space each")] = (
        Field("openid profile email", description="What the provider is asked for.")
    )
    oidc_group_claim: Annotated[str, _like(r"\S+", "the name of a claim; of one in another with a dot between")] = (
        Field("groups", description="Claim that says of which groups somebody is, as groups or realm_access.roles.")
    )
    group_roles: _GroupRoles | None = Field(
        None, description="Role by group, as support=agent,cdp=admin; the first that fits counts, * is everybody."
    )
    proxy_user_header: _Header | None = Field(
        None, description="Header by which a proxy says who is signed in; from RAPPORT_PROXY_ADDRESSES alone."
    )
    proxy_role_header: _Header | None = Field(
        None, description="Header by which it says their role, or with RAPPORT_GROUP_ROLES their groups."
    )
    proxy_addresses: _Networks | None = Field(
        None, description="Addresses or networks of that proxy, as it connects to us."
    )
    embed_origins: _Origins | None = Field(
        None, description="Tools in whose pages the frame of a customer may stand, as https://chat.example.com,…."
    )
    intercom_secret: SecretStr | None = Field(
        None, min_length=LEAST, description="Client secret of the Intercom app that shows customers in the inbox."
    )
    intercom_role: _Role | None = Field(
        None, description="What Intercom's teammates see and may do; without it masked data, and nothing."
    )
    zendesk_key: _File | None = Field(
        None, description="PEM file of the public key of the Zendesk app that shows customers beside tickets."
    )
    zendesk_audience: _ZendeskAudience | None = Field(
        None, description="Installation that its tokens are for, as Zendesk names it (`aud`)."
    )
    zendesk_role: _Role | None = Field(
        None, description="What Zendesk's agents see and may do; without it masked data, and nothing."
    )
    transparency: bool = Field(
        False, description="Whether the console shows anybody, at /transparency, what the plan marks as public."
    )
    rate_limit: int = Field(20_000, ge=1, description="Events a second that one write key may send to one collector.")

    session_timeout: float = Field(
        10.0,
        gt=0,
        description="Seconds after which Kafka itself moves a silent worker's partitions; the others do within three.",
    )
    batch: int = Field(1000, ge=1, le=10_000, description="Most records of one partition in one batch.")
    timeline: int = Field(24, ge=1, le=500, description="Events a profile shows, newest first.")
    seen: int = Field(512, ge=16, le=65_536, description="Message ids a profile remembers to drop repeats.")
    require_aof: bool = Field(False, description="Refuse a Redis without an append-only file rather than warn.")
    archive: str = Field("", description="Folder or fsspec URL of the event archive.")
    archive_every: float = Field(60.0, gt=0, description="Seconds between flushes of the archive.")
    engine: _Engine | None = Field(
        None, description="Where analyses of the archive are computed; DuckDB in the process that asks unless set."
    )
    audiences: str = Field("", description="Folder or fsspec URL of audiences' tables; that of the archive if empty.")
    census_every: float = Field(3600.0, gt=0, description="Seconds between two counts of all customers.")
    refit_every: float = Field(
        0.0,
        ge=0,
        description="Seconds between two growings of the nightly model, which `rapport up` then runs; 0: it does not.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    @field_validator("redis")
    @classmethod
    def _with_tls(cls, url: SecretStr, info: ValidationInfo) -> SecretStr:
        """The URL with what its certificates need, as redis-py reads it: so whoever has it can connect."""
        values = {option: info.data.get(name) for name, option in _REDIS_TLS.items()}
        given = {option: str(value) for option, value in values.items() if value not in (None, True)}
        if not given:
            return url
        place, _, query = url.get_secret_value().partition("?")  # several nodes of a cluster are no host by themselves
        if not place.lower().startswith("rediss"):
            name = next(name for name, option in _REDIS_TLS.items() if option in given)
            raise ValueError(f"must begin with rediss:// with {PREFIX}{name.upper()}, which is for TLS")
        return SecretStr(f"{place}?{urlencode(dict(parse_qsl(query)) | given)}")

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

    @model_validator(mode="wrap")
    @classmethod
    def _explained(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Says of each setting that cannot be used its variable and what is allowed, a line each.

        Raises:
            WrongUse: there are such settings.
        """
        try:
            return handler(given)
        except ValidationError as error:
            raise WrongUse("\n".join(_wrong(cls, problem) for problem in error.errors())) from None

    @property
    def worker_group(self) -> str:
        """The consumer group as Kafka knows it."""
        return self.topic_prefix + self.group


def engine_of(settings: Settings) -> str:
    """The URL of the engine of analyses; "" for DuckDB."""
    return settings.engine.get_secret_value() if settings.engine is not None else ""


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


def _wrong(settings: type[Settings], problem: Any) -> str:
    """As in "RAPPORT_BATCH=0 cannot be used; allowed: a whole number from 1 up to 10,000"."""
    name = str(problem["loc"][0])
    field = settings.model_fields[name]
    secret = problem["input"] is None or "SecretStr" in str(field.annotation)
    given = PREFIX + name.upper() + ("" if secret else f"={problem['input']}")
    if problem["type"] == "value_error":
        return f"{given} {problem['ctx']['error']}"
    return f"{given} cannot be used; allowed: {_allowed(field)}"


def _allowed(field: FieldInfo) -> str:
    """As in "a whole number from 1 up to 999" and "one of wall, event"."""
    if isinstance(field.annotation, type) and issubclass(field.annotation, bool):
        return "true or false"
    parts = get_args(field.annotation)
    if choices := [choice for part in parts for choice in (get_args(part) or [part]) if isinstance(choice, str)]:
        return f"one of {', '.join(choices)}"
    kind = "a whole number" if field.annotation is int else "a number" if field.annotation is float else "a text"
    words = [
        says.format(f"{getattr(limit, bound):,}")
        for bounds in (_LEAST_OF, _MOST_OF)
        for bound, says in bounds.items()
        for limit in field.metadata
        if getattr(limit, bound, None) is not None
    ]
    return " ".join([kind, *words])
