"""The ways in which people sign in, as the settings have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.access.group_roles import GroupRoles
from console.access.proxy import Proxy
from profiles.errors import WrongUse
from streams.settings import Settings

if TYPE_CHECKING:
    from console.access.oidc.provider import Provider

__all__ = ["OIDC_DONE", "OIDC_ENDED", "Ways", "ways_of"]

OIDC_DONE = "/sign-in/oidc/done"
OIDC_ENDED = "/sign-in/oidc/ended"
"""Where people come back to from their provider; it has to know the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How people come in, beside links, which whoever administers this machine can always make.

    `roles` are those of the provider's groups; `public_url` is where people reach the console, if that is known.
    """

    passwords: bool = True
    provider: Provider | None = None
    roles: GroupRoles | None = None
    proxy: Proxy | None = None
    public_url: str = ""

    def link(self, secret: str, asked_at: str) -> str:
        """What signs somebody in once; `asked_at` is where whoever makes it reaches the console, which is not where
        others do if a proxy does not hand the host on."""
        return f"{self.public_url or asked_at.rstrip('/')}/sign-in/{secret}"

    @property
    def for_anybody(self) -> bool:
        """Whether people may come in who have no account yet."""
        return self.provider is not None or (self.proxy is not None and self.proxy.says_roles)


def ways_of(settings: Settings) -> Ways:
    """The ways that settings open.

    Raises:
        WrongUse: they do not belong together, or something is missing.
    """
    proxy, provider = settings.proxy_user_header, settings.oidc_issuer
    if proxy is not None and provider is not None:
        raise WrongUse(
            "set RAPPORT_PROXY_USER_HEADER or RAPPORT_OIDC_ISSUER, not both: either the proxy says who somebody is, or "
            "the provider does"
        )
    roles = GroupRoles(settings.group_roles) if settings.group_roles else None
    explicit = "password_sign_in" in settings.model_fields_set
    return Ways(
        passwords=settings.password_sign_in and (proxy is None or explicit),
        provider=None if provider is None else _provider(settings, provider),
        roles=roles,
        proxy=None if proxy is None else _proxy(settings, proxy, roles),
        public_url=settings.public_url or "",
    )


def _provider(settings: Settings, issuer: str) -> Provider:
    for name in ("oidc_client_id", "public_url", "group_roles"):
        if getattr(settings, name) is None:
            raise WrongUse(f"RAPPORT_OIDC_ISSUER needs RAPPORT_{name.upper()}")
    try:
        from console.access.oidc.provider import Client, Provider  # noqa: PLC0415  (Authlib is with [oidc] only)
    except ImportError as error:
        raise WrongUse(f"RAPPORT_OIDC_ISSUER needs Authlib ({error}): pip install 'rapport-cdp[oidc]'") from error
    return Provider(
        Client(
            issuer=issuer,
            id=settings.oidc_client_id or "",
            secret=settings.oidc_client_secret,
            scopes=settings.oidc_scopes,
            group_claim=settings.oidc_group_claim,
            redirect_uri=f"{settings.public_url}{OIDC_DONE}",
        )
    )


def _proxy(settings: Settings, user_header: str, roles: GroupRoles | None) -> Proxy:
    if settings.proxy_addresses is None:
        raise WrongUse(
            "RAPPORT_PROXY_USER_HEADER needs RAPPORT_PROXY_ADDRESSES: anybody else can send that header, too"
        )
    return Proxy(settings.proxy_addresses, user_header, settings.proxy_role_header, roles)
