"""Migrations only add, so that the previous release still works after them.

A rollback restores the application and keeps the data and their schema.
"""

import ast
from pathlib import Path

import pytest

from app.core import schema

# Operations that remove or rename things that an earlier release uses.
_INCOMPATIBLE = {
    "drop_column",
    "drop_constraint",
    "drop_table",
    "rename_table",
    "alter_column",
    "batch_alter_table",
    "execute",  # SQL must be reviewed
}


# Reviewed operations, with the reason why an earlier release still works.
_REVIEWED = {
    # Shortens stored tool calls, which an earlier release only shows; see test_migrate.py.
    "0002_limits.py": ["execute", "execute"],
}


def _upward(source: str) -> list[ast.stmt]:
    """Return all statements except downgrade(); upgrade() may have helpers."""
    body = ast.parse(source).body
    named = {s.name for s in body if isinstance(s, ast.FunctionDef)}
    assert "upgrade" in named, "it has no upgrade()"
    return [s for s in body if not (isinstance(s, ast.FunctionDef) and s.name == "downgrade")]


def _faults(source: str) -> list[str]:
    """Return the operations that may break an earlier release."""
    faults = []
    for call in (node for statement in _upward(source) for node in ast.walk(statement)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        name = call.func.attr
        if name in _INCOMPATIBLE:
            faults.append(name)
        if name == "add_column" and not _optional(call):
            faults.append("add_column without default")
    return faults


def _optional(add: ast.Call) -> bool:
    column = add.args[-1]
    given = {k.arg: k.value for k in column.keywords} if isinstance(column, ast.Call) else {}
    nullable = given.get("nullable")
    demanded = isinstance(nullable, ast.Constant) and nullable.value is False
    return not demanded or "server_default" in given


def _later() -> list[Path]:
    """Return every migration except the first, which no release precedes."""
    first = {revision for revision, before in schema.lineage().items() if not before}
    scripts = (schema.SCRIPTS / "versions").glob("*.py")
    return [s for s in scripts if schema._identifiers(s)["revision"] not in first]


def test_migrations_only_add() -> None:
    faults = {script.name: _faults(script.read_text()) for script in _later()}
    assert {name: found for name, found in faults.items() if found} == _REVIEWED


def test_removal_in_a_helper_of_upgrade_is_found() -> None:
    source = 'def _more():\n    op.drop_table("t")\n\n\ndef upgrade():\n    _more()\n'
    assert _faults(source) == ["drop_table"]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ('op.drop_column("task", "title")', ["drop_column"]),
        ('op.execute("ALTER TABLE task RENAME title TO name")', ["execute"]),
        (
            'op.add_column("task", sa.Column("due", sa.Date(), nullable=False))',
            ["add_column without default"],
        ),
        ('op.add_column("task", sa.Column("due", sa.Date(), nullable=True))', []),
        (
            'op.add_column("t", sa.Column("n", sa.Integer(), server_default="0", nullable=False))',
            [],
        ),
        ('op.create_table("note")', []),
    ],
)
def test_incompatible_operations_are_found(body: str, faults: list[str]) -> None:
    assert _faults(f"def upgrade() -> None:\n    {body}\n") == faults
