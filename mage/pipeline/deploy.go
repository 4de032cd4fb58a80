package pipeline

import (
	"context"
	"errors"

	"todo-chatbot/mage/chart"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/release"
	"todo-chatbot/mage/smoke"
)

// Deployment is the result of a use case that changes what runs.
type Deployment struct {
	Images     []Built
	Release    release.Observation
	Changed    bool // there is a new revision
	RolledBack int  // the earlier revision that the new one repeats, after a failed upgrade; else 0
	URL        string
	Verdict    smoke.Verdict
	Complete   bool // the smoke checks ran
}

// DeployOptions change Deploy; the zero value suits everyday use.
type DeployOptions struct {
	KeepFailed bool // do not roll a failed release back
	Adopt      bool // take over a release and a Secret of the same names that somebody else made
}

// Deploy builds the images, installs or upgrades the release, and checks the
// application. A release that fails is rolled back to the revision that served
// before.
func (p *Pipeline) Deploy(ctx context.Context, opts DeployOptions) (Deployment, error) {
	ctx, cancel := context.WithCancel(ctx)
	d := &deploy{p: p, opts: opts, cancel: cancel}
	defer d.close()
	err := inOrder(ctx,
		d.checkChart,         // and the other inputs, before anything starts
		d.lockCluster,        // against other runs
		d.checkPrerequisites, // container engine and base images
		d.startCluster,       // in the background, while images are built
		d.publishImages,      // build and push those that the registry does not have
		d.awaitCluster,       // until it is ready and its registry answers
		d.prepareRelease,     // ownership, refused changes, namespace, credentials
		d.upgradeRelease,     // or install it; a failure is rolled back
		d.checkApplication,   // with the smoke checks
		d.judge,              // exit code 3 if a check failed
	)
	return d.result, p.explainDisk(d.explain(ctx, err))
}

// inOrder calls the steps until one of them fails or ctx ends.
func inOrder(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// deploy is the state of one Deploy. Each step sets fields for the later steps.
type deploy struct {
	p      *Pipeline
	opts   DeployOptions
	cancel context.CancelFunc
	result Deployment

	sources            []*image.Input
	gate               chart.Rendered
	unlock             func()
	services           *services
	images             *imageRun
	cluster            *cluster.Cluster
	settled            func() (*cluster.Cluster, error) // waits until a new cluster is complete
	target             target
	spec               release.Spec
	credentialsChanged bool
}

func (d *deploy) close() {
	d.cancel()
	if d.cluster != nil {
		d.cluster.Close()
	}
	if d.services != nil {
		d.services.close()
	}
	if d.unlock != nil {
		d.unlock()
	}
}

func (d *deploy) checkChart(context.Context) (err error) {
	if d.sources, err = d.p.sources(); err != nil {
		return err
	}
	if d.gate, err = d.p.checkChart(); err != nil {
		return err
	}
	if _, err := d.p.modelKey(); err != nil {
		return err
	}
	for _, note := range d.p.env.UnusedVariables(d.p.opts.Getenv) {
		d.p.opts.Progress.Note("%s", note)
	}
	return nil
}

func (d *deploy) lockCluster(context.Context) (err error) {
	d.unlock, err = d.p.lock("deploy:" + d.p.env.Name)
	return err
}

func (d *deploy) checkPrerequisites(ctx context.Context) (err error) {
	if d.services, err = d.p.services.start(ctx); err != nil {
		return err
	}
	return checkBases(ctx, d.services.supply, d.sources)
}

func (d *deploy) startCluster(ctx context.Context) (err error) {
	d.images, err = d.p.startCluster(ctx, d.services)
	return err
}

// publishImages cancels a cluster that is still being made if a build fails, and
// waits for its end, so that it is not left incomplete.
func (d *deploy) publishImages(ctx context.Context) error {
	built, err := d.images.publishAll(ctx, d.sources)
	if err == nil {
		d.result.Images = built
		return nil
	}
	d.cancel()
	c, clusterErr := d.images.cluster()
	c.Close()
	if errors.Is(err, context.Canceled) && clusterErr != nil {
		return clusterErr
	}
	return err
}

func (d *deploy) awaitCluster(ctx context.Context) (err error) {
	if d.cluster, err = d.images.cluster(); err != nil {
		return err
	}
	d.settled = background(func() (*cluster.Cluster, error) { return d.cluster, d.cluster.Settle(ctx) })
	d.target, err = d.services.open(d.cluster)
	return err
}

// prepareRelease asks for refused changes before it writes credentials, because
// pods read the credentials at the upgrade.
func (d *deploy) prepareRelease(ctx context.Context) (err error) {
	if d.spec, err = d.p.spec(d.gate.Chart, d.result.Images); err != nil {
		return err
	}
	if err := d.p.prepareNamespace(ctx, d.target, d.opts); err != nil {
		return err
	}
	if err := d.p.checkRefusals(ctx, d.target.releases, d.spec); err != nil {
		return err
	}
	if d.credentialsChanged, err = d.p.ensureCredentials(ctx, d.target.kubernetes); err != nil {
		return withExitCode(err)
	}
	return d.p.tryResumeRotation(ctx, d.target)
}

func (d *deploy) checkApplication(ctx context.Context) (err error) {
	d.result.URL, d.result.Verdict, err = d.p.check(ctx, d.target)
	d.result.Complete = err == nil
	return err
}

func (d *deploy) judge(context.Context) error { return d.p.judge(d.result.Verdict) }

// explain puts the failure of a new cluster in front of the error that it caused.
func (d *deploy) explain(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil || d.settled == nil {
		return err
	}
	if _, cause := d.settled(); cause != nil {
		return errors.Join(cause, err)
	}
	return err
}
