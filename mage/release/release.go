// Package release installs, upgrades, rolls back and removes one Helm release of one
// namespace with the Helm SDK; it needs no helm executable. Determine compares the
// release with a Spec, and Apply makes only the missing changes and waits until the
// new pods serve. Package diagnose says why they do not. The package neither builds
// charts nor chooses values.
//
// The caller allows one run per release at a time, by a lease or a lock: a pending
// record counts as left by a killed run, and a Manager keeps the records that it read.
package release

import (
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	helmkube "helm.sh/helm/v3/pkg/kube"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage/driver"
	"k8s.io/client-go/rest"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// defaultTimeout bounds an action with its wait if neither Spec nor Options have a
// bound.
const defaultTimeout = 5 * time.Minute

const (
	storageTimeout = 30 * time.Second // of one request to the release records
	keptRevisions  = 10
)

// ErrNotFound is returned for a release that has no record.
var ErrNotFound = errors.New("release not found")

// Spec describes the wanted release. Neither Determine nor Apply changes its Chart.
// Values have only differences from the chart's values, and no secrets, because Helm
// stores them.
type Spec struct {
	Name      string
	Namespace string // empty means the Manager's
	Chart     *chart.Chart
	Values    map[string]any
	Timeout   time.Duration // of Apply, wait included; 0 means Options.Timeout
}

// Options are the optional parts of a Manager; the zero value is complete.
type Options struct {
	Progress *progress.Reporter
	Timeout  time.Duration // 0 means 5 minutes

	// Driver and Helm replace the parts that New makes from the clients' config.
	// Tests give both.
	Driver driver.Driver // stores the release records; default Secrets in the namespace
	Helm   helmkube.Interface
}

// Manager works on the releases of one namespace. It is safe for concurrent use on
// different releases. It reads the records of a release once, and again after its
// own actions: make a new Manager for each run.
type Manager struct {
	clients   *kube.Clients
	namespace string
	timeout   time.Duration
	progress  *progress.Reporter

	records *records
	helm    helmkube.Interface
}

// New returns a Manager for a namespace of the clients' cluster. It reads no
// kubeconfig and no environment variable, and sends no request.
func New(clients *kube.Clients, namespace string, opts Options) (*Manager, error) {
	if namespace == "" {
		return nil, errors.New("make a release manager: no namespace is given")
	}
	m := &Manager{
		clients: clients, namespace: namespace, timeout: opts.Timeout, progress: opts.Progress,
		records: &records{driver: opts.Driver, kept: map[string][]*helmrelease.Release{}}, helm: opts.Helm,
	}
	if m.timeout <= 0 {
		m.timeout = defaultTimeout
	}
	if clients.Config == nil && (opts.Driver == nil || opts.Helm == nil) {
		return nil, errors.New("make a release manager: its clients have no config, and no driver and Helm client are given instead")
	}
	if opts.Driver != nil {
		return m, nil
	}
	bounded := rest.CopyConfig(clients.Config)
	bounded.Timeout = storageTimeout
	storage, err := kube.Connect(bounded)
	if err != nil {
		return nil, err
	}
	secrets := driver.NewSecrets(storage.Clientset.CoreV1().Secrets(namespace))
	secrets.Log = func(string, ...any) {}
	m.records.driver = secrets
	return m, nil
}

// check completes the Spec and reports all its errors.
func (m *Manager) check(spec *Spec) error {
	var problems []error
	if err := chartutil.ValidateReleaseName(spec.Name); err != nil {
		problems = append(problems, fmt.Errorf("release name %q: %w", spec.Name, err))
	}
	if spec.Namespace == "" {
		spec.Namespace = m.namespace
	}
	if spec.Namespace != m.namespace {
		problems = append(problems, fmt.Errorf("release %q is wanted in namespace %q, this manager works in %q",
			spec.Name, spec.Namespace, m.namespace))
	}
	if spec.Chart == nil || spec.Chart.Metadata == nil {
		problems = append(problems, fmt.Errorf("release %q has no chart", spec.Name))
	}
	if spec.Timeout < 0 {
		problems = append(problems, fmt.Errorf("time-out %s of release %q is negative", spec.Timeout, spec.Name))
	}
	if spec.Timeout == 0 {
		spec.Timeout = m.timeout
	}
	return errors.Join(problems...)
}

// lines is a log of Helm that writes to a step.
func lines(step *progress.Step) action.DebugLog {
	out := log.New(step, "", 0)
	return func(format string, v ...any) { out.Printf("%s", strings.TrimRight(fmt.Sprintf(format, v...), "\n")) }
}

// warnings writes the API server's warnings about unknown fields and deprecated
// versions to a log; client-go would print them.
type warnings struct{ log action.DebugLog }

func (w warnings) HandleWarningHeader(code int, _ string, text string) {
	if code == 299 && text != "" {
		w.log("warning: %s", text)
	}
}
