package pipeline

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/database"
)

// Resize gives the environment's database a volume of the size that its values
// say (postgresql.persistence.size), without losing data. Where the storage class
// lets volumes grow, the server runs on. Elsewhere the data moves to a new volume
// through a backup, and the old volume is kept.
func (p *Pipeline) Resize(ctx context.Context) (done Deployment, err error) {
	size, err := p.wantedSize()
	if err != nil {
		return done, err
	}
	err = p.exclusive(ctx, "db:resize", func(ctx context.Context) error {
		return p.withDatabase(ctx, func(db *database.Database, c *cluster.Cluster) error {
			r := &resizing{p: p, db: db, size: size, clients: c.Clients.Clientset, ready: p.ready(c)}
			done, err = r.run(ctx)
			return err
		})
	})
	return done, err
}

// wantedSize is that of the database's volume in the rendered chart.
func (p *Pipeline) wantedSize() (size quantity.Quantity, err error) {
	rendered, err := p.gate(true)
	if err != nil {
		return size, err
	}
	for _, m := range rendered.Manifests {
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
	return size, usage(&database.Absent{Namespace: p.env.Namespace, Release: p.env.Release})
}

// resizing is one change of a volume's size.
type resizing struct {
	p       *Pipeline
	db      *database.Database
	size    quantity.Quantity
	clients kubernetes.Interface
	ready   func(context.Context) (Deployment, error)
}

func (r *resizing) run(ctx context.Context) (Deployment, error) {
	v, err := r.db.Data(ctx)
	if err != nil {
		return Deployment{}, err
	}
	step := r.p.opts.Progress.Start("volume", v.Claim)
	if v.Holds(r.size) {
		step.Done("unchanged", "has "+r.size.String())
		return Deployment{}, nil
	}
	if err := r.p.sure(fmt.Sprintf("Enlarge the volume of %s/%s from %s to %s, which cannot be undone", r.p.env.Namespace, r.p.env.Release, &v.Asked, &r.size)); err != nil {
		step.Drop()
		return Deployment{}, err
	}
	err = r.db.Enlarge(ctx, v, r.size)
	if fixed := (*database.Fixed)(nil); errors.As(err, &fixed) {
		step.Done("fixed", "its storage class does not let it grow")
		return r.move(ctx, v)
	}
	if err != nil {
		return Deployment{}, step.Fail(err)
	}
	step.Update("waiting for the room")
	limited, cancel := context.WithTimeoutCause(ctx, r.p.env.Timeout, fmt.Errorf("not done within %s", r.p.env.Timeout))
	defer cancel()
	if err := r.db.Grown(limited, v, r.size); err != nil {
		return Deployment{}, step.Fail(err)
	}
	step.Done("enlarged", fmt.Sprintf("%s, was %s", &r.size, &v.Asked))
	return r.ready(ctx)
}

// move takes the data to a new volume, through a backup that is read back whole.
// The old volume is kept until someone deletes it: whatever fails, the data is in
// it, and in the backup.
func (r *resizing) move(ctx context.Context, v database.Volume) (done Deployment, err error) {
	question := fmt.Sprintf("Move the data of %s/%s to a new volume of %s; the application is away meanwhile, and volume %s is kept",
		r.p.env.Namespace, r.p.env.Release, &r.size, v.Bound)
	if err := r.p.sure(question); err != nil {
		return done, err
	}
	if err := r.p.takeUpRotation(ctx, r.clients, r.db); err != nil {
		return done, err // the new volume's server takes the password of the Secret
	}
	if err := r.moved(ctx, v); err != nil {
		return done, err
	}
	if done, err = r.ready(ctx); err != nil {
		return done, fmt.Errorf("the data is in the new volume, and then: %w; the old one is kept as persistent volume %q", err, v.Bound)
	}
	r.p.opts.Progress.Note("the old volume is kept: `kubectl delete pv %s` gives it up, once the application has what it had", v.Bound)
	return done, r.db.Forget(ctx, database.Replaced)
}

// moved does it while frontend and backend are away, which come back however it
// ends; but not to an empty database, in which people would miss everything.
func (r *resizing) moved(ctx context.Context, v database.Volume) (err error) {
	step := r.p.opts.Progress.Start("move", r.p.env.Namespace+"/"+r.p.env.Release)
	path, emptied := "", false
	defer func() {
		if emptied && err != nil {
			err = step.Fail(fmt.Errorf("%w; frontend and backend stay away, and the data is in backup %q and in persistent volume %q: `mage db:restore %s -env=%s` goes on, after `mage deploy:to %s` where there is no server",
				err, path, v.Bound, path, r.p.env.Name, r.p.env.Name))
			return
		}
		fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyTime)
		defer cancel()
		if err = errors.Join(err, r.db.Resume(fresh)); err != nil {
			err = step.Fail(err)
			return
		}
		step.Done("moved", "to a volume of "+r.size.String())
	}()
	limited, cancel := context.WithTimeoutCause(ctx, r.p.env.Timeout, fmt.Errorf("not done within %s", r.p.env.Timeout))
	defer cancel()
	restore := &restoration{p: r.p, db: r.db, clients: r.clients}
	if restore.schemas, err = restore.known(ctx); err != nil {
		return err
	}
	step.Update("frontend and backend end")
	if err := r.db.Pause(limited); err != nil {
		return err
	}
	step.Update("saving the data")
	if path, err = r.db.Save(ctx, r.p.backups(), ""); err != nil {
		return err
	}
	step.Update("exchanging the volume")
	emptied = true // may be, from here on
	if err := r.db.Renew(ctx, v, r.size); err != nil {
		if now, lookErr := r.db.Data(context.WithoutCancel(ctx)); lookErr == nil && now.Bound == v.Bound {
			emptied = false
		}
		return err
	}
	step.Update("restoring the data")
	restore.archive = database.Archive{Path: path}
	if err := restore.check(ctx); err != nil {
		return err
	}
	if err := restore.load(ctx); err != nil {
		return err
	}
	whole, stop := context.WithTimeout(context.WithoutCancel(ctx), r.p.env.Timeout)
	defer stop()
	return r.db.Swap(whole)
}
