"""The simulated network's control surface: HTTP on loopback, for the story, the tests and the benchmarks.

``GET /hosts`` lists every host with its address and conduct. ``PUT /hosts`` with ``{"hosts": [name, ...], "conduct":
"hang", "delay_seconds": 1.5, "port": 0}`` sets several at once (``*`` is a wildcard); ``DELETE /hosts`` makes all of
them normal again.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from monitor.field.hosts import Conduct, State
from monitor.field.network import SimulatedNetwork


class Order(BaseModel):
    """What some hosts shall do from now on."""

    model_config = ConfigDict(extra="forbid")

    hosts: list[str]
    conduct: Conduct
    delay_seconds: float = State().delay_seconds
    port: int = 0


class Control:
    """The handlers over one simulated network."""

    def __init__(self, network: SimulatedNetwork) -> None:
        self._network = network

    def application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [web.get("/hosts", self._list), web.put("/hosts", self._set), web.delete("/hosts", self._reset)]
        )
        return application

    async def _list(self, request: web.Request) -> web.Response:
        hosts = [
            {
                "name": host.name,
                "address": str(host.address),
                "ports": {port: serving.value for port, serving in host.ports.items()},
                "conduct": host.state.conduct.value,
            }
            for host in self._network.hosts.values()
        ]
        return web.json_response({"hosts": hosts})

    async def _set(self, request: web.Request) -> web.Response:
        try:
            order = Order.model_validate_json(await request.read())
        except ValidationError as error:
            raise web.HTTPBadRequest(text=f"{error}\n") from error
        names = [name for name in self._network.hosts if any(fnmatchcase(name, each) for each in order.hosts)]
        if not names:
            raise web.HTTPNotFound(text=f"no host matches {order.hosts}\n")
        state = State(order.conduct, order.delay_seconds, order.port)
        for name in names:
            self._network.set_state(name, state)
        return web.json_response({"hosts": names})

    async def _reset(self, request: web.Request) -> web.Response:
        for name, host in self._network.hosts.items():
            if host.state != State():
                self._network.set_state(name, State())
        return web.json_response({"hosts": list(self._network.hosts)})
