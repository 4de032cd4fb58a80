// Package database backs up, restores and re-keys the PostgreSQL that the chart
// installs. It works inside the server's pod, as `kubectl exec` does: this
// machine needs nothing of PostgreSQL, and no port leads to it. It knows neither
// Helm nor environments, and leaves a database of the user's own alone.
//
// A backup is an archive of pg_dump's custom format, DATABASE-TIME.dump, with
// DATABASE-TIME.dump.sha256 beside it as sha256sum writes it. The chart's hook
// makes the same in a volume before each upgrade, by a script of its own: it
// writes to a volume, from a pod beside the server, where this package streams
// out of the server's pod, which can write almost nowhere. They share the form
// and one reader, and a test holds the hook to it.
package database

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	nameLabel     = "app.kubernetes.io/name"
	instanceLabel = "app.kubernetes.io/instance"

	serverName  = "postgresql" // of its chart, and of its container
	backendName = "backend"
	volumePath  = "/backups" // where the server sees the volume of the hook's backups
)

// Options replaces what New makes from the rest.Config; with both given, that may be nil.
type Options struct {
	Client kubernetes.Interface
	Shell  Shell
}

// Database is the one of a release.
type Database struct {
	client             kubernetes.Interface
	shell              Shell
	namespace, release string
}

// New returns the database of a release. It does not talk to the cluster.
func New(cfg *rest.Config, namespace, release string, opts Options) (*Database, error) {
	d := &Database{client: opts.Client, shell: opts.Shell, namespace: namespace, release: release}
	if d.client == nil {
		client, err := kubernetes.NewForConfig(cfg)
		if err != nil {
			return nil, fmt.Errorf("database of release %q: %w", release, err)
		}
		d.client = client
	}
	if d.shell == nil {
		d.shell = &podShell{config: cfg, client: d.client}
	}
	return d, nil
}

// Absent says that a release has no PostgreSQL of the chart's.
type Absent struct{ Namespace, Release string }

func (a *Absent) Error() string {
	return fmt.Sprintf("release %s/%s has no PostgreSQL of its own: either it is not deployed, or it uses a database of yours, "+
		"which has its own ways to be backed up and given a password", a.Namespace, a.Release)
}

// Refused says that a backup is not restored, and that nothing was changed.
type Refused struct {
	Backup string
	Why    string
	Cure   string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("backup %q is not restored, and nothing was changed: %s; %s", r.Backup, r.Why, r.Cure)
}

// server is a running PostgreSQL.
type server struct {
	container Container
	database  string
	volume    bool // the volume of the hook's backups is mounted
}

func (d *Database) selector(names ...string) string {
	return labels.Set{instanceLabel: d.release}.String() + "," + nameLabel + " in (" + strings.Join(names, ",") + ")"
}

// server finds the pod to work in, which must be ready.
func (d *Database) server(ctx context.Context) (*server, error) {
	which := metav1.ListOptions{LabelSelector: d.selector(serverName)}
	sets, err := d.client.AppsV1().StatefulSets(d.namespace).List(ctx, which)
	if err != nil {
		return nil, fmt.Errorf("look for the database of release %q: %w", d.release, err)
	}
	if len(sets.Items) == 0 {
		return nil, &Absent{Namespace: d.namespace, Release: d.release}
	}
	pods, err := d.client.CoreV1().Pods(d.namespace).List(ctx, which)
	if err != nil {
		return nil, fmt.Errorf("look for the database of release %q: %w", d.release, err)
	}
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil && ready(pod) {
			return d.serverIn(ctx, pod)
		}
	}
	return nil, fmt.Errorf("the database of release %s/%s is not ready: wait for it or deploy again; `mage logs -component=%s` shows what it does",
		d.namespace, d.release, serverName)
}

// serverIn reads what the chart has given a pod.
func (d *Database) serverIn(ctx context.Context, pod corev1.Pod) (*server, error) {
	s := &server{container: Container{Namespace: d.namespace, Pod: pod.Name, Name: serverName}}
	for _, c := range pod.Spec.Containers {
		if c.Name != serverName {
			continue
		}
		s.volume = slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == volumePath })
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef == nil {
				continue
			}
			settings, err := d.client.CoreV1().ConfigMaps(d.namespace).Get(ctx, from.ConfigMapRef.Name, metav1.GetOptions{})
			if err != nil {
				return nil, fmt.Errorf("settings of pod %q: %w", pod.Name, err)
			}
			if name := settings.Data["POSTGRES_DB"]; name != "" {
				s.database = name
			}
		}
	}
	if s.database == "" {
		return nil, fmt.Errorf("pod %q does not say the name of its database (POSTGRES_DB): was it made by this chart?", pod.Name)
	}
	return s, nil
}

func ready(pod corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

//go:embed scripts/*.sh
var scripts embed.FS

// script is a command that runs one of the scripts with arguments. Nothing
// secret is among them: they can be read in the pod and in the API server's audit log.
func script(name string, args ...string) []string {
	text := ""
	for _, part := range []string{"common", name} {
		content, err := scripts.ReadFile("scripts/" + part + ".sh")
		if err != nil {
			panic(err) // the names are constants, and the files are in the program
		}
		text += string(content)
	}
	return append([]string{"sh", "-c", text, name}, args...)
}

// lastLine is what a script prints at its end, so that a connection that was cut
// is not taken for it.
const lastLine = "done"

var errCut = errors.New("the connection to the pod ended before its work did")

// tell runs a script in the server's pod and returns the lines that it prints.
func (d *Database) tell(ctx context.Context, in Container, stdin io.Reader, command []string) ([]string, error) {
	var out bytes.Buffer
	if err := d.shell.Run(ctx, in, command, stdin, &out); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := len(lines) - 1; lines[last] == lastLine {
		return lines[:last], nil
	}
	return nil, errCut
}

// Ready says whether there is a server to work with, with an error that says why not.
func (d *Database) Ready(ctx context.Context) error {
	_, err := d.server(ctx)
	return err
}
