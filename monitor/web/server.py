"""The web application: every route, wired from what it is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from monitor.web import pages
from monitor.web.access import Access
from monitor.web.assets import Assets
from monitor.web.keys import (
    ACCESS,
    ASSETS,
    BOARD,
    CLOCK,
    HUB,
    INCIDENTS,
    MAKE_ID,
    METRICS,
    PLAN,
    READY,
    RECORD,
    RELOAD,
    STORE,
    UPTIMES,
    Clock,
    Exposition,
    Incidents,
    MakeId,
    Past,
    Plan,
    Record,
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
    incidents: Incidents,
    record: Record,
    plan: Plan,
    reload: Reload,
    clock: Clock,
    make_id: MakeId,
    ready: Callable[[], bool] = lambda: True,
) -> web.Application:
    """The application, ready to be run on a socket. The caller lets the hub beat and the uptimes refresh.

    ``record`` is the pipeline, for what operators do; ``plan`` makes stored maintenance windows take effect at once;
    ``reload`` reads the configuration again (ConfigError when it is bad); ``ready`` answers /-/ready; ``make_id`` makes
    the ids of what operators make.
    """
    app = web.Application(middlewares=[compress, answer_errors], client_max_size=BODY_BYTES)
    app[BOARD] = board
    app[STORE] = store
    app[METRICS] = metrics
    app[HUB] = hub
    app[UPTIMES] = uptimes
    app[INCIDENTS] = incidents
    app[RECORD] = record
    app[PLAN] = plan
    app[MAKE_ID] = make_id
    app[ACCESS] = Access(books=store, server=lambda: board.config.server, clock=clock)
    app[RELOAD] = reload
    app[CLOCK] = clock
    app[READY] = ready
    app[ASSETS] = Assets(HERE / "static")
    app.on_response_prepare.append(secure)
    app.on_shutdown.append(_close_streams)
    _add_routes(app)
    app.router.add_get("/static/{name:.+}", app[ASSETS].serve)
    pages.setup(app)
    return app


def _add_routes(app: web.Application) -> None:
    for operation in operations():
        route = app.router.add_resource(operation.path, name=operation.name)
        route.add_route(operation.method, operation.handler)
        if operation.method == "GET" and operation.handler is not stream:
            # Probes of load balancers ask this way; a stream has no end to leave out.
            route.add_route("HEAD", operation.handler)


async def _close_streams(app: web.Application) -> None:
    app[HUB].close()
