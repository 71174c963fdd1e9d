"""What a page says to the browser that stands in a frame of another tool, or hands a token to one."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import Response

from console.pages.headers import HEADERS

__all__ = ["framed", "opened"]

_POLICY = "Content-Security-Policy"
_OPENER = "Cross-Origin-Opener-Policy"


def framed(response: Response, origins: Collection[str], scripts: Collection[str] = ()) -> Response:
    """Let a page stand in pages of these origins, and in no other; `scripts` are files that it may load beside ours."""
    policy = HEADERS[_POLICY].replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(origins)}")
    response.headers[_POLICY] = policy.replace("script-src 'self'", " ".join(("script-src 'self'", *scripts)))
    del response.headers[_OPENER]  # of windows, not of frames
    return response


def opened(response: Response) -> Response:
    """Let a window of ours speak to the frame of ours that opened it, whatever page that stands in."""
    response.headers[_OPENER] = "unsafe-none"
    return response
