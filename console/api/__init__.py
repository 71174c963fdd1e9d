"""The support API: live profiles over HTTP."""

from console.api.app import create_api
from console.services.ports import ApiDeps, Check, Commands, Feed, LiveEvent, Rejected

__all__ = ["ApiDeps", "Check", "Commands", "Feed", "LiveEvent", "Rejected", "create_api"]
