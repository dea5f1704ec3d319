"""Who may do what over a socket, and what the audit says of it."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.storage.records import Token
from monitor.web.access import REMEMBERED, digest, make_token

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NOTE = "/api/v1/incidents/1/note"
AWAY = {"X-Forwarded-For": "10.0.0.1"}
World = Any
Ask = Callable[..., Any]


@pytest.fixture
def grant(world: World) -> Ask:
    async def keep(scope: str, **changes: Any) -> str:
        """A stored token of that scope; its text."""
        text = make_token()
        token = Token(
            id=text[-8:], name=f"{scope} token", digest=digest(text), scope=scope, created_at=NOW, **changes
        )  # fmt: skip
        await world.store.add_token(token)
        world.clock.now += REMEMBERED
        return text

    return keep


def bearing(token: str) -> dict[str, str]:
    return {**AWAY, "Authorization": f"Bearer {token}"}


async def post(world: World, headers: dict[str, str], path: str = NOTE, **body: Any) -> int:
    body = body or ({"text": "x"} if path == NOTE else {})
    async with world.post(path, headers=headers, json=body) as response:
        assert (response.headers.get("WWW-Authenticate") == "Bearer") == (response.status == 401)
        return int(response.status)


async def audit(ask: Ask, **query: Any) -> list[tuple[str, str, str, str]]:
    rows = (await ask("/api/v1/audit", **query))["rows"]
    return [(row["actor"], row["act"], row["subject"], row["detail"]) for row in rows]


@pytest.mark.parametrize(("scope", "note", "reload"), [("read", 403, 403), ("operate", 200, 403), ("admin", 200, 200)])
async def test_a_scope_includes_those_before_it(world: World, grant: Ask, scope: str, note: int, reload: int) -> None:
    token = bearing(await grant(scope))
    assert await post(world, token) == note
    assert await post(world, token, "/-/reload") == reload
    assert world.reloads == (reload == 200)
    async with world.get("/api/v1/audit", headers=token) as response:
        assert response.status == (200 if scope == "admin" else 403)


async def test_a_token_of_the_file_may_everything(world: World, token: str, ask: Ask) -> None:
    assert await post(world, bearing(token), by="Hà", text="x") == 200
    assert await audit(ask) == [("server.tokens", "note", "incident/1", "by Hà; x")]


async def test_reading_needs_no_token(world: World) -> None:
    for path in ("/api/v1/incidents", "/api/v1/incidents/1", "/api/v1/maintenance", "/api/v1/messages", "/metrics"):
        async with world.get(path, headers=AWAY) as response:
            assert response.status == 200
    async with world.get("/api/v1/audit", headers=AWAY) as response:
        assert response.status == 401


@pytest.mark.parametrize("headers", [AWAY, bearing("lt_nobodys"), {**AWAY, "Authorization": "Basic eDp4"}])
async def test_without_a_good_token_nobody_acts_from_elsewhere(world: World, ask: Ask, headers: Any) -> None:
    assert await post(world, headers) == 401
    assert await audit(ask) == []


async def test_a_bad_token_is_refused_even_from_this_machine(world: World) -> None:
    assert await post(world, {"Authorization": "Bearer lt_nobodys"}) == 401
    assert await post(world, {}) == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "rebound.example:8080"}],
)
async def test_another_sites_page_does_nothing(world: World, ask: Ask, token: str, headers: dict[str, str]) -> None:
    for path in (NOTE, "/api/v1/maintenance", "/-/reload"):
        assert await post(world, headers, path) == 403
    async with world.delete("/api/v1/maintenance/x", headers=headers) as response:
        assert response.status == 403
    if "Host" not in headers:
        assert await post(world, {**headers, "Authorization": f"Bearer {token}"}) == 403
    assert await audit(ask) == []
    assert world.reloads == 0


async def test_a_token_that_expired_or_was_revoked_lets_nobody_in(world: World, grant: Ask) -> None:
    brief = bearing(await grant("operate", expires_at=NOW + timedelta(minutes=10)))
    other = await grant("operate")
    assert await post(world, brief) == await post(world, bearing(other)) == 200
    world.clock.now = NOW + timedelta(minutes=10)
    assert await post(world, brief) == 401
    assert await world.store.revoke_token(other[-8:], world.clock.now)
    world.clock.now += REMEMBERED
    assert await post(world, bearing(other)) == 401


async def test_a_clock_that_was_set_back_does_not_keep_a_revoked_token_alive(world: World, grant: Ask) -> None:
    other = await grant("operate")
    assert await post(world, bearing(other)) == 200
    await world.store.revoke_token(other[-8:], world.clock.now)
    world.clock.now -= timedelta(hours=1)
    assert await post(world, bearing(other)) == 401


async def test_what_a_token_may_not_is_in_the_audit(world: World, ask: Ask, grant: Ask) -> None:
    token = bearing(await grant("read"))
    await post(world, token)
    await post(world, token, "/-/reload")
    assert await audit(ask) == [
        ("read token", "reload refused", "", "needs admin, the token has read"),
        ("read token", "note refused", "incident/1", "needs operate, the token has read"),
    ]


async def test_every_act_is_in_the_audit(world: World, ask: Ask, grant: Ask) -> None:
    token = bearing(await grant("operate"))
    await post(world, token, "/api/v1/incidents/1/acknowledge", ticket="T-1", by="Hà")
    await post(world, {}, "/api/v1/incidents/1/acknowledge", ticket="T-1", by="Hà")
    await post(world, {}, "/api/v1/incidents/1/close", resolution="cable", text="đứt", by="Hà")
    await post(world, {}, "/api/v1/incidents/1/silence", until_recovery=True)
    begin = (world.clock.now + timedelta(hours=1)).isoformat()
    planned = {"name": "thay cáp", "begin": begin, "duration_seconds": 60, "points": ["hub"]}
    made = (await ask("/api/v1/maintenance", 201, method="post", json=planned))["window"]["id"]
    await ask("/api/v1/maintenance/{id}", method="delete", id=made, by="Long")
    await post(world, {}, "/-/reload")
    whole = await audit(ask)
    assert whole == [
        ("local", "reload", "configuration", ""),
        ("Long", "cancel maintenance", f"maintenance/{made}", "thay cáp"),
        ("local", "plan maintenance", f"maintenance/{made}", "thay cáp"),
        ("local", "silence", "incident/1", "no messages until recovery"),
        ("Hà", "close", "incident/1", "cable: đứt"),
        ("operate token", "acknowledge", "incident/1", "by Hà; ticket T-1"),
    ]
    page = await ask("/api/v1/audit", limit=4)
    assert await audit(ask, limit=4, cursor=page["next"]) == whole[4:]


async def test_a_refused_file_is_in_the_audit(world: World, ask: Ask) -> None:
    world.bad = ["one", "two"]
    async with world.post("/-/reload") as response:
        assert response.status == 500
    assert await audit(ask) == [("local", "reload", "configuration", "refused: 2 mistakes")]


async def test_while_the_database_is_away_known_tokens_hold_and_the_audit_waits(
    world: World, grant: Ask, ask: Ask, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    token = bearing(await grant("operate"))
    assert await post(world, token, text="before") == 200
    world.clock.now += REMEMBERED
    rename(tmp_path, "tokens", "tokens_away")
    rename(tmp_path, "audit", "audit_away")
    with caplog.at_level(logging.WARNING):
        assert await post(world, token, text="meanwhile") == 200
    assert "the tokens cannot be read" in caplog.text
    assert "an audit row waits for the database" in caplog.text
    rename(tmp_path, "tokens_away", "tokens")
    rename(tmp_path, "audit_away", "audit")
    assert await post(world, token, text="after") == 200
    assert [detail for *_, detail in await audit(ask)] == ["after", "meanwhile", "before"]


def rename(folder: Path, table: str, name: str) -> None:
    """Another program takes a table away, or gives it back."""
    with closing(sqlite3.connect(folder / "monitor.db")) as other:
        other.execute(f"ALTER TABLE {table} RENAME TO {name}")
