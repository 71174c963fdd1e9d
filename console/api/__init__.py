"""The support API: live profiles over HTTP."""

from console.api.app import create_api
from console.services.ports import ApiDeps

__all__ = ["ApiDeps", "create_api"]
