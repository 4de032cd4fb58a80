package diagnose

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/host"
)

const evidenceLogLines = int64(200)

// Evidence shows the namespace of a release at one moment, for a person to read
// later. It contains no Secret and no values.
type Evidence struct {
	Release string
	Taken   time.Time
	Cause   []string // the diagnosis, which the caller sets
	History []string
	Diff    string              // of the manifests between the revision that served before and the last one
	Pods    []string            // a line for each container, and one for a pod that has none yet
	Events  []string            // oldest first
	Logs    map[string][]string // by pod/container and pod/container/previous
}

// Collect takes the part of the evidence that a namespace shows: its pods, events
// and logs. mask is applied to each line of a log.
func Collect(ctx context.Context, client kubernetes.Interface, namespace string, mask *strings.Replacer) (Evidence, error) {
	e := Evidence{Taken: time.Now().UTC(), Logs: map[string][]string{}}
	s, err := Take(ctx, client, namespace)
	if err != nil {
		return e, err
	}
	log := func(pod string, of corev1.PodLogOptions) []string {
		lines := tail(ctx, client.CoreV1().Pods(namespace), pod, of, evidenceLogLines)
		for i := range lines {
			lines[i] = mask.Replace(lines[i])
		}
		return lines
	}
	for _, event := range s.events {
		e.Events = append(e.Events, eventTime(event).UTC().Format(time.RFC3339)+" "+eventLine(event))
	}
	for i := range s.pods {
		p := &s.pods[i]
		for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			e.Pods = append(e.Pods, containerLine(p, c))
			key := p.Name + "/" + c.Name
			e.Logs[key] = log(p.Name, corev1.PodLogOptions{Container: c.Name})
			if c.RestartCount > 0 {
				e.Logs[key+"/previous"] = log(p.Name, corev1.PodLogOptions{Container: c.Name, Previous: true})
			}
		}
		if len(p.Status.ContainerStatuses) == 0 {
			message, _ := unschedulable(p)
			e.Pods = append(e.Pods, joined(p.Name, string(p.Status.Phase), p.Status.Reason, p.Status.Message, message))
		}
	}
	return e, nil
}

func containerLine(p *corev1.Pod, c corev1.ContainerStatus) string {
	state := "not started"
	switch {
	case c.State.Running != nil:
		state = "running"
	case c.State.Waiting != nil:
		state = joined("waiting", c.State.Waiting.Reason, c.State.Waiting.Message)
	case c.State.Terminated != nil:
		state = fmt.Sprintf("exited with code %d (%s)", c.State.Terminated.ExitCode, c.State.Terminated.Reason)
	}
	return fmt.Sprintf("%s %s %s ready=%t restarts=%d image=%s: %s", p.Name, p.Status.Phase, c.Name, c.Ready, c.RestartCount, c.Image, state)
}

// Save creates dir and writes release.txt, pods.txt, events.txt and a file for each
// log into it, and cause.txt and diff.txt if they are not empty. It returns the
// written files, sorted.
func (e Evidence) Save(dir string) ([]string, error) {
	written, err := e.save(dir)
	if err != nil {
		err = host.Disk{Of: "this machine", Path: dir, Here: true}.Explain(fmt.Errorf("write evidence to %q: %w", dir, err))
	}
	return written, err
}

func (e Evidence) save(dir string) (written []string, err error) {
	files := map[string][]string{
		"release.txt": append([]string{e.Release + " at " + e.Taken.Format(time.RFC3339)}, e.History...),
		"pods.txt":    e.Pods,
		"events.txt":  e.Events,
	}
	if len(e.Cause) > 0 {
		files["cause.txt"] = e.Cause
	}
	if e.Diff != "" {
		files["diff.txt"] = []string{strings.TrimSuffix(e.Diff, "\n")}
	}
	for name, log := range e.Logs {
		files[filepath.Join("logs", strings.ReplaceAll(name, "/", "_")+".log")] = log
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return written, err
		}
		if err := os.WriteFile(path, []byte(strings.Join(files[name], "\n")+"\n"), 0o644); err != nil {
			return written, err
		}
		written = append(written, path)
	}
	return written, nil
}
