"""The channel on docs/extending.md works as it stands there."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from monitor.channels.base import Undelivered
from tests.contract.channel_peers import envelope, tools, web_peer

PAGE = Path(__file__).parents[3] / "docs" / "extending.md"


@pytest.fixture(scope="module")
def ntfy() -> types.ModuleType:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (code,) = (block for block in blocks if "NtfyOptions" in block)
    module = types.ModuleType("documented_ntfy")
    sys.modules["documented_ntfy"] = module
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    return module


async def test_it_tells_and_is_refused(ntfy: Any) -> None:
    async with web_peer() as peer, tools() as given:
        options = ntfy.NtfyOptions(url=f"http://127.0.0.1:{peer.port}/noc", token="t0ken")
        await ntfy.Ntfy(options, tools=given).send(envelope())
        ((path, headers, body),) = peer.requests
        assert (path, headers["Authorization"]) == ("/noc", "Bearer t0ken")
        assert body.decode() == envelope().text
        peer.status = 401
        with pytest.raises(Undelivered):
            await ntfy.Ntfy(options, tools=given).send(envelope())
