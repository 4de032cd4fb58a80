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
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
	"k8s.io/klog/v2"
	"k8s.io/streaming/pkg/httpstream"

	"todo-chatbot/mage/kube"
)

const keptStderr = 8 << 10 // bytes kept from the end of the standard error

// Shell runs commands in containers, as `kubectl exec` does.
type Shell interface {
	// Run returns when the command has ended. An exit status other than 0 is an *Exit.
	// A nil error does not prove that the command finished: if the connection is cut,
	// the end of a stream looks like the end of the command. A nil stdin is empty, and
	// a nil stdout discards the output.
	Run(ctx context.Context, in Container, command []string, stdin io.Reader, stdout io.Writer) error
}

// Container names a container of a pod.
type Container struct{ Namespace, Pod, Name string }

// Exit is the error of a command with an exit status other than 0.
type Exit struct {
	Status int
	Stderr string // its end
}

func (e *Exit) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("exit status %d", e.Status)
	}
	return fmt.Sprintf("exit status %d: %s", e.Status, telling(e.Stderr))
}

// telling returns the line with the cause: the first line that is marked as an error,
// because later ones are often consequences, or else the last line.
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

// podShell is a Shell that works through the API server.
type podShell struct{ clients *kube.Clients }

func (s *podShell) Run(ctx context.Context, in Container, command []string, stdin io.Reader, stdout io.Writer) error {
	request := s.clients.Clientset.CoreV1().RESTClient().Post().Resource("pods").Namespace(in.Namespace).Name(in.Pod).SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{
			Container: in.Name, Command: command, Stdin: stdin != nil, Stdout: stdout != nil, Stderr: true,
		}, scheme.ParameterCodec)
	executor, err := s.executor(request)
	if err != nil {
		return fmt.Errorf("connect to pod %q: %w", in.Pod, err)
	}
	// If one of these streams fails, the library only logs that and treats it as the
	// end of the stream. It may also use the streams after it has returned.
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

// executor uses WebSocket, and SPDY if a proxy does not support WebSocket.
func (s *podShell) executor(request *rest.Request) (remotecommand.Executor, error) {
	spdy, err := remotecommand.NewSPDYExecutor(s.clients.Config, "POST", request.URL())
	if err != nil {
		return nil, err
	}
	socket, err := remotecommand.NewWebSocketExecutor(s.clients.Config, "GET", request.URL().String())
	if err != nil {
		return nil, err
	}
	return remotecommand.NewFallbackExecutor(socket, spdy, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	})
}

// reader keeps the error of its source. After close it returns io.EOF.
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

// writer keeps the error of its target. After close it refuses writes.
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

// tail keeps the end of the text that is written to it.
type tail struct{ kept bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	t.kept.Write(p)
	if over := t.kept.Len() - keptStderr; over > 0 {
		t.kept.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(t.kept.String()) }
