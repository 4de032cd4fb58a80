package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// stageEnv holds the address of a test's stage. Where it is set and this test binary
// is called docker or minikube, the binary is that fake program.
const stageEnv = "TEST_STAGE"

func TestMain(m *testing.M) {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	if stage := os.Getenv(stageEnv); stage != "" && (name == "docker" || name == "minikube") {
		os.Exit(perform(stage, name))
	}
	os.Exit(m.Run())
}

// call is one run of a fake program.
type call struct {
	Name  string
	Args  []string
	Env   map[string]string
	Stdin []byte
}

func (c call) line() string { return c.Name + " " + strings.Join(c.Args, " ") }

// answer is the output and the exit code of a fake program.
type answer struct {
	Stdout, Stderr string
	Exit           int
}

// perform sends this run to the test, and prints the test's answer.
func perform(stage, name string) int {
	c := call{Name: name, Args: os.Args[1:], Env: map[string]string{}}
	for _, key := range []string{"KUBECONFIG", "MINIKUBE_HOME"} {
		c.Env[key] = os.Getenv(key)
	}
	if name == "docker" && len(c.Args) > 2 && c.Args[0] == "exec" && strings.Contains(strings.Join(c.Args, " "), " -i ") {
		c.Stdin, _ = io.ReadAll(os.Stdin)
	}
	body, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	resp, err := http.Post(stage, "application/json", bytes.NewReader(body))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 120
	}
	defer resp.Body.Close()
	var a answer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 121
	}
	fmt.Fprint(os.Stdout, a.Stdout)
	fmt.Fprint(os.Stderr, a.Stderr)
	return a.Exit
}

// stage records and answers the runs of fake programs.
type stage struct {
	mu    sync.Mutex
	calls []call
}

// lines returns the recorded command lines with a prefix.
func (s *stage) lines(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, c := range s.calls {
		if strings.HasPrefix(c.line(), prefix) {
			lines = append(lines, c.line())
		}
	}
	return lines
}

// newStage makes fake programs the whole PATH. act answers each run.
func newStage(t *testing.T, act func(call) answer, programs ...string) *stage {
	t.Helper()
	s := &stage{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var c call
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		s.calls = append(s.calls, c)
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(act(c))
	}))
	t.Cleanup(server.Close)
	self, err := os.Executable()
	require.NoError(t, err)
	folder := t.TempDir()
	for _, name := range programs {
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		if os.Symlink(self, filepath.Join(folder, name)) == nil {
			continue
		}
		data, err := os.ReadFile(self)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o755))
	}
	t.Setenv("PATH", folder)
	t.Setenv(stageEnv, server.URL)
	return s
}

// notFound is an exec.LookPath that finds no program.
func notFound(string) (string, error) { return "", errors.New("not found") }

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}
