"""The real program on the simulated network with PostgreSQL."""

from __future__ import annotations

from tests.integration.scenarios.world import World


class StackWorld(World):
    """``database`` is its address; ``listen`` where the program listens."""

    database = ""
    listen = "127.0.0.1:0"

    def write(self) -> None:
        text = self.inventory.text(
            database=self.database,
            spool=str(self.folder / "spool"),
            listen=self.listen,
            servers=[f"{host}:{port}" for host, port in self._field["servers"]],
            hook=self.receiver.url,
            ca_file=self._field["ca_file"],
        )
        (self.folder / "points.yaml").write_text(text)
