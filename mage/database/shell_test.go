//go:build unix

package database

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	remote "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/client-go/rest"
	"k8s.io/streaming/pkg/httpstream/wsstream"

	"todo-chatbot/mage/kube"
)

// podServer starts an API server that runs commands on this machine. cut ends the
// connection of a command.
func podServer(t *testing.T) (shell *podShell, cut func()) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/namespaces/ns/pods/todo-postgresql-0/exec" || r.URL.Query().Get("container") != serverName {
			http.NotFound(w, r)
			return
		}
		connection := wsstream.NewConn(map[string]wsstream.ChannelProtocolConfig{remote.StreamProtocolV5Name: {Binary: true, Channels: []wsstream.ChannelType{
			wsstream.ReadChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.WriteChannel, wsstream.ReadChannel,
		}}})
		_, streams, err := connection.Open(w, r)
		if err != nil {
			return
		}
		defer connection.Close()
		args := r.URL.Query()["command"]
		command := exec.CommandContext(r.Context(), args[0], args[1:]...)
		command.Stdout, command.Stderr = streams[remote.StreamStdOut], streams[remote.StreamStdErr]
		if r.URL.Query().Get("stdin") == "true" {
			command.Stdin = streams[remote.StreamStdIn]
		}
		status := metav1.Status{Status: metav1.StatusSuccess}
		if exit, failed := errors.AsType[*exec.ExitError](command.Run()); failed {
			status = metav1.Status{Status: metav1.StatusFailure, Reason: remote.NonZeroExitCodeReason, Details: &metav1.StatusDetails{
				Causes: []metav1.StatusCause{{Type: remote.ExitCodeCauseType, Message: strconv.Itoa(exit.ExitCode())}},
			}}
		}
		_ = json.NewEncoder(streams[remote.StreamErr]).Encode(status)
	}))
	upgraded := make(chan net.Conn, 9)
	server.Config.ConnState = func(connection net.Conn, state http.ConnState) {
		if state == http.StateHijacked {
			upgraded <- connection
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	clients, err := kube.Connect(&rest.Config{Host: server.URL})
	require.NoError(t, err)
	return &podShell{clients: clients}, func() { (<-upgraded).Close() }
}

var inPod = Container{Namespace: "ns", Pod: "todo-postgresql-0", Name: serverName}

func sh(text string) []string { return []string{"sh", "-c", text} }

func TestRunStreamsInputAndOutput(t *testing.T) {
	shell, _ := podServer(t)
	sent := strings.Repeat("0123456789abcdef", 64<<10) // one megabyte in both directions
	var got bytes.Buffer
	require.NoError(t, shell.Run(t.Context(), inPod, sh("cat; echo done"), strings.NewReader(sent), &got))
	assert.Equal(t, sent+"done\n", got.String())

	got.Reset()
	require.NoError(t, shell.Run(t.Context(), inPod, sh(`echo "$0"; cat`), nil, &got), "a nil stdin is empty")
	assert.Equal(t, "sh\n", got.String())
}

func TestFailedCommandReportsStatusAndError(t *testing.T) {
	shell, _ := podServer(t)
	err := shell.Run(t.Context(), inPod, sh("echo half; echo warning: x >&2; echo pg_dump: error: no such table >&2; echo detail >&2; exit 3"), nil, io.Discard)
	exit, is := errors.AsType[*Exit](err)
	require.True(t, is, "%v", err)
	assert.Equal(t, 3, exit.Status)
	assert.EqualError(t, err, "exit status 3: pg_dump: error: no such table")
	assert.EqualError(t, &Exit{Status: 1, Stderr: "one\ntwo"}, "exit status 1: two")
	assert.EqualError(t, &Exit{Status: 137}, "exit status 137")
}

// client-go reports neither of these errors.
func TestFailingInputAndOutputAreErrors(t *testing.T) {
	shell, _ := podServer(t)
	torn := errors.New("input/output error")
	err := shell.Run(t.Context(), inPod, sh("cat"), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(torn)), io.Discard)
	assert.ErrorIs(t, err, torn, "it is not the end of the input")
	err = shell.Run(t.Context(), inPod, sh("echo much"), nil, failingWriter{torn})
	assert.ErrorIs(t, err, torn)
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestRunEndsWithItsContext(t *testing.T) {
	shell, _ := podServer(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("Ctrl-C")
	time.AfterFunc(200*time.Millisecond, func() { cancel(stopped) })
	began := time.Now()
	err := shell.Run(ctx, inPod, sh("exec sleep 30"), nil, io.Discard)
	assert.ErrorIs(t, err, stopped)
	assert.Less(t, time.Since(began), 10*time.Second)
}

func TestLostConnectionIsAnError(t *testing.T) {
	shell, cut := podServer(t)
	got := &signal{first: make(chan struct{}, 1)}
	go func() {
		<-got.first
		cut()
	}()
	err := shell.Run(t.Context(), inPod, sh("echo half; exec sleep 30"), nil, got)
	require.Error(t, err)
	_, is := errors.AsType[*Exit](err)
	assert.False(t, is, "%v", err)
}

// signal reports the first write.
type signal struct{ first chan struct{} }

func (s *signal) Write(p []byte) (int, error) {
	select {
	case s.first <- struct{}{}:
	default:
	}
	return len(p), nil
}

func TestMissingPodIsAnError(t *testing.T) {
	shell, _ := podServer(t)
	err := shell.Run(t.Context(), Container{Namespace: "ns", Pod: "other", Name: serverName}, sh("true"), nil, io.Discard)
	assert.ErrorContains(t, err, `run a command in pod "other"`)
}
