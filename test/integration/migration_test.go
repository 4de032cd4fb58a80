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

// A migration as a next release brings it: it adds a column that the code of
// before knows nothing of.
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

// migrated goes to a release with a migration and back. A release starts only at
// a schema that fits it, so that each deploy which passes tells where the schema
// is; what people wrote in either is there in both.
func (l *life) migrated(t *testing.T) {
	served := l.newest(t, "dev")
	ada := l.signedUp(t, "ada-of-the-migration")
	ada.use(t)
	written := ada.rows(t)

	require.NoError(t, os.WriteFile(filepath.Join(l.Dir, filepath.FromSlash(nextMigration)), []byte(nextMigrationText), 0o644))
	l.deploy(t)
	assert.Contains(t, l.readyz(t), `{"status":"ok","checks":{"database":"ok","schema":"ok"}`)
	assert.Equal(t, written, ada.rows(t), "what the release before wrote")
	ada.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{"title": "of the next release"})
	ada.must(t, http.StatusOK, http.MethodPost, "chat", map[string]any{"message": "Add a task to buy bread"})
	written = ada.rows(t)

	back := l.mage(t, "release:rollback", "-revision="+strconv.Itoa(served))
	require.Zero(t, back.Code, back.Stderr)
	assert.Equal(t, []string{"passed"}, back.Lines("verdict"))
	assert.Equal(t, written, ada.rows(t), "what both releases wrote")
	ada.must(t, http.StatusCreated, http.MethodPost, "tasks", map[string]any{"title": "of the release before, after the next"})
	written = ada.rows(t)

	l.deploy(t)
	assert.Equal(t, written, ada.rows(t), "the way forward again")
}

// readyz is what the backend of dev says of its database.
func (l *life) readyz(t *testing.T) string {
	t.Helper()
	_, answer := guest{person.New(l.address("dev"), "nobody", browser())}.ask(t, http.MethodGet, "/api/readyz", nil)
	return answer
}
