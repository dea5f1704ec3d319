"""Service discovery over a socket."""

from collections.abc import Callable
from typing import Any

from monitor.config.exported import target_groups

Ask = Callable[..., Any]


async def test_the_targets_are_a_bare_list_as_the_document_says(world: Any, ask: Ask) -> None:
    found = await ask("/api/v1/sd/blackbox")
    assert found == target_groups(world.board.config)
    assert [each["labels"]["point"] for each in found[:2]] == ["cua-nam", "cua-nam"]
    assert all(each["labels"]["point"] != "bon" for each in found), "what isn't declared is not probed"


async def test_reading_needs_no_token_wherever_it_comes_from(world: Any) -> None:
    async with world.get("/api/v1/sd/blackbox", headers={"X-Forwarded-For": "10.1.2.3"}) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
