"""Whose token it is: a pure judgement over what is known."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor.storage.records import Token
from monitor.web.access import CONFIGURED, Caller, Scope, caller_of, digest, make_token

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def token(text: str, **changes: Any) -> Token:
    given: dict[str, Any] = {"id": text, "name": f"name of {text}", "scope": "operate", "created_at": NOW}
    return Token(digest=digest(text), **{**given, **changes})


def whose(given: str, *tokens: Token, configured: tuple[str, ...] = ()) -> Caller | None:
    return caller_of(given, tokens, configured, NOW)


def test_a_stored_token_has_a_name_and_a_scope() -> None:
    assert whose("b", token("a"), token("b", scope="admin"), token("c")) == Caller(
        name="name of b", scope=Scope.ADMIN, named=True
    )


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"expires_at": NOW + timedelta(seconds=1)}, True),
        ({"expires_at": NOW}, False),
        ({"revoked_at": NOW}, False),
        ({"revoked_at": NOW - timedelta(days=1), "expires_at": NOW + timedelta(days=1)}, False),
    ],
)
def test_it_holds_until_it_expires_or_is_revoked(changes: dict[str, Any], good: bool) -> None:
    assert (whose("a", token("a", **changes)) is not None) == good


@pytest.mark.parametrize("given", ["", "x", "first-toke", "first-token2", "FIRST-TOKEN", "é", digest("first-token")])
def test_what_is_not_known_is_nobodys(given: str) -> None:
    assert whose(given, token("first-token"), configured=("first-token", "")) is None


def test_a_token_of_the_file_is_an_administrators() -> None:
    assert whose("second", configured=("first", "second")) == Caller(name=CONFIGURED, scope=Scope.ADMIN, named=True)


def test_scopes_include_each_other_in_order() -> None:
    included = {(scope, other) for scope in Scope for other in Scope if scope.includes(other)}
    read, operate, admin = Scope
    assert included == {
        (read, read), (operate, read), (operate, operate), (admin, read), (admin, operate), (admin, admin),
    }  # fmt: skip


def test_tokens_are_long_and_never_the_same() -> None:
    made = {make_token() for _ in range(100)}
    assert len(made) == 100
    assert all(text.startswith("lt_") and len(text) == 46 for text in made)


def test_whom_the_caller_names_acts_before_people() -> None:
    caller = Caller(name="local", scope=Scope.ADMIN, named=False)
    assert (caller.actor(""), caller.actor("Hà")) == ("local", "Hà")
