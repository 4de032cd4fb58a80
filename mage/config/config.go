// Package config turns values/<environment>.yaml and environment variables into
// one validated Environment, and is the only place that reads them. It knows
// nothing of clusters, images or charts beyond the names and numbers they go by.
package config

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	valuesDir = "values"
	suffix    = ".yaml"
)

// Environment is everything that differs between two deployments of the same
// sources. It is valid as Load returns it, and nobody changes it afterwards.
type Environment struct {
	Name string // also the name of its file, values/<Name>.yaml
	Root string // absolute path of the project
	File string // path of the values file, below Root

	Namespace string
	Release   string
	Version   string // of the application: the chart's appVersion, semantic
	Port      int    // of 127.0.0.1, where the frontend answers; 0 where a kubecontext has none
	NodePort  int    // of the cluster's node, behind Port; 0 as Port
	Timeout   time.Duration
	Cache     string // absolute path; may not exist yet
	// Mirrors are registries that serve the repositories of others, by the host name
	// of the registry that each serves.
	Mirrors map[string]string
	// InsecureRegistries are reached by plain HTTP.
	InsecureRegistries []string
	Offline            bool // no image registry is asked
	PlainHTTP          bool // people may reach a cluster that someone else made without TLS
	Cluster            Cluster
	Agent              Agent

	published []Published
	content   []byte  // of File
	keyFrom   Problem // place of pipeline.agent.keyFrom, without a message
}

// Cluster says which cluster is meant and how it is reached or made.
type Cluster struct {
	Provider    string // auto, kind, minikube or kubecontext
	Name        string
	Minikube    Minikube
	Kubecontext Kubecontext
}

// Minikube holds what the minikube provider may set on a profile that it
// starts; a running profile is taken as it is.
type Minikube struct {
	Profile         string // default: the cluster's name
	Home            string // MINIKUBE_HOME; empty means Minikube's own default
	Driver          string // empty means Minikube's own choice
	CPUs            int
	Memory          int // MiB
	StartArgs       []string
	AddonImages     map[string]string // for minikube addons enable --images
	AddonRegistries map[string]string // for minikube addons enable --registries
}

// Kubecontext names a cluster that someone else made.
type Kubecontext struct {
	Context    string
	Kubeconfig string // absolute path
	// Push and Pull are one registry's address from this computer and from pods.
	// Both are empty where the cluster itself announces it (KEP-1755).
	Push, Pull string
}

// Agent is passed on to the backend. Without a key the application's own
// deterministic model answers. Address and name of another model are values of
// the chart (backend.config.openai).
type Agent struct {
	KeyFrom string // environment variable that holds the key; empty means no key
	APIKey  Secret // what the variable holds; empty where it is not set
}

// Published is one environment's way in: a port of 127.0.0.1 that leads to a
// port of the cluster's node.
type Published struct {
	Environment    string
	Port, NodePort int
}

// URL is the address of the application, without a slash at its end. The host
// is always 127.0.0.1: addresses of nodes and pods are not routable everywhere.
// An environment without a Port has none.
func (e *Environment) URL() string { return "http://127.0.0.1:" + strconv.Itoa(e.Port) }

// Content returns the bytes of File as Load read them, so that nobody reads the
// file a second time and finds another text.
func (e *Environment) Content() []byte { return bytes.Clone(e.content) }

// Published lists the ports of every environment on this one's cluster, itself
// included if it has any, ordered by name: a cluster can publish ports only when it is made.
// Environments whose own file is faulty are left out.
func (e *Environment) Published() []Published { return slices.Clone(e.published) }

// Names lists the environments below root: the files values/*.yaml.
func Names(root string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, valuesDir))
	if err != nil {
		return nil, &Invalid{Problems: []Problem{{
			File: valuesDir, Message: "the folder of the environments cannot be read (" + cause(err) + "): run in the project's folder",
		}}}
	}
	var names []string
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), suffix); ok && !entry.IsDir() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Load reads the environment called name, the files next to it and the
// environment variables given by getenv, usually os.Getenv. An environment that
// does not exist is an *Unknown; everything wrong with one that does is reported
// at once in an *Invalid. Both are an Error.
func Load(root, name string, getenv func(string) string) (*Environment, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	names, err := Names(root)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, name) {
		return nil, &Unknown{Name: name, Known: names}
	}
	e, faults := read(root, name, getenv)
	e.Version = faults.version(root)
	var peers []*Environment
	for _, other := range names {
		if other != name {
			peer, _ := read(root, other, nil)
			peers = append(peers, peer)
		}
	}
	if !faults.unreadable {
		faults.complete(e, peers)
	}
	faults.clashes(e, peers)
	if len(faults.found) > 0 {
		return nil, &Invalid{Environment: name, Problems: faults.found}
	}
	e.publish(peers)
	return e, nil
}

// read fills an Environment as far as its file and the variables allow.
func read(root, name string, getenv func(string) string) (*Environment, *faults) {
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	e := &Environment{Name: name, Root: root, File: filepath.Join(root, valuesDir, name+suffix)}
	f := newFaults(valuesDir + "/" + name + suffix)
	if problem := label(name, 40); problem != nil {
		f.add(0, "", "the file's name is the environment's: %v", problem)
	}
	doc := f.open(e.File)
	e.content = doc.content
	f.unknown(doc.root)
	for _, s := range table() {
		s.apply(e, doc, getenv, f)
	}
	e.readKey(getenv, f)
	return e, f
}

func (e *Environment) publish(peers []*Environment) {
	for _, p := range append(peers, e) {
		if p.Port != 0 && p.NodePort != 0 && sameCluster(e, p) {
			e.published = append(e.published, Published{p.Name, p.Port, p.NodePort})
		}
	}
	slices.SortFunc(e.published, func(a, b Published) int { return strings.Compare(a.Environment, b.Environment) })
}

func sameCluster(a, b *Environment) bool {
	return a.Cluster.Name == b.Cluster.Name && a.Cluster.Kubecontext.Context == b.Cluster.Kubecontext.Context
}
