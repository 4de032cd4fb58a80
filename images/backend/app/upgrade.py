"""Runs the migrations that are missing.

Apart from app.migrate, which seldom needs it: Alembic and SQLAlchemy are slow to import.
"""

from pathlib import Path

import psycopg
from alembic.config import Config
from sqlalchemy import StaticPool, create_engine
from sqlalchemy.exc import OperationalError

from alembic import command


def upgrade(connection: psycopg.Connection, scripts: Path) -> None:
    """Run them on this connection, all or none; raises psycopg.OperationalError."""
    config = Config()  # there is no ini file to keep in step
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
