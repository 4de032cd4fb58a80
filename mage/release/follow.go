package release

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

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// podsEvery is the interval at which Follow lists the pods. Kubernetes waits at
// least ten seconds before it restarts a container that crashed.
const podsEvery = time.Second

// ErrNoPods is returned by Logs for a release without pods.
var ErrNoPods = errors.New("the release has no pods")

// LogOptions choose the pods whose logs are written.
type LogOptions struct {
	Component string // a subchart's name; empty means all components
}

// selector returns the label selector of the chosen pods. The chart labels each
// pod with its subchart's name.
func (o LogOptions) selector(release string) string {
	set := labels.Set{"app.kubernetes.io/instance": release}
	if o.Component != "" {
		set["app.kubernetes.io/name"] = o.Component
	}
	return set.String()
}

// Logs writes the present logs of the release's pods, one pod after the other.
// Each line begins with the pod's name without the release's name, and with the
// container's name if the pod has several containers. Init containers of ready
// pods are left out. Without any pod the error is ErrNoPods.
func (m *Manager) Logs(ctx context.Context, out io.Writer, name string, opts LogOptions) error {
	return m.podLogs(out, name, opts).all(ctx)
}

// Follow writes the lines that Logs would write, and then new lines as they come,
// also from new pods, until ctx ends. The end of ctx is not an error.
func (m *Manager) Follow(ctx context.Context, out io.Writer, name string, opts LogOptions) error {
	return m.podLogs(out, name, opts).follow(ctx)
}

func (m *Manager) podLogs(out io.Writer, name string, opts LogOptions) *podLogs {
	return &podLogs{
		pods: m.clients.Clientset.CoreV1().Pods(m.namespace), selector: opts.selector(name), release: name, progress: m.progress,
		every: podsEvery, out: out, seen: map[string]bool{},
	}
}

// podLogs writes the logs of the pods that match a selector.
type podLogs struct {
	pods              typedcorev1.PodInterface
	selector, release string
	progress          *progress.Reporter
	every             time.Duration

	mu  sync.Mutex // one line at a time
	out io.Writer

	seen map[string]bool // started streams and printed notes; only the goroutine that lists pods uses it
}

// podStream is the log of one container.
type podStream struct {
	pod, container string
	prefix         string
	instance       string // differs after a restart
	waiting        string // the reason why there is no log yet; empty if there is one
}

func (l *podLogs) all(ctx context.Context) error {
	pods, err := l.list(ctx)
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		return ErrNoPods
	}
	for _, pod := range pods {
		for _, s := range podStreams(pod, l.release) {
			if s.waiting != "" {
				l.progress.Note("%s: no log: %s", s.prefix, s.waiting)
				continue
			}
			if err := l.copy(ctx, s, &corev1.PodLogOptions{Container: s.container}); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow notes errors of single logs and goes on, because pods come and go while
// it runs. It ends with an error only if the output cannot be written.
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
			l.noteOnce("%v", err)
		case len(pods) == 0:
			l.noteOnce("no pod runs yet")
		}
		for _, s := range l.newStreams(pods) {
			streams.Go(func() { l.followStream(ctx, s, cancel) })
		}
		select {
		case <-ctx.Done():
			if unwritable, ok := errors.AsType[*writeError](context.Cause(ctx)); ok {
				return unwritable
			}
			return nil
		case <-tick.C:
		}
	}
}

// newStreams returns the logs that are not followed yet.
func (l *podLogs) newStreams(pods []corev1.Pod) []podStream {
	var found []podStream
	for _, pod := range pods {
		for _, s := range podStreams(pod, l.release) {
			switch {
			case s.waiting == "PodInitializing" || s.waiting == "ContainerCreating": // the first seconds of every pod
			case s.waiting != "":
				l.noteOnce("%s: no log yet: %s", s.prefix, s.waiting)
			case !l.seen[s.instance]:
				l.seen[s.instance] = true
				found = append(found, s)
			}
		}
	}
	return found
}

func (l *podLogs) followStream(ctx context.Context, s podStream, cancel context.CancelCauseFunc) {
	err := l.copy(ctx, s, &corev1.PodLogOptions{Container: s.container, Follow: true})
	if _, unwritable := errors.AsType[*writeError](err); unwritable {
		cancel(err)
	} else if err != nil && ctx.Err() == nil {
		l.progress.Note("%v", err)
	}
}

func (l *podLogs) noteOnce(format string, args ...any) {
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

// writeError says that the output cannot be written.
type writeError struct{ cause error }

func (e *writeError) Error() string { return "write logs: " + e.cause.Error() }
func (e *writeError) Unwrap() error { return e.cause }

func (l *podLogs) copy(ctx context.Context, s podStream, opts *corev1.PodLogOptions) error {
	stream, err := l.pods.GetLogs(s.pod, opts).Stream(ctx)
	if err != nil {
		return fmt.Errorf("read the log of %s: %w", s.prefix, err)
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
				return &writeError{failed}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", s.prefix, err)
		}
	}
}

// podStreams returns the logs of a pod's containers. The logs of its init
// containers come first, until the pod is ready.
func podStreams(pod corev1.Pod, release string) []podStream {
	short := strings.TrimPrefix(pod.Name, release+"-")
	var streams []podStream
	if !kube.PodReady(&pod) {
		for _, c := range pod.Spec.InitContainers {
			streams = append(streams, containerStream(pod, c.Name, short+"/"+c.Name))
		}
	}
	for _, c := range pod.Spec.Containers {
		prefix := short
		if len(pod.Spec.Containers) > 1 {
			prefix += "/" + c.Name
		}
		streams = append(streams, containerStream(pod, c.Name, prefix))
	}
	return streams
}

func containerStream(pod corev1.Pod, container, prefix string) podStream {
	s := podStream{pod: pod.Name, container: container, prefix: prefix, waiting: "not started"}
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if status.Name == container {
			s.instance, s.waiting = string(pod.UID)+"/"+container+"/"+status.ContainerID, noLogReason(status)
		}
	}
	return s
}

// noLogReason returns the reason why a container has no log. A container that
// waits for its restart still has the log of its previous instance.
func noLogReason(status corev1.ContainerStatus) string {
	switch {
	case status.State.Running != nil || status.State.Terminated != nil || status.LastTerminationState.Terminated != nil:
		return ""
	case status.State.Waiting != nil && status.State.Waiting.Reason != "":
		return status.State.Waiting.Reason
	default:
		return "not started"
	}
}
