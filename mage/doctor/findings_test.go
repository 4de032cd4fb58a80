package doctor

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

// healthy returns the facts of a machine on which everything runs.
func healthy() Facts {
	return Facts{
		Environment: "dev", Namespace: "todo-dev", Release: "todo", Go: Go{Found: "go1.26.8", Required: "go1.26.8"},
		Engine:     &Engine{Host: "unix:///var/run/docker.sock", Version: "29.0.0", Cgroup: "2"},
		Programs:   Programs{Docker: true},
		Provider:   "kind",
		Registries: []Registry{{Name: "docker.example", Answers: true, Images: []string{"debian:bookworm-slim"}}},
		Cache:      "/cache", Disk: 20e9, DiskKnown: true, Memory: 8e9,
		Ports: []Port{{Port: 8080, Environment: "dev"}, {Port: 8081, Environment: "staging", Free: true}},
		Cluster: &cluster.Status{
			Provider: "kind", Name: "todo", State: cluster.Running, Ports: map[int]int{30080: 8080}, Registry: cluster.Registry{Push: "127.0.0.1:5001"}, Policies: "kindnet",
		},
		Observed: &release.Observation{Revision: 2, Status: "deployed", Workloads: []release.Workload{{Name: "todo-backend", Ready: 1, Wanted: 1}}},
	}
}

func TestHealthyMachineNeedsNoFix(t *testing.T) {
	all := healthy().Findings()
	for _, f := range all {
		assert.Equal(t, OK, f.Level, f.Name+": "+f.Found)
		assert.Empty(t, f.Fix, f.Name)
	}
	assert.NoError(t, all.Err())
}

func TestFindingsDependOnEachFact(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*Facts)
		finding string
		level   Level
		says    string // in Found or Fix
	}{
		"old Go":                         {func(f *Facts) { f.Go.Found = "go1.26.7" }, "go", Fail, "older than go.mod's go1.26.8"},
		"no Go":                          {func(f *Facts) { f.Go.Err = errors.New("not found") }, "go", Fail, "install go1.26.8"},
		"Go without a version number":    {func(f *Facts) { f.Go.Found = "devel" }, "go", OK, "devel"},
		"no engine":                      {func(f *Facts) { f.Engine = nil }, "engine", Fail, "start Docker"},
		"no engine, apt allowed":         {func(f *Facts) { f.Engine, f.CanInstall = nil, true }, "engine", Warn, "a deploy starts"},
		"engine refuses":                 {func(f *Facts) { f.Engine, f.EngineErr = nil, errors.New("refused") }, "engine", Fail, "refused"},
		"engine elsewhere":               {func(f *Facts) { f.Engine.Elsewhere = "it runs on another machine" }, "engine", Fail, "TODO_PROVIDER=kubecontext"},
		"cgroup version 1":               {func(f *Facts) { f.Engine.Cgroup = "1" }, "cgroup", Warn, "version 1"},
		"restricted engine":              {func(f *Facts) { f.Engine.Restricted = true }, "capabilities", Warn, "stop this engine"},
		"restricted, wrapped engine":     {func(f *Facts) { f.Engine.Restricted, f.Engine.Wrapped = true, true }, "capabilities", OK, "runtime wrapper"},
		"no docker command":              {func(f *Facts) { f.Programs.Docker = false }, "docker", Fail, "kind runs it"},
		"no docker command or engine":    {func(f *Facts) { f.Programs.Docker, f.Engine, f.CanInstall = false, nil, true }, "docker", Warn, "together with the engine"},
		"docker command not needed":      {func(f *Facts) { f.Programs.Docker, f.Provider = false, "kubecontext" }, "docker", OK, "does not need it"},
		"minikube chosen, missing":       {func(f *Facts) { f.Provider = "minikube" }, "provider", Fail, "TODO_PROVIDER=kind"},
		"minikube removed, profile kept": {func(f *Facts) { f.Provider, f.ProviderReason = "minikube", "existing cluster" }, "provider", Fail, "auto (existing cluster) chooses minikube, which is not on the PATH"},
		"minikube broken": {func(f *Facts) {
			f.Provider, f.Programs.Minikube, f.Programs.MinikubeErr = "minikube", true, errors.New("no library")
		}, "provider", Fail, "minikube, which does not work: no library"},
		"paused cluster": {func(f *Facts) { f.Cluster.State = cluster.Paused }, "cluster", OK, "a deploy resumes it"},
		"port of paused cluster": {func(f *Facts) {
			f.Cluster.State, f.Ports[0].Free = cluster.Paused, false
			f.Cluster.Ports = map[int]int{30080: f.Ports[0].Port}
		}, "port", OK, "published by the cluster"},
		"provider chosen":              {func(f *Facts) { f.ProviderReason = "" }, "provider", OK, "chosen by a setting"},
		"kind by default":              {func(f *Facts) { f.ProviderReason = "existing cluster" }, "provider", OK, "chosen by auto: existing cluster"},
		"registry away, recipe exists": {func(f *Facts) { f.Registries[0].Answers, f.Programs.Mmdebstrap = false, true }, "registry", Warn, "locally: debian:bookworm-slim"},
		"registry away, recipe missing": {func(f *Facts) {
			f.Registries[0] = Registry{Name: "docker.example", Images: []string{"debian:bookworm-slim", "golang:1"}}
		}, "registry", Fail, "no recipe for golang:1"},
		"mmdebstrap missing":              {func(f *Facts) { f.Registries[0].Answers = false }, "image tools", Fail, "install the package mmdebstrap"},
		"mmdebstrap missing, apt allowed": {func(f *Facts) { f.Registries[0].Answers, f.CanInstall = false, true }, "image tools", Warn, "with apt"},
		"npm missing": {func(f *Facts) {
			f.Registries[0].Answers, f.Programs.Mmdebstrap, f.Registries[0].Images = false, true, []string{"node:24-alpine"}
		}, "image tools", Fail, "npm is missing"},
		"default limit of inotify":        {func(f *Facts) { f.Inotify = 128 }, "inotify", OK, "several nodes or clusters need 512"},
		"low limit of inotify":            {func(f *Facts) { f.Inotify = 127 }, "inotify", Warn, "sysctl fs.inotify.max_user_instances=512"},
		"little disk":                     {func(f *Facts) { f.Disk = 15e9 - 1 }, "disk", Warn, "TODO_CACHE"},
		"very little disk":                {func(f *Facts) { f.Disk = 5e9 - 1 }, "disk", Fail, "5.0 GB free for /cache"},
		"little memory":                   {func(f *Facts) { f.Memory = 4e9 }, "memory", Warn, "4.0 GB"},
		"port taken, no cluster":          {func(f *Facts) { f.Cluster = &cluster.Status{State: cluster.Absent} }, "port", Fail, "choose another port: TODO_PORT"},
		"port taken, other environment":   {func(f *Facts) { f.Ports[1].Free, f.Cluster.State = false, cluster.Stopped }, "port", Fail, "values/staging.yaml"},
		"port taken, cluster without it":  {func(f *Facts) { f.Cluster.Ports = nil }, "port", Warn, "used by another program"},
		"broken cluster":                  {func(f *Facts) { f.Cluster.State, f.Ports = cluster.Broken, nil }, "cluster", Warn, "mage cluster:down"},
		"no cluster":                      {func(f *Facts) { f.Cluster.State, f.Ports = cluster.Absent, nil }, "cluster", OK, "a deploy starts it"},
		"stopped cluster of kubecontext":  {func(f *Facts) { f.Cluster.State, f.Provider, f.Ports = cluster.Stopped, "kubecontext", nil }, "cluster", Fail, "a deploy does not create it"},
		"node not ready":                  {func(f *Facts) { f.Cluster.NotReady = []string{"node todo"} }, "cluster", Warn, "node todo"},
		"cluster refuses":                 {func(f *Facts) { f.ClusterErr = errors.New("refused") }, "cluster", Fail, "refused"},
		"no cluster registry":             {func(f *Facts) { f.Cluster.Registry = cluster.Registry{} }, "cluster registry", Warn, "mage cluster:up"},
		"network policies enforced":       {func(f *Facts) {}, "network policies", OK, "enforced by kindnet"},
		"network policies without effect": {func(f *Facts) { f.Cluster.Policies = "" }, "network policies", Warn, "have no effect here"},
		"no release":                      {func(f *Facts) { f.Observed, f.ObservedErr = nil, release.ErrNotFound }, "release", OK, "not installed"},
		"release records refused":         {func(f *Facts) { f.Observed, f.ObservedErr = nil, errors.New("forbidden") }, "release", Warn, "forbidden"},
		"failed release":                  {func(f *Facts) { f.Observed.Status = "failed" }, "release", Warn, "revision 2 failed"},
		"pod not ready":                   {func(f *Facts) { f.Observed.Workloads[0].Ready = 0 }, "release", Warn, "todo-backend 0 of 1 ready"},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			test.change(&f)
			for _, finding := range f.Findings() {
				if finding.Name == test.finding && finding.Level == test.level && strings.Contains(finding.Found+finding.Fix, test.says) {
					return
				}
			}
			assert.Failf(t, "no such finding", "%s %s with %q in %+v", test.level, test.finding, test.says, f.Findings())
		})
	}
}

func TestErrNamesFailedChecksOnly(t *testing.T) {
	all := Findings{{Level: OK, Name: "go"}, {Level: Warn, Name: "disk"}}
	require.NoError(t, all.Err())
	err := append(all, Finding{Level: Fail, Name: "engine"}).Err()
	assert.EqualError(t, err, "1 of 3 checks fail: engine: the fixes are in the table")
}

func TestPortOfStoppedClusterOffersLosslessFixFirst(t *testing.T) {
	f := Facts{Environment: "dev", Cluster: &cluster.Status{State: cluster.Stopped, Ports: map[int]int{30080: 8080}}}
	row := f.portFinding(Port{Port: 8080, Environment: "dev"})
	assert.Equal(t, Fail, row.Level)
	assert.Equal(t, "stop that program: nothing is lost; a new cluster with another port (`mage cluster:down`, then a deploy) "+cluster.LosesData, row.Fix)
	f.Cluster = &cluster.Status{State: cluster.Absent}
	assert.Contains(t, f.portFinding(Port{Port: 8080, Environment: "dev"}).Fix, "TODO_PORT", "before the cluster exists")
}
