"""The program's face: the web application on its socket, and the signals that reach it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from monitor.config.model import Config, Server

Program = Callable[[], Coroutine[Any, Any, None]]
Announce = Callable[[Config, str], None]


class CannotStart(Exception):
    """What keeps the program from starting, in a line for operators."""


async def serve_web(application: web.Application, server: Server, stack: AsyncExitStack) -> str:
    """Serve ``application`` until ``stack`` closes; returns the address for browsers. Raises CannotStart."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, server.host, server.port).start()
    except OSError as error:
        raise CannotStart(
            f"cannot listen on {server.host}:{server.port}: {error.strerror}; is another monitor running? "
            f"--listen takes another address"
        ) from error
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def listen_to_signals(stack: AsyncExitStack, *, stop: asyncio.Event, reload: asyncio.Event) -> None:
    """SIGINT and SIGTERM set ``stop``, SIGHUP sets ``reload``, until ``stack`` closes."""
    loop = asyncio.get_running_loop()
    acts = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGHUP: reload}
    for number, event in acts.items():
        loop.add_signal_handler(number, event.set)
        stack.callback(loop.remove_signal_handler, number)
