"""What several commands take."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.config.model import Config

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Commands = argparse._SubParsersAction

Address = tuple[str, int]


def address(text: str) -> Address:
    """``HOST:PORT`` or ``[IPv6]:PORT``; raises ArgumentTypeError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT; write for example 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def at_address(config: Config, listen: Address | None) -> Config:
    """The configuration with the server's address overridden."""
    if listen is None:
        return config
    host, port = listen
    return replace(config, server=replace(config.server, host=host, port=port))
