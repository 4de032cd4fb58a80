package doctor

import (
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

// Facts are the input of Findings. The zero value of a field means that the
// fact is not known.
type Facts struct {
	Environment, Namespace, Release string // of the deploy that is checked

	Go       Go
	Programs Programs

	CanInstall bool // a deploy may install Debian packages and start an engine
	Engine     *Engine
	EngineErr  error // why Engine is nil, where that is more than "not installed"

	Provider       string // the cluster provider of a deploy: kind, minikube or kubecontext
	ProviderReason string // why auto chose it; empty if a setting names it

	Network    *Network
	Registries []Registry

	Cache     string
	Disk      uint64 // free bytes in Cache, where DiskKnown
	DiskKnown bool
	Memory    uint64 // bytes
	Inotify   int    // Linux's limit of inotify instances per user
	Ports     []Port

	Cluster     *cluster.Status
	ClusterErr  error
	Observed    *release.Observation
	ObservedErr error
}

// Go holds the version of Go that builds use, and the one that go.mod requires,
// as in go1.26.8.
type Go struct {
	Found, Required string
	Err             error // why Found is not known
}

// Programs says which commands are on the PATH.
type Programs struct {
	Docker, Minikube, Mmdebstrap, NPM bool

	MinikubeErr error // why minikube, which is on the PATH, does not tell its version
}

// Engine describes the container engine that answers.
type Engine struct {
	Host, Version, Cgroup string
	Restricted            bool   // the host withholds CAP_SYS_RESOURCE
	Elsewhere             string // why its published ports are not on this machine
	Wrapped               bool   // the engine runs containers through the runtime wrapper
}

// Registry is an image registry, with the images that the project takes from it.
type Registry struct {
	Name    string
	Answers bool
	Images  []string
}

// Port is a port of 127.0.0.1 at which an environment is published.
type Port struct {
	Port        int
	Environment string
	Free        bool
}
