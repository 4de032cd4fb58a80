package cluster

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"todo-chatbot/mage/progress"
)

const (
	minCPUs       = 2
	minMemory     = 4096 // MB
	minKubernetes = "1.25.0"
	// minikubeMark is an additional name in the API server's certificate. Minikube
	// stores it in the profile, so that the pipeline recognises its own profiles,
	// also while they are stopped.
	minikubeMark  = "made-by." + userAgent + ".internal"
	minikubeBound = 20 * time.Minute // of one minikube command, which may download a gigabyte
)

// MinikubeOptions configure a Minikube profile. Driver, CPUs, Memory and Ports are
// used only when the profile is created.
type MinikubeOptions struct {
	// Profile is Minikube's name for a cluster. Required.
	Profile string
	// Home is MINIKUBE_HOME. If it is empty, minikube reads the environment variable.
	Home string
	// Kubeconfig is the path of the cluster's own file. Required.
	Kubeconfig string
	// Driver of the node; if it is empty, Minikube chooses.
	Driver string
	// CPUs and Memory (MB) are at least 2 and 4096.
	CPUs, Memory int
	// Ports maps ports of 127.0.0.1 to the node ports that are published there.
	// Only the drivers docker and podman publish ports.
	Ports map[int]int
	// StartArgs are additional arguments of every minikube start.
	StartArgs []string
	// AddonImages and AddonRegistries replace the images of the registry addon, or
	// their registries. Their keys are Registry and KubeRegistryProxy.
	AddonImages, AddonRegistries map[string]string
	// Reason is Auto's reason for this provider, for the progress line. It may be
	// empty.
	Reason   string
	Progress *progress.Reporter
}

func (o *MinikubeOptions) validate() error {
	var problems []error
	if !validName(o.Profile) {
		problems = append(problems, fmt.Errorf("minikube profile %q: use up to 50 lower-case letters, digits, dots and dashes, starting with a letter or digit", o.Profile))
	}
	if o.Kubeconfig == "" {
		problems = append(problems, errors.New("the path of the cluster's kubeconfig is missing"))
	}
	if o.CPUs < minCPUs {
		problems = append(problems, fmt.Errorf("minikube CPUs %d: set at least %d", o.CPUs, minCPUs))
	}
	if o.Memory < minMemory {
		problems = append(problems, fmt.Errorf("minikube memory %d MB: set at least %d", o.Memory, minMemory))
	}
	return errors.Join(problems...)
}

func checkVersion(text string) error {
	v, err := version.ParseGeneric(text)
	if err != nil {
		return fmt.Errorf("Kubernetes version %q: write it like v1.36.3", text) //nolint:staticcheck // a proper name
	}
	if !v.AtLeast(version.MustParseGeneric(minKubernetes)) {
		return fmt.Errorf("Kubernetes version %q: 1.25 or later is needed", text) //nolint:staticcheck // a proper name
	}
	return nil
}

// createArgs are the arguments that create the profile.
func (m *Minikube) createArgs() []string {
	o := m.opts
	args := []string{
		"start", "--profile=" + o.Profile, "--output=json", "--interactive=false",
		"--cpus=" + strconv.Itoa(o.CPUs), fmt.Sprintf("--memory=%dmb", o.Memory),
		"--apiserver-names=" + minikubeMark,
	}
	if o.Driver != "" {
		args = append(args, "--driver="+o.Driver)
	}
	for _, host := range slices.Sorted(maps.Keys(o.Ports)) {
		args = append(args, fmt.Sprintf("--ports=%s:%d:%d", loopback, host, o.Ports[host]))
	}
	return append(args, o.StartArgs...)
}

// startArgs are the arguments that start a stopped profile without changes.
func (m *Minikube) startArgs() []string {
	return append([]string{"start", "--profile=" + m.opts.Profile, "--output=json", "--interactive=false"}, m.opts.StartArgs...)
}

// addonArgs are the arguments that enable the registry addon.
func (m *Minikube) addonArgs() []string {
	args := []string{"addons", "enable", "registry", "--profile=" + m.opts.Profile}
	if len(m.opts.AddonImages) > 0 {
		args = append(args, "--images="+pairs(m.opts.AddonImages))
	}
	if len(m.opts.AddonRegistries) > 0 {
		args = append(args, "--registries="+pairs(m.opts.AddonRegistries))
	}
	return args
}

func pairs(m map[string]string) string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		words = append(words, key+"="+m[key])
	}
	return strings.Join(words, ",")
}
