"""The JSON interface's handler for service discovery: the inventory as Prometheus' http_sd takes it."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

from aiohttp import web
from pydantic import ConfigDict, Field, RootModel

from monitor.config.exported import target_groups
from monitor.config.model import Config
from monitor.web.documents import Document
from monitor.web.keys import BOARD


class TargetGroup(Document):
    """One endpoint. ``labels``: ``__param_module`` names blackbox_exporter's module, the others are our metrics' own;
    those that are empty are left out."""

    targets: Annotated[list[str], Field(min_length=1, max_length=1, description="what blackbox_exporter calls target")]
    labels: dict[str, str]


class TargetGroups(RootModel[list[TargetGroup]]):
    """Every declared endpoint, in the configuration's order: a bare list, as Prometheus wants it."""

    model_config = ConfigDict(frozen=True)


async def blackbox(request: web.Request) -> web.Response:
    """GET /api/v1/sd/blackbox."""
    body = await asyncio.to_thread(_body, request.app[BOARD].config)
    return web.Response(body=body, content_type="application/json")


def _body(config: Config) -> bytes:
    return json.dumps(target_groups(config), ensure_ascii=False).encode()
