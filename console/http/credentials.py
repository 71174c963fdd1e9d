"""That somebody can come in to the support API and the pages before they are served."""

from __future__ import annotations

import asyncio
import logging
import time

from console.access.users_file import people_of, with_users_file
from console.access.ways import ways_of
from console.http.reach_of_others import is_loopback
from profiles.errors import WrongUse
from profiles.stores.access import AccessStore, with_access
from streams.settings import Settings

__all__ = ["require_credentials"]

log = logging.getLogger(__name__)


def require_credentials(settings: Settings) -> None:
    """See that there is a token or somebody who may sign in, by whichever way; nothing is served to everybody, nor to
    nobody.

    The one token of the environment may do everything and does not say who used it. Only this machine should need it:
    where others reach us it is taken, so that what runs goes on, and warned of.

    Raises:
        WrongUse: there is neither, or the ways to sign in do not belong together.
        Misconfigured: Redis, which knows them, does not answer.
    """
    ways = ways_of(settings)
    if settings.users_file is not None:
        people_of(settings.users_file)
    if settings.api_token is not None:
        if not is_loopback(settings.host):
            log.warning(
                "Others reach the support API at %s, and RAPPORT_API_TOKEN may do everything there: give each program "
                "a token of its own (`rapport tokens add`), each person an account (`rapport users add`), and unset it",
                settings.host,
            )
        return
    if ways.for_anybody:
        return

    async def somebody(store: AccessStore) -> bool:
        return await _somebody(with_users_file(store, settings.users_file))

    if not asyncio.run(with_access(settings.redis.get_secret_value(), somebody)):
        raise WrongUse(
            "nobody could come in to the support API: `rapport users add NAME --role admin` lets a person in, `rapport "
            "tokens add NAME --scope …` a program; or set RAPPORT_API_TOKEN, or use `rapport up`, which makes one"
        )


async def _somebody(store: AccessStore) -> bool:
    if any(not account.disabled for account in (await store.accounts()).values()):
        return True
    return any(token.expires > time.time() for token in (await store.tokens()).values())
