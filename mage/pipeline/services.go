package pipeline

import (
	"context"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/database"
	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/image"
	"todo-chatbot/mage/progress"
	"todo-chatbot/mage/release"
	"todo-chatbot/mage/smoke"
)

// This file declares the interfaces that the use cases need. wire.go constructs
// the implementations; tests construct others.

// factory makes the services of one run.
type factory interface {
	// start finds the container engine, or starts one, and returns the services.
	start(ctx context.Context) (*services, error)
	// find returns the services and starts nothing. nil means that no container
	// engine runs and none was used before with this cache folder.
	find(ctx context.Context) (*services, error)
	// daemon returns the engine's process, which runs also if find returns nil.
	daemon() EngineProcess
}

// services are the services of one run.
type services struct {
	supply   Supply
	provider Provider
	engine   Engine // nil if no engine answers and the cluster is reached without one
	noEngine error  // the reason why engine is nil, unless there certainly is none
	others   OtherClusters
	programs ProgramBuilder
	store    ImageStore

	builder  func(ctx context.Context) (Builder, error)  // starts the builder's container
	registry func(of cluster.Registry) (Registry, error) // sends no request
	open     func(c *cluster.Cluster) (target, error)    // sends no request
	close    func()
}

// target is the environment's release on a running cluster, and its parts.
type target struct {
	cluster    *cluster.Cluster
	kubernetes kubernetes.Interface
	releases   Releases
	database   Database
	network    Network
	checker    Checker
}

// Supply says where base images come from.
type Supply interface {
	Obtainable(ctx context.Context, refs ...string) error
	Known(ctx context.Context, ref string) (*airgap.Image, error)
	ResolveAll(ctx context.Context, refs ...string) (map[string]*airgap.Image, error)
}

// Provider makes, finds and removes the cluster.
type Provider interface {
	ClusterFinder
	ClusterMaker
	ClusterRemover
}

// ClusterFinder describes the cluster and changes nothing in it.
type ClusterFinder interface {
	Find(ctx context.Context) (*cluster.Cluster, error)
	Status(ctx context.Context) (cluster.Status, error)
}

// ClusterMaker makes or starts the cluster.
type ClusterMaker interface {
	Ensure(ctx context.Context) (*cluster.Cluster, error)
}

// ClusterRemover removes a cluster that the pipeline made.
type ClusterRemover interface {
	Ours(ctx context.Context) (bool, error)
	Delete(ctx context.Context) (removed []string, err error)
}

// Engine is the part of the container engine that the use cases need.
type Engine interface {
	BuilderContainer
	CacheRemover
	// Explain adds the state of the engine's disk to an error, if that disk is full.
	Explain(ctx context.Context, err error) error
}

// BuilderContainer is the builder's container, which all checkouts on one engine
// share.
type BuilderContainer interface {
	HasBuildKit(ctx context.Context) (container, cache bool, err error)
	BuildKitBusy(ctx context.Context) (bool, error)
	RemoveBuildKit(ctx context.Context) (removed []string, err error)
}

// CacheRemover removes the build cache, and images that the pipeline loaded into the
// engine.
type CacheRemover interface {
	RemoveBuildCache(ctx context.Context) (removed []string, err error)
	RemoveImages(ctx context.Context, refs ...string) (removed, kept []string, err error)
}

// EngineProcess is the engine's daemon, if the pipeline started it.
type EngineProcess interface {
	// Noted returns the file that shows that a daemon was started, or "".
	Noted() string
	Stop(ctx context.Context) (stopped, kept string, err error)
}

// OtherClusters lists clusters that share this machine's builder.
type OtherClusters interface {
	OnEngine(ctx context.Context) ([]string, error)
	Profiles(ctx context.Context) ([]string, error)
}

// Builder builds the image of a Dockerfile.
type Builder interface {
	Build(ctx context.Context, src *image.Input, step *progress.Step) (v1.Image, error)
}

// ProgramBuilder builds the image of a Go program.
type ProgramBuilder interface {
	Compile(ctx context.Context, src *image.Input, step *progress.Step) (v1.Image, error)
}

// ImageStore keeps built images, and the digests of pushed ones, on this machine.
type ImageStore interface {
	BuiltImages
	PushedDigests
}

// BuiltImages keeps the newest image of each source under its input key.
type BuiltImages interface {
	Find(src image.Source, key image.Key) (v1.Image, bool)
	Keep(src image.Source, key image.Key) error
}

// PushedDigests records the digest that an input key has in image registries.
type PushedDigests interface {
	Digest(src image.Source, key image.Key) (v1.Hash, bool)
	Record(src image.Source, key image.Key, digest v1.Hash) error
}

// Registry is the cluster's image registry.
type Registry interface {
	ImageFinder
	Publisher
	// Holds tells whether the registry has a digest under a tag.
	Holds(ctx context.Context, repo, tag string, digest v1.Hash) (bool, error)
}

// ImageFinder looks up images.
type ImageFinder interface {
	Lookup(ctx context.Context, repo string, key image.Key) (name.Digest, bool, error)
	Find(ctx context.Context, repo string, digest v1.Hash) (name.Digest, bool, error)
	Guarded(ctx context.Context) (bool, error)
}

// Publisher pushes images and moves tags.
type Publisher interface {
	Permitted(ctx context.Context, repos ...string) error
	Publish(ctx context.Context, repo string, img v1.Image, tags []string) (image.Publication, error)
	Tag(ctx context.Context, repo string, digest v1.Hash, tag string) error
}

// Releases works on the Helm releases of the environment's namespace.
type Releases interface {
	ReleaseOwner
	ReleaseReader
	Planner
	Upgrader
	Rollbacker
	Collector
	Uninstaller
	LogReader
}

// ReleaseOwner refuses releases that the pipeline did not make.
type ReleaseOwner interface {
	Own(ctx context.Context, name, chartName string) error
}

// ReleaseReader reads the release's records and objects.
type ReleaseReader interface {
	History(ctx context.Context, name string) ([]release.Revision, error)
	Inspect(ctx context.Context, name string) (release.Inspection, error)
	Identities(ctx context.Context, name string) (map[string]string, error)
}

// Planner finds out the changes of an upgrade and makes none.
type Planner interface {
	Values(ctx context.Context, name string) (map[string]any, error)
	Plan(ctx context.Context, spec release.Spec, hide ...string) (release.Plan, error)
	Refusals(ctx context.Context, spec release.Spec) ([]release.Refusal, error)
}

// Upgrader installs or upgrades the release and waits for its pods.
type Upgrader interface {
	Determine(ctx context.Context, spec release.Spec) (release.State, error)
	Apply(ctx context.Context, spec release.Spec, state release.State) (release.Observation, error)
	Settle(ctx context.Context, name string) error
}

// Rollbacker goes back to an earlier revision.
type Rollbacker interface {
	Fallback(ctx context.Context, name string, state release.State) (release.Fallback, error)
	Rollback(ctx context.Context, name string, revision int) (release.Observation, error)
}

// Collector collects evidence of a failure.
type Collector interface {
	Collect(ctx context.Context, name string, hide ...string) (diagnose.Evidence, error)
}

// LogReader writes the logs of the release's pods.
type LogReader interface {
	Logs(ctx context.Context, out io.Writer, name string, opts release.LogOptions) error
	Follow(ctx context.Context, out io.Writer, name string, opts release.LogOptions) error
}

// Uninstaller removes the release.
type Uninstaller interface {
	Uninstall(ctx context.Context, name string) (removed bool, err error)
}

// Database is the environment's PostgreSQL.
type Database interface {
	BackupMaker
	BackupLoader
	PodPauser
	DatabaseSwapper
	SchemaReader
	VolumeResizer
	VolumeReplacer
	PasswordSetter
	PodRestarter
}

// BackupMaker saves the database and lists the backups in the cluster's volume.
type BackupMaker interface {
	Save(ctx context.Context, home database.Folder, target string) (path string, err error)
	Volume(ctx context.Context) ([]database.Backup, error)
}

// BackupLoader checks a backup and loads it next to the application's database.
type BackupLoader interface {
	Check(ctx context.Context, a database.Archive) error
	Load(ctx context.Context, a database.Archive, password string) (database.Contents, error)
	Password(ctx context.Context) (string, error)
}

// PodPauser stops frontend and backend for a while.
type PodPauser interface {
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

// DatabaseSwapper puts a loaded database in the place of the application's.
type DatabaseSwapper interface {
	Swap(ctx context.Context) error
	Forget(ctx context.Context, which database.Second) error
}

// SchemaReader lists the schema revisions that the running backend knows.
type SchemaReader interface {
	Revisions(ctx context.Context) ([]string, error)
}

// VolumeResizer enlarges the database's volume.
type VolumeResizer interface {
	Data(ctx context.Context) (database.Volume, error)
	Enlarge(ctx context.Context, v database.Volume, size quantity.Quantity) error
	Grown(ctx context.Context, v database.Volume, size quantity.Quantity) error
}

// VolumeReplacer gives the database an empty volume and keeps the old one.
type VolumeReplacer interface {
	Renew(ctx context.Context, v database.Volume, size quantity.Quantity) error
}

// PasswordSetter changes the passwords of the database's roles.
type PasswordSetter interface {
	Ready(ctx context.Context) error
	Reads(ctx context.Context, variable string) ([]database.SecretKey, error)
	SetPasswords(ctx context.Context, passwords database.Passwords) error
}

// PodRestarter replaces the pods that read credentials.
type PodRestarter interface {
	Restart(ctx context.Context, id string) error
	Replaced(ctx context.Context) error
}

// Network reaches the application from this machine.
type Network interface {
	// Address returns the published address of a node port, if there is one.
	Address(ctx context.Context, nodePort int) (addr string, ok bool)
	// Forward opens a port-forward to the frontend; localPort 0 means a free port.
	Forward(ctx context.Context, localPort int) (addr string, stop func(), err error)
}

// Checker runs the smoke checks at an address.
type Checker interface {
	Check(ctx context.Context, url string, images smoke.Images) smoke.Verdict
}
