package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/database"
)

// Restore puts a backup in the place of the environment's data: a file of this
// machine, or, by its name, one of build/backups/<env> or of the volume. What is
// no whole backup of this application, or is of a schema that the backend does
// not know, is refused while the application serves on.
func (p *Pipeline) Restore(ctx context.Context, file string) (done Deployment, err error) {
	err = p.exclusive(ctx, "db:restore", func(ctx context.Context) error {
		return p.withDatabase(ctx, func(db *database.Database, c *cluster.Cluster) error {
			r := &restoration{p: p, db: db, archive: p.archive(file), clients: c.Clients.Clientset, ready: p.ready(c)}
			done, err = r.run(ctx)
			return err
		})
	})
	return done, err
}

// archive is the backup that the user's words name. What is no file of this
// machine is taken for a name of the volume's.
func (p *Pipeline) archive(file string) database.Archive {
	for _, path := range []string{p.below(file), filepath.Join(string(p.backups()), file)} {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return database.Archive{Path: path}
		}
	}
	return database.Archive{Name: file}
}

// restoration is one restore into a release that runs.
type restoration struct {
	p       *Pipeline
	db      *database.Database
	archive database.Archive
	clients kubernetes.Interface
	ready   func(context.Context) (Deployment, error)
	schemas []string // that the backend takes, where that was asked before it ended
}

func (r *restoration) run(ctx context.Context) (Deployment, error) {
	question := fmt.Sprintf("Replace everything in the database of %s/%s by backup %s", r.p.env.Namespace, r.p.env.Release, r.archive)
	if r.p.opts.Sure == nil { // nobody will agree, so nothing is loaded for it
		return Deployment{}, r.p.sure(question)
	}
	// The password of the Secret may not yet be the database's.
	if err := r.p.takeUpRotation(ctx, r.clients, r.db); err != nil {
		return Deployment{}, err
	}
	if err := r.check(ctx); err != nil {
		return Deployment{}, err
	}
	defer r.forget(ctx)
	if err := r.load(ctx); err != nil {
		return Deployment{}, err
	}
	if err := r.p.sure(question); err != nil {
		return Deployment{}, err
	}
	if err := r.exchange(ctx); err != nil {
		return Deployment{}, err
	}
	done, err := r.ready(ctx)
	if err != nil {
		return done, fmt.Errorf("backup %q is restored, and then: %w; what it replaced is in the server, in the database whose name ends in _replaced, until the next restore", r.archive, err)
	}
	return done, r.db.Forget(ctx, database.Replaced)
}

func (r *restoration) check(ctx context.Context) error {
	step := r.p.opts.Progress.Start("check", r.archive.String())
	if err := r.db.Check(ctx, r.archive); err != nil {
		return step.Fail(err)
	}
	step.Done("whole", "checksum fits, read to its end")
	return nil
}

// load restores beside the application's database and looks at what came out.
func (r *restoration) load(ctx context.Context) error {
	step := r.p.opts.Progress.Start("load", r.archive.String())
	password, err := r.db.Password(ctx)
	if err != nil {
		return step.Fail(err)
	}
	contents, err := r.db.Load(ctx, r.archive, password)
	if err != nil {
		return step.Fail(err)
	}
	known, err := r.known(ctx)
	if err != nil {
		return step.Fail(err)
	}
	if err := contents.Fits(r.archive.String(), known); err != nil {
		return step.Fail(err)
	}
	step.Done("restored beside", fmt.Sprintf("%d tables, schema %v", len(contents.Tables), contents.Revisions))
	return nil
}

// known are the schemas that the backend will take: those that a running one
// names, or, where none runs, those of the sources.
func (r *restoration) known(ctx context.Context) ([]string, error) {
	if len(r.schemas) > 0 {
		return r.schemas, nil
	}
	known, err := r.db.Revisions(ctx)
	if !errors.Is(err, database.ErrNoBackend) {
		return known, err
	}
	r.p.opts.Progress.Note("no backend runs that could be asked which schemas it knows: the project's sources are asked")
	return database.RevisionsIn(filepath.Join(r.p.env.Root, "images", "backend", "alembic", "versions"))
}

// exchange gives the restored database the place of the application's while
// nothing uses either. Frontend and backend come back however it ends.
func (r *restoration) exchange(ctx context.Context) (err error) {
	step := r.p.opts.Progress.Start("restore", r.p.env.Namespace+"/"+r.p.env.Release)
	defer func() {
		fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
		defer cancel()
		if err = errors.Join(err, r.db.Resume(fresh)); err != nil {
			err = step.Fail(err)
			return
		}
		step.Done("restored", r.archive.String())
	}()
	step.Update("frontend and backend end")
	limited, cancel := context.WithTimeoutCause(ctx, r.p.env.Timeout, fmt.Errorf("not done within %s", r.p.env.Timeout))
	defer cancel()
	if err := r.db.Pause(limited); err != nil {
		return err
	}
	step.Update("the databases exchange their names")
	// Two renames in one transaction: a Ctrl-C waits for them, so that what it leaves is known.
	whole, stop := context.WithTimeout(context.WithoutCancel(ctx), r.p.env.Timeout)
	defer stop()
	return r.db.Swap(whole)
}

// forget removes what a restore that did not come to its end has made beside.
func (r *restoration) forget(ctx context.Context) {
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
	defer cancel()
	if err := r.db.Forget(fresh, database.Restored); err != nil {
		r.p.opts.Progress.Note("%v: the next restore does it", err)
	}
}
