"""``monitor token``: who may act from other machines; works on the database, also while the program runs."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from monitor.cli.arguments import Commands
from monitor.cli.client import console, length, moment, table, when
from monitor.config import ConfigError, load
from monitor.storage.errors import StorageError
from monitor.storage.records import AuditRow, Token
from monitor.storage.store import Store
from monitor.web.access import Scope, digest, make_token

ACTOR = "command line"
Work = Callable[[argparse.Namespace, Store], Awaitable[int]]


def add_to(commands: Commands, *, default_config: Path) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser(
        "token",
        help="create, list and revoke bearer tokens",
        description="Works on the database that FILE names. A running program learns of it within seconds.",
        epilog="Example: monitor token create --name duty-room --scope operate --expires 90d",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    new = verbs.add_parser(
        "create",
        help="make a token and print it, once",
        description="Prints a new token. Only its digest is kept: who loses it needs another.",
        epilog="Example: monitor token create --name duty-room --scope operate --expires 90d",
    )
    new.add_argument("--name", required=True, help="who bears it; events and the audit name it")
    new.add_argument(
        "--scope",
        choices=list(Scope),
        default=Scope.OPERATE,
        help="each includes those before it; default: %(default)s",
    )
    new.add_argument("--expires", type=_expiry, metavar="TIME", help="90d, or a time such as 2027-01-01T00:00 (Hanoi)")
    new.set_defaults(command=_on_store(create))
    some = verbs.add_parser("list", help="show all tokens", epilog="Example: monitor token list --json")
    some.add_argument("--json", action="store_true", help="print JSON")
    some.set_defaults(command=_on_store(list_))
    end = verbs.add_parser("revoke", help="let a token in no more", epilog="Example: monitor token revoke 3f1c9a52")
    end.add_argument("id", metavar="ID", help="as `list` shows it")
    end.set_defaults(command=_on_store(revoke))
    for verb in (new, some, end):
        verb.add_argument("--config", type=Path, default=default_config, metavar="FILE", help="default: %(default)s")


async def create(arguments: argparse.Namespace, store: Store) -> int:
    """Make a token, keep its digest, print it."""
    now = datetime.now(UTC)
    if arguments.expires is not None and arguments.expires <= now:
        print("monitor token: --expires lies in the past", file=sys.stderr)
        return 2
    text = make_token()
    token = Token(
        id=uuid4().hex[:8], name=arguments.name, digest=digest(text), scope=arguments.scope, created_at=now,
        expires_at=arguments.expires,
    )  # fmt: skip
    await store.add_token(token)
    detail = f"{token.name}, {token.scope}"
    await store.write_audit(
        AuditRow(at=now, actor=ACTOR, act="create token", subject=f"token/{token.id}", detail=detail)
    )
    print(text)
    print(f"This is the only time that the token {token.id} is shown. It may {token.scope}.", file=sys.stderr)
    return 0


async def list_(arguments: argparse.Namespace, store: Store) -> int:
    """Show every token, never what it is."""
    tokens = await store.tokens()
    if arguments.json:
        print(json.dumps([_document(token) for token in tokens], indent=2, ensure_ascii=False))
    elif tokens:
        rows = [
            (
                token.id,
                token.name,
                token.scope,
                _when(token.created_at),
                _when(token.expires_at),
                _when(token.revoked_at),
            )
            for token in tokens
        ]
        headings = ("id", "name", "scope", "created", "expires", "revoked")
        console().print(table(headings, rows))
    else:
        print("No tokens.")
    return 0


async def revoke(arguments: argparse.Namespace, store: Store) -> int:
    """From now on it lets nobody in."""
    now = datetime.now(UTC)
    if await store.revoke_token(arguments.id, now):
        await store.write_audit(AuditRow(at=now, actor=ACTOR, act="revoke token", subject=f"token/{arguments.id}"))
        print(f"{arguments.id} is revoked.")
        return 0
    if any(token.id == arguments.id for token in await store.tokens()):
        print(f"{arguments.id} was revoked before.")
        return 0
    print(f"monitor token: there is no token {arguments.id!r}", file=sys.stderr)
    return 1


def _on_store(work: Work) -> Callable[[argparse.Namespace], int]:
    """The command, on the configuration's database."""

    async def run(arguments: argparse.Namespace, url: str) -> int:
        store = Store(url)
        try:
            if store.missing:
                print(
                    f"monitor token: there is no {store.missing}; say this where the monitor runs, once it has run",
                    file=sys.stderr,
                )
                return 1
            await store.open()
            return await work(arguments, store)
        finally:
            await store.close()

    def command(arguments: argparse.Namespace) -> int:
        try:
            url = load(arguments.config, placeholders=True).storage.url
            return asyncio.run(run(arguments, url))
        except ConfigError as error:
            print(error, file=sys.stderr)
            return 1
        except StorageError as error:
            print(f"monitor token: {error}", file=sys.stderr)
            return 1

    return command


def _expiry(text: str) -> datetime:
    try:
        return datetime.now(UTC) + length(text)
    except argparse.ArgumentTypeError:
        return datetime.fromisoformat(moment(text)).astimezone(UTC)


def _when(at: datetime | None) -> str:
    return when(at.isoformat()) if at else ""


def _document(token: Token) -> dict[str, str | None]:
    moments = {"created_at": token.created_at, "expires_at": token.expires_at, "revoked_at": token.revoked_at}
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope,
        **{name: at.isoformat() if at else None for name, at in moments.items()},
    }
