"""Every store in memory, for tests and experiments: the same promises as in Redis, shown by the same contract tests."""

from profiles.stores.memory.access import MemoryAccessStore
from profiles.stores.memory.census import MemoryCensusStore
from profiles.stores.memory.clock import MemoryClockStore
from profiles.stores.memory.learner import MemoryLearnerStore
from profiles.stores.memory.links import MemoryLinkStore
from profiles.stores.memory.profiles import MemoryStore
from profiles.stores.memory.sources import MemorySourceStore

__all__ = [
    "MemoryAccessStore", "MemoryCensusStore", "MemoryClockStore", "MemoryLearnerStore", "MemoryLinkStore",
    "MemorySourceStore", "MemoryStore",
]  # fmt: skip
