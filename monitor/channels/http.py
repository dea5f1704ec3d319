"""What channels over HTTP share: one POST, and what its answer means."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
from pydantic import SecretStr

from monitor.channels.base import Tools, Undelivered
from monitor.channels.types import peer

_WORTH_TRYING_AGAIN = frozenset({408, 425, 429})
_LONGEST_WAIT = timedelta(hours=1)


def trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    """How a peer's certificate is verified: by the system's authorities, and by ``ca_file``'s too where given.

    Raises OSError or ssl.SSLError when that file can't be read.
    """
    if ca_file is None:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context


async def post(
    url: SecretStr, body: bytes, *, headers: Mapping[str, str], tls: ssl.SSLContext | bool, tools: Tools
) -> None:
    """Post ``body``; any 2xx is delivered.

    Raises Undelivered: final for 3xx (never followed: the body would go elsewhere) and for 4xx other than those that
    say "later" (RFC 9110, 6585 and 8470), not final for everything else. ``Retry-After`` is passed on, at most an hour.
    """
    try:
        async with tools.session.post(
            url.get_secret_value(), data=body, headers=headers, ssl=tls, allow_redirects=False
        ) as answer:
            status, wait = answer.status, retry_after(answer.headers.get("Retry-After", ""), tools.clock())
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Undelivered(f"{peer(url)}: {plain(error)}") from None
    if not 200 <= status < 300:
        final = status < 500 and status not in _WORTH_TRYING_AGAIN
        raise Undelivered(f"{peer(url)} answered {status}", final=final, retry_after=None if final else wait)


def retry_after(text: str, now: datetime) -> timedelta | None:
    """``Retry-After`` as a span (RFC 9110, 10.2.3: seconds or a date), at most an hour; None when it says nothing."""
    if text.isascii() and text.isdecimal():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
        span = at - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(span, timedelta(0)), _LONGEST_WAIT)


def plain(error: Exception) -> str:
    """What failed, without what was asked: aiohttp's own texts may repeat a whole URL."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "its certificate is not trusted, or TLS failed"
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.strerror:
        return error.os_error.strerror
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return type(error).__name__
