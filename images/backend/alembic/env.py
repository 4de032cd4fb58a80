"""Runs migrations on the connection that app.migrate or a test provides."""

from sqlmodel import SQLModel

from alembic import context
from app import models  # noqa: F401 - fills the metadata

connection = context.config.attributes["connection"]
# The tables of Better Auth are in the same database and are not compared.
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    include_name=lambda name, kind, _: kind != "table" or name in SQLModel.metadata.tables,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
