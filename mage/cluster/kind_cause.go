package cluster

import (
	"context"
	"encoding/json"
	"io"
	osexec "os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// causeBound is the bound of all questions to a node that does not come up.
const causeBound = 10 * time.Second

// controlPlane lists the containers of a control plane. Each one depends on the
// containers before it.
var controlPlane = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}

// nodeCause returns the error of the kubelet, or of a container of the control plane,
// that keeps a node from coming up; "" if none is known. It writes the kubelet's
// warnings and errors to log.
func (k *Kind) nodeCause(ctx context.Context, log io.Writer) string {
	ctx, cancel := context.WithTimeout(ctx, causeBound)
	defer cancel()
	inNode := func(args ...string) string {
		// The output that a failing command printed is used as well.
		out, _ := osexec.CommandContext(ctx, "docker", append([]string{"exec", k.nodeName()}, args...)...).Output()
		return string(out)
	}
	journal := inNode("journalctl", "--unit=kubelet", "--output=cat", "--no-pager", "--lines=300")
	logs := inNode("sh", "-c", "tail -v -n 40 /var/log/pods/kube-system_*/*/*.log")
	for line := range strings.Lines(journal) {
		if !strings.HasPrefix(line, "I") {
			_, _ = io.WriteString(log, line)
		}
	}
	return causeOf(journal, logs)
}

// causeOf chooses one error: the one that ended the kubelet, else the one that ended a
// container of the control plane, else the last error of the kubelet.
func causeOf(journal, logs string) string {
	fatal, last := "", ""
	for line := range strings.Lines(journal) {
		found, ok := parseKlog(strings.TrimSpace(line))
		switch {
		case !ok:
		case found.fatal:
			fatal = found.message
		case !strings.Contains(found.message, "connection refused"): // the API server is missing, which is a symptom
			last = found.message
		}
	}
	if fatal != "" {
		return "the kubelet ended: " + fatal
	}
	ended := endings(logs)
	for _, name := range controlPlane {
		if ended[name] != "" {
			return name + " ended: " + ended[name]
		}
	}
	if last != "" {
		return "the last error of the kubelet: " + last
	}
	return ""
}

// endings returns, for each container, the last line that says why it ended. logs is
// the output of tail -v for the log files of pods.
func endings(logs string) map[string]string {
	found := map[string]string{}
	container := ""
	for line := range strings.Lines(logs) {
		line = strings.TrimSpace(line)
		if file, ok := strings.CutPrefix(line, "==> "); ok {
			container = path.Base(path.Dir(strings.TrimSuffix(file, " <==")))
			continue
		}
		if why := ending(criPrefix.ReplaceAllString(line, "")); why != "" && slices.Contains(controlPlane, container) {
			found[container] = why
		}
	}
	return found
}

// criPrefix is the beginning of a line in a container's log file.
var criPrefix = regexp.MustCompile(`^\S+ std(out|err) [FP] `)

// ending returns the message of a line with which a program ends, else "".
func ending(line string) string {
	if found, ok := parseKlog(line); ok && found.fatal {
		return found.message
	}
	var etcd struct{ Level, Msg, Error string }
	if json.Unmarshal([]byte(line), &etcd) == nil && (etcd.Level == "fatal" || etcd.Level == "panic") {
		return strings.TrimSuffix(etcd.Msg+": "+etcd.Error, ": ")
	}
	for _, start := range []string{"Error: ", "panic: "} {
		if why, ok := strings.CutPrefix(line, start); ok {
			return why
		}
	}
	return ""
}

// klogLine is an error in the log format of Kubernetes.
type klogLine struct {
	message string
	fatal   bool // the program ended after it
}

var (
	klogHeader = regexp.MustCompile(`^([EF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [^\]]+\] (.*)$`)
	klogError  = regexp.MustCompile(`^"((?:[^"\\]|\\.)*)".* err=("(?:[^"\\]|\\.)*")`)
)

// parseKlog parses a line of level error or fatal. A command of Kubernetes that ends
// with an error logs the message "command failed".
func parseKlog(line string) (klogLine, bool) {
	header := klogHeader.FindStringSubmatch(line)
	if header == nil {
		return klogLine{}, false
	}
	out := klogLine{message: header[2], fatal: header[1] == "F"}
	parts := klogError.FindStringSubmatch(header[2])
	if parts == nil {
		return out, true
	}
	cause, err := strconv.Unquote(parts[2])
	if err != nil {
		return out, true
	}
	if out.message = parts[1] + ": " + cause; parts[1] == "command failed" {
		out = klogLine{message: cause, fatal: true}
	}
	return out, true
}
