"""Alembic's entry: runs on the connection, and within the transaction, that :mod:`monitor.storage.migrate` gives."""

from alembic import context

from monitor.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
