"""Mails: their headers, text and HTML, handed in to a real server of SMTP, which refuses, hangs, and asks for TLS."""

from __future__ import annotations

import asyncio
import email
import re
import ssl
from contextlib import asynccontextmanager
from email.policy import default
from html.parser import HTMLParser

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from pydantic import SecretStr

from plan.sinks.kinds import EmailSink
from profiles.errors import WrongUse
from streams.sinks.http import Caller, NoAnswer, Refused
from streams.sinks.kinds.email import Email, _line, mail_of
from tests.servers.certificates import Authority
from tests.sinks import HERE
from tests.told import HOSTILE, URL, alert, digest, hostile, notice, told

PLAIN = "smtp://mail.example.com:{port}?starttls=no"
TO = ("success@example.com", "boss@example.com")


def spec(**more):
    return EmailSink.model_validate({"type": "email", "to": TO, "from": "alerts@example.com", **more})


def sink(url="smtp://mail.example.com", secret="", **more):
    held = {"URL": SecretStr(url), **({"SECRET": SecretStr(secret)} if secret else {})}
    return Email("mail", spec(**more), held)


def mail(*bodies, language="en", **more):
    """As it arrives."""
    made = mail_of("mail", spec(language=language), told(*bodies, language=language, **more))
    return email.message_from_bytes(made.as_bytes(), policy=default)


def parts(got):
    text, html = got.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content().replace("\r\n", "\n"), html.get_content()


class Server:
    """Keeps what it gets, and answers as it is told to."""

    def __init__(self, **answers):
        self.answers = answers
        self.got = []

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        return self.answers.get("sender", "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options):
        said = self.answers.get(address, self.answers.get("recipient", "250 OK"))
        if said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server, session, envelope):
        if self.answers.get("data") == "hang":
            await asyncio.sleep(3600)
        if self.answers.get("data") == "drop":
            server.transport.abort()
            return "250 never read"
        said = self.answers.get("data", "250 2.0.0 queued as 4711")
        if said.startswith("250"):
            self.got.append((envelope, server.transport.get_extra_info("ssl_object") is not None, session.auth_data))
        return said


def who(server, session, envelope, mechanism, data):
    """Lets in who knows the password."""
    good = (data.login, data.password) == (b"rapport@example.com", b"s3cret")
    return AuthResult(success=good, handled=False, auth_data=data.login)


@asynccontextmanager
async def serving(handler, wrapped=None, **how):
    """A server; `wrapped`: TLS from the first byte."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, loop=loop, hostname="mail.test", **how), "127.0.0.1", 0, ssl=wrapped
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def here(timeout=30.0, tls=None):
    """A caller to whom every name is this machine."""

    async def resolve(host, port):
        return ["127.0.0.1"]

    return Caller(HERE, resolve=resolve, timeout=timeout, verify=tls)


def sent(handler, url=PLAIN, secret="", *, wrapped=None, tls=None, timeout=30.0, **how):
    """What became of an attempt."""

    async def main():
        async with serving(handler, wrapped, **how) as port, here(timeout, tls) as made:
            return await sink(url.format(port=port), secret).send(told(alert()), made)

    return asyncio.run(main())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def contexts(authority):
    """Of the server and of who trusts it."""
    files = authority.sign("mail", "mail.example.com")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(files.certificate, files.key)
    return server, ssl.create_default_context(cafile=str(authority.file))


def test_a_mail_has_the_headers_that_programs_look_at():
    got = mail(alert())
    assert got["Message-ID"].startswith("<al_1.open.1.")
    assert got["List-Id"] == "<mail.rapport.example.com>"
    assert got["Auto-Submitted"] == "auto-generated"
    assert (got["From"], got["To"]) == ("Rapport <alerts@example.com>", "success@example.com, boss@example.com")
    assert got["Subject"] == "New: Daan Weber 1: A customer worth keeping is likely to be lost"
    assert got["Date"].datetime.timestamp() == told().now
    assert got.defects == []


def test_the_message_id_is_that_of_the_message_at_each_attempt_and_of_no_other():
    ids = [mail(alert(), id=id_, now=now)["Message-ID"] for id_, now in (("a:1", 1.0), ("a:1", 2e9), ("a.1", 1.0))]
    assert ids[0] == ids[1] != ids[2]
    for id_ in ("a:1", "al_1", "ü/é", "x" * 300, "\r\nBcc: x", ".."):
        assert re.fullmatch(r"<[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*@example\.com>", mail(alert(), id=id_)["Message-ID"])


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_text_and_html_say_the_same(language):
    text, html = parts(mail(alert(), alert(2), language=language, more=41, more_value=1_230_000))
    wanted = ["Daan Weber 1", "81%", "€658.04", "success", "Last order 65 days ago, usually every 9 days",
              f"{URL}/c/XYlwaH1", f"{URL}/"]  # fmt: skip
    wanted += {
        "en": ["Stage", "at risk", "Suggested action", "Make good what they complained about",
               "and 41 more, €12,300.00 at risk", "You get this mail because"],
        "zh-Hans": ["阶段", "有流失风险", "建议操作", "妥善解决客户的投诉", "另有 41 条，风险金额 €12,300.00",
                    "您收到此邮件"],
    }[language]  # fmt: skip
    for part in wanted:
        assert part in text
        assert part in html
    assert f'<html lang="{language}">' in html


def test_a_digest_names_the_twenty_of_the_highest_value_and_counts_all():
    text, html = parts(mail(digest(*(alert(number, 100 * number) for number in range(1, 26)), total=30)))
    for said in (text, html):
        named = [number for number in range(1, 26) if f"Daan Weber {number}:" in said]
        assert named == list(range(6, 26))
        for part in ("New: 30", "Still open: 5", "Ended: 2", "and 10 more, €15.00 at risk"):
            assert part in said
    chinese, _ = parts(mail(digest(alert()), language="zh-Hans"))
    assert "新: 1\n仍未处理: 5\n已结束: 2" in chinese
    assert mail(digest())["Subject"] == "No new alerts"
    assert "If you can read this" in parts(mail(notice()))[0]


class Looking(HTMLParser):
    """What a mail program finds in the HTML."""

    def __init__(self):
        super().__init__()
        self.tags, self.links = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "background")]
        assert not any(name.startswith("on") for name, _ in attrs)


@pytest.mark.parametrize("text", [HOSTILE, "<b>" * 40_000, "\r\nBcc: victim@evil.example\r\n\r\n<p>", "\n.\nQUIT\n"])
def test_hostile_text_adds_no_header_no_tag_and_no_link(text):
    for got in (mail(hostile(1, text)), mail(digest(hostile(1, text), hostile(2, text)))):
        assert set(got.keys()) == {
            "From", "To", "Subject", "Date", "Message-ID", "List-Id", "Auto-Submitted", "X-Auto-Response-Suppress",
            "Content-Language", "MIME-Version", "Content-Type",
        }  # fmt: skip
        assert got["Bcc"] is None
        assert len(got["Subject"]) <= 160
        plain, html = parts(got)
        looking = Looking()
        looking.feed(html)
        assert looking.tags <= set("html head meta title body h1 h2 p div table tr td bdi ul li a".split())
        assert all(link.startswith(URL) for link in looking.links)
        assert set(re.findall(r"https?://[^\s<\"]+", plain)) <= {f"{URL}/", f"{URL}/c/XYlwaH1", f"{URL}/c/XYlwaH2"}
        assert "@evil" not in plain + html


def test_it_is_handed_in_with_the_senders_and_recipients_of_the_plan():
    server = Server()
    verdict = sent(server)
    assert (verdict.outcome, verdict.status, verdict.answer) == ("delivered", 250, "2.0.0 queued as 4711")
    ((envelope, tls, _),) = server.got
    assert (envelope.mail_from, envelope.rcpt_tos, tls) == ("alerts@example.com", list(TO), False)
    assert email.message_from_bytes(envelope.content, policy=default)["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("answers", "outcome", "status"),
    [
        ({"data": "451 4.7.1 greylisted, try again"}, "again", 451),
        ({"data": "452 4.3.1 mailbox full"}, "again", 452),
        ({"data": "554 5.7.1 looks like spam"}, "refused", 554),
        ({"data": "552 5.3.4 message too big"}, "refused", 552),
        ({"sender": "550 5.1.8 no such sender"}, "refused", 550),
        ({"sender": "450 4.1.8 not now"}, "again", 450),
        ({"sender": "530 5.7.0 authentication required"}, "again", 530),
        ({"recipient": "550 5.1.1 no such user"}, "refused", 550),
        ({"recipient": "450 4.2.1 mailbox busy"}, "again", 450),
        ({TO[0]: "550 5.1.1 no such user", TO[1]: "450 4.2.1 busy"}, "again", 550),
    ],
)
def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(answers, outcome, status):
    server = Server(**answers)
    verdict = sent(server)
    assert (verdict.outcome, verdict.status) == (outcome, status)
    assert str(status) in verdict.answer
    assert server.got == []


def test_who_of_several_is_refused_is_said():
    server = Server(**{TO[1]: "550 5.1.1 no such user"})
    verdict = sent(server)
    assert verdict.outcome == "delivered"
    assert "not to boss@example.com: 550" in verdict.answer
    assert server.got[0][0].rcpt_tos == [TO[0]]


@pytest.mark.parametrize("data", ["hang", "drop"])
def test_a_server_that_says_nothing_is_no_delivery(data):
    with pytest.raises(NoAnswer):
        sent(Server(data=data), timeout=0.5)


def test_nobody_there_is_no_delivery():
    async def main():
        async with serving(Server()) as port:
            pass
        async with here() as made:
            with pytest.raises(NoAnswer):
                await sink(f"smtp://mail.example.com:{port}?starttls=no").send(told(alert()), made)

    asyncio.run(main())


def test_starttls_is_asked_for_and_the_password_sent_within_it_alone(contexts):
    of_server, trusting = contexts
    server = Server()
    url = "smtp://rapport%40example.com@mail.example.com:{port}"
    verdict = sent(server, url, "s3cret", tls=trusting, tls_context=of_server, require_starttls=True, authenticator=who,
                   auth_required=True)  # fmt: skip
    assert verdict.outcome == "delivered"
    ((_, tls, login),) = server.got
    assert (tls, login) == (True, b"rapport@example.com")


def test_tls_from_the_first_byte(contexts):
    of_server, trusting = contexts
    server = Server()
    verdict = sent(server, "smtps://mail.example.com:{port}", wrapped=of_server, tls=trusting)
    assert (verdict.outcome, server.got[0][1]) == ("delivered", True)


def test_a_wrong_password_is_tried_again_for_somebody_may_put_it_right(contexts):
    of_server, trusting = contexts
    verdict = sent(Server(), "smtp://rapport%40example.com@mail.example.com:{port}", "wrong", tls=trusting,
                   tls_context=of_server, authenticator=who)  # fmt: skip
    assert (verdict.outcome, verdict.status) == ("again", 535)
    assert "wrong" not in verdict.answer


def test_a_server_without_starttls_gets_nothing():
    server = Server()
    verdict = sent(server, "smtp://mail.example.com:{port}")
    assert (verdict.outcome, verdict.answer) == ("again", "mail.example.com offers no STARTTLS")
    assert server.got == []


@pytest.mark.parametrize("url", ["smtp://mail.example.com:{port}", "smtps://mail.example.com:{port}"])
def test_a_certificate_that_nobody_trusts_gets_nothing(contexts, url):
    of_server, _ = contexts
    server = Server()
    wrapped = of_server if url.startswith("smtps") else None
    with pytest.raises(NoAnswer):
        sent(server, url, wrapped=wrapped, **({} if wrapped else {"tls_context": of_server}))
    assert server.got == []


@pytest.mark.parametrize(
    ("url", "address", "told_"),
    [
        ("smtp://mail.example.com", "10.0.0.5", "no address of the public Internet"),
        ("smtp://mail.example.com:8080", "93.184.215.14", "only 25, 465, 587, 2525 are allowed"),
        ("smtp://mail.example.com:25?starttls=no", "93.184.215.14", "without TLS"),
    ],
)
def test_an_address_that_must_not_be_called_is_not(url, address, told_):
    async def main():
        async def resolve(host, port):
            return [address]

        async with Caller(resolve=resolve) as made:
            with pytest.raises(Refused, match=told_):
                await sink(url).send(told(alert()), made)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("", ""), ("mail.example.com", ""), ("https://mail.example.com", ""), ("smtp://", ""),
        ("smtp://mail.example.com:port", ""), ("smtp://user:pass1234@mail.example.com", ""),
        ("smtp://user@mail.example.com", ""), ("smtp://mail.example.com", "pass1234"),
        ("smtp://user@mail.example.com?starttls=no", "pass1234"), ("smtps://mail.example.com?starttls=no", ""),
        ("smtp://mail.example.com?tls=no", ""), ("smtp://mail.example.com/path", ""),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_meant_is_refused_without_its_password(url, secret):
    with pytest.raises(WrongUse, match="RAPPORT_SINK_MAIL_") as refused:
        sink(url, secret)
    assert "pass1234" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", ["x", "a@b\nBcc: c@d", "Daan <a@b.example>", "a@b@c", "ü@example.com", "a b@example.com"]
)
def test_a_plan_names_plain_addresses(wrong):
    for more in ({"to": [wrong]}, {"from": wrong}):
        with pytest.raises(ValueError, match="no mail address"):
            spec(**more)


def test_a_header_is_one_line_whatever_a_title_says():
    assert _line("New: a\r\nBcc: c@d\x00\u2028x") == "New: a Bcc: c@d x"
