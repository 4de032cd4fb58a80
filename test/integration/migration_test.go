package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/test/person"
)

// The migration of a next release: it adds a column that the code before does not know.
const (
	nextMigration     = "images/backend/alembic/versions/0003_priority.py"
	nextMigrationText = `"""Tasks have a priority."""

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("task", sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
`
)

// migration upgrades to a release with a migration, rolls back, and upgrades again.
// A release only starts with its own schema, so a passing deploy proves the schema.
// Both releases keep the data that the other one wrote.
func (f *fixture) migration(t *testing.T) {
	served := f.newest(t, "dev")
	ada := f.signedUp(t, "ada-of-the-migration")
	ada.use(t)
	written := ada.rows(t)

	require.NoError(t, os.WriteFile(filepath.Join(f.Dir, filepath.FromSlash(nextMigration)), []byte(nextMigrationText), 0o644))
	f.deploy(t)
	assert.Contains(t, f.readyz(t), `{"status":"ok","checks":{"database":"ok","schema":"ok"}`)
	assert.Equal(t, written, ada.rows(t), "data of the old release is lost")
	ada.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{"title": "added with the new release"})
	ada.must(t, http.StatusOK, http.MethodPost, "chat", map[string]any{"message": "Add a task to buy bread"})
	written = ada.rows(t)

	back := f.mage(t, "release:rollback", "-revision="+strconv.Itoa(served))
	require.Zero(t, back.Code, back.Stderr)
	assert.Equal(t, []string{"passed"}, back.Lines("verdict"))
	assert.Equal(t, written, ada.rows(t), "data of one of the releases is lost")
	ada.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{"title": "added with the old release after the rollback"})
	written = ada.rows(t)

	f.deploy(t)
	assert.Equal(t, written, ada.rows(t), "data is lost after the second upgrade")
}

// readyz returns the readiness answer of dev's backend.
func (f *fixture) readyz(t *testing.T) string {
	t.Helper()
	_, answer := guest{person.New(f.address("dev"), "nobody", browser())}.ask(t, http.MethodGet, "/api/readyz", nil)
	return answer
}
