package pipeline

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"todo-chatbot/mage/progress"
)

// podsEvery is how often a follower looks for new pods and restarted
// containers; a container that crashes is restarted after ten seconds or more.
const podsEvery = time.Second

// LogOptions choose what Logs writes; the zero value is everything so far.
type LogOptions struct {
	Component string // of the chart; empty means all
	Follow    bool   // go on until ctx ends, with the pods that come meanwhile
}

// Logs writes what the containers of the release's pods have logged, each line
// after its pod's name without the release's, and the container's name unless it
// is the pod's only one besides init containers. Init containers are left out of pods that are ready. A followed
// Logs ends with ctx, which is no error.
func (p *Pipeline) Logs(ctx context.Context, out io.Writer, opts LogOptions) error {
	selector, err := p.logSelector(opts.Component)
	if err != nil {
		return err
	}
	c, closeCluster, err := p.running(ctx)
	if err != nil {
		return err
	}
	defer closeCluster()
	clients, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		return fmt.Errorf("cluster %q: %w", c.Name, err)
	}
	logs := &podLogs{
		pods: clients.CoreV1().Pods(p.env.Namespace), selector: selector, release: p.env.Release, out: out, progress: p.opts.Progress,
		seen: map[string]bool{}, every: podsEvery,
	}
	if opts.Follow {
		return logs.follow(ctx)
	}
	found, err := logs.all(ctx)
	if err == nil && !found {
		err = fmt.Errorf("no pod of release %s/%s runs: `mage deploy:to %s` makes them", p.env.Namespace, p.env.Release, p.env.Name)
	}
	return err
}

// logSelector chooses pods by the labels that the chart gives them: the
// component is its subchart's name.
func (p *Pipeline) logSelector(component string) (string, error) {
	set := labels.Set{"app.kubernetes.io/instance": p.env.Release}
	if component == "" {
		return set.String(), nil
	}
	loaded, err := loader.Load(p.chartDir())
	if err != nil {
		return "", usage(fmt.Errorf("load chart %q: %w", p.chartDir(), err))
	}
	var known []string
	for _, sub := range loaded.Dependencies() {
		known = append(known, sub.Name())
	}
	slices.Sort(known)
	if !slices.Contains(known, component) {
		return "", usage(fmt.Errorf("component %q is not one of %s", component, strings.Join(known, ", ")))
	}
	set["app.kubernetes.io/name"] = component
	return set.String(), nil
}

// podLogs writes the logs of the pods that a selector chooses.
type podLogs struct {
	pods              typedcorev1.PodInterface
	selector, release string
	progress          *progress.Reporter
	every             time.Duration

	mu  sync.Mutex // one line at a time
	out io.Writer

	seen map[string]bool // streams begun and notes given; of the goroutine that lists
}

// podStream is the log of one container.
type podStream struct {
	pod, container string
	prefix         string
	instance       string // differs after a restart
	waiting        string // why there is no log yet; empty when there is one
}

// all writes the logs so far, pod after pod, and says whether there are pods.
func (l *podLogs) all(ctx context.Context) (found bool, err error) {
	pods, err := l.list(ctx)
	if err != nil {
		return false, err
	}
	for _, pod := range pods {
		for _, s := range podStreams(pod, l.release) {
			if s.waiting != "" {
				l.progress.Note("%s: no log: %s", s.prefix, s.waiting)
				continue
			}
			if err := l.copy(ctx, s, false); err != nil {
				return true, err
			}
		}
	}
	return len(pods) > 0, nil
}

// follow writes logs as they come. What it cannot read it mentions and goes on:
// pods come and go while it runs.
func (l *podLogs) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var streams sync.WaitGroup
	defer streams.Wait()
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for {
		pods, err := l.list(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			l.once("%v", err)
		case len(pods) == 0:
			l.once("no pod runs yet")
		}
		for _, pod := range pods {
			for _, s := range podStreams(pod, l.release) {
				if s.waiting == "PodInitializing" || s.waiting == "ContainerCreating" {
					continue // every pod's first seconds
				}
				if s.waiting != "" {
					l.once("%s: no log yet: %s", s.prefix, s.waiting)
					continue
				}
				if l.seen[s.instance] {
					continue
				}
				l.seen[s.instance] = true
				streams.Go(func() {
					var unwritable *unwritable
					err := l.copy(ctx, s, true)
					if errors.As(err, &unwritable) {
						cancel(err)
					} else if err != nil && ctx.Err() == nil {
						l.progress.Note("%v", err)
					}
				})
			}
		}
		select {
		case <-ctx.Done():
			var unwritable *unwritable
			if errors.As(context.Cause(ctx), &unwritable) {
				return unwritable
			}
			return nil
		case <-tick.C:
		}
	}
}

func (l *podLogs) once(format string, args ...any) {
	if note := fmt.Sprintf(format, args...); !l.seen[note] {
		l.seen[note] = true
		l.progress.Note("%s", note)
	}
}

func (l *podLogs) list(ctx context.Context) ([]corev1.Pod, error) {
	list, err := l.pods.List(ctx, metav1.ListOptions{LabelSelector: l.selector})
	if err != nil {
		return nil, fmt.Errorf("list pods with %q: %w", l.selector, err)
	}
	slices.SortFunc(list.Items, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return list.Items, nil
}

// unwritable says that the output takes no more.
type unwritable struct{ cause error }

func (u *unwritable) Error() string { return "write logs: " + u.cause.Error() }
func (u *unwritable) Unwrap() error { return u.cause }

func (l *podLogs) copy(ctx context.Context, s podStream, follow bool) error {
	stream, err := l.pods.GetLogs(s.pod, &corev1.PodLogOptions{Container: s.container, Follow: follow}).Stream(ctx)
	if err != nil {
		return fmt.Errorf("log of %s: %w", s.prefix, err)
	}
	defer stream.Close()
	lines := bufio.NewReader(stream)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			l.mu.Lock()
			_, failed := fmt.Fprintf(l.out, "%s | %s\n", s.prefix, strings.TrimRight(line, "\r\n"))
			l.mu.Unlock()
			if failed != nil {
				return &unwritable{failed}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("log of %s: %w", s.prefix, err)
		}
	}
}

// podStreams are the logs worth reading of a pod: its containers', and until it
// is ready those of its init containers, which run first.
func podStreams(pod corev1.Pod, release string) []podStream {
	var streams []podStream
	add := func(name string, alone bool) {
		s := podStream{pod: pod.Name, container: name, prefix: strings.TrimPrefix(pod.Name, release+"-"), waiting: "not started"}
		if !alone {
			s.prefix += "/" + name
		}
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if status.Name == name {
				s.instance, s.waiting = string(pod.UID)+"/"+name+"/"+status.ContainerID, noLog(status)
			}
		}
		streams = append(streams, s)
	}
	if !podReady(pod) {
		for _, c := range pod.Spec.InitContainers {
			add(c.Name, false)
		}
	}
	for _, c := range pod.Spec.Containers {
		add(c.Name, len(pod.Spec.Containers) == 1)
	}
	return streams
}

// noLog is why a container has no log. One that waits to be restarted has the
// log of its last instance.
func noLog(status corev1.ContainerStatus) string {
	switch {
	case status.State.Running != nil || status.State.Terminated != nil || status.LastTerminationState.Terminated != nil:
		return ""
	case status.State.Waiting != nil && status.State.Waiting.Reason != "":
		return status.State.Waiting.Reason
	default:
		return "not started"
	}
}

func podReady(pod corev1.Pod) bool {
	return slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
