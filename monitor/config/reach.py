"""What a reload can change: the rest of the configuration is read at the start only."""

from __future__ import annotations

from dataclasses import replace

from monitor.config.model import Config

FIXED = ("vantage", "server", "storage", "resolution", "ca_file")
"""Parts of the configuration of which all or some is read at the start only: see :func:`within_reach`."""


def within_reach(config: Config, *, running: Config) -> Config:
    """``config`` as a ``running`` program can take it over: what is read at the start only stays as it is."""
    return replace(
        config,
        vantage=running.vantage,
        server=replace(config.server, host=running.server.host, port=running.server.port),
        storage=replace(running.storage, keep_results=config.storage.keep_results),
        resolution=running.resolution,
        ca_file=running.ca_file,
    )
