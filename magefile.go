//go:build mage

// From the sources of the Todo Chatbot to a running, verified release on Kubernetes.
package main

// The commands are declared here and done in mage/targets. They are not imported
// by mage:import: mage would then ask Go twice, at every call, about every
// package that the imported one reaches, which is half of a second each time.

import (
	"context"

	"github.com/magefile/mage/mg"

	"todo-chatbot/mage/targets"
)

// Aliases are the short names. mage cannot have a target and a namespace of one name.
var Aliases = map[string]any{
	"clean": Clean.Deployed,
}

// Deploy takes the sources to a running, verified release.
type Deploy mg.Namespace

// Dev builds, pushes, installs and verifies the application for development; -keepFailed leaves a release that fails as it is, -adopt takes over a release of the name that somebody else made.
func (Deploy) Dev(ctx context.Context, yes, keepFailed, adopt *bool) error {
	return targets.Deploy(ctx, "dev", yes, keepFailed, adopt)
}

// Staging does what deploy:dev does with the values of staging, beside dev on the same cluster.
func (Deploy) Staging(ctx context.Context, yes, keepFailed, adopt *bool) error {
	return targets.Deploy(ctx, "staging", yes, keepFailed, adopt)
}

// To does what deploy:dev does for any environment that has a file in values/.
func (Deploy) To(ctx context.Context, env string, yes, keepFailed, adopt *bool) error {
	return targets.Deploy(ctx, env, yes, keepFailed, adopt)
}

// Build makes images and pushes them to the cluster's registry.
type Build mg.Namespace

// Images builds and pushes every image whose sources changed.
func (Build) Images(ctx context.Context, env *string, yes *bool) error {
	return targets.Build(ctx, env, yes)
}

// Image builds and pushes one image, such as backend, if its sources changed.
func (Build) Image(ctx context.Context, name string, env *string, yes *bool) error {
	return targets.Build(ctx, env, yes, name)
}

// Chart checks, renders and packages the Helm chart without a cluster.
type Chart mg.Namespace

// Lint checks the chart with the values of every environment and feature.
func (Chart) Lint() error { return targets.ChartLint() }

// Template prints the manifests of an environment, with zeroes for digests.
func (Chart) Template(env *string) error { return targets.ChartTemplate(env) }

// Package writes the chart to build/charts as one file, the same bytes each time.
func (Chart) Package() error { return targets.ChartPackage() }

// Push puts the chart into the cluster's registry, where the helm command finds it.
func (Chart) Push(ctx context.Context, env *string) error { return targets.ChartPush(ctx, env) }

// Cluster makes, removes and describes the Kubernetes cluster.
type Cluster mg.Namespace

// Up makes sure that the cluster runs and its registry answers.
func (Cluster) Up(ctx context.Context, env *string, yes *bool) error {
	return targets.ClusterUp(ctx, env, yes)
}

// Down removes the cluster, with every release and volume in it; where volumes hold data it asks, or needs -yes.
func (Cluster) Down(ctx context.Context, env *string, yes *bool) error {
	return targets.ClusterDown(ctx, env, yes)
}

// Status says how the cluster is.
func (Cluster) Status(ctx context.Context, env *string) error {
	return targets.ClusterStatus(ctx, env)
}

// Password prints the password of the cluster's own image registry, for helm registry login.
func (Cluster) Password(ctx context.Context, env *string) error {
	return targets.ClusterPassword(ctx, env)
}

// Release shows and moves the installed release.
type Release mg.Namespace

// Status says what runs: revision, pods, images by digest, restarts, endpoints, recent warnings.
func (Release) Status(ctx context.Context, env *string) error {
	return targets.ReleaseStatus(ctx, env)
}

// History lists the revisions.
func (Release) History(ctx context.Context, env *string) error {
	return targets.ReleaseHistory(ctx, env)
}

// Diff prints what a deploy would change now in the cluster's manifests, and changes nothing.
func (Release) Diff(ctx context.Context, env *string) error {
	return targets.ReleaseDiff(ctx, env)
}

// Rollback goes back to an earlier revision, by default the last that served, and verifies it.
func (Release) Rollback(ctx context.Context, env *string, revision *int) error {
	return targets.ReleaseRollback(ctx, env, revision)
}

// Db backs up and restores the application's database; `mage -l` writes the name as it is here, but for its first letter.
type Db mg.Namespace

// Backup saves the database to build/backups/<env>, or with -to=FILE there, reads it back and prints the file's path.
func (Db) Backup(ctx context.Context, env *string, to *string) error {
	return targets.DBBackup(ctx, env, to)
}

// List shows the backups here and in the cluster's volume: place, name, bytes, time, checksum.
func (Db) List(ctx context.Context, env *string) error { return targets.DBList(ctx, env) }

// Restore puts a backup, by file or by name, in the place of all data, and verifies the application; it asks, or needs -yes.
func (Db) Restore(ctx context.Context, file string, env *string, yes *bool) error {
	return targets.DBRestore(ctx, file, env, yes)
}

// Resize gives the database a larger volume, as postgresql.persistence.size says, without losing data; at a terminal it asks, unless -yes.
func (Db) Resize(ctx context.Context, env *string, yes *bool) error {
	return targets.DBResize(ctx, env, yes)
}

// Secrets changes the credentials that an installation made for itself.
type Secrets mg.Namespace

// Rotate makes a new database password and a new secret for sessions, without losing data; everyone signs in again.
func (Secrets) Rotate(ctx context.Context, env *string) error {
	return targets.SecretsRotate(ctx, env)
}

// Test proves that things work.
type Test mg.Namespace

// Smoke asks the deployed application whether it works, through the address that people use.
func (Test) Smoke(ctx context.Context, env *string) error { return targets.TestSmoke(ctx, env) }

// Unit runs the linters, the Go packages' hermetic tests, and the images' own checks in the builder.
func (Test) Unit(ctx context.Context, yes *bool) error { return targets.TestUnit(ctx, yes) }

// Chart checks the chart for every environment and compares its manifests with the golden ones.
func (Test) Chart(ctx context.Context) error { return targets.TestChart(ctx) }

// Integration runs the scenarios of a deployment on a cluster of its own; -run=Backup selects some, -long adds those that take minutes.
func (Test) Integration(ctx context.Context, run *string, long *bool) error {
	return targets.TestIntegration(ctx, run, long)
}

// E2e has two people use the deployed application in a real browser; pictures go to build/e2e.
func (Test) E2e(ctx context.Context, env *string) error { return targets.TestE2E(ctx, env) }

// Contract asks the deployed API everything that its description allows, and believes no answer that it does not.
func (Test) Contract(ctx context.Context, env *string) error { return targets.TestContract(ctx, env) }

// Load has 50 people use the deployed application for a minute, and reports times and what the pods needed.
func (Test) Load(ctx context.Context, env *string) error { return targets.TestLoad(ctx, env) }

// All runs everything: unit, chart and integration.
func (Test) All(ctx context.Context, yes *bool) error { return targets.TestAll(ctx, yes) }

// Clean removes what the other targets made.
type Clean mg.Namespace

// Deployed removes the release, the cluster and every container, network and process that deploy made; asks as cluster:down does.
func (Clean) Deployed(ctx context.Context, env *string, yes *bool) error {
	return targets.Clean(ctx, env, yes, false)
}

// All removes what clean does and the caches: built images, made base images, the build cache.
func (Clean) All(ctx context.Context, env *string, yes *bool) error {
	return targets.Clean(ctx, env, yes, true)
}

// Doctor lists what a deploy needs, what is missing and how to fix it; it changes nothing.
func Doctor(ctx context.Context, env *string) error { return targets.Doctor(ctx, env) }

// Logs prints what the release's pods log; -component=backend takes one component's, -follow goes on until Ctrl-C.
func Logs(ctx context.Context, env *string, component *string, follow *bool) error {
	return targets.Logs(ctx, env, component, follow)
}

// Open says where the application answers, and holds a port-forward where the cluster publishes no port; -browser also shows it.
func Open(ctx context.Context, env *string, browser *bool) error {
	return targets.Open(ctx, env, browser)
}

// Bench measures deploys from every starting point; -cold also from empty caches.
func Bench(ctx context.Context, cold *bool) error { return targets.Bench(ctx, cold) }
