package cluster

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/progress"
)

// recorded returns an answer of minikube v1.38.1 from testdata.
func recorded(t *testing.T, name string) answer {
	t.Helper()
	read := func(ext string) string {
		data, err := os.ReadFile(filepath.Join("testdata", "minikube", name+ext))
		require.NoError(t, err)
		return string(data)
	}
	exit, err := strconv.Atoi(strings.TrimSpace(read(".rc")))
	require.NoError(t, err)
	return answer{Stdout: read(".out"), Stderr: read(".err"), Exit: exit}
}

// firstStartInterrupted is a profile of the pipeline whose first start was killed.
func firstStartInterrupted(t *testing.T, m *Minikube, f *fakeMinikube) {
	t.Helper()
	f.exists("docker", 2, 4096, "v1.36.3", "Running", minikubeMark)
	require.NoError(t, m.markUnfinished())
}

func TestMinikubeStatesOfRecordedStatus(t *testing.T) {
	for name, want := range map[string]State{
		"status-container-gone": Broken, "status-interrupted": Broken, "status-paused": Paused, "status-stopped": Stopped,
	} {
		newStage(t, func(call) answer { return recorded(t, name) }, "minikube")
		status, err := minikubeCLI{}.status(t.Context(), "rec")
		require.NoError(t, err, name)
		state, _ := status.state()
		assert.Equal(t, want, state, name)
	}
}

func TestMinikubeStatusWithoutAnswerIsAnError(t *testing.T) {
	newStage(t, func(call) answer { return answer{Stderr: "X Exiting due to GUEST_STATUS: no answer\n", Exit: 80} }, "minikube")
	_, err := minikubeCLI{}.status(t.Context(), "rec")
	assert.ErrorContains(t, err, "GUEST_STATUS: no answer")
}

func TestMinikubeStartsProfileWhoseContainerIsGone(t *testing.T) {
	f, s := newFakeMinikube(t)
	f.exists("docker", 2, 4096, "v1.36.3", "Nonexistent", minikubeMark)
	f.replay = map[string]answer{"status": recorded(t, "status-container-gone")}
	_, err := newTestMinikube(t, nil).Ensure(t.Context())
	require.NoError(t, err)
	assert.Len(t, s.lines("minikube start"), 1)
	assert.Empty(t, s.lines("minikube delete"), "the volume has the data")
}

func TestMinikubeFailedStartNamesNextStep(t *testing.T) {
	for name, c := range map[string]struct {
		exists bool
		names  []string
		want   string
	}{
		"first start":              {false, nil, "set TODO_PROVIDER=kind"},
		"profile of the pipeline":  {true, []string{minikubeMark}, "remove this one with `mage cluster:down`"},
		"profile of somebody else": {true, nil, "`minikube delete -p todo`"},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := newFakeMinikube(t)
			if c.exists {
				f.exists("docker", 2, 4096, "v1.36.3", "Nonexistent", c.names...)
			}
			f.replay = map[string]answer{"status": recorded(t, "status-container-gone"), "start": recorded(t, "start-no-base")}
			_, err := newTestMinikube(t, nil).Ensure(t.Context())
			require.ErrorContains(t, err, c.want)
			assert.ErrorContains(t, err, "Verify that your HTTP_PROXY and HTTPS_PROXY")
			assert.NotContains(t, err.Error(), "will try again", "the event with an exit code is the cause")
		})
	}
}

func TestMinikubeRecreatesProfileAfterInterruptedFirstStart(t *testing.T) {
	f, s := newFakeMinikube(t)
	m := newTestMinikube(t, nil)
	firstStartInterrupted(t, m, f)
	f.replay = map[string]answer{"update-context": {Stderr: "X Exiting due to HOST_KUBECONFIG_UPDATE: no endpoint\n", Exit: 80}}
	_, err := m.Ensure(t.Context())
	require.NoError(t, err)
	assert.Len(t, s.lines("minikube delete --profile=todo"), 1)
	require.Len(t, s.lines("minikube start"), 1)
	assert.Contains(t, s.lines("minikube start")[0], "--apiserver-names="+minikubeMark)
	assert.NoFileExists(t, m.unfinishedFile())

	_, err = m.Ensure(t.Context())
	require.NoError(t, err)
	assert.Len(t, s.lines("minikube delete"), 1, "the profile is complete now")
}

func TestMinikubeNeverDeletesOtherProfilesThanUnfinishedOnes(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *Minikube, *fakeMinikube){
		"has the ConfigMap": func(t *testing.T, m *Minikube, f *fakeMinikube) {
			_, err := m.Ensure(t.Context())
			require.NoError(t, err)
			require.NoError(t, m.markUnfinished())
		},
		"not recorded": func(t *testing.T, m *Minikube, _ *fakeMinikube) {
			_, err := removeFile(m.unfinishedFile())
			require.NoError(t, err)
		},
		"another profile": func(t *testing.T, m *Minikube, _ *fakeMinikube) {
			require.NoError(t, writeFile(m.unfinishedFile(), []byte("other")))
		},
		"has addons, and does not answer": func(_ *testing.T, _ *Minikube, f *fakeMinikube) {
			f.addons = map[string]bool{"default-storageclass": true}
			f.exists("docker", 2, 4096, "v1.36.3", "Running", minikubeMark)
			f.replay = map[string]answer{"update-context": {Stderr: "X Exiting due to HOST_KUBECONFIG_UPDATE: no endpoint\n", Exit: 80}}
		},
		"stopped": func(_ *testing.T, _ *Minikube, f *fakeMinikube) {
			f.exists("docker", 2, 4096, "v1.36.3", "Stopped", minikubeMark)
		},
		"of somebody else": func(_ *testing.T, _ *Minikube, f *fakeMinikube) { f.exists("docker", 2, 4096, "v1.36.3", "Running") },
	} {
		t.Run(name, func(t *testing.T) {
			f, s := newFakeMinikube(t)
			m := newTestMinikube(t, nil)
			if name == "has the ConfigMap" {
				f.exists("docker", 2, 4096, "v1.36.3", "Running", minikubeMark)
			} else {
				firstStartInterrupted(t, m, f)
			}
			prepare(t, m, f)
			_, err := m.Ensure(t.Context())
			if f.replay == nil {
				require.NoError(t, err)
			} else {
				require.Error(t, err, "it does not answer, and its data is kept")
			}
			assert.Empty(t, s.lines("minikube delete"))
		})
	}
}

func TestMinikubeFailedFirstStartIsRecordedUntilDelete(t *testing.T) {
	f, _ := newFakeMinikube(t)
	f.startErr = true
	m := newTestMinikube(t, nil)
	_, err := m.Ensure(t.Context())
	require.Error(t, err)
	assert.FileExists(t, m.unfinishedFile())
	_, err = m.Delete(t.Context())
	require.NoError(t, err)
	assert.NoFileExists(t, m.unfinishedFile())
}

func TestMinikubeUsesSmallProfileWithNote(t *testing.T) {
	for _, state := range []string{"Running", "Stopped"} {
		f, _ := newFakeMinikube(t)
		f.exists("docker", 1, 2200, "v1.36.3", state)
		var out bytes.Buffer
		m := newTestMinikube(t, func(o *MinikubeOptions) { o.Progress = progress.New(&out, progress.Options{}) })
		_, err := m.Ensure(t.Context())
		require.NoError(t, err)
		assert.Contains(t, out.String(), "has 1 CPU")
		assert.Contains(t, out.String(), "2200 MB of memory")
	}
}

func TestMinikubeChecksPortsOfStoppedProfileBeforeStart(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	f, s := newFakeMinikube(t)
	f.exposed = []string{"127.0.0.1:" + strconv.Itoa(port) + ":30080"}
	f.exists("docker", 2, 4096, "v1.36.3", "Stopped")
	m := newTestMinikube(t, nil)
	_, err = m.Ensure(t.Context())
	var taken *PortInUse
	require.ErrorAs(t, err, &taken)
	assert.Equal(t, port, taken.Port)
	assert.True(t, taken.Made, "the port of an existing profile cannot be changed by a setting")
	assert.Empty(t, s.lines("minikube start"))

	status, err := m.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[int]int{30080: port}, status.Ports)

	f.replay = map[string]answer{"status": recorded(t, "status-paused")}
	_, err = m.Ensure(t.Context())
	require.NoError(t, err, "a paused profile uses its port itself")
}

func TestMinikubeRefusesDockerDriverForRootBeforeStart(t *testing.T) {
	_, s := newFakeMinikube(t)
	m := newTestMinikube(t, func(o *MinikubeOptions) { o.Driver = "docker" })
	m.root = true
	_, err := m.Ensure(t.Context())
	require.ErrorContains(t, err, "TODO_PROVIDER=kind")
	assert.Empty(t, s.lines("minikube start"))

	m.opts.StartArgs = []string{"--force"}
	_, err = m.Ensure(t.Context())
	require.NoError(t, err)
}

func TestBrokenMinikubeNamesOtherProvider(t *testing.T) {
	newStage(t, func(call) answer { return answer{Stderr: "minikube: cannot load a library\n", Exit: 127} }, "minikube")
	_, err := newTestMinikube(t, nil).Ensure(t.Context())
	require.ErrorContains(t, err, "TODO_PROVIDER=kind")
	assert.ErrorContains(t, err, "cannot load a library")
}

func TestMinikubeMessageIsCauseWithAdvice(t *testing.T) {
	root := recorded(t, "start-as-root")
	assert.Equal(t, `The "docker" driver should not be used with root privileges.`, message(root.Stdout, root.Stderr))
	const box = "X Exiting due to MK_ADDON_ENABLE: enable failed:\n\tno such image\n* Suggestion: Check the name of the image\n* \n" +
		"╭──────────────────────────────╮\n│                              │\n│    * Free some memory first   │\n│                              │\n╰──────────────────────────────╯\n"
	assert.Equal(t, "MK_ADDON_ENABLE: enable failed: no such image Suggestion: Check the name of the image Free some memory first", message("", box))
	const report = "X Exiting due to MK_ADDON_ENABLE: no such image\n╭───╮\n│ * If the above advice does not help, please let us know: │\n│ https://example.com │\n╰───╯\n"
	assert.Equal(t, "MK_ADDON_ENABLE: no such image", message("", report))
}
