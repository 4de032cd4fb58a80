"""Revisions and tables of the schema, read from the migration scripts.

Alembic is not used here: its import takes longer than the rest of the start.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[2] / "alembic"


def _identifiers(script: Path) -> dict[str, Any]:
    """Return revision and down_revision of a script without executing it."""
    found = {}
    for statement in ast.parse(script.read_bytes(), str(script)).body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name in ("revision", "down_revision"):
                found[name] = ast.literal_eval(value)
    if len(found) != 2:
        raise RuntimeError(f"{script} does not set revision and down_revision")
    return found


@cache
def lineage(scripts: Path = SCRIPTS) -> dict[str, tuple[str, ...]]:
    """Return every revision with its direct predecessors."""
    found: dict[str, tuple[str, ...]] = {}
    for script in (scripts / "versions").glob("*.py"):
        names = _identifiers(script)
        before = names["down_revision"]
        found[names["revision"]] = (before,) if isinstance(before, str) else tuple(before or ())
    return found


def head(scripts: Path = SCRIPTS) -> str:
    """Return the newest revision, for which this code is written."""
    revisions = lineage(scripts)
    heads = sorted(set(revisions).difference(*revisions.values()))
    if len(heads) != 1:
        raise RuntimeError(
            f"the migrations in {scripts} have the heads {heads}; exactly one is needed"
        )
    return heads[0]


@cache
def tables(scripts: Path = SCRIPTS) -> frozenset[str]:
    """Return the tables that the migrations create, and the table of Alembic.

    Only op.create_table with a literal name is found; a test compares them with a real schema.
    """
    made = {"alembic_version"}
    for script in (scripts / "versions").glob("*.py"):
        for node in ast.walk(ast.parse(script.read_bytes(), str(script))):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="op"), attr="create_table"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    made.add(name)
    return frozenset(made)


def fits(revisions: set[str], scripts: Path = SCRIPTS) -> bool:
    """Report whether this code works with a schema at these revisions.

    It works with its own head, and with an unknown revision: a later release made it, and
    migrations only add, so that a rollback to this release is possible.
    """
    return revisions == {head(scripts)} or bool(revisions - lineage(scripts).keys())
