package pipeline

import (
	"bytes"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

// healthy are the facts of a machine on which everything runs.
func healthy() facts {
	return facts{
		environment: "dev", namespace: "todo-dev", instance: "todo", goVersion: "go1.26.8", goWanted: "go1.26.8",
		engine:    &engineFacts{host: "unix:///var/run/docker.sock", version: "29.0.0", cgroup: "2"},
		dockerCLI: true, provider: "kind",
		registries: []registryFacts{{name: "docker.example", answers: true, images: []string{"debian:bookworm-slim"}}},
		cache:      "/cache", disk: 20e9, diskKnown: true, memory: 8e9,
		ports: []portFacts{{port: 8080, environment: "dev"}, {port: 8081, environment: "staging", free: true}},
		cluster: &cluster.Status{
			Provider: "kind", Name: "todo", State: cluster.Running, Ports: map[int]int{30080: 8080}, Registry: cluster.Registry{Push: "127.0.0.1:5001"}, Policies: "kindnet",
		},
		release: &release.Observation{Revision: 2, Status: "deployed", Workloads: []release.Workload{{Name: "todo-backend", Ready: 1, Wanted: 1}}},
	}
}

func TestAHealthyMachineHasNothingToCure(t *testing.T) {
	all := healthy().findings()
	for _, f := range all {
		assert.Equal(t, OK, f.Level, f.Name+": "+f.Found)
		assert.Empty(t, f.Cure, f.Name)
	}
	assert.NoError(t, all.Err())
}

func TestFindings(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*facts)
		row    string // name of the finding that is not ok
		level  Level
		says   string // in what was found or its cure
	}{
		"an old Go":              {func(f *facts) { f.goVersion = "go1.26.7" }, "go", Fail, "older than go.mod's go1.26.8"},
		"no Go":                  {func(f *facts) { f.goErr = errors.New("not found") }, "go", Fail, "install go1.26.8"},
		"a Go from sources":      {func(f *facts) { f.goVersion = "devel" }, "go", OK, "devel"},
		"no engine":              {func(f *facts) { f.engine = nil }, "engine", Fail, "start Docker"},
		"no engine on Debian":    {func(f *facts) { f.engine, f.canInstall = nil, true }, "engine", Warn, "a deploy starts"},
		"an engine in trouble":   {func(f *facts) { f.engine, f.engineErr = nil, errors.New("refused") }, "engine", Fail, "refused"},
		"cgroup 1":               {func(f *facts) { f.engine.cgroup = "1" }, "cgroup", Warn, "version 1"},
		"restricted":             {func(f *facts) { f.engine.restricted = true }, "capabilities", Warn, "stop this engine"},
		"restricted and wrapped": {func(f *facts) { f.engine.restricted, f.engine.wrapped = true, true }, "capabilities", OK, "runtime wrapper"},
		"no docker command":      {func(f *facts) { f.dockerCLI = false }, "docker", Fail, "kind runs it"},
		"none that is installed": {func(f *facts) { f.dockerCLI, f.engine, f.canInstall = false, nil, true }, "docker", Warn, "comes with the engine"},
		"none that is needed":    {func(f *facts) { f.dockerCLI, f.provider, f.chosen = false, "kubecontext", true }, "docker", OK, "does without"},
		"minikube chosen":        {func(f *facts) { f.provider, f.chosen = "minikube", true }, "provider", Fail, "TODO_PROVIDER=kind"},
		"minikube found":         {func(f *facts) { f.provider, f.minikube = "minikube", true }, "provider", OK, "on the PATH"},
		"images to be made":      {func(f *facts) { f.registries[0].answers, f.mmdebstrap = false, true }, "registry", Warn, "debian:bookworm-slim"},
		"an image without recipe": {func(f *facts) {
			f.registries[0] = registryFacts{name: "docker.example", images: []string{"debian:bookworm-slim", "golang:1"}}
		}, "registry", Fail, "no recipe for golang:1"},
		"no tool to make images":   {func(f *facts) { f.registries[0].answers = false }, "image tools", Fail, "install the package mmdebstrap"},
		"a tool that is installed": {func(f *facts) { f.registries[0].answers, f.canInstall = false, true }, "image tools", Warn, "with apt"},
		"npm for Node.js": {func(f *facts) {
			f.registries[0].answers, f.mmdebstrap, f.registries[0].images = false, true, []string{"node:24-alpine"}
		}, "image tools", Fail, "npm is missing"},
		"little disk":         {func(f *facts) { f.disk = 15e9 - 1 }, "disk", Warn, "TODO_CACHE"},
		"very little disk":    {func(f *facts) { f.disk = 5e9 - 1 }, "disk", Fail, "5.0 GB free for /cache"},
		"little memory":       {func(f *facts) { f.memory = 4e9 }, "memory", Warn, "4.0 GB"},
		"a taken port":        {func(f *facts) { f.cluster = &cluster.Status{State: cluster.Absent} }, "port", Fail, "choose another port: TODO_PORT"},
		"another's port":      {func(f *facts) { f.ports[1].free, f.cluster.State = false, cluster.Stopped }, "port", Fail, "values/staging.yaml"},
		"a port not the node": {func(f *facts) { f.cluster.Ports = nil }, "port", Warn, "used by another program"},
		"a broken cluster":    {func(f *facts) { f.cluster.State = cluster.Broken; f.ports = nil }, "cluster", Warn, "mage cluster:down"},
		"a cluster to come":   {func(f *facts) { f.cluster.State = cluster.Absent; f.ports = nil }, "cluster", OK, "a deploy brings it up"},
		"a context that is down": {func(f *facts) {
			f.cluster.State, f.provider, f.ports = cluster.Stopped, "kubecontext", nil
		}, "cluster", Fail, "a deploy does not make it"},
		"something not ready":    {func(f *facts) { f.cluster.NotReady = []string{"node todo"} }, "cluster", Warn, "node todo"},
		"a cluster in trouble":   {func(f *facts) { f.clusterErr = errors.New("refused") }, "cluster", Fail, "refused"},
		"no registry in it":      {func(f *facts) { f.cluster.Registry = cluster.Registry{} }, "cluster registry", Warn, "mage cluster:up"},
		"policies held":          {func(f *facts) {}, "network policies", OK, "enforced by kindnet"},
		"policies not held":      {func(f *facts) { f.cluster.Policies = "" }, "network policies", Warn, "have no effect here"},
		"nothing installed":      {func(f *facts) { f.release, f.releaseErr = nil, release.ErrNotFound }, "release", OK, "not installed"},
		"records not to be read": {func(f *facts) { f.release, f.releaseErr = nil, errors.New("forbidden") }, "release", Warn, "forbidden"},
		"a failed release":       {func(f *facts) { f.release.Status = "failed" }, "release", Warn, "revision 2 failed"},
		"pods not ready":         {func(f *facts) { f.release.Workloads[0].Ready = 0 }, "release", Warn, "todo-backend 0 of 1 ready"},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			test.change(&f)
			for _, finding := range f.findings() {
				if finding.Name == test.row && finding.Level == test.level && strings.Contains(finding.Found+finding.Cure, test.says) {
					return
				}
			}
			assert.Failf(t, "no such finding", "%s %s with %q in %+v", test.level, test.row, test.says, f.findings())
		})
	}
}

func TestOnlyFailuresAreAnError(t *testing.T) {
	all := Findings{{Level: OK, Name: "go"}, {Level: Warn, Name: "disk"}}
	require.NoError(t, all.Err())
	err := append(all, Finding{Level: Fail, Name: "engine"}).Err()
	assert.EqualError(t, err, "1 of 3 checks fail: engine: the cures are in the table")
	assert.Equal(t, ExitBroken, ExitCode(err))
}

func TestPrintPutsACureUnderItsFinding(t *testing.T) {
	var out bytes.Buffer
	all := Findings{{Level: OK, Name: "go", Found: "go1.26.8"}, {Level: Fail, Name: "engine", Found: "none:\n refused", Cure: "start it"}}
	require.NoError(t, all.Print(&out))
	assert.Equal(t, "ok    go      go1.26.8\nfail  engine  none: refused\n              → start it\n", out.String())
}

func TestFactsAreReadFromTheSystem(t *testing.T) {
	assert.Equal(t, "go1.26.8", wantedGo([]byte("module m\n\ngo 1.26.8\n\nrequire x v1\n")))
	assert.Equal(t, uint64(2<<20), memTotal([]byte("MemFree: 1 kB\nMemTotal:      2048 kB\n")))
	assert.Zero(t, memTotal(nil))

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	assert.False(t, portFree(t.Context(), port))
	listener.Close()
	assert.True(t, portFree(t.Context(), port))
}

func TestThePortOfAStoppedClusterIsCuredWithoutLossFirst(t *testing.T) {
	f := facts{environment: "dev", cluster: &cluster.Status{State: cluster.Stopped, Ports: map[int]int{30080: 8080}}}
	row := f.portFinding(portFacts{port: 8080, environment: "dev"})
	assert.Equal(t, Fail, row.Level)
	assert.Equal(t, "stop that program, and nothing is lost; a new cluster with another port (`mage cluster:down`, then a deploy) "+cluster.LosesData, row.Cure)
	f.cluster = &cluster.Status{State: cluster.Absent}
	assert.Contains(t, f.portFinding(portFacts{port: 8080, environment: "dev"}).Cure, "TODO_PORT", "before it is made")
}
