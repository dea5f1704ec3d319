"""A webhook: one message as JSON by POST, signed as Standard Webhooks has it (docs/decisions/channels.md)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from monitor.channels.base import ChannelOptions, Envelope, Tools
from monitor.channels.document import document
from monitor.channels.http import post, trust
from monitor.channels.types import CaFile, Url

_PREFIX = "whsec_"
_SHORTEST_KEY_BYTES = 16
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_OURS = frozenset({"content-type", "content-length", "host", "webhook-id", "webhook-timestamp", "webhook-signature"})


def _key(secret: SecretStr) -> bytes:
    """The bytes of a secret: base64 after ``whsec_``, else the text itself. Raises ValueError."""
    text = secret.get_secret_value()
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("is not base64 after whsec_; make one with: openssl rand -base64 32") from error


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(_key(secret)) < _SHORTEST_KEY_BYTES:
        raise ValueError(f"is shorter than {_SHORTEST_KEY_BYTES} bytes; make one with: openssl rand -base64 32")
    return secret


def _headers(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"{name!r} can't be a header of one's own here; write another name")
        if not value.get_secret_value().isprintable():
            raise ValueError(f"the header {name} holds a line break or the like; write it on one line")
    return headers


class WebhookOptions(ChannelOptions):
    """A ``ca_file`` is trusted beside the system's authorities."""

    url: Url
    secret: Annotated[SecretStr, AfterValidator(_long_enough)] | None = Field(
        default=None, description="signs every message; base64 after whsec_, or any text of 16 bytes and more"
    )
    headers: Annotated[Mapping[str, SecretStr], AfterValidator(_headers)] = Field(default_factory=dict)
    ca_file: CaFile | None = None


class Webhook:
    """Posts each message. Redirects are not followed."""

    name: ClassVar[str] = "webhook"
    options: ClassVar[type[ChannelOptions]] = WebhookOptions

    def __init__(self, options: WebhookOptions, *, tools: Tools) -> None:
        self._options = options
        self._tools = tools
        self._tls = trust(options.ca_file)

    async def send(self, envelope: Envelope) -> None:
        """Delivered when it is answered with 2xx."""
        now = self._tools.clock()
        body = json.dumps(document(envelope, now), ensure_ascii=False, separators=(",", ":")).encode()
        headers = {name: value.get_secret_value() for name, value in self._options.headers.items()}
        headers |= {"Content-Type": "application/json; charset=utf-8", "webhook-id": envelope.id}
        headers["webhook-timestamp"] = timestamp = str(int(now.timestamp()))
        if self._options.secret is not None:
            headers["webhook-signature"] = sign(self._options.secret, envelope.id, timestamp, body)
        await post(self._options.url, body, headers=headers, tls=self._tls, tools=self._tools)


def sign(secret: SecretStr, identity: str, timestamp: str, body: bytes) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body`` (the specification of Standard Webhooks).

    Who receives it makes the same over the bytes that arrived, compares in constant time, and refuses a timestamp
    (seconds since 1970) more than five minutes from its own clock, and an id that it has seen.
    """
    digest = hmac.new(_key(secret), f"{identity}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
