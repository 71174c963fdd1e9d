"""Apache Kafka itself, one KRaft node, from its jars on Maven Central and a local Java."""

from __future__ import annotations

import base64
import fcntl
import os
import re
import shutil
import socket
import subprocess
import tempfile
import uuid
from pathlib import Path

from console.local.embedded import HOST, Server
from console.local.process import Process, Reaper, free_port
from profiles.errors import Misconfigured
from tests.servers.given import describe_kafka

__all__ = ["ApacheKafka", "fetch_jars", "why_no_kafka"]

VERSION = os.environ.get("RAPPORT_TEST_KAFKA_VERSION", "4.1.0")
OLDEST_JAVA = 17

QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
"""No server here lives long enough for the second compiler to pay, which takes a third of the processor until one is up
and nearly half afterwards."""

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>rapport</groupId><artifactId>test-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency><!-- Kafka's distribution adds it to these; without it there is no log. -->
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version>
    </dependency>
  </dependencies>
</project>
"""

LOG4J = """rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
"""


class ApacheKafka(Server):
    """One Kafka node, broker and controller, on free ports of 127.0.0.1.

    Args:
        data_dir: where its configuration, data and log go; a restart finds them again.
        reaper: ends it when this process is gone.
        heap: of the JVM.
        disk: where its data go instead, if that is to be a disk of its own.
    """

    def __init__(
        self, data_dir: Path, *, reaper: Reaper | None = None, heap: str = "512m", disk: Path | None = None
    ) -> None:
        self.directory = data_dir / "kafka"
        self.data = disk / "kafka-data" if disk else self.directory / "data"
        self.port, self.controller_port = free_port(), free_port()
        self.bootstrap = f"{HOST}:{self.port}"
        self._java = ["java", *QUICK, "-cp", str(fetch_jars() / "*"), f"-Xmx{heap}", f"-Xms{heap}"]
        self._java += [f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"]
        self._properties = self.directory / "server.properties"
        command = [*self._java, "kafka.Kafka", str(self._properties)]
        self.process = Process("Apache Kafka", command, data_dir / "logs" / "kafka.log", reaper=reaper)

    def start(self) -> None:
        """Start it; formats its storage the first time."""
        if not self._properties.exists():
            self._format()
        super().start()

    def stop(self, timeout: float = 15.0) -> None:
        """Stop it the clean way, or after `timeout` seconds the other."""
        super().stop(timeout)

    def answers(self) -> bool:
        """Whether it serves requests; cheap while nobody listens."""
        try:
            socket.create_connection((HOST, self.port), timeout=0.5).close()
        except OSError:
            return False
        return bool((describe_kafka(self.bootstrap) or {}).get("brokers"))

    def _format(self) -> None:
        self.directory.mkdir(parents=True)
        (self.directory / "log4j2.properties").write_text(LOG4J)
        self._properties.write_text(
            "\n".join(f"{name}={value}" for name, value in self._configuration().items()) + "\n"
        )
        cluster = base64.urlsafe_b64encode(b"R" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        tool = [*self._java, "kafka.tools.StorageTool", "format", "--standalone", "--cluster-id", cluster]
        tool += ["-c", str(self._properties), *self._format_options()]
        done = subprocess.run(tool, capture_output=True, text=True, check=False)
        if done.returncode:
            self._properties.unlink()
            raise Misconfigured(f"Kafka's storage could not be formatted:\n{done.stdout}{done.stderr}")

    def _format_options(self) -> list[str]:
        return []

    def _configuration(self) -> dict[str, str | int]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.bootstrap.servers": f"{HOST}:{self.controller_port}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{HOST}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.data),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,  # the default of 50 makes first joins and restarts slow
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "share.coordinator.state.topic.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            # A killed broker that comes back waits for its old session to end.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
        }


def why_no_kafka() -> str | None:
    """Why Apache Kafka cannot be run here, None if it can."""
    if not shutil.which("java"):
        return "no java on PATH"
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', answer)
    if not found or int(found[1]) < OLDEST_JAVA:
        return f"Kafka 4 needs Java {OLDEST_JAVA}; `java -version` says: {answer.splitlines()[:1]}"
    if not _cache().is_dir() and not shutil.which("mvn"):
        return "no mvn on PATH to fetch Kafka's jars"
    return None


def fetch_jars() -> Path:
    """The directory with Kafka's jars; fetched at the first call and kept between runs.

    Raises:
        Misconfigured: Maven failed.
    """
    jars = _cache()
    jars.parent.mkdir(parents=True, exist_ok=True)
    with (jars.parent / f"{jars.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be fetching them
        if jars.is_dir():
            return jars
        with tempfile.TemporaryDirectory(dir=jars.parent) as scratch:
            pom, libs = Path(scratch, "pom.xml"), Path(scratch, "libs")
            pom.write_text(POM)
            command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={libs}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode or not list(libs.glob("kafka_2.13-*.jar")):
                raise Misconfigured(f"Maven could not fetch Kafka {VERSION}:\n{done.stdout[-2000:]}{done.stderr}")
            libs.rename(jars)
    return jars


def _cache() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "rapport-tests" / f"kafka-{VERSION}"
