package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"todo-chatbot/mage/database"
)

// cleanupTime bounds the cleanup after an interrupt. mage gives it five seconds.
const cleanupTime = 4 * time.Second

// Restore replaces the environment's data by a backup: a file of this machine, or the
// name of a backup in build/backups/<env> or in the backup volume. An incomplete backup,
// one of another application, and one whose schema the backend does not know are refused
// while the application still serves.
func (p *Pipeline) Restore(ctx context.Context, file string) (done Deployment, err error) {
	err = p.exclusive(ctx, "db:restore", func(ctx context.Context) error {
		return p.withTarget(ctx, func(_ *services, t target) error {
			r := p.newRestore(t, p.archive(file))
			done, err = r.replaceData(ctx)
			return withExitCode(err)
		})
	})
	return done, err
}

// archive finds the backup that the user named. If it is not a file of this machine, it
// is the name of a backup in the volume.
func (p *Pipeline) archive(file string) database.Archive {
	for _, path := range []string{p.absolute(file), filepath.Join(string(p.backups()), file)} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return database.Archive{Path: path}
		}
	}
	return database.Archive{Name: file}
}

// restore loads one backup into the running release.
type restore struct {
	p       *Pipeline
	target  target
	archive database.Archive
	settle  func(context.Context) (Deployment, error) // waits for the pods and checks the application
	schemas []string                                  // that the backend knows; read before the backend stops
}

func (p *Pipeline) newRestore(t target, archive database.Archive) *restore {
	return &restore{
		p: p, target: t, archive: archive,
		settle: func(ctx context.Context) (Deployment, error) { return p.settle(ctx, t) },
	}
}

// replaceData loads the backup into a second database and swaps the two.
func (r *restore) replaceData(ctx context.Context) (Deployment, error) {
	question := fmt.Sprintf("Replace all data in the database of %s by backup %s", r.p.releaseName(), r.archive)
	if r.p.opts.ConfirmLoss == nil { // the answer is known before the work
		return Deployment{}, r.p.confirmLoss(question)
	}
	// After an interrupted rotation the Secret and the database may have different
	// passwords.
	if err := r.p.resumeRotation(ctx, r.target); err != nil {
		return Deployment{}, err
	}
	if err := r.check(ctx); err != nil {
		return Deployment{}, err
	}
	defer r.forget(ctx)
	if err := r.load(ctx); err != nil {
		return Deployment{}, err
	}
	if err := r.p.confirmLoss(question); err != nil {
		return Deployment{}, err
	}
	if err := r.swap(ctx); err != nil {
		return Deployment{}, err
	}
	done, err := r.settle(ctx)
	if err != nil {
		return done, fmt.Errorf("backup %q is restored, and then: %w; the replaced data stays in the server until the next restore, in the database whose name ends in _replaced", r.archive, err)
	}
	return done, r.target.database.Forget(ctx, database.Replaced)
}

func (r *restore) check(ctx context.Context) error {
	step := r.p.opts.Progress.Start("check", r.archive.String())
	if err := r.target.database.Check(ctx, r.archive); err != nil {
		return step.Fail(err)
	}
	step.Done("complete", "its checksum matches and it can be read to its end")
	return nil
}

// load restores the backup into a second database and checks the tables and the schema.
func (r *restore) load(ctx context.Context) error {
	step := r.p.opts.Progress.Start("load", r.archive.String())
	password, err := r.target.database.Password(ctx)
	if err != nil {
		return step.Fail(err)
	}
	contents, err := r.target.database.Load(ctx, r.archive, password)
	if err != nil {
		return step.Fail(err)
	}
	known, err := r.knownSchemas(ctx)
	if err != nil {
		return step.Fail(err)
	}
	if err := contents.Fits(r.archive.String(), known); err != nil {
		return step.Fail(err)
	}
	step.Done("loaded", fmt.Sprintf("into a second database: %d tables, schema %v", len(contents.Tables), contents.Revisions))
	return nil
}

// knownSchemas returns the schema revisions that a running backend names, or, if none
// runs, those of the sources.
func (r *restore) knownSchemas(ctx context.Context) ([]string, error) {
	if len(r.schemas) > 0 {
		return r.schemas, nil
	}
	known, err := r.target.database.Revisions(ctx)
	if !errors.Is(err, database.ErrNoBackend) {
		return known, err
	}
	r.p.opts.Progress.Note("no backend runs, so the schemas of the project's sources count as known")
	return database.RevisionsIn(filepath.Join(r.p.env.Root, "images", "backend", "alembic", "versions"))
}

// swap exchanges the two databases while frontend and backend are stopped. Both start
// again, also after an error.
func (r *restore) swap(ctx context.Context) (err error) {
	step := r.p.opts.Progress.Start("restore", r.p.releaseName())
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		if err = errors.Join(err, r.target.database.Resume(cleanup)); err != nil {
			err = step.Fail(err)
			return
		}
		step.Done("restored", r.archive.String())
	}()
	step.Update("stop frontend and backend")
	if err := r.p.withTimeout(ctx, r.target.database.Pause); err != nil {
		return err
	}
	step.Update("swap the databases")
	// Two renames in one transaction. Ctrl-C does not interrupt it, so its result is known.
	return r.p.withTimeout(context.WithoutCancel(ctx), r.target.database.Swap)
}

// forget removes the second database of a restore that did not finish.
func (r *restore) forget(ctx context.Context) {
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if err := r.target.database.Forget(cleanup, database.Restored); err != nil {
		r.p.opts.Progress.Note("%v: the next restore removes it", err)
	}
}
