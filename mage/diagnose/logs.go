package diagnose

import (
	"context"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

const (
	causeLogLines = int64(20)
	logBytes      = int64(64 << 10)
	logMark       = "-- " // begins a line that does not come from the container
)

// logs are the last lines of the container of a finding. If its previous instance
// failed, they begin with the lines of that instance. They do so also if the present
// instance has logged nothing, because the container may have restarted after the
// snapshot. A log that cannot be read is replaced by the reason.
func (w *Watcher) logs(ctx context.Context, about finding) []string {
	if about.Pod == "" {
		return nil
	}
	pods := w.client.CoreV1().Pods(w.namespace)
	present := corev1.PodLogOptions{Container: about.Container}
	previous := corev1.PodLogOptions{Container: about.Container, Previous: true}
	if !about.previous {
		now := tail(ctx, pods, about.Pod, present, causeLogLines)
		if lastNonBlank(now) != "" {
			return now
		}
		if before := tail(ctx, pods, about.Pod, previous, causeLogLines); lastNonBlank(before) != "" {
			return before
		}
		return now
	}
	out := tail(ctx, pods, about.Pod, previous, causeLogLines)
	if now := tail(ctx, pods, about.Pod, present, causeLogLines); len(now) > 0 {
		out = append(append(out, logMark+"restarted"), now...)
	}
	return out
}

func tail(ctx context.Context, pods typedcorev1.PodInterface, pod string, of corev1.PodLogOptions, lines int64) []string {
	limit := logBytes
	of.TailLines, of.LimitBytes = &lines, &limit
	stream, err := pods.GetLogs(pod, &of).Stream(ctx)
	if err != nil {
		return []string{logMark + "no log: " + oneLine(err.Error())}
	}
	defer stream.Close()
	data, err := io.ReadAll(io.LimitReader(stream, limit))
	text := strings.TrimRight(string(data), "\n")
	if text == "" {
		if err != nil {
			return []string{logMark + "no log: " + oneLine(err.Error())}
		}
		return nil
	}
	return strings.Split(text, "\n")
}
