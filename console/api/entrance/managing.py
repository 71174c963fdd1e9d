"""What is refused of accounts and tokens, as answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from console.access.people import Refused
from console.api.error_answers import ApiError
from profiles.errors import NotFound, WrongUse
from profiles.stores.access import LastAdmin

__all__ = ["managed"]


@contextlib.contextmanager
def managed() -> Iterator[None]:
    """Answers what goes wrong within.

    Raises:
        ApiError: 404, nobody or no token is called so; 409, it may not be done; 400, it cannot.
    """
    try:
        yield
    except NotFound as error:
        raise ApiError(404, "not_found", str(error)) from None
    except (Refused, LastAdmin) as error:
        raise ApiError(409, "refused", str(error)) from None
    except WrongUse as error:
        raise ApiError(400, "invalid_request", str(error)) from None
