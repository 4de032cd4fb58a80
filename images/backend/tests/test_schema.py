"""Revisions that are read from the migration scripts, compared with Alembic."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from app.core import schema


def _write(folder: Path, *revisions: tuple[str, str]) -> Path:
    """Write migrations, given as revision and source text of down_revision."""
    (folder / "versions").mkdir()
    for revision, before in revisions:
        text = f'"""A change."""\n\nrevision: str = "{revision}"\ndown_revision = {before}\n'
        (folder / "versions" / f"{revision}_change.py").write_text(text)
    return folder


def test_head_of_the_real_scripts_equals_that_of_alembic() -> None:
    assert schema.head() == ScriptDirectory(str(schema.SCRIPTS)).get_current_head()


def test_head_after_a_merge_equals_that_of_alembic(tmp_path: Path) -> None:
    merged = '(\n    "left",\n    "right",\n)'
    first, left, right = ("first", "None"), ("left", '"first"'), ("right", '"first"')
    scripts = _write(tmp_path, left, ("merge", merged), right, first)
    assert schema.head(scripts) == "merge"
    assert ScriptDirectory(str(scripts)).get_current_head() == "merge"
    assert schema.lineage(scripts)["merge"] == ("left", "right")


@pytest.mark.parametrize(
    ("revisions", "told"),
    [
        ([], r"the heads \[\];"),
        ([("a", "None"), ("b", "None")], r"the heads \['a', 'b'\]"),
    ],
)
def test_no_head_and_several_heads_are_refused(
    tmp_path: Path, revisions: list[tuple[str, str]], told: str
) -> None:
    with pytest.raises(RuntimeError, match=told):
        schema.head(_write(tmp_path, *revisions))


def test_script_without_revision_is_named(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0001_lost.py").write_text("down_revision = None\n")
    with pytest.raises(RuntimeError, match=r"0001_lost\.py does not set"):
        schema.head(tmp_path)


def test_code_fits_its_own_schema_and_a_later_one(tmp_path: Path) -> None:
    scripts = _write(tmp_path, ("first", "None"), ("second", '"first"'))
    assert schema.fits({"second"}, scripts)
    assert schema.fits({"third"}, scripts)
    assert not schema.fits({"first"}, scripts)
    assert not schema.fits(set(), scripts)


def test_tables_of_all_migrations_are_found(tmp_path: Path) -> None:
    scripts = _write(tmp_path, ("a", "None"), ("b", '"a"'))
    later = scripts / "versions" / "b_change.py"
    make = 'def upgrade():\n    op.create_table("quota", 1)\n    sa.create_table("other")\n'
    later.write_text(later.read_text() + make)
    assert schema.tables(scripts) == {"alembic_version", "quota"}
