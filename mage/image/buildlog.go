package image

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"todo-chatbot/mage/progress"
)

const (
	keptLines = 40   // lines of a step's output in a *StepError
	lineWidth = 1000 // bytes kept of one such line
	nameWidth = 60   // characters of a step's name in progress
)

// buildLog turns the status of BuildKit into progress and log.
type buildLog struct {
	step  *progress.Step
	known map[digest.Digest]*vertex
}

// vertex is one step of a build.
type vertex struct {
	name            string
	started, ended  time.Time
	cached, failed  bool
	internal, noted bool
	lines           []string
	partial         []byte
}

func newBuildLog(step *progress.Step) *buildLog {
	return &buildLog{step: step, known: map[digest.Digest]*vertex{}}
}

func (l *buildLog) add(status *client.SolveStatus) {
	for _, v := range status.Vertexes {
		known := l.vertex(v.Digest)
		known.name = v.Name
		known.internal = strings.HasPrefix(v.Name, "[internal]") || strings.HasPrefix(v.Name, "[auth]")
		known.cached = v.Cached
		known.failed = v.Error != "" && !strings.HasSuffix(v.Error, "context canceled")
		if v.Started != nil {
			known.started = *v.Started
		}
		if v.Completed != nil {
			known.ended = *v.Completed
		}
		l.note(known)
	}
	for _, entry := range status.Logs {
		l.vertex(entry.Vertex).write(entry.Data)
		_, _ = l.step.Write(entry.Data)
	}
	if now := l.current(); now != nil {
		done, total := l.count()
		l.step.Update("%s, %d of %d", shown(now.name), done, total)
	}
}

// mounts are flags of RUN that progress does not show.
var mounts = regexp.MustCompile(`--(mount|network|security)=\S+`)

// shown is the name of a step in a line of progress.
func shown(name string) string {
	name = strings.Join(strings.Fields(mounts.ReplaceAllString(name, "")), " ")
	if letters := []rune(name); len(letters) > nameWidth {
		name = strings.TrimSpace(string(letters[:nameWidth])) + "…"
	}
	return name
}

func (l *buildLog) vertex(d digest.Digest) *vertex {
	v, ok := l.known[d]
	if !ok {
		v = &vertex{}
		l.known[d] = v
	}
	return v
}

// note writes the name of a step to the log once, before its output.
func (l *buildLog) note(v *vertex) {
	if v.noted || v.internal || v.started.IsZero() && !v.cached {
		return
	}
	v.noted = true
	suffix := "\n"
	if v.cached {
		suffix = " (cached)\n"
	}
	fmt.Fprint(l.step, v.name, suffix)
}

// current is the running step that started last. Steps of the Dockerfile come before
// steps of BuildKit itself.
func (l *buildLog) current() *vertex {
	var best *vertex
	for _, v := range l.known {
		if v.started.IsZero() || !v.ended.IsZero() {
			continue
		}
		if best == nil || best.internal && !v.internal || best.internal == v.internal && v.started.After(best.started) {
			best = v
		}
	}
	return best
}

func (l *buildLog) count() (done, total int) {
	for _, v := range l.known {
		if v.internal {
			continue
		}
		total++
		if !v.ended.IsZero() {
			done++
		}
	}
	return done, total
}

// failure is the output of the failed step.
func (l *buildLog) failure() []string {
	for _, v := range l.known {
		if v.failed && (len(v.lines) > 0 || len(v.partial) > 0) {
			return v.tail()
		}
	}
	return nil
}

func (v *vertex) write(p []byte) {
	v.partial = append(v.partial, p...)
	for {
		i := bytes.IndexByte(v.partial, '\n')
		if i < 0 {
			break
		}
		v.keep(string(v.partial[:i]))
		v.partial = v.partial[i+1:]
	}
	if over := len(v.partial) - lineWidth; over > 0 {
		v.partial = v.partial[over:]
	}
}

func (v *vertex) keep(line string) {
	line = strings.TrimRight(line, "\r")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 { // keeps the last state of a progress bar
		line = line[i+1:]
	}
	v.lines = append(v.lines, line[:min(len(line), lineWidth)])
	if over := len(v.lines) - keptLines; over > 0 {
		v.lines = v.lines[over:]
	}
}

func (v *vertex) tail() []string {
	if len(v.partial) > 0 {
		v.keep(string(v.partial))
		v.partial = nil
	}
	return v.lines
}
