"""The one client by which Rapport calls addresses that somebody has given it, and reaches nothing that it must not.

A name is resolved once an attempt, all of its addresses have to be public, and the connection goes to that very one; so
a name that turns to an address of our own network between the look and the call leads nowhere. No redirect is
followed and no proxy of the environment used. What is inside RAPPORT_SINK_<NAME>_ALLOW_PRIVATE may be called at any
address and port, also without TLS; everything else by https at port 443.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httpx

from streams.visible import visible

__all__ = ["ANSWER", "Address", "Answer", "Call", "Caller", "NoAnswer", "Refused", "Resolve", "masked", "public"]

ANSWER = 500
"""Characters of an answer that are kept."""

TIMEOUT = 15.0
"""Seconds for a whole attempt."""

_LARGEST = 64 * 1024  # bytes of an answer that are read

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, the best first."""


class Refused(Exception):
    """This address must not be called; the message says why, and names no secret."""


class NoAnswer(Exception):
    """The other side could not be reached, or did not answer in time."""


class Call(NamedTuple):
    """A request."""

    url: str
    body: bytes
    headers: Mapping[str, str] = {}
    method: str = "POST"


class Answer(NamedTuple):
    """What came back."""

    status: int
    text: str  # the beginning of it, as it came: `masked` is for people
    headers: Mapping[str, str]  # names in lower case


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """As the system resolves names.

    Raises:
        OSError: it knows no such name.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def public(address: Address) -> bool:
    """Whether an address is of the public Internet and of one machine; of one that stands for an IPv4 one, that."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return public(inner)
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is given out; older forms of local and IPv4 ones lie elsewhere


class Caller:
    """Calls what one sink is told.

    Args:
        allowed: networks that may be called though they are private.
        resolve: asks for the addresses of a name.
        timeout: seconds for a whole attempt.
        verify: of TLS; the usual authorities unless given.
    """

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Resolve = resolve_by_system,
        timeout: float = TIMEOUT,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = tuple(allowed)
        self._resolve = resolve
        self.timeout = timeout
        self.tls = verify
        self._client = httpx.AsyncClient(
            verify=verify if verify is not None else True,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(timeout),
            headers={"user-agent": "Rapport", "accept-encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def call(self, call: Call) -> Answer:
        """Send a request and answer what came back, whatever its status.

        Raises:
            Refused: the address must not be called.
            NoAnswer: nobody is there, or nothing came in time.
        """
        try:
            async with asyncio.timeout(self.timeout):
                return await self._send(call)
        except TimeoutError:
            raise NoAnswer(f"no answer within {self.timeout:g} s") from None
        except httpx.TimeoutException:
            raise NoAnswer(f"no answer within {self.timeout:g} s") from None
        except httpx.HTTPError as error:
            raise NoAnswer(f"{type(error).__name__}: {error}"[:ANSWER]) from None
        except httpx.InvalidURL as error:
            raise Refused(f"is no URL: {error}") from None

    async def address_of(self, url: str) -> Address:
        """The address that a URL leads to, if it may be called.

        Raises:
            Refused: it must not be called.
            NoAnswer: the name has no address now.
        """
        parts = urlsplit(url)
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise Refused("is no URL: its port cannot be read") from None
        if parts.scheme not in ("https", "http") or not host:
            raise Refused("is no URL that begins with https://")
        port = port or (443 if parts.scheme == "https" else 80)
        address, allowed = await self.look(host, port)
        if not allowed:
            if parts.scheme != "https":
                raise Refused("would be called without TLS: write https://")
            if port != 443:
                raise Refused(f"would be called at port {port}: only 443 is allowed")
        return address

    async def look(self, host: str, port: int) -> tuple[Address, bool]:
        """The first address of a name, all of which may be called, and whether they are in networks that are allowed.

        Raises:
            Refused: one of them is neither public nor allowed.
            NoAnswer: the name has no address now.
        """
        try:
            told = [str(ipaddress.ip_address(host))]
        except ValueError:
            try:
                told = list(await self._resolve(host, port))
            except OSError as error:
                raise NoAnswer(f"{host} has no address: {error.strerror or error}") from None
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in told]
        if not addresses:
            raise NoAnswer(f"{host} has no address")
        others = [address for address in addresses if not any(address in network for network in self._allowed)]
        for address in others:
            if not public(address):
                raise Refused(f"{host} leads to {address}, which is no address of the public Internet")
        return addresses[0], not others

    async def _send(self, call: Call) -> Answer:
        address = await self.address_of(call.url)
        url = httpx.URL(call.url)
        host = url.netloc.decode("ascii")
        request = self._client.build_request(
            call.method,
            url.copy_with(host=str(address), userinfo=b""),
            content=call.body,
            headers={**call.headers, "host": host},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        answer = await self._client.send(request, stream=True)
        try:
            read = bytearray()
            async for part in answer.aiter_raw():
                read += part
                if len(read) >= _LARGEST:
                    break
        finally:
            await answer.aclose()
        text = bytes(read[:_LARGEST]).decode("utf-8", "replace")
        return Answer(answer.status_code, text, {name.lower(): value for name, value in answer.headers.items()})


_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+|\+?\d[\d ()./-]{6,}\d|whsec_\S+|[A-Za-z0-9_-]{32,}")


def masked(text: str, secrets: Sequence[str] = ()) -> str:
    """The beginning of an answer as people may see it: without addresses, numbers, keys and control characters."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    return visible(_PERSONAL.sub("…", text[: 4 * ANSWER]))[:ANSWER]
