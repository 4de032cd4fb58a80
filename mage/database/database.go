// Package database backs up, restores and resizes the PostgreSQL server that the
// chart installs, and sets its passwords. It works inside the server's pod, as
// `kubectl exec` does: this machine needs no PostgreSQL, and no port is opened. It
// does not know Helm or environments, and it never changes an external database.
//
// A backup is an archive in the custom format of pg_dump, DATABASE-TIME.dump, and a
// checksum in the format of sha256sum, DATABASE-TIME.dump.sha256. The chart's hook
// writes the same files to a volume before each upgrade, with its own script in its
// own pod. This package streams from the server's pod, whose root file system is
// read-only. A test checks that this package can restore the hook's backups.
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

	"todo-chatbot/mage/kube"
)

const (
	nameLabel     = "app.kubernetes.io/name"
	instanceLabel = "app.kubernetes.io/instance"

	serverName  = "postgresql" // of the subchart and of its container
	backendName = "backend"
	volumePath  = "/backups" // mount path of the backup volume in the server's pod
)

// Options changes how a Database works; the zero value is for a real cluster.
type Options struct {
	Shell Shell // runs commands in pods; nil means through the API server
}

// Database is the PostgreSQL of one release.
type Database struct {
	client             kubernetes.Interface
	shell              Shell
	namespace, release string
}

// New returns the database of a release. It sends no request.
func New(clients *kube.Clients, namespace, release string, opts Options) *Database {
	d := &Database{client: clients.Clientset, shell: opts.Shell, namespace: namespace, release: release}
	if d.shell == nil {
		d.shell = &podShell{clients: clients}
	}
	return d
}

// Absent is the error for a release without a PostgreSQL of the chart.
type Absent struct{ Namespace, Release string }

func (a *Absent) Error() string {
	return fmt.Sprintf("release %s/%s has no PostgreSQL of its own: it is not deployed, or it uses an external database, "+
		"which has its own tools for backups and passwords", a.Namespace, a.Release)
}

// Refused is the error for a backup that cannot be restored. Nothing was changed.
type Refused struct {
	Backup string
	Why    string
	Fix    string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("restore backup %q (nothing was changed): %s; %s", r.Backup, r.Why, r.Fix)
}

// server is a running PostgreSQL server.
type server struct {
	container Container
	database  string
	volume    bool // the backup volume is mounted
}

func (d *Database) selector(names ...string) string {
	return labels.Set{instanceLabel: d.release}.String() + "," + nameLabel + " in (" + strings.Join(names, ",") + ")"
}

// server finds the ready pod of the server.
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
		if pod.DeletionTimestamp == nil && kube.PodReady(&pod) {
			return d.serverIn(ctx, pod)
		}
	}
	return nil, fmt.Errorf("the database of release %s/%s is not ready: wait, or deploy again; `mage logs -component=%s` shows its log",
		d.namespace, d.release, serverName)
}

// serverIn reads the settings of the server from its pod.
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
				return nil, fmt.Errorf("read the settings of pod %q: %w", pod.Name, err)
			}
			if name := settings.Data["POSTGRES_DB"]; name != "" {
				s.database = name
			}
		}
	}
	if s.database == "" {
		return nil, fmt.Errorf("pod %q has no POSTGRES_DB setting, so its database is unknown: deploy the release with this chart", pod.Name)
	}
	return s, nil
}

//go:embed scripts/*.sh
var scripts embed.FS

// script returns a command that runs one of the scripts with arguments. Arguments
// must not be secret: the pod's processes and the API server's audit log show them.
func script(name string, args ...string) []string {
	text := ""
	for _, part := range []string{"common", name} {
		content, err := scripts.ReadFile("scripts/" + part + ".sh")
		if err != nil {
			panic(err) // the names are constants, and the files are embedded
		}
		text += string(content)
	}
	return append([]string{"sh", "-c", text, name}, args...)
}

// lastLine is the last line of a script's output. Without it the connection ended
// early.
const lastLine = "done"

var errCut = errors.New("the connection to the pod ended before the command did")

// run runs a script in a container and returns the lines that it prints.
func (d *Database) run(ctx context.Context, in Container, stdin io.Reader, command []string) ([]string, error) {
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

// Ready returns nil if the server is ready, and else the reason.
func (d *Database) Ready(ctx context.Context) error {
	_, err := d.server(ctx)
	return err
}
