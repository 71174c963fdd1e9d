"""A picture of a page in a palette: a third of the bytes, as pages have few colours. PNG, RFC 2083."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["small"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = 256
_CHANNELS = {2: 3, 6: 4}  # by the kind of colour: RGB, RGBA

Bytes = npt.NDArray[np.uint8]


def small(png: bytes) -> bytes:
    """The same picture with at most 256 colours: the most frequent ones, and for the others the nearest of them.

    Args:
        png: as browsers write them: 8 bits a channel, without transparency or interlacing.
    """
    chunks = dict(_chunks(png))
    wide, high, depth, kind, *_ = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert depth == 8, "8 bits a channel"
    pixels = _unfiltered(zlib.decompress(chunks[b"IDAT"]), wide, high, _CHANNELS[kind])[:, :, :3].reshape(-1, 3)
    colours, which, counts = np.unique(pixels, axis=0, return_inverse=True, return_counts=True)
    palette = colours[np.argsort(-counts, kind="stable")[:_COLOURS]]
    near = np.array([np.abs(palette.astype(int) - one).sum(axis=1).argmin() for one in colours.astype(int)], np.uint8)
    rows = np.zeros((high, wide + 1), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = near[which.reshape(-1)].reshape(high, wide)
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", wide, high, 8, 3, 0, 0, 0), b"PLTE": palette.tobytes(),
        b"IDAT": zlib.compress(rows.tobytes(), 9), b"IEND": b"",
    }  # fmt: skip
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts.items())


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, data) of each; data of several `IDAT` together."""
    at, image = len(_SIGNATURE), b""
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        data = png[at + 8 : at + 8 + size]
        at += size + 12
        if name == b"IDAT":
            image += data
        else:
            yield name, data
    yield b"IDAT", image


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _unfiltered(data: bytes, wide: int, high: int, channels: int) -> Bytes:
    """The bytes of the pixels: each row says by which of five rules it is a difference from its neighbours."""
    size = wide * channels
    above, out = bytearray(size), bytearray()
    for y in range(high):
        rule, row = data[y * (size + 1)], bytearray(data[y * (size + 1) + 1 : (y + 1) * (size + 1)])
        for x in range(size) if rule else ():
            left, corner = (row[x - channels], above[x - channels]) if x >= channels else (0, 0)
            row[x] = (row[x] + _guess(rule, left, above[x], corner)) & 255
        out += row
        above = row
    return np.frombuffer(bytes(out), np.uint8).reshape(high, wide, channels)


def _guess(rule: int, left: int, up: int, corner: int) -> int:
    if rule == 1:
        return left
    if rule == 2:
        return up
    if rule == 3:
        return (left + up) // 2
    middle = left + up - corner  # Paeth's
    return min((left, up, corner), key=lambda one: abs(middle - one))
