"""The simulated network as a whole: every host's ports opened, and what each host does set from outside."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from functools import partial
from types import TracebackType
from typing import Self

from monitor.field.answers import Answers, Connection, ConnectionFactory
from monitor.field.authority import Authority
from monitor.field.hosts import Conduct, Host, Serving, State
from monitor.field.listener import Listener
from monitor.field.names import DatagramNames, NameServer, StreamNames


class SimulatedNetwork:
    """Serves hosts for as long as it is entered; ``set_state`` changes what one of them does.

    Raises OSError on entering when one of the addresses is taken.
    """

    def __init__(self, hosts: Mapping[str, Host], *, authority: Authority) -> None:
        self.hosts = hosts
        self._authority = authority
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        try:
            for host in self.hosts.values():
                for port, serving in host.ports.items():
                    await self._open(host, port, serving)
        except OSError:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()

    def set_state(self, name: str, state: State) -> None:
        """Change what a host does from now on. Raises KeyError for a name that isn't one."""
        host = self.hosts[name]
        host.state = state
        for port in host.ports:
            listener = self._listeners[name, port]
            match state.on(port):
                case Conduct.HANG:
                    listener.hang()
                case Conduct.REFUSE:
                    listener.refuse()
                case _:
                    listener.serve()

    async def _open(self, host: Host, port: int, serving: Serving) -> None:
        listener = Listener(
            (str(host.address), port),
            await self._connections(host, port, serving),
            tasks=self._tasks,
            context=partial(self._context, host, port) if serving is Serving.HTTPS else None,
        )
        self._listeners[host.name, port] = listener
        listener.serve()

    async def _connections(self, host: Host, port: int, serving: Serving) -> ConnectionFactory:
        match serving:
            case Serving.TCP:
                return Connection
            case Serving.DNS:
                server = NameServer(host, port, self.hosts)
                transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    partial(DatagramNames, server), local_addr=(str(host.address), port)
                )
                self._datagrams.append(transport)
                return partial(StreamNames, server)
            case _:
                return partial(Answers, host, port)

    def _context(self, host: Host, port: int) -> ssl.SSLContext:
        return self._authority.context(host.name, expired=host.state.on(port) is Conduct.EXPIRED)

    async def _close(self) -> None:
        for listener in self._listeners.values():
            listener.close()
        for transport in self._datagrams:
            transport.close()
        await self._tasks.__aexit__(None, None, None)
        await asyncio.sleep(0)  # the transports' connection_lost are due
