"""`type: email`: a mail by SMTP, as text and as simple HTML, to addresses that the plan names.

`Message-ID` is the message's own, so that mailboxes and programs know one that was sent twice; `List-Id` lets people
sort; `Auto-Submitted` keeps absent people's programs from answering. The server is looked at as every address is that
we call (`http.py`): the connection goes to the very one that was looked at, and without TLS only to one's own networks.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime
from typing import Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from pydantic import SecretStr

from plan.sinks.kinds import EmailSink
from plan.sinks.sink import variable
from profiles.errors import WrongUse
from streams.sinks.http import Address, Caller, NoAnswer, Refused
from streams.sinks.kinds.kind import Kind, Pace, Told, Verdict
from streams.sinks.wording.cards import Card, card_of
from streams.sinks.wording.mail_page import FOOT, html_of
from streams.sinks.wording.plain import plain_text

__all__ = ["Email", "mail_of"]

_MOST = 20  # alerts that are named
_SUBJECT = 160  # characters
_PORTS: Final = (25, 465, 587, 2525)  # of servers that are not in networks of one's own
_USUAL: Final = {"smtp": 587, "smtps": 465}


class _Server(NamedTuple):
    """Where mails are handed in."""

    host: str
    port: int
    tls: str  # at once | starttls | none
    user: str


class Email(Kind[EmailSink]):
    """Mailboxes, by the server that `URL` names: smtp://USER@HOST:587, or smtps://; `SECRET` is the password."""

    variables = {"URL": True, "SECRET": False}  # noqa: RUF012  (the class's own)

    PACE = Pace(10, 60.0, 1)

    def __init__(self, name: str, spec: EmailSink, secrets: Mapping[str, SecretStr], plan: str = "") -> None:
        super().__init__(name, spec, secrets, plan)
        self._server = _server(name, self.secret("URL"))
        if bool(self._server.user) != bool(self.secret("SECRET")):
            raise WrongUse(f"{variable(name, 'URL')} names the user, {variable(name, 'SECRET')} the password: set both")
        if self._server.user and self._server.tls == "none":
            raise WrongUse(f"{variable(name, 'URL')}: a password is not sent without TLS")

    async def send(self, told: Told, caller: Caller) -> Verdict:
        mail = mail_of(self.name, self.spec, told)
        try:
            async with asyncio.timeout(2 * caller.timeout):
                return await self._send(mail, caller)
        except TimeoutError:
            raise NoAnswer(f"no answer within {2 * caller.timeout:g} s") from None
        except aiosmtplib.SMTPResponseException as error:
            return _judged(error)
        except aiosmtplib.SMTPRecipientsRefused as error:
            final = all(one.code >= 500 for one in error.recipients)
            first = error.recipients[0]
            return Verdict("refused" if final else "again", first.code, f"{first.code} {first.message}")
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError, OSError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from None
        except aiosmtplib.SMTPException as error:
            return Verdict("again", 0, str(error))

    async def _send(self, mail: EmailMessage, caller: Caller) -> Verdict:
        server = self._server
        address, allowed = await caller.look(server.host, server.port)
        if not allowed and server.port not in _PORTS:
            raise Refused(f"would be called at port {server.port}: only {', '.join(map(str, _PORTS))} are allowed")
        if not allowed and server.tls == "none":
            raise Refused("would be called without TLS: leave `starttls=no` out")
        context = caller.tls or ssl.create_default_context()
        client = aiosmtplib.SMTP(
            hostname=server.host,
            sock=await _connected(address, server.port),
            use_tls=server.tls == "at once",
            start_tls=False,
            tls_context=context,
            timeout=caller.timeout,
        )
        try:
            await client.connect()
            if server.tls == "starttls":
                await client.ehlo()
                if not client.supports_extension("starttls"):
                    return Verdict("again", 0, f"{server.host} offers no STARTTLS")
                await client.starttls(server_hostname=server.host, tls_context=context)
            if server.user:
                await client.login(server.user, self.secret("SECRET"))
            refused, answer = await client.send_message(mail, sender=self.spec.from_, recipients=list(self.spec.to))
        finally:
            client.close()
        for recipient, one in refused.items():
            answer = f"{answer}; not to {recipient}: {one.code} {one.message}"
        return Verdict("delivered", 250, answer)


def mail_of(name: str, spec: EmailSink, told: Told) -> EmailMessage:
    """The mail of a message.

    Args:
        name: of the sink.
        spec: from whom and to whom.
        told: what it tells.
    """
    card = card_of(told, _MOST, zone=spec.timezone)
    domain = spec.from_.rpartition("@")[2]
    mail = EmailMessage(policy=POLICY)
    mail["From"] = f"Rapport <{spec.from_}>"
    mail["To"] = ", ".join(spec.to)
    mail["Subject"] = _line(card.title)[:_SUBJECT]
    mail["Date"] = format_datetime(datetime.fromtimestamp(told.now, UTC))
    mail["Message-ID"] = f"<{_atom(told.id)}@{domain}>"
    mail["List-Id"] = f"<{name}.rapport.{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(_text(card), charset="utf-8", cte="base64")
    mail.add_alternative(html_of(card), subtype="html", charset="utf-8", cte="base64")
    mail["Content-Language"] = card.words.language  # not before: it would go to a part
    return mail


def _text(card: Card) -> str:
    return f"{card.title}\n\n{plain_text(card)}\n\n-- \n{card.words.gettext(FOOT)}\n"


def _line(text: str) -> str:
    """What may stand in a header: one line."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text)


def _atom(id_: str) -> str:
    """An id as the left side of a Message-ID: as it is where it may stand there, else with its hash."""
    kept = re.sub(r"[^\w-]+", ".", id_, flags=re.ASCII).strip(".")[:100]
    return kept if kept == id_ else f"{kept}.{hashlib.sha256(id_.encode()).hexdigest()[:16]}".lstrip(".")


def _judged(error: aiosmtplib.SMTPResponseException) -> Verdict:
    """5xx of a mail is final; what is said of us (who we are, whether we may connect) somebody may put right."""
    final = error.code >= 500 and isinstance(error, aiosmtplib.SMTPDataError | aiosmtplib.SMTPSenderRefused)
    if error.code in (530, 534, 535, 538):  # who are you?
        final = False
    return Verdict("refused" if final else "again", error.code, f"{error.code} {error.message}")


async def _connected(address: Address, port: int) -> socket.socket:
    found = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    found.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(found, (str(address), port))
    except BaseException:
        found.close()
        raise
    return found


def _server(name: str, url: str) -> _Server:
    advice = f"{variable(name, 'URL')}: write smtp://USER@HOST:587 or smtps://USER@HOST:465"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WrongUse(advice) from None
    asked = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
    if parts.scheme not in _USUAL or not parts.hostname or parts.path not in ("", "/"):
        raise WrongUse(advice)
    if parts.password is not None:
        raise WrongUse(f"{advice}; the password is {variable(name, 'SECRET')}")
    if asked and (asked != {"starttls": "no"} or parts.scheme == "smtps"):
        raise WrongUse(f"{advice}, or smtp://HOST?starttls=no for a server of your own network")
    tls = "at once" if parts.scheme == "smtps" else "none" if asked else "starttls"
    return _Server(parts.hostname, port or _USUAL[parts.scheme], tls, unquote(parts.username or ""))
