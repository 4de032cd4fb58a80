package pipeline

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/database"
)

// Resize gives the environment's database a volume of the size in its values
// (postgresql.persistence.size), without losing data. If the storage class lets volumes
// grow, the server keeps running. Otherwise the data moves to a new volume through a
// backup, and the old volume is kept.
func (p *Pipeline) Resize(ctx context.Context) (done Deployment, err error) {
	size, err := p.wantedSize()
	if err != nil {
		return done, err
	}
	err = p.exclusive(ctx, "db:resize", func(ctx context.Context) error {
		return p.withTarget(ctx, func(_ *services, t target) error {
			r := &resize{p: p, target: t, size: size, settle: func(ctx context.Context) (Deployment, error) { return p.settle(ctx, t) }}
			done, err = r.enlarge(ctx)
			return withExitCode(err)
		})
	})
	return done, err
}

// wantedSize returns the size of the database's volume in the rendered chart.
func (p *Pipeline) wantedSize() (size quantity.Quantity, err error) {
	gate, err := p.checkChart()
	if err != nil {
		return size, err
	}
	for _, m := range gate.Manifests {
		if m.Kind != "StatefulSet" {
			continue
		}
		var set appsv1.StatefulSet
		if err := yaml.Unmarshal([]byte(m.YAML), &set); err != nil {
			return size, fmt.Errorf("read StatefulSet %q of the chart: %w", m.Name, err)
		}
		for _, claim := range set.Spec.VolumeClaimTemplates {
			return *claim.Spec.Resources.Requests.Storage(), nil
		}
	}
	return size, usageError(&database.Absent{Namespace: p.env.Namespace, Release: p.env.Release})
}

// resize changes the size of one volume.
type resize struct {
	p      *Pipeline
	target target
	size   quantity.Quantity
	settle func(context.Context) (Deployment, error) // waits for the pods and checks the application
}

// enlarge grows the volume, or moves the data if the volume cannot grow.
func (r *resize) enlarge(ctx context.Context) (Deployment, error) {
	db := r.target.database
	v, err := db.Data(ctx)
	if err != nil {
		return Deployment{}, err
	}
	step := r.p.opts.Progress.Start("volume", v.Claim)
	if v.Holds(r.size) {
		step.Done("unchanged", "has "+r.size.String())
		return Deployment{}, nil
	}
	if err := r.p.confirmLoss(fmt.Sprintf("Enlarge the volume of %s from %s to %s, which cannot be undone", r.p.releaseName(), &v.Asked, &r.size)); err != nil {
		step.Drop()
		return Deployment{}, err
	}
	err = db.Enlarge(ctx, v, r.size)
	if _, fixed := errors.AsType[*database.Fixed](err); fixed {
		step.Done("fixed", "its storage class does not let it grow")
		return r.move(ctx, v)
	}
	if err != nil {
		return Deployment{}, step.Fail(err)
	}
	step.Update("wait until the volume has grown")
	grown := func(ctx context.Context) error { return db.Grown(ctx, v, r.size) }
	if err := r.p.withTimeout(ctx, grown); err != nil {
		return Deployment{}, step.Fail(err)
	}
	step.Done("enlarged", fmt.Sprintf("%s, was %s", &r.size, &v.Asked))
	return r.settle(ctx)
}

// move moves the data to a new volume through a backup. The old volume is kept until
// somebody deletes it: after every failure, the data is in it and in the backup.
func (r *resize) move(ctx context.Context, v database.Volume) (done Deployment, err error) {
	question := fmt.Sprintf("Move the data of %s to a new volume of %s; the application is down during the move, and volume %s is kept",
		r.p.releaseName(), &r.size, v.Bound)
	if err := r.p.confirmLoss(question); err != nil {
		return done, err
	}
	// The server on the new volume takes the password of the Secret.
	if err := r.p.resumeRotation(ctx, r.target); err != nil {
		return done, err
	}
	m := &move{resize: r, volume: v}
	if err := m.moveData(ctx); err != nil {
		return done, err
	}
	if done, err = r.settle(ctx); err != nil {
		return done, fmt.Errorf("the data is in the new volume, and then: %w; the old volume is kept as persistent volume %q", err, v.Bound)
	}
	r.p.opts.Progress.Note("the old volume is kept: `kubectl delete pv %s` deletes it; first make sure that the application has all data", v.Bound)
	return done, r.target.database.Forget(ctx, database.Replaced)
}

// move is one move of the data to a new volume.
type move struct {
	*resize
	volume  database.Volume
	backup  string // path of the file
	emptied bool   // the application's database may be empty now
}

// moveData stops frontend and backend during the move. They start again, also after an
// error, unless the application's database may be empty: people would then miss all
// their data.
func (m *move) moveData(ctx context.Context) (err error) {
	step := m.p.opts.Progress.Start("move", m.p.releaseName())
	defer func() {
		if m.emptied && err != nil {
			err = step.Fail(fmt.Errorf("%w; frontend and backend stay stopped, and the data is in backup %q and in persistent volume %q: `mage db:restore %s -env=%s` continues; if there is no server, run `mage deploy:to %s` first",
				err, m.backup, m.volume.Bound, m.backup, m.p.env.Name, m.p.env.Name))
			return
		}
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		if err = errors.Join(err, m.target.database.Resume(cleanup)); err != nil {
			err = step.Fail(err)
			return
		}
		step.Done("moved", "to a volume of "+m.size.String())
	}()
	r := m.p.newRestore(m.target, database.Archive{})
	if r.schemas, err = r.knownSchemas(ctx); err != nil {
		return err
	}
	step.Update("stop frontend and backend")
	if err := m.p.withTimeout(ctx, m.target.database.Pause); err != nil {
		return err
	}
	step.Update("save the data")
	if m.backup, err = m.target.database.Save(ctx, m.p.backups(), ""); err != nil {
		return err
	}
	step.Update("replace the volume")
	if err := m.replaceVolume(ctx); err != nil {
		return err
	}
	step.Update("restore the data")
	r.archive = database.Archive{Path: m.backup}
	if err := inOrder(ctx, r.check, r.load); err != nil {
		return err
	}
	return m.p.withTimeout(context.WithoutCancel(ctx), m.target.database.Swap)
}

// replaceVolume finds out after an error whether the old volume is still in use.
func (m *move) replaceVolume(ctx context.Context) error {
	m.emptied = true
	err := m.target.database.Renew(ctx, m.volume, m.size)
	if err == nil {
		return nil
	}
	if now, lookErr := m.target.database.Data(context.WithoutCancel(ctx)); lookErr == nil && now.Bound == m.volume.Bound {
		m.emptied = false
	}
	return err
}
