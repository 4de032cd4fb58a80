"""What the role that the server logs in as may do: rows of the backend's tables, and nothing else.

The tables belong to the role that migrates, so that the server's can neither change nor drop them,
nor see a table that it was not given. Rights are looked at on every start, because a restored
database has none.
"""

from collections.abc import Collection

import psycopg
from psycopg import sql

# A table's rights, each as PostgreSQL names it. Alembic's mark is only read.
_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_READ = ("SELECT",)
_MARK = "alembic_version"

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
    """Close the connection and raise OperationalError while the server has no such role.

    It is made when the server starts, which can be after the start of this pod.
    """
    if not role or connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).rowcount:
        return
    connection.close()
    raise psycopg.OperationalError(
        f'role "{role}" does not exist: the chart\'s PostgreSQL makes it when it starts with its '
        "password, and its log says if it has none; in a database of your own, make the role"
    )


def missing(
    connection: psycopg.Connection, role: str, tables: Collection[str]
) -> list[sql.Composed]:
    """Return the statements that give the role what it needs and does not have."""
    if not role:
        return []
    statements = []
    for table in sorted(tables):
        rights = _READ if table == _MARK else _ROWS
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
