"""E-mail over SMTP: text with a simple HTML alternative, one conversation a message."""

from __future__ import annotations

import html
import socket
import ssl
from contextlib import suppress
from datetime import datetime, timedelta
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address, HeaderRegistry, UniqueSingleAddressHeader, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from typing import Annotated, ClassVar, Literal, Self

import aiosmtplib
from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.channels.base import ChannelOptions, Envelope, Tools, Undelivered
from monitor.channels.types import CaFile, Duration, Taken, one_line

_GOODBYE_SECONDS = 2.0
_SLOW_STEPS = 3
"""So many steps of one conversation may take their whole time: a greeting that is held back, a body that is scanned."""
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def _address(text: str) -> str:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError, HeaderParseError) as error:
        raise ValueError(f"{text!r} is no e-mail address; write one such as noc@example.vn") from error
    if not address.username or not address.domain:
        raise ValueError(f"{text!r} is no e-mail address; write one such as noc@example.vn")
    return text


MailAddress = Annotated[str, AfterValidator(_address)]


# The standard library's newer headers lose blanks between encoded words where they fold (RFC 2047, 6.2); its older
# class does not.
class _Subject(UniqueUnstructuredHeader):
    name: str

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {_folded(str(self), self.name, policy)}{policy.linesep}"


class _From(UniqueSingleAddressHeader):
    name: str

    def fold(self, *, policy: Policy) -> str:
        if str(self).isascii():
            said = _folded(str(self), self.name, policy)
        else:
            said = f"{_folded(self.address.display_name, self.name, policy)}{policy.linesep} <{self.address.addr_spec}>"
        return f"{self.name}: {said}{policy.linesep}"


def _folded(text: str, name: str, policy: Policy) -> str:
    charset = None if text.isascii() else "utf-8"
    header = Header(text, charset, header_name=name, maxlinelen=policy.max_line_length)
    return header.encode(linesep=policy.linesep)


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("subject", _Subject)  # type: ignore[arg-type]  # the registry adds the base class itself
_HEADERS.map_to_type("from", _From)  # type: ignore[arg-type]  # likewise
_POLICY = SMTP.clone(header_factory=_HEADERS)


class EmailOptions(ChannelOptions):
    """``port`` 0 is the customary one: 587 with starttls, 465 with tls, 25 with none. ``timeout`` is for each step of
    the conversation."""

    host: str = Field(min_length=1)
    port: int = Field(default=0, ge=0, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: SecretStr | None = None
    sender: MailAddress
    sender_name: str = "Lienthong Monitor"
    to: tuple[MailAddress, ...] = Field(min_length=1)
    ca_file: CaFile | None = None
    timeout: Duration = timedelta(seconds=20)

    @model_validator(mode="after")
    def _signs_in_safely(self) -> Self:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password belong together; write both or none")
        if self.password is not None and self.tls == "none":
            raise ValueError("would send the password in clear; write tls: starttls or tls: tls")
        return self


class Email:
    """Delivered when the server has taken the message for every recipient."""

    name: ClassVar[str] = "email"
    options: ClassVar[type[ChannelOptions]] = EmailOptions

    def __init__(self, options: EmailOptions, *, tools: Tools) -> None:
        self._options = options
        self._tools = tools
        self._taken = Taken()
        self._tls = ssl.create_default_context()
        if options.ca_file is not None:
            self._tls.load_verify_locations(options.ca_file)

    @property
    def attempt_at_most(self) -> timedelta:
        """The whole conversation."""
        return _SLOW_STEPS * self._options.timeout

    async def send(self, envelope: Envelope) -> None:
        """Final when the server says so (5xx). Who was refused alone is asked again alone."""
        recipients = [each for each in self._options.to if each not in self._taken.by(envelope.id)]
        message = compose(envelope, self._options, self._tools.clock())
        try:
            refused = await self._converse(message, recipients)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = {each.recipient: (each.code, each.message) for each in error.recipients}
        except aiosmtplib.SMTPResponseException as error:
            raise Undelivered(self._said(error.code, error.message), final=error.code >= 500) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Undelivered(self._shown(str(error) or type(error).__name__)) from None
        if refused:
            self._taken.add(envelope.id, set(recipients) - set(refused))
            said = "; ".join(f"{who}: {self._said(*answer)}" for who, answer in sorted(refused.items()))
            raise Undelivered(self._shown(said), final=all(code >= 500 for code, _ in refused.values()))
        self._taken.forget(envelope.id)

    async def _converse(self, message: EmailMessage, recipients: list[str]) -> dict[str, tuple[int, str]]:
        """The recipients that were refused, with the server's answers."""
        options = self._options
        client = aiosmtplib.SMTP(
            hostname=options.host,
            port=options.port or _PORTS[options.tls],
            use_tls=options.tls == "tls",
            start_tls=options.tls == "starttls",
            username=options.user or None,
            password=options.password.get_secret_value() if options.password else None,
            tls_context=self._tls,
            timeout=options.timeout.total_seconds(),
            local_hostname=_own_name(),
        )
        try:
            await client.connect()
            refused, _ = await client.send_message(message, sender=options.sender, recipients=recipients)
            await _leave(client)
        finally:
            client.close()
        return {who: (answer.code, answer.message) for who, answer in refused.items()}

    def _said(self, code: int, text: str) -> str:
        return self._shown(f"{code} {text}")

    def _shown(self, text: str) -> str:
        password = self._options.password
        return one_line(text, [password.get_secret_value()] if password else [])


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Say goodbye. The message is taken: what happens now changes nothing."""
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=_GOODBYE_SECONDS)


def _own_name() -> str:
    """What we call ourselves (RFC 5321, 4.1.3), without asking a name server, which may be what has failed."""
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"


def compose(envelope: Envelope, options: EmailOptions, now: datetime) -> EmailMessage:
    """The message. Its Message-ID comes from the envelope's id, so that a mailbox can tell a second copy."""
    message = EmailMessage(policy=_POLICY)
    message["Subject"] = " ".join(envelope.title.split())
    message["From"] = Address(display_name=options.sender_name, addr_spec=options.sender)
    message["To"] = [Address(addr_spec=each) for each in options.to]
    message["Date"] = now
    message["Message-ID"] = f"<{envelope.id}@{options.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: an absent person's mailbox doesn't answer
    if envelope.severity == "critical":
        message["Importance"] = "high"
    message.set_content(envelope.text)
    message.add_alternative(_page(envelope), subtype="html")
    return message


def _page(envelope: Envelope) -> str:
    paragraphs = "".join(
        f"<p>{html.escape(paragraph).replace(chr(10), '<br>')}</p>" for paragraph in envelope.text.strip().split("\n\n")
    )
    link = f'<p><a href="{html.escape(envelope.url)}">{html.escape(envelope.url)}</a></p>' if envelope.url else ""
    return f"<!doctype html><html><body><h3>{html.escape(envelope.title)}</h3>{paragraphs}{link}</body></html>"
