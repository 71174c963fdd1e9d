"""Who asks by the word of the proxy in front of us, for pages and the API alike."""

from __future__ import annotations

import time
from collections.abc import Callable

from fastapi import Request

from console.access.newcomers import Newcomers, NotLetIn
from console.access.proxy import Pretended, Proxy
from console.access.scopes import ROLES, Viewer
from console.api.error_answers import ApiError
from profiles.stores.access import AccessStore

__all__ = ["Proxied"]


class Proxied:
    """Lets in whom the proxy says, as long as their account here is not disabled.

    Args:
        store: of accounts.
        proxy: that is believed; None: there is none.
        clock: seconds since the epoch.
    """

    def __init__(self, store: AccessStore, proxy: Proxy | None, clock: Callable[[], float] = time.time) -> None:
        self._newcomers = Newcomers(store, clock)
        self._proxy = proxy

    async def viewer(self, request: Request) -> Viewer | None:
        """Whom the proxy says; None: it says nothing, or there is none.

        Raises:
            ApiError: 400, the header is not from the proxy; 403, they may not come in.
        """
        try:
            said = self._proxy.said(request) if self._proxy is not None else None
            if said is None:
                return None
            account = await self._newcomers.by_name(said.name, said.role, says_role=said.says_role)
        except Pretended as error:
            raise ApiError(400, "invalid_request", str(error)) from error
        except NotLetIn as error:
            raise ApiError(403, "forbidden", str(error)) from error
        return Viewer(account.name, account.role, ROLES[account.role], "page")
