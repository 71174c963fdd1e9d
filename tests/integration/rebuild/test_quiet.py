"""Whether anything is on its way is seen where no topic shows it: in what is committed and waits for somebody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from profiles.identity.links import PendingSplit
from profiles.store import Changes, Output
from profiles.stores.links import RedisLinkStore
from profiles.stores.redis import RedisStore
from profiles.types import partition_of
from profiles.units import LinkChanges
from streams.kafka.topics import PROFILE_CHANGES
from streams.settings import Settings
from tests.integration.rapport import order, recently, running
from tests.integration.rebuild.rebuilding import at_rest, in_redis, until_quiet


def test_what_is_committed_and_not_done_yet_is_on_its_way(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """A split whose profiles are not whole again, and a commit whose documents nobody has delivered."""
    with running(make_settings(), tmp_path) as rapport:
        rapport.send("purchase", [order("user-1", number, recently()) for number in range(3)])
        until_quiet(rapport)
        rapport.stop_workers()
        assert at_rest(rapport)
        home = rapport.plan.home(("user_id", "user-1"))
        split = PendingSplit("split", home, ("user_id", "user-1"), [], {}, 0.0)

        async def note(client: Any, split: PendingSplit | None) -> None:
            store = RedisLinkStore(client)
            state = await store.state()
            await store.commit(LinkChanges(state.version, state.applied, splitting={"split": split}))

        async def commit(client: Any) -> None:
            store, number = RedisStore(client), partition_of(home, rapport.settings.partitions)
            version = (await store.load(number, ())).version
            outputs = [Output(PROFILE_CHANGES, b"", home.encode(), partition=number)]
            await store.commit(number, Changes(version, outputs=outputs))

        in_redis(rapport.settings, lambda client: note(client, split))
        assert not at_rest(rapport)
        in_redis(rapport.settings, lambda client: note(client, None))
        assert at_rest(rapport)
        in_redis(rapport.settings, commit)
        assert not at_rest(rapport)
        rapport.start()
        until_quiet(rapport)
