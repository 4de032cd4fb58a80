"""Migrations only add, so that the release before still works after them.

A rollback brings the application back and keeps the data, and with them the schema.
"""

import ast
from pathlib import Path

import pytest

from app.core import schema

# What takes away or renames what an earlier release uses, or demands what it does not write.
_TAKES = {
    "drop_column",
    "drop_constraint",
    "drop_table",
    "rename_table",
    "alter_column",
    "batch_alter_table",
    "execute",  # whatever it does, it must be looked at
}


# What was looked at, and why an earlier release survives it.
_LOOKED_AT = {
    # Shortens stored tool calls, which an earlier release only shows: see test_migrate.py.
    "0002_limits.py": ["execute", "execute"],
}


def _upward(source: str) -> list[ast.stmt]:
    """Return everything but downgrade(): upgrade() may have helpers."""
    body = ast.parse(source).body
    named = {s.name for s in body if isinstance(s, ast.FunctionDef)}
    assert "upgrade" in named, "it has no upgrade()"
    return [s for s in body if not (isinstance(s, ast.FunctionDef) and s.name == "downgrade")]


def _faults(source: str) -> list[str]:
    """Return the calls of upgrade() that an earlier release may not survive."""
    faults = []
    for call in (node for statement in _upward(source) for node in ast.walk(statement)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        name = call.func.attr
        if name in _TAKES:
            faults.append(name)
        if name == "add_column" and not _optional(call):
            faults.append("add_column of what must be written")
    return faults


def _optional(add: ast.Call) -> bool:
    column = add.args[-1]
    given = {k.arg: k.value for k in column.keywords} if isinstance(column, ast.Call) else {}
    nullable = given.get("nullable")
    demanded = isinstance(nullable, ast.Constant) and nullable.value is False
    return not demanded or "server_default" in given


def _later() -> list[Path]:
    """Return every migration but the first, before which there was no release."""
    first = {revision for revision, before in schema.lineage().items() if not before}
    scripts = (schema.SCRIPTS / "versions").glob("*.py")
    return [s for s in scripts if schema._identifiers(s)["revision"] not in first]


def test_every_migration_only_adds() -> None:
    faults = {script.name: _faults(script.read_text()) for script in _later()}
    assert {name: found for name, found in faults.items() if found} == _LOOKED_AT


def test_what_a_helper_of_an_upgrade_takes_away_is_found() -> None:
    source = 'def _more():\n    op.drop_table("t")\n\n\ndef upgrade():\n    _more()\n'
    assert _faults(source) == ["drop_table"]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ('op.drop_column("task", "title")', ["drop_column"]),
        ('op.execute("ALTER TABLE task RENAME title TO name")', ["execute"]),
        (
            'op.add_column("task", sa.Column("due", sa.Date(), nullable=False))',
            ["add_column of what must be written"],
        ),
        ('op.add_column("task", sa.Column("due", sa.Date(), nullable=True))', []),
        (
            'op.add_column("t", sa.Column("n", sa.Integer(), server_default="0", nullable=False))',
            [],
        ),
        ('op.create_table("note")', []),
    ],
)
def test_what_takes_away_is_found(body: str, faults: list[str]) -> None:
    assert _faults(f"def upgrade() -> None:\n    {body}\n") == faults
