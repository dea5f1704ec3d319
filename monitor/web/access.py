"""Who may do what: bearer tokens with scopes, and this very machine; each act leaves a row in the audit."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.config.model import Server
from monitor.storage.errors import StorageError
from monitor.storage.records import AuditRow
from monitor.web import guard
from monitor.web.middleware import RequestProblem

if TYPE_CHECKING:
    from monitor.storage.records import Token
    from monitor.web.keys import Books, Clock

log = logging.getLogger(__name__)

REMEMBERED = timedelta(seconds=5)
"""For how long stored tokens hold without being read again: a revoked one lives on for so long at most."""
WAITING_ROWS = 10_000
LOCAL = "local"
CONFIGURED = "server.tokens"
"""Who acts with a token of the configuration file."""


class Scope(StrEnum):
    """What a token is good for; each includes those before it."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def includes(self, wanted: Scope) -> bool:
        """Whether ``wanted`` is this or less."""
        order = tuple(Scope)
        return order.index(self) >= order.index(wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: the name of a token, or this machine; ``named`` says that a token vouches for the name."""

    name: str
    scope: Scope
    named: bool

    def actor(self, by: str) -> str:
        """Who acts before people: whom the caller names, else the caller."""
        return by or self.name


def make_token() -> str:
    """A new token's text: 256 random bits."""
    return f"lt_{secrets.token_urlsafe(32)}"


def digest(token: str) -> str:
    """What is kept of a token. A fast hash will do: nobody guesses 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def caller_of(given: str, tokens: Sequence[Token], configured: Sequence[str], now: datetime) -> Caller | None:
    """Whose token ``given`` is; every known one is compared, so that the time taken tells nothing. Pure."""
    sought = digest(given)
    found: Caller | None = None
    for token in tokens:
        alive = token.revoked_at is None and (token.expires_at is None or now < token.expires_at)
        if hmac.compare_digest(token.digest, sought) and alive:
            found = Caller(name=token.name, scope=Scope(token.scope), named=True)
    for text in configured:
        if hmac.compare_digest(digest(text), sought) and text:
            found = Caller(name=CONFIGURED, scope=Scope.ADMIN, named=True)
    return found


class Access:
    """Lets callers in or refuses them, and keeps the audit.

    Stored tokens are remembered for some seconds, and for as long as the database is away: whoever was let in before
    can still acknowledge then. Audit rows that cannot be written wait in memory for :meth:`write_waiting`, and are in
    the log.
    """

    def __init__(self, *, books: Books, server: Callable[[], Server], clock: Clock) -> None:
        self._books = books
        self._server = server
        self._clock = clock
        self._tokens: Sequence[Token] = ()
        self._read_at: datetime | None = None
        self._rows: deque[AuditRow] = deque(maxlen=WAITING_ROWS)
        self._writing = asyncio.Lock()

    async def admit(self, request: web.Request, wanted: Scope, *, act: str, subject: str = "") -> Caller:
        """Who asks, if they may do what needs the scope ``wanted``.

        Raises RequestProblem (403) or HTTPUnauthorized; a valid token of too small a scope leaves an audit row.
        """
        why = guard.foreign(request.headers)
        if why:
            raise RequestProblem(HTTPStatus.FORBIDDEN, why)
        given = guard.bearer(request.headers)
        if given is None:
            return self._from_here(request.headers, request.remote or "")
        now = self._clock()
        caller = caller_of(given, await self._known(now), self._server().tokens, now)
        if caller is None:
            raise _unauthorized("this bearer token is not known, or it has expired or was revoked")
        if not caller.scope.includes(wanted):
            await self.note(caller, f"{act} refused", subject, f"needs {wanted}, the token has {caller.scope}")
            raise RequestProblem(
                HTTPStatus.FORBIDDEN, f"the token {caller.name!r} has the scope {caller.scope}; this needs {wanted}"
            )
        return caller

    async def note(self, caller: Caller, act: str, subject: str, detail: str = "", *, by: str = "") -> None:
        """Keep who did what. ``by`` is the person named: beside a token's name it is detail, from here it is all."""
        if caller.named and by:
            detail = f"by {by}; {detail}" if detail else f"by {by}"
        actor = caller.name if caller.named else caller.actor(by)
        row = AuditRow(at=self._clock(), actor=actor, act=act, subject=subject, detail=detail)
        self._rows.append(row)
        try:
            await self.write_waiting()
        except StorageError as error:
            log.warning("an audit row waits for the database (%s): %s", error, row)

    async def write_waiting(self) -> None:
        """Write the audit rows that wait, in order. Raises StorageError; what is left then waits on."""
        async with self._writing:
            while self._rows:
                await self._books.write_audit(self._rows[0])
                self._rows.popleft()

    def _from_here(self, headers: Mapping[str, str], peer: str) -> Caller:
        if not guard.is_here(headers, peer):
            raise _unauthorized("a bearer token is needed from here: Authorization: Bearer <token>")
        why = guard.rebound(headers, self._server().host)
        if why:
            raise RequestProblem(HTTPStatus.FORBIDDEN, why)
        return Caller(name=LOCAL, scope=Scope.ADMIN, named=False)

    async def _known(self, now: datetime) -> Sequence[Token]:
        if self._read_at is None or not timedelta() <= now - self._read_at < REMEMBERED:
            try:
                self._tokens = await self._books.tokens()
                self._read_at = now
            except StorageError as error:
                log.warning("the tokens cannot be read, those known before hold: %s", error)
        return self._tokens


def _unauthorized(why: str) -> web.HTTPUnauthorized:
    return web.HTTPUnauthorized(text=why, headers={"WWW-Authenticate": "Bearer"})
