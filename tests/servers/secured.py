"""Apache Kafka as it is run where others are on the network: listeners with TLS, with SASL, and with both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from console.local.embedded import HOST
from console.local.process import Reaper, free_port
from tests.servers.apache import ApacheKafka
from tests.servers.certificates import Authority

__all__ = ["SecuredKafka"]

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
