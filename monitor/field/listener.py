"""A listening TCP port that can be served, refused or left hanging with a full backlog."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable

from monitor.field.answers import Connection, ConnectionFactory

BACKLOG = 512


class Listener:
    """One (address, port). ``context`` gives the TLS context of the next connection, None for plain TCP.

    It accepts by itself rather than through ``create_server``, because a server cannot stop accepting and keep its
    backlog, which is what a cut line looks like from the other side.
    """

    def __init__(
        self,
        address: tuple[str, int],
        connection: ConnectionFactory,
        *,
        tasks: asyncio.TaskGroup,
        context: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self.address = address
        self._connection = connection
        self._tasks = tasks
        self._context = context
        self._socket: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._open: set[asyncio.Transport] = set()
        self._accepting = False

    def serve(self) -> None:
        """Accept and answer. Raises OSError when the address is taken."""
        raw = self._listening(BACKLOG)
        self._empty_backlog(raw)
        if not self._accepting:
            asyncio.get_running_loop().add_reader(raw.fileno(), self._accept, raw)
            self._accepting = True

    def hang(self) -> None:
        """Stop accepting and fill the backlog, so that whoever connects waits for ever; open connections go silent."""
        raw = self._listening(0)
        self._stop_accepting(raw)
        raw.listen(0)
        for transport in tuple(self._open):
            transport.pause_reading()
        while len(self._fillers) < 4:
            filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            with contextlib.suppress(BlockingIOError):
                filler.connect(self.address)
            self._fillers.append(filler)

    def refuse(self) -> None:
        """Stop listening: the kernel refuses whoever connects. Open connections are dropped."""
        if self._socket is not None:
            self._stop_accepting(self._socket)
            self._socket.close()
            self._socket = None
        self._drop_fillers()
        for transport in tuple(self._open):
            transport.abort()

    close = refuse

    def _listening(self, backlog: int) -> socket.socket:
        if self._socket is None:
            raw = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            try:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                raw.bind(self.address)
                raw.listen(backlog)
            except OSError:
                raw.close()
                raise
            self._socket = raw
        return self._socket

    def _stop_accepting(self, raw: socket.socket) -> None:
        if self._accepting:
            asyncio.get_running_loop().remove_reader(raw.fileno())
            self._accepting = False

    def _empty_backlog(self, raw: socket.socket) -> None:
        if not self._fillers:
            return
        raw.listen(BACKLOG)
        self._drop_fillers()
        with contextlib.suppress(BlockingIOError):
            while True:
                raw.accept()[0].close()
        for transport in tuple(self._open):
            transport.resume_reading()

    def _drop_fillers(self) -> None:
        for filler in self._fillers:
            filler.close()
        self._fillers.clear()

    def _accept(self, raw: socket.socket) -> None:
        for _ in range(64):
            try:
                accepted, _ = raw.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            accepted.setblocking(False)
            self._tasks.create_task(self._attend(accepted))

    async def _attend(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(self._connect, accepted, ssl=self._context() if self._context else None)
        except (OSError, ssl.SSLError):
            accepted.close()

    def _connect(self) -> Connection:
        return self._connection(self._open)
