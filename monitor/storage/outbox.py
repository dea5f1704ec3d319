"""The outbox: what channels are to be told, and every attempt to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from monitor.incidents.model import Delivery, DeliveryOutcome, Message, MessageKind
from monitor.storage.cursors import parse_number
from monitor.storage.database import Database
from monitor.storage.names import MANY
from monitor.storage.records import FINAL, Letter
from monitor.storage.tables import deliveries, incidents, outbox

_MESSAGE: Final = tuple(column for column in outbox.c if column.name not in ("id", "message", "settled"))
_MESSAGE_NAMES: Final = tuple(column.name for column in _MESSAGE)
_DELIVERY: Final = tuple(column for column in deliveries.c if column.name != "id")
_DELIVERY_NAMES: Final = tuple(column.name for column in _DELIVERY)


class Outbox:
    """Messages and deliveries on ``database``. Raises StorageError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(
        self, connection: AsyncConnection, messages: Sequence[Message], attempts: Sequence[Delivery]
    ) -> None:
        """Append within the connection's transaction; what is there already is left out.

        A message is known by its id, a delivery by (message, attempt, outcome).
        """
        if messages:
            values = [
                {"message": each.id, **{name: getattr(each, name) for name in _MESSAGE_NAMES}} for each in messages
            ]
            await connection.execute(self._database.insert(outbox).on_conflict_do_nothing(), values)
        if attempts:
            values = [{name: getattr(each, name) for name in _DELIVERY_NAMES} for each in attempts]
            await connection.execute(self._database.insert(deliveries).on_conflict_do_nothing(), values)
        await self._settle(connection, [*(each.id for each in messages), *(each.message for each in attempts)])

    async def _settle(self, connection: AsyncConnection, ids: Sequence[str]) -> None:
        """Mark which of these messages are done with. Asked of the deliveries, so that no order of writing matters."""
        wanted = list(dict.fromkeys(ids))
        done = select(func.min(deliveries.c.at)).where(
            deliveries.c.message == outbox.c.message, deliveries.c.outcome.in_(FINAL)
        )
        for begin in range(0, len(wanted), MANY):
            here = outbox.c.message.in_(wanted[begin : begin + MANY])
            statement = update(outbox).where(here, outbox.c.settled.is_(None))
            await connection.execute(statement.values(settled=done.correlate(outbox).scalar_subquery()))

    async def pending(self) -> Sequence[Letter]:
        """Everything about the incidents that are open or of which something is still to be sent, in the order of
        recording."""
        wanted = unsent().union(_beside_unsent(), _of_open_incidents()).subquery()
        query = select(outbox.c.id, outbox.c.message, *_MESSAGE).join_from(outbox, wanted, wanted.c.id == outbox.c.id)
        async with self._database.reading() as connection:
            return [letter for _, letter in await _letters(connection, query.order_by(outbox.c.id))]

    async def page(self, *, incident: str | None, limit: int, cursor: str) -> tuple[Sequence[Letter], str]:
        """Letters, newest first, and the next page's cursor. Raises ValueError on a cursor that is none of ours."""
        query = select(outbox.c.id, outbox.c.message, *_MESSAGE)
        if incident is not None:
            query = query.where(outbox.c.incident == incident)
        if cursor:
            query = query.where(outbox.c.id < parse_number(cursor))
        async with self._database.reading() as connection:
            found = await _letters(connection, query.order_by(outbox.c.id.desc()).limit(limit + 1))
        following = str(found[limit - 1][0]) if len(found) > limit else ""
        return [letter for _, letter in found[:limit]], following


def unsent() -> Select[int]:
    """Asks for the numbers of the messages that nothing final was done about."""
    return select(outbox.c.id).where(outbox.c.settled.is_(None))


def _beside_unsent() -> Select[int]:
    """What went before: who was told of a fault, or was not, decides about its end."""
    of = select(outbox.c.incident).where(outbox.c.settled.is_(None))
    return select(outbox.c.id).where(outbox.c.incident.in_(of))


def _of_open_incidents() -> Select[int]:
    query = select(outbox.c.id).join_from(outbox, incidents, incidents.c.uid == outbox.c.incident)
    return query.where(incidents.c.closed.is_(None))


async def _letters(connection: AsyncConnection, query: Select[*tuple[Any, ...]]) -> list[tuple[int, Letter]]:
    """The messages of ``query`` with their rows' numbers and their deliveries."""
    rows = (await connection.execute(query)).all()
    attempts = await _attempts(connection, [row.message for row in rows])
    found = []
    for number, identity, *values in rows:
        fields = dict(zip(_MESSAGE_NAMES, values, strict=True))
        message = Message(id=identity, **{**fields, "kind": MessageKind(fields["kind"])})
        found.append((number, Letter(message=message, deliveries=tuple(attempts.get(identity, ())))))
    return found


async def _attempts(connection: AsyncConnection, messages: Sequence[str]) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = defaultdict(list)
    for begin in range(0, len(messages), MANY):
        here = deliveries.c.message.in_(messages[begin : begin + MANY])
        for row in await connection.execute(select(*_DELIVERY).where(here).order_by(deliveries.c.id)):
            fields = dict(zip(_DELIVERY_NAMES, row, strict=True))
            found[row.message].append(Delivery(**{**fields, "outcome": DeliveryOutcome(fields["outcome"])}))
    return found
