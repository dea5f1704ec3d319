"""The program from its configuration to its end."""

from __future__ import annotations

import aiohttp

from monitor.app.assembly import Assembly, Load
from monitor.app.serving import Announce
from monitor.probes.network import Network
from monitor.storage.store import Store


async def serve(*, load: Load, announce: Announce, simulated: bool = False) -> None:
    """Run until SIGINT or SIGTERM. SIGHUP reads the configuration again.

    ``announce(config, url)`` is called once the wall is there; ``simulated`` makes the wall say that its network is.
    Raises ConfigError or CannotStart.
    """
    config = load()
    async with (
        Network(servers=config.resolution.servers, ca_file=config.ca_file) as network,
        aiohttp.ClientSession(trust_env=True) as session,
    ):
        store = Store(config.storage.url)
        try:
            assembly = Assembly(config, load=load, network=network, store=store, session=session, simulated=simulated)
            await assembly.run(announce)
        finally:
            await store.close()
