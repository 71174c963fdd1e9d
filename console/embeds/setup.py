"""What the settings say of other tools in which customers are shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from profiles.errors import WrongUse
from profiles.stores.access import Role
from streams.settings import Settings

__all__ = ["Embeds", "Intercom", "Zendesk", "embeds_of"]


@dataclass(frozen=True, slots=True)
class Intercom:
    """The app of Intercom's inbox. Without a role its teammates see masked data, and decide nothing."""

    secret: SecretStr
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Zendesk:
    """The app beside Zendesk's tickets; `key` is the PEM of its public key. The role as Intercom's."""

    key: str
    audience: str
    role: Role | None = None

    @property
    def origin(self) -> str:
        """Of the pages in which it stands."""
        return self.audience.partition("/api/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeds:
    """Where customers are shown, beside the console; `origins` are those of pages in which the frame may stand."""

    origins: tuple[str, ...] = ()
    intercom: Intercom | None = None
    zendesk: Zendesk | None = None

    def may_hold(self, origin: str) -> bool:
        """Whether a frame may stand in pages of an origin."""
        return origin in self.origins or (self.zendesk is not None and origin == self.zendesk.origin)

    def role_of(self, by: Literal["zendesk", "intercom"]) -> Role | None:
        """What those may do whom a tool vouches for."""
        tool = self.zendesk if by == "zendesk" else self.intercom
        return tool.role if tool is not None else None


def embeds_of(settings: Settings) -> Embeds:
    """What settings open.

    Raises:
        WrongUse: they do not belong together, or the key of Zendesk cannot be read.
    """
    origins = [origin.strip() for origin in (settings.embed_origins or "").split(",")]
    secret = settings.intercom_secret
    return Embeds(
        origins=tuple(dict.fromkeys(origin for origin in origins if origin)),
        intercom=None if secret is None else Intercom(secret, settings.intercom_role),
        zendesk=None if settings.zendesk_key is None else _zendesk(settings, settings.zendesk_key),
    )


def _zendesk(settings: Settings, file: Path) -> Zendesk:
    if settings.zendesk_audience is None:
        raise WrongUse("RAPPORT_ZENDESK_KEY needs RAPPORT_ZENDESK_AUDIENCE: another installation's tokens are not ours")
    return Zendesk(file.read_text(encoding="utf-8"), settings.zendesk_audience, settings.zendesk_role)
