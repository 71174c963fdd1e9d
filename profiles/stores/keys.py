"""The names of everything that Rapport keeps in Redis.

`{p017}` stands for partition 17. All keys of a partition share its hash tag, so all live on one node; so do those
of the linker (`{identity}`), the learner (`{learner}`), the census (`{census}`), the clock (`{clock}`) and the sources
(`{sources}`). Documents are msgpack; a tombstone is only its redirect.

- `{p017}:meta`, hash: `version` and the `nonce` of its commit, `applied`, `watermark`, `tombstones`, `origins` (highest
  offset by sender), `ahead` (after a rebuild), `arrival_rates` (how busy it is, and outages), `told` (up to where the
  documents know what `segment.changes`, `alerts` and `cases` tell)
- `{p017}:profiles`, hash: profile id → document
- `{p017}:companies`, hash: id → document, of companies; `{p017}:companies:recent`, sorted set: id by latest event
- `{p017}:timers`, sorted set: profile id, or a company's, by `scheduled_at`
- `{p017}:risk`, sorted set: profile id by risk
- `{p017}:recent`, sorted set: profile id by latest event; the newest 100
- `{p017}:segment:NAME`, sorted set: profile id by the time it entered
- `{p017}:moves:N`, hash: `day`, the number of a UTC day that leaves N when divided by 32, and by +segment and -segment
  how many entered and left on it
- `{p017}:counters:N`, hash: `day`, the number of a local day that leaves N when divided by 8, and what customers add to
  its counters (`profiles.daily.counters`); `{p017}:counters:now`, hash: the same of counters that are of no day
- `{p017}:search`, sorted set: what customers are found by, all of score 0 (`profiles.search.terms`)
- `{p017}:alerts`, hash: alert id → profile id and alert
- `{p017}:alerts:time`, sorted set: alert id by the time it opened
- `{p017}:alerts:STATE`, sorted set: the same of the alerts in a state (`ALERT_STATES`)
- `{p017}:cases`, hash: profile id → row of its case, of those that stand; `{p017}:cases:done`, sorted set: profile id
  by the time its case ended, of the others
- `{p017}:outbox`, sorted set: outputs by version, until they are produced
- `{p017}:census`, hash: `round` and `summary` of the last count of the partition's customers
- `{census}:meta`, hash: `version`, the `round` under way and when it `opened`, the last one that has findings
  (`merged`), its number of `customers` and its `findings`: population snapshot, learned segments, personas
- `{identity}:map`, hash: linked identity → profile id
- `{identity}:profiles`, hash: profile id → its linked identities, and the events that made each of them join
- `{identity}:apart`, hash: identity → what it must not be together with, since a split
- `{identity}:claims`, hash: identity → by whom it is claimed, from when to when, if several do
- `{identity}:refused`, hash: the latest 1,000 links that were not made
- `{identity}:splitting`, `{identity}:splits`, hashes: splits that are not finished; what became of each split
- `{identity}:deferred`, hash: erasures that wait for a split to end
- `{identity}:suppressed`, hash: keyed hash of an erased customer's home → when
- `{identity}:lifted`, hash: id → an erasure that was lifted, by whom and why
- `{identity}:receipts`, hash: receipts of erasures
- `{identity}:meta`, `{identity}:outbox`: the linker's version, offset, number of refusals, and outputs
- `{learner}:meta`, `{learner}:outbox`: the learner's version, offset, the panel that scores, and outputs
- `{learner}:state`, hash: part of the learner's checkpoint → JSON; a commit writes the parts that have changed
- `{clock}:meta`, hash: the clock's `version`, and where it stands: `state`, JSON
- `{clock}:heads`, hash: partition of a source's topic → how far ingest has come in it
- `{clock}:loads`, hash: load of history → JSON: those that run, and the latest 50 that ended
- `{clock}:late`, hash: source → count, oldest and last of its events that came late
- `{sources}:held`, hash: source → whether it is paused, since when, why, and by which plan
- `{sources}:aside`, hash: worker → JSON: the senders that it has put aside, until when
- `{sources}:lag`, hash: worker → JSON: how many records wait for it by topic, and when it said so
- `{sources}:minute:N`, hash: what came in of minute N since the epoch (events by source and outcome, rejections by
  reason, seconds to the commit) → how many; ends by itself
- `rapport:setup`, hash: `format` of all this, partitions, namespace, fingerprint of the key of identities and
  Kafka's ids of cluster and topics, recorded at the first start and checked at every other; `rebuilding` until a
  rebuild is complete
- `rapport:segments`, set: names of all segments there ever were
- `rapport:workers`, hash: worker → its last sign of life
- `rapport:members:GROUP`, hash: member of a consumer group → how many signs of life it has given
- `rapport:plans`, hash: worker → JSON: the plan it has, since when, and its last sign of life
- `rapport:plan-rules`, hash: fingerprint of a plan → JSON: its version and a hash of each segment and alert
- `rapport:accounts`, hash: name → JSON: somebody who may sign in to the console; `rapport:session:DIGEST`,
  `rapport:link:DIGEST`, `rapport:attempt:DIGEST`: somebody who is signed in, a link that signs an account in once,
  somebody who was sent to an OpenID provider; `rapport:embed:DIGEST`: somebody who looks in a frame of another tool;
  `rapport:used:DIGEST`: something that counts once was used; all end by themselves
- `rapport:file-people`, hash: name → JSON: somebody who is, or was, in the file of people: SHA-256 of the hash of their
  password, and since when
- `rapport:first-steps:NAME`, set: what an account has done of the guide for who is new
- `rapport:sessions`, sorted set: digest and account of each session, by when it ends at the latest
- `rapport:tokens`, hash: id → JSON: a token of the API; `rapport:tokens:used`, hash: id → the day it was last used
"""

from __future__ import annotations

from profiles.daily.counters import NOW, RING
from profiles.types import tag_of

__all__ = [
    "ACCOUNTS",
    "ALERT_STATES",
    "ASIDE",
    "CENSUS",
    "CLOCK",
    "CLOCK_HEADS",
    "CLOCK_LATE",
    "CLOCK_LOADS",
    "DAYS_KEPT",
    "FILE_PEOPLE",
    "IDENTITY",
    "IDENTITY_MAP",
    "LAG",
    "LEARNER",
    "LEARNER_STATE",
    "MEMBERS",
    "PLANS",
    "PLAN_RULES",
    "SEGMENTS",
    "SESSIONS",
    "SETUP",
    "SOURCES",
    "TOKENS",
    "TOKENS_USED",
    "WORKERS",
    "Keys",
    "attempt_key",
    "embed_key",
    "first_steps_key",
    "link_key",
    "minute_key",
    "session_key",
    "used_key",
]  # fmt: skip

SETUP = "rapport:setup"

WORKERS = "rapport:workers"

MEMBERS = "rapport:members"
"""Hash of each consumer group: member → how many signs of life it has given."""

PLANS = "rapport:plans"

PLAN_RULES = "rapport:plan-rules"

SEGMENTS = "rapport:segments"

ACCOUNTS = "rapport:accounts"

FILE_PEOPLE = "rapport:file-people"

SESSIONS = "rapport:sessions"

TOKENS = "rapport:tokens"
TOKENS_USED = "rapport:tokens:used"

SOURCES = "{sources}:held"
ASIDE = "{sources}:aside"
LAG = "{sources}:lag"

DAYS_KEPT = 32
"""Days for which it is kept how many entered and left segments."""

ALERT_STATES = ("open", "acknowledged", "resolved", "cleared")
"""The states of an alert. Each has an index of its own, so that a list of one state reads no other."""


def session_key(digest: str) -> str:
    """Somebody who is signed in, by the digest of their cookie."""
    return f"rapport:session:{digest}"


def link_key(digest: str) -> str:
    """The account that a link signs in, by the digest of what the link says."""
    return f"rapport:link:{digest}"


def first_steps_key(name: str) -> str:
    """What an account has done of the guide for who is new."""
    return f"rapport:first-steps:{name}"


def used_key(digest: str) -> str:
    """Of something that counts once."""
    return f"rapport:used:{digest}"


def attempt_key(digest: str) -> str:
    """Somebody who was sent to an OpenID provider, by the digest of the state that they come back with."""
    return f"rapport:attempt:{digest}"


def embed_key(digest: str) -> str:
    """Somebody who looks in a frame of another tool, by the digest of the frame's token."""
    return f"rapport:embed:{digest}"


def minute_key(minute: int) -> str:
    """What came in of a minute since the epoch."""
    return f"{{sources}}:minute:{minute}"


class Keys:
    """Keys of one partition, or of another single-writer unit given by its tag."""

    __slots__ = (
        "alerts", "alerts_by_time", "cases", "cases_done", "census", "companies", "companies_by_time", "meta", "outbox",
        "profiles", "recent", "risk", "search", "tag", "timers",
    )  # fmt: skip

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.meta = f"{tag}:meta"
        self.profiles = f"{tag}:profiles"
        self.companies = f"{tag}:companies"
        self.companies_by_time = f"{tag}:companies:recent"
        self.timers = f"{tag}:timers"
        self.risk = f"{tag}:risk"
        self.recent = f"{tag}:recent"
        self.search = f"{tag}:search"
        self.alerts = f"{tag}:alerts"
        self.alerts_by_time = f"{tag}:alerts:time"
        self.cases = f"{tag}:cases"
        self.cases_done = f"{tag}:cases:done"
        self.outbox = f"{tag}:outbox"
        self.census = f"{tag}:census"

    @classmethod
    def of(cls, partition: int) -> Keys:
        """The keys of a partition of the profiles."""
        return cls(tag_of(partition))

    def alerts_in(self, state: str) -> str:
        """Sorted set: alert id by opened, of the alerts in this state."""
        return f"{self.tag}:alerts:{state}"

    def moves(self, day: int) -> str:
        """Hash: how many entered and left each segment on a day; the days of a ring, so that the old give way."""
        return f"{self.tag}:moves:{day % DAYS_KEPT}"

    def counters(self, day: int) -> str:
        """Hash: the counters of a local day, those of now for `NOW`; the days of a ring, so that the old give way."""
        return f"{self.tag}:counters:{'now' if day == NOW else day % RING}"

    def segment(self, name: str) -> str:
        """Sorted set: profile id by the time it entered the segment."""
        return f"{self.tag}:segment:{name}"


IDENTITY = Keys("{identity}")
"""The linker's unit: `profiles` holds a profile's linked identities and what linked them."""

IDENTITY_MAP = "{identity}:map"

LEARNER = Keys("{learner}")
"""The learner's unit; `meta` holds the panel of models, too."""

LEARNER_STATE = "{learner}:state"

CENSUS = Keys("{census}")
"""The unit of what all partitions come to together. `meta` holds the rounds and the findings."""

CLOCK = Keys("{clock}")
"""The clock's unit; `meta` holds where it stands."""

CLOCK_HEADS = "{clock}:heads"

CLOCK_LOADS = "{clock}:loads"

CLOCK_LATE = "{clock}:late"
