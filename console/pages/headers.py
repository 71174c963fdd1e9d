"""What every page says to the browser, and what a browser must say before anything is changed.

The policy lets nothing run or load that is not a file of ours: no inline script or style, no frame around us. A request
that changes something must come from our own pages (`Sec-Fetch-Site`, which browsers set and scripts cannot; where it
is missing, `Origin`): the cookie alone is not enough.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from console.api.error_answers import ApiError

__all__ = ["HEADERS", "require_own_page"]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def require_own_page(request: Request) -> None:
    """See that a request that changes something comes from one of our pages.

    Raises:
        ApiError: 403, it does not.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        own = site == "same-origin"
    else:
        origin = request.headers.get("origin", "")
        own = bool(origin) and urlsplit(origin).netloc == request.headers.get("host", "")
    if not own:
        raise ApiError(403, "forbidden", "this must be asked from a page of the console itself")
