"""Those whom Grafana asks: a Prometheus and a PostgreSQL, from one time to another."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import asyncpg


class Asked:
    """``begin`` and ``end`` are the times that dashboards look at, Unix time. It blocks."""

    prometheus: str
    database: str
    begin: float
    end: float

    def instant(self, query: str) -> list[dict[str, Any]]:
        return self._ask("query", query=query)

    def range(self, query: str) -> list[dict[str, Any]]:
        return self._ask("query_range", query=query, start=self.begin, end=self.end, step=1)

    def series(self, selector: str) -> list[dict[str, str]]:
        return self._ask("series", **{"match[]": selector, "start": self.begin, "end": self.end})

    def _ask(self, path: str, **query: Any) -> Any:
        with urlopen(f"{self.prometheus}/api/v1/{path}?{urlencode(query)}") as answer:
            content = json.load(answer)
        assert content["status"] == "success", content
        assert not content.get("warnings"), content["warnings"]
        data = content["data"]
        return data.get("result", data) if isinstance(data, dict) else data

    def sql(self, query: str) -> list[dict[str, Any]]:
        """The rows of one query, as Grafana's own user would get them."""
        return asyncio.run(_rows(self.database, query))


async def _rows(database: str, query: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(database.replace("+asyncpg", ""))
    try:
        async with connection.transaction(readonly=True):
            return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()
