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


def _upgrade(source: str) -> ast.FunctionDef:
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "upgrade":
            return statement
    raise AssertionError("it has no upgrade()")


def _faults(source: str) -> list[str]:
    """Return the calls of upgrade() that an earlier release may not survive."""
    faults = []
    for call in ast.walk(_upgrade(source)):
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
    assert {name: found for name, found in faults.items() if found} == {}


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
