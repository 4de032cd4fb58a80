// Package config turns values/<environment>.yaml and environment variables into one
// validated Environment. No other package reads them. It knows clusters, images and
// charts only by name.
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
// sources. Load returns it validated; do not change it afterwards.
type Environment struct {
	Name string // the file is values/<Name>.yaml
	Root string // absolute path of the project
	File string // path of the values file, below Root

	Namespace string
	Release   string
	Version   string // of the application: the chart's appVersion, semantic
	Port      int    // of 127.0.0.1, where the frontend answers; may be 0 with kubecontext
	NodePort  int    // of the cluster's node, behind Port; 0 if Port is 0
	Timeout   time.Duration
	Cache     string // absolute path; may not exist yet
	// Mirrors are registries that serve the repositories of others, by the host name
	// of the registry that each serves.
	Mirrors map[string]string
	// InsecureRegistries are reached by plain HTTP.
	InsecureRegistries []string
	Offline            bool // use no image registry
	PlainHTTP          bool // allow access without TLS to a cluster of a kubecontext
	Cluster            Cluster
	Agent              Agent

	published []Published
	content   []byte  // of File
	keyFrom   Problem // location of pipeline.agent.keyFrom, without a message
}

// Cluster selects the cluster and its provider.
type Cluster struct {
	Provider    string // auto, kind, minikube or kubecontext
	Name        string
	Minikube    Minikube
	Kubecontext Kubecontext
}

// Minikube holds the settings of a profile that the minikube provider starts. A
// running profile is used as it is.
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

// Kubecontext names an existing cluster.
type Kubecontext struct {
	Context    string
	Kubeconfig string // absolute paths, separated as in PATH
	Server     string // address of the API server; empty accepts the one of the context
	// Push and Pull are the addresses of one registry for this machine and for the
	// nodes. Both are empty if the cluster announces its registry (KEP-1755).
	Push, Pull string
}

// Agent holds the key of the chat's model. Without a key the built-in model answers.
// Address and name of another model are values of the chart (backend.config.openai).
type Agent struct {
	KeyFrom string // environment variable with the key; empty means no key
	APIKey  Secret // value of the variable; empty if it is not set
}

// Published is the port of 127.0.0.1 that an environment forwards to a port of the
// cluster's node.
type Published struct {
	Environment    string
	Port, NodePort int
}

// URL is the address of the application, without a final slash. The host is always
// 127.0.0.1, because addresses of nodes and pods are not routable everywhere. Use it
// only if Port is not 0.
func (e *Environment) URL() string { return "http://127.0.0.1:" + strconv.Itoa(e.Port) }

// Content returns the bytes of File as Load read them. A second read of the file
// could find another text.
func (e *Environment) Content() []byte { return bytes.Clone(e.content) }

// Published lists the ports of every environment on the same cluster, this one
// included, ordered by name: a cluster can publish ports only when it is created.
// Environments without a port or with a faulty file are left out.
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

// Load reads the environment called name, the files of the other environments and the
// environment variables by getenv, usually os.Getenv. The error is *Unknown if the
// environment does not exist, and *Invalid with every problem if it is faulty. Both
// are an Error.
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
		f.add(0, "", "the name of the file is the name of the environment: %v", problem)
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
