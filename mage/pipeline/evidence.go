package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"todo-chatbot/mage/diagnose"
)

// evidenceTime bounds the collection of evidence, which also runs when the time of
// the run is over.
const evidenceTime = 20 * time.Second

// Folders of evidence below build/evidence/<env>.
const (
	evidenceFolder = ""
	rollbackFolder = "rollback" // of a rollback that failed too
)

// keepEvidence saves the evidence of a failure, before anything changes it, and
// replaces the evidence of an earlier failure.
func (p *Pipeline) keepEvidence(releases Collector, cause error, folder string) {
	notes := p.opts.Progress
	text := []string{cause.Error()}
	if failure, ok := errors.AsType[*diagnose.Failure](cause); ok {
		notes.Note("%s", failure.Details())
		text = append(text, failure.Details())
	}
	ctx, cancel := context.WithTimeout(context.Background(), evidenceTime)
	defer cancel()
	evidence, err := releases.Collect(ctx, p.env.Release, p.env.Agent.APIKey.Reveal())
	if err != nil {
		notes.Note("some evidence of the failure could not be collected: %v", err)
	}
	evidence.Cause = text
	below := filepath.Join("build", "evidence", p.env.Name, folder)
	if err := removeBelow(p.env.Root, below); err != nil {
		notes.Note("evidence of an earlier failure could not be removed: %v", err)
	}
	dir := filepath.Join(p.env.Root, below)
	if _, err := evidence.Save(dir); err != nil {
		notes.Note("evidence of the failure could not be saved: %v", err)
		return
	}
	notes.Note("evidence: %s", dir)
}

// removeBelow removes a folder below dir. It does not follow symbolic links out of
// dir.
func removeBelow(dir, path string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return root.RemoveAll(path)
}
