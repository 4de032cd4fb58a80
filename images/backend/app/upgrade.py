"""Runs the missing migrations.

This is not part of app.migrate: Alembic and SQLAlchemy are slow to import and seldom needed.
"""

from pathlib import Path

import psycopg
from alembic.config import Config
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.exc import OperationalError

from alembic import command


def upgrade(connection: psycopg.Connection, scripts: Path) -> None:
    """Run the missing migrations in one transaction; raises psycopg.OperationalError."""
    config = Config()  # without an alembic.ini
    config.set_main_option("script_location", str(scripts))
    connection.autocommit = False
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool
    )
    try:
        with engine.connect() as wrapped:
            config.attributes["connection"] = wrapped
            command.upgrade(config, "head")
            wrapped.commit()
    except OperationalError as error:
        raise error.orig or error from None
