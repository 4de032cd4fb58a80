package release

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"todo-chatbot/mage/diagnose"
)

// Collect takes the evidence of a release. The texts of hide are masked in the
// diff and the logs. The error names the parts that could not be read; the
// Evidence holds the others.
func (m *Manager) Collect(ctx context.Context, name string, hide ...string) (diagnose.Evidence, error) {
	mask := masking(hide)
	e, seen := diagnose.Collect(ctx, m.clients.Clientset, m.namespace, mask)
	e.Release = m.namespace + "/" + name
	records, err := m.history(ctx, name)
	if err != nil {
		return e, errors.Join(err, seen)
	}
	for _, r := range revisions(records) {
		description := strings.Join(strings.Fields(r.Description), " ")
		e.History = append(e.History, fmt.Sprintf("%d %s %s %s: %s", r.Number, r.Updated.UTC().Format(time.RFC3339), r.Chart, r.Status, description))
	}
	last := records[len(records)-1]
	e.Diff, err = revisionDiff(lastServed(records[:len(records)-1]), last, fmt.Sprintf("revision %d", last.Version), mask)
	return e, errors.Join(err, seen)
}
