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

// logs are the last lines of a container. With previous they begin with the lines of
// the previous instance, which is the one that failed. They do so also if the
// present instance has logged nothing, because the container may have restarted
// after the snapshot. A log that cannot be read is replaced by the reason.
func (w *Watcher) logs(ctx context.Context, pod, container string, previous bool) []string {
	if pod == "" {
		return nil
	}
	pods := w.client.CoreV1().Pods(w.namespace)
	if !previous {
		now := tail(ctx, pods, pod, container, false, causeLogLines)
		if lastNonBlank(now) != "" {
			return now
		}
		if before := tail(ctx, pods, pod, container, true, causeLogLines); lastNonBlank(before) != "" {
			return before
		}
		return now
	}
	out := tail(ctx, pods, pod, container, true, causeLogLines)
	if now := tail(ctx, pods, pod, container, false, causeLogLines); len(now) > 0 {
		out = append(append(out, logMark+"restarted"), now...)
	}
	return out
}

func tail(ctx context.Context, pods typedcorev1.PodInterface, pod, container string, previous bool, lines int64) []string {
	limit := logBytes
	stream, err := pods.GetLogs(pod, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: &lines, LimitBytes: &limit,
	}).Stream(ctx)
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
