package database

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"
)

const keptStderr = 8 << 10 // bytes of what a command says last

// Shell runs commands in containers, as `kubectl exec` does.
type Shell interface {
	// Run returns when the command has ended; a status other than 0 is an *Exit.
	// A nil error alone proves nothing about a command whose connection was cut:
	// the end of a stream looks like the end of a command. A nil in is an empty
	// input, a nil out takes no output.
	Run(ctx context.Context, in Container, command []string, stdin io.Reader, stdout io.Writer) error
}

// Container is a container of a pod.
type Container struct{ Namespace, Pod, Name string }

// Exit says how a command ended that did not end well.
type Exit struct {
	Status int
	Stderr string // the last of it
}

func (e *Exit) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("exit status %d", e.Status)
	}
	return fmt.Sprintf("exit status %d: %s", e.Status, telling(e.Stderr))
}

// telling is the line that says why: the first that calls itself an error, since
// what follows it is often only its consequence, or else the last.
func telling(stderr string) string {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	for _, line := range lines {
		for _, word := range []string{"error:", "ERROR:", "FATAL:"} {
			if strings.Contains(line, word) {
				return strings.TrimSpace(line)
			}
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}

// podShell is a Shell through the API server.
type podShell struct {
	config *rest.Config
	client kubernetes.Interface
}

func (s *podShell) Run(ctx context.Context, in Container, command []string, stdin io.Reader, stdout io.Writer) error {
	request := s.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(in.Namespace).Name(in.Pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: in.Name, Command: command, Stdin: stdin != nil, Stdout: stdout != nil, Stderr: true,
		}, scheme.ParameterCodec)
	executor, err := s.executor(request)
	if err != nil {
		return fmt.Errorf("reach pod %q: %w", in.Pod, err)
	}
	// The library only logs it when one of our own streams fails, and takes that
	// for their end; and it may still use them when it has returned.
	source, sink, words := &reader{from: stdin}, &writer{to: stdout}, &writer{to: &tail{}}
	defer source.close()
	defer sink.close()
	streams := remotecommand.StreamOptions{Stderr: words}
	if stdin != nil {
		streams.Stdin = source
	}
	if stdout != nil {
		streams.Stdout = sink
	}
	err = executor.StreamWithContext(klog.NewContext(ctx, klog.Logger{}), streams)
	words.close()
	var exit utilexec.ExitError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case source.failure() != nil:
		return source.failure()
	case sink.failure() != nil:
		return sink.failure()
	case errors.As(err, &exit):
		return &Exit{Status: exit.ExitStatus(), Stderr: words.to.(*tail).String()}
	case err != nil:
		return fmt.Errorf("run a command in pod %q: %w", in.Pod, err)
	}
	return nil
}

// executor speaks WebSocket, and SPDY where something on the way does not let that pass.
func (s *podShell) executor(request *rest.Request) (remotecommand.Executor, error) {
	spdy, err := remotecommand.NewSPDYExecutor(s.config, "POST", request.URL())
	if err != nil {
		return nil, err
	}
	socket, err := remotecommand.NewWebSocketExecutor(s.config, "GET", request.URL().String())
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(socket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

// reader keeps the error of what it reads from, and ends when it is closed.
type reader struct {
	mu     sync.Mutex
	from   io.Reader
	err    error
	closed bool
}

func (r *reader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, io.EOF
	}
	n, err := r.from.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

func (r *reader) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *reader) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// writer keeps the error of what it writes to, and takes nothing more once it is closed.
type writer struct {
	mu     sync.Mutex
	to     io.Writer
	err    error
	closed bool
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, io.ErrClosedPipe
	}
	n, err := w.to.Write(p)
	if err != nil {
		w.err = err
	}
	return n, err
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// tail is the end of what is written to it.
type tail struct{ kept bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	t.kept.Write(p)
	if over := t.kept.Len() - keptStderr; over > 0 {
		t.kept.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(t.kept.String()) }
