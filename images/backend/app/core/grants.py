"""Grants for the role of the server: the rows of the backend's tables, and nothing else.

The tables belong to the role of the migration. So the server can neither change nor drop them, and
cannot read other tables. Grants are checked at every start, because a restored database has none.
"""

from collections.abc import Collection

import psycopg
from psycopg import sql

# Privileges of PostgreSQL. The table of Alembic is only read.
_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_READ = ("SELECT",)
_REVISION = "alembic_version"

_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = %(table)s AND c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid)
  AND NOT (SELECT bool_and(has_table_privilege(%(role)s, c.oid, needed))
           FROM unnest(%(rights)s::text[]) needed)
"""
_SEQUENCES = """
SELECT n.nspname, s.relname FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype IN ('a', 'i')
JOIN pg_class c ON c.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
WHERE c.relname = %(table)s AND pg_table_is_visible(c.oid)
  AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(%(role)s, s.oid, 'USAGE') END
"""


def await_role(connection: psycopg.Connection, role: str) -> None:
    """Close the connection and raise OperationalError when the role does not exist.

    The database server creates the role at its start, which can be after the start of this pod.
    """
    if not role or connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).rowcount:
        return
    connection.close()
    raise psycopg.OperationalError(
        f'role "{role}" does not exist: the PostgreSQL of the chart creates it at its start from '
        "the password in the Secret, and its log names a missing one; in an external database, "
        "create the role yourself"
    )


def missing(
    connection: psycopg.Connection, role: str, tables: Collection[str]
) -> list[sql.Composed]:
    """Return the GRANT statements for privileges that the role needs and does not have."""
    if not role:
        return []
    statements = []
    for table in sorted(tables):
        rights = _READ if table == _REVISION else _ROWS
        given = {"role": role, "table": table, "rights": list(rights)}
        for name in connection.execute(_TABLES, given).fetchall():
            listed = sql.SQL(", ").join(map(sql.SQL, rights))
            statements.append(_grant(listed, sql.SQL("TABLE"), name, role))
        statements += [
            _grant(sql.SQL("USAGE"), sql.SQL("SEQUENCE"), name, role)
            for name in connection.execute(_SEQUENCES, given).fetchall()
        ]
    return statements


def _grant(
    rights: sql.Composable, kind: sql.Composable, name: tuple[str, str], role: str
) -> sql.Composed:
    return sql.SQL("GRANT {} ON {} {} TO {}").format(
        rights, kind, sql.Identifier(*name), sql.Identifier(role)
    )
