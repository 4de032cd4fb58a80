package release

import (
	"context"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const (
	causeLogLines = int64(20)
	logBytes      = int64(64 << 10)
	logMark       = "-- " // begins a line that is ours, not the container's
)

// logs are the last lines of a container. With previous they begin with those of
// the instance before, which is the one that failed; so they do without previous
// where the present instance has said nothing, as the container may have been
// started again since it was looked at. Logs are evidence: where there are none,
// the reason takes their place.
func (m *Manager) logs(ctx context.Context, pod, container string, previous bool) []string {
	if pod == "" {
		return nil
	}
	if !previous {
		now := m.tail(ctx, pod, container, false, causeLogLines)
		if lastNonBlank(now) != "" {
			return now
		}
		if before := m.tail(ctx, pod, container, true, causeLogLines); lastNonBlank(before) != "" {
			return before
		}
		return now
	}
	out := m.tail(ctx, pod, container, true, causeLogLines)
	if now := m.tail(ctx, pod, container, false, causeLogLines); len(now) > 0 {
		out = append(append(out, logMark+"restarted"), now...)
	}
	return out
}

func (m *Manager) tail(ctx context.Context, pod, container string, previous bool, lines int64) []string {
	limit := logBytes
	stream, err := m.clients.Clientset.CoreV1().Pods(m.namespace).GetLogs(pod, &corev1.PodLogOptions{
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
