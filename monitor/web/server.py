"""The web application: every route, wired from what it is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from monitor.web import pages
from monitor.web.assets import Assets
from monitor.web.keys import (
    ASSETS,
    BOARD,
    CLOCK,
    HUB,
    METRICS,
    READY,
    RELOAD,
    STORE,
    UPTIMES,
    Clock,
    Exposition,
    Past,
    Reload,
    Views,
)
from monitor.web.middleware import answer_errors, compress, secure
from monitor.web.routes import operations
from monitor.web.stream import Hub, stream
from monitor.web.uptimes import Uptimes

HERE = Path(__file__).parent
BODY_BYTES = 64 * 1024


def build(
    *,
    board: Views,
    store: Past,
    metrics: Exposition,
    hub: Hub,
    uptimes: Uptimes,
    reload: Reload,
    clock: Clock,
    ready: Callable[[], bool] = lambda: True,
) -> web.Application:
    """The application, ready to be run on a socket. The caller lets the hub beat and the uptimes refresh.

    ``reload`` reads the configuration again (ConfigError when it is bad); ``ready`` answers /-/ready.
    """
    app = web.Application(middlewares=[compress, answer_errors], client_max_size=BODY_BYTES)
    app[BOARD] = board
    app[STORE] = store
    app[METRICS] = metrics
    app[HUB] = hub
    app[UPTIMES] = uptimes
    app[RELOAD] = reload
    app[CLOCK] = clock
    app[READY] = ready
    app[ASSETS] = Assets(HERE / "static")
    app.on_response_prepare.append(secure)
    app.on_shutdown.append(_close_streams)
    for operation in operations():
        route = app.router.add_resource(operation.path, name=operation.name)
        route.add_route(operation.method, operation.handler)
        if operation.method == "GET" and operation.handler is not stream:
            # Probes of load balancers ask this way; a stream has no end to leave out.
            route.add_route("HEAD", operation.handler)
    app.router.add_get("/static/{name:.+}", app[ASSETS].serve)
    pages.setup(app)
    return app


async def _close_streams(app: web.Application) -> None:
    app[HUB].close()
