//go:build mage

// Builds, deploys and tests the Todo Chatbot on Kubernetes.
package main

// This file only declares the targets; mage/targets implements them. It does not use
// mage:import, because mage would then ask Go twice, at every call, for all packages
// that mage/targets imports. That takes half a second.

import (
	"context"

	"github.com/magefile/mage/mg"

	"todo-chatbot/mage/targets"
)

// Aliases are short names. A mage target and a namespace cannot have the same name.
var Aliases = map[string]any{
	"clean": Clean.Deployed,
}

// Deploy builds, installs and checks the application.
type Deploy mg.Namespace

// Dev builds, pushes, installs and checks the application for development; -keepFailed does not roll a failed release back, -adopt takes over a release of the same name that somebody else made.
func (Deploy) Dev(ctx context.Context, yes, keepFailed, adopt *bool) error {
	return targets.Deploy(ctx, "dev", targets.DeployFlags{Yes: yes, KeepFailed: keepFailed, Adopt: adopt})
}

// Staging does the same as deploy:dev with the values of staging, on the same cluster as dev.
func (Deploy) Staging(ctx context.Context, yes, keepFailed, adopt *bool) error {
	return targets.Deploy(ctx, "staging", targets.DeployFlags{Yes: yes, KeepFailed: keepFailed, Adopt: adopt})
}

// To does the same as deploy:dev for any environment that has a file in values/.
func (Deploy) To(ctx context.Context, env string, yes, keepFailed, adopt *bool) error {
	return targets.Deploy(ctx, env, targets.DeployFlags{Yes: yes, KeepFailed: keepFailed, Adopt: adopt})
}

// Build builds images and pushes them to the cluster's registry.
type Build mg.Namespace

// Images builds and pushes all images whose sources changed.
func (Build) Images(ctx context.Context, env *string, yes *bool) error {
	return targets.Build(ctx, targets.Flags{Env: env, Yes: yes})
}

// Image builds and pushes one image, such as backend, if its sources changed.
func (Build) Image(ctx context.Context, name string, env *string, yes *bool) error {
	return targets.Build(ctx, targets.Flags{Env: env, Yes: yes}, name)
}

// Chart checks, renders and packages the Helm chart.
type Chart mg.Namespace

// Lint checks the chart with the values of all environments and features, without a cluster.
func (Chart) Lint() error { return targets.ChartLint() }

// Template prints the manifests of an environment; the digests of images are zeroes.
func (Chart) Template(env *string) error { return targets.ChartTemplate(targets.Flags{Env: env}) }

// Package writes the chart to build/charts as one reproducible file.
func (Chart) Package() error { return targets.ChartPackage() }

// Push pushes the chart to the cluster's registry, for the helm command.
func (Chart) Push(ctx context.Context, env *string) error {
	return targets.ChartPush(ctx, targets.Flags{Env: env})
}

// Cluster starts, removes and describes the Kubernetes cluster.
type Cluster mg.Namespace

// Up makes sure that the cluster runs and its registry answers.
func (Cluster) Up(ctx context.Context, env *string, yes *bool) error {
	return targets.ClusterUp(ctx, targets.Flags{Env: env, Yes: yes})
}

// Down removes the cluster with all its releases and volumes; if volumes hold data, it asks, or needs -yes.
func (Cluster) Down(ctx context.Context, env *string, yes *bool) error {
	return targets.ClusterDown(ctx, targets.Flags{Env: env, Yes: yes})
}

// Status prints the state of the cluster.
func (Cluster) Status(ctx context.Context, env *string) error {
	return targets.ClusterStatus(ctx, targets.Flags{Env: env})
}

// Password prints the password of the cluster's own image registry, for helm registry login.
func (Cluster) Password(ctx context.Context, env *string) error {
	return targets.ClusterPassword(ctx, targets.Flags{Env: env})
}

// Release shows and rolls back the installed release.
type Release mg.Namespace

// Status prints the running release: revision, pods, images by digest, restarts, endpoints, recent warnings.
func (Release) Status(ctx context.Context, env *string) error {
	return targets.ReleaseStatus(ctx, targets.Flags{Env: env})
}

// History lists the revisions of the release.
func (Release) History(ctx context.Context, env *string) error {
	return targets.ReleaseHistory(ctx, targets.Flags{Env: env})
}

// Diff prints the changes that a deploy would make to the cluster's manifests; it changes nothing.
func (Release) Diff(ctx context.Context, env *string) error {
	return targets.ReleaseDiff(ctx, targets.Flags{Env: env})
}

// Rollback goes back to an earlier revision, by default the last one that served, and checks the application.
func (Release) Rollback(ctx context.Context, env *string, revision *int) error {
	return targets.ReleaseRollback(ctx, targets.Flags{Env: env}, revision)
}

// Db backs up, restores and resizes the application's database. The type is not named DB, because `mage -l` would print the target as dB.
type Db mg.Namespace

// Backup saves the database to build/backups/<env>, or to the file of -to, verifies the backup and prints its path.
func (Db) Backup(ctx context.Context, env *string, to *string) error {
	return targets.DBBackup(ctx, targets.Flags{Env: env}, to)
}

// List prints the backups on this machine and in the cluster's volume: place, name, bytes, time, checksum.
func (Db) List(ctx context.Context, env *string) error {
	return targets.DBList(ctx, targets.Flags{Env: env})
}

// Restore replaces all data by a backup, given by file or by name, and checks the application; it asks, or needs -yes.
func (Db) Restore(ctx context.Context, file string, env *string, yes *bool) error {
	return targets.DBRestore(ctx, targets.Flags{Env: env, Yes: yes}, file)
}

// Resize enlarges the database's volume to postgresql.persistence.size without losing data; it asks, or needs -yes.
func (Db) Resize(ctx context.Context, env *string, yes *bool) error {
	return targets.DBResize(ctx, targets.Flags{Env: env, Yes: yes})
}

// Secrets rotates the credentials that the pipeline generated.
type Secrets mg.Namespace

// Rotate generates new database passwords and a new session secret, without losing data; everyone signs in again.
func (Secrets) Rotate(ctx context.Context, env *string) error {
	return targets.SecretsRotate(ctx, targets.Flags{Env: env})
}

// Test runs the tests.
type Test mg.Namespace

// Smoke checks the deployed application through the address that people use.
func (Test) Smoke(ctx context.Context, env *string) error {
	return targets.TestSmoke(ctx, targets.Flags{Env: env})
}

// Unit runs the linters, the hermetic tests of the Go packages, and the checks of the images in the builder.
func (Test) Unit(ctx context.Context, yes *bool) error {
	return targets.TestUnit(ctx, targets.Flags{Yes: yes})
}

// Chart checks the chart for all environments and compares its manifests with the golden files.
func (Test) Chart(ctx context.Context) error { return targets.TestChart(ctx) }

// Integration runs the scenarios of deploys, failures and clean on a cluster of its own; -run=Backup selects some, -long adds those that take minutes.
func (Test) Integration(ctx context.Context, run *string, long *bool) error {
	return targets.TestIntegration(ctx, targets.IntegrationFlags{Run: run, Long: long})
}

// E2e tests the deployed application in a real browser as two people; pictures go to build/e2e.
func (Test) E2e(ctx context.Context, env *string) error {
	return targets.TestE2E(ctx, targets.Flags{Env: env})
}

// Contract tests the deployed API against its OpenAPI document with Schemathesis.
func (Test) Contract(ctx context.Context, env *string) error {
	return targets.TestContract(ctx, targets.Flags{Env: env})
}

// Load simulates 50 people for a minute and reports response times and the resources of the pods.
func (Test) Load(ctx context.Context, env *string) error {
	return targets.TestLoad(ctx, targets.Flags{Env: env})
}

// All runs test:unit, test:chart and test:integration.
func (Test) All(ctx context.Context, yes *bool) error {
	return targets.TestAll(ctx, targets.Flags{Yes: yes})
}

// Clean removes the results of the other targets.
type Clean mg.Namespace

// Deployed removes the release, the cluster and all containers, networks and processes of deploys; if volumes hold data, it asks, or needs -yes.
func (Clean) Deployed(ctx context.Context, env *string, yes *bool) error {
	return targets.Clean(ctx, targets.Flags{Env: env, Yes: yes})
}

// All does the same as clean and removes the caches: built images, locally made base images, the build cache; backups stay.
func (Clean) All(ctx context.Context, env *string, yes *bool) error {
	return targets.CleanAll(ctx, targets.Flags{Env: env, Yes: yes})
}

// Doctor lists what a deploy needs, what is missing and how to fix it; it changes nothing.
func Doctor(ctx context.Context, env *string) error {
	return targets.Doctor(ctx, targets.Flags{Env: env})
}

// Logs prints the logs of the release's pods; -component=backend selects one component, -follow prints new lines until Ctrl-C.
func Logs(ctx context.Context, env *string, component *string, follow *bool) error {
	return targets.Logs(ctx, targets.Flags{Env: env}, targets.LogFlags{Component: component, Follow: follow})
}

// Open prints the application's address, and opens a port-forward if the cluster publishes no port; -browser also opens a browser.
func Open(ctx context.Context, env *string, browser *bool) error {
	return targets.Open(ctx, targets.Flags{Env: env}, targets.OpenFlags{Browser: browser})
}

// Bench measures the time of deploys from different starting points; -cold includes empty caches.
func Bench(ctx context.Context, cold *bool) error {
	return targets.Bench(ctx, targets.BenchFlags{Cold: cold})
}
