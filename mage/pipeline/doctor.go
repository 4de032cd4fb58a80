package pipeline

import (
	"errors"
	"fmt"
	"go/version"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

// What the caches need: about 6 GB once everything is made (measured), beside
// the engine's own images. Memory: a cluster with one environment, and a
// compiler beside it.
const (
	diskWarn   = 15e9
	diskFail   = 5e9
	memoryWarn = 6e9
)

// Level says how bad a Finding is.
type Level string

// Levels of a Finding.
const (
	OK   Level = "ok"
	Warn Level = "warn" // a deploy works, or cures it itself
	Fail Level = "fail" // a deploy will not work
)

// Finding is one thing that a deploy needs, as it is.
type Finding struct {
	Level Level
	Name  string
	Found string
	Cure  string // empty where there is nothing to do
}

// Findings are in the order in which a deploy meets them.
type Findings []Finding

// Print writes a line a finding; its cure follows, indented.
func (all Findings) Print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range all {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Level, f.Name, oneLine(f.Found))
		if f.Cure != "" {
			fmt.Fprintf(table, "\t\t→ %s\n", oneLine(f.Cure))
		}
	}
	return table.Flush()
}

// Err is nil unless something fails.
func (all Findings) Err() error {
	var failed []string
	for _, f := range all {
		if f.Level == Fail {
			failed = append(failed, f.Name)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d checks fail: %s: the cures are in the table", len(failed), len(all), strings.Join(failed, ", "))
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// facts are what Doctor decides by. Zero values stand for what is not known.
type facts struct {
	environment string
	canInstall  bool // packages of the system, by apt

	goVersion, goWanted string // as in go1.26.8
	goErr               error

	engine    *engineFacts
	engineErr error // why there is none
	dockerCLI bool
	minikube  bool
	provider  string // the one that a deploy takes
	chosen    bool   // by a setting

	registries []registryFacts
	mmdebstrap bool
	npm        bool

	cache               string
	disk                uint64 // bytes free; only where diskKnown
	diskKnown           bool
	memory              uint64 // bytes; 0 where not known
	ports               []portFacts
	cluster             *cluster.Status
	clusterErr          error
	release             *release.Observation
	releaseErr          error
	namespace, instance string
}

type engineFacts struct {
	host, version, cgroup string
	restricted            bool // the host withholds CAP_SYS_RESOURCE
	wrapped               bool // the engine runs containers through the wrapper
}

type registryFacts struct {
	name    string
	answers bool
	images  []string // that the project takes from it
}

type portFacts struct {
	port        int
	environment string
	free        bool
}

func (f facts) findings() Findings {
	all := Findings{f.goFinding()}
	all = append(all, f.engineFindings()...)
	all = append(all, f.dockerFinding(), f.providerFinding())
	all = append(all, f.registryFindings()...)
	all = append(all, f.machineFindings()...)
	for _, p := range f.ports {
		all = append(all, f.portFinding(p))
	}
	return append(all, f.clusterFindings()...)
}

func (f facts) goFinding() Finding {
	row := Finding{Level: OK, Name: "go", Found: f.goVersion}
	switch {
	case f.goErr != nil:
		row.Level, row.Found, row.Cure = Fail, f.goErr.Error(), "install "+f.goWanted+" or later: https://go.dev/dl"
	case version.IsValid(f.goVersion) && version.Compare(f.goVersion, f.goWanted) < 0: // one from Go's own sources has no number
		row.Level, row.Found, row.Cure = Fail, f.goVersion+" is older than go.mod's "+f.goWanted, "install "+f.goWanted+" or later: https://go.dev/dl"
	}
	return row
}

func (f facts) engineFindings() Findings {
	if f.engine == nil {
		row := Finding{Level: Fail, Name: "engine", Found: "none", Cure: "start Docker, or install it: https://docs.docker.com/engine/install/"}
		if f.engineErr != nil {
			row.Found, row.Cure = f.engineErr.Error(), ""
		} else if f.canInstall {
			row.Level, row.Cure = Warn, "a deploy starts Docker Engine, and installs it with apt if need be"
		}
		return Findings{row}
	}
	e := f.engine
	all := Findings{{Level: OK, Name: "engine", Found: "Docker " + e.version + " at " + e.host}}
	cgroup := Finding{Level: OK, Name: "cgroup", Found: "version " + e.cgroup}
	if e.cgroup == "1" {
		cgroup.Level, cgroup.Cure = Warn, "nothing to do: nodes are told to accept it; Kubernetes gives it up, so plan for a system with version 2"
	}
	capability := Finding{Level: OK, Name: "capabilities", Found: "CAP_SYS_RESOURCE is there"}
	switch {
	case e.restricted && e.wrapped:
		capability.Found = "CAP_SYS_RESOURCE is withheld; the engine uses the runtime wrapper"
	case e.restricted:
		capability = Finding{
			Level: Warn, Name: "capabilities", Found: "CAP_SYS_RESOURCE is withheld, and the engine does not use the runtime wrapper",
			Cure: "stop this engine: a deploy starts one with the wrapper",
		}
	}
	return append(all, cgroup, capability)
}

func (f facts) dockerFinding() Finding {
	row := Finding{Level: OK, Name: "docker", Found: "the command is on the PATH"}
	if f.dockerCLI {
		return row
	}
	row.Found = "the command is not on the PATH"
	switch {
	case f.provider != "kind":
		row.Found += "; " + f.provider + " does without"
	case f.engine == nil && f.canInstall:
		row.Level, row.Cure = Warn, "it comes with the engine that a deploy installs"
	default:
		row.Level, row.Cure = Fail, "kind runs it: install Docker's command line, or choose another provider with TODO_PROVIDER"
	}
	return row
}

func (f facts) providerFinding() Finding {
	row := Finding{Level: OK, Name: "provider", Found: f.provider}
	switch {
	case f.provider == "minikube" && !f.minikube:
		row.Level, row.Found = Fail, "minikube is chosen by a setting but not on the PATH"
		row.Cure = "install it: https://minikube.sigs.k8s.io/docs/start, or set TODO_PROVIDER=kind"
	case f.chosen:
		row.Found += ", by a setting"
	case f.minikube:
		row.Found += ", which is on the PATH"
	default:
		row.Found += ", for minikube is not on the PATH"
	}
	return row
}

// registryFindings tell where images come from. Where a registry does not
// answer, they are made, for which there are tools.
func (f facts) registryFindings() Findings {
	var all Findings
	var made []string
	for _, r := range f.registries {
		row := Finding{Level: OK, Name: "registry", Found: r.name + " answers"}
		if !r.answers {
			recipes := airgap.Makeable()
			row.Level, row.Found = Warn, r.name+" does not answer; made here instead: "+strings.Join(r.images, ", ")
			row.Cure = "nothing to do, but the first deploy takes longer"
			made = append(made, r.images...)
			without := slices.DeleteFunc(slices.Clone(r.images), func(ref string) bool { return slices.Contains(recipes, ref) })
			if len(without) > 0 {
				row.Level, row.Found = Fail, r.name+" does not answer, and there is no recipe for "+strings.Join(without, ", ")
				row.Cure = "let this machine reach the registry, or use images that mage/airgap can make"
			}
		}
		all = append(all, row)
	}
	if len(made) == 0 {
		return all
	}
	tools := []struct {
		name  string
		there bool
		need  bool
	}{{"mmdebstrap", f.mmdebstrap, true}, {"npm", f.npm, slices.Contains(made, airgap.NodeJSRef)}}
	for _, tool := range tools {
		row := Finding{Level: OK, Name: "image tools", Found: tool.name + " is on the PATH"}
		switch {
		case !tool.need:
			continue
		case !tool.there && f.canInstall:
			row.Level, row.Found, row.Cure = Warn, tool.name+" is missing", "a deploy installs it with apt"
		case !tool.there:
			row.Level, row.Found, row.Cure = Fail, tool.name+" is missing", "install the package "+tool.name+", or run as root on Debian so that it can be installed"
		}
		all = append(all, row)
	}
	return all
}

func (f facts) machineFindings() Findings {
	var all Findings
	if f.diskKnown {
		row := Finding{Level: OK, Name: "disk", Found: fmt.Sprintf("%.1f GB free for %s", float64(f.disk)/1e9, f.cache)}
		if f.disk < diskWarn {
			row.Level, row.Cure = Warn, "the caches take about 6 GB: free some space, or choose another folder with TODO_CACHE"
		}
		if f.disk < diskFail {
			row.Level = Fail
		}
		all = append(all, row)
	}
	if f.memory > 0 {
		row := Finding{Level: OK, Name: "memory", Found: fmt.Sprintf("%.1f GB", float64(f.memory)/1e9)}
		if f.memory < memoryWarn {
			row.Level, row.Cure = Warn, "6 GB or more are wanted: give the engine's machine more, or close other programs"
		}
		all = append(all, row)
	}
	return all
}

func (f facts) portFinding(p portFacts) Finding {
	row := Finding{Level: OK, Name: "port", Found: fmt.Sprintf("%d of %s is free", p.port, p.environment)}
	if p.free {
		return row
	}
	running := f.cluster != nil && f.cluster.State == cluster.Running
	made := f.cluster != nil && slices.Contains(slices.Collect(maps.Values(f.cluster.Ports)), p.port)
	if running && made {
		row.Found = fmt.Sprintf("%d of %s is the cluster's", p.port, p.environment)
		return row
	}
	setting := "TODO_PORT"
	if p.environment != f.environment {
		setting = "pipeline.url.port in values/" + p.environment + ".yaml"
	}
	row.Level, row.Found = Fail, fmt.Sprintf("%d of %s is used by another program", p.port, p.environment)
	row.Cure = "stop that program, or choose another port: " + setting
	if made { // and stopped: no setting changes the ports of a cluster that exists
		row.Cure = "stop that program, and nothing is lost; a new cluster with another port (`mage cluster:down`, then a deploy) " + cluster.LosesData
	}
	if running {
		row.Level = Warn // it was made without, and is reached by port-forwards
	}
	return row
}

func (f facts) clusterFindings() Findings {
	row := Finding{Level: OK, Name: "cluster"}
	switch {
	case f.clusterErr != nil:
		row.Level, row.Found = Fail, f.clusterErr.Error()
		return Findings{row}
	case f.cluster == nil:
		row.Found = "not known without engine and provider"
		return Findings{row}
	}
	s := f.cluster
	row.Found = strings.TrimSpace(fmt.Sprintf("%s/%s %s %s %s", s.Provider, s.Name, s.State, s.Kubernetes, s.Detail))
	switch {
	case s.State != cluster.Running && f.provider == "kubecontext":
		row.Level, row.Cure = Fail, "start the cluster that the context leads to; a deploy does not make it"
	case s.State == cluster.Broken:
		row.Level, row.Cure = Warn, "a deploy repairs it, or makes it again where it was never complete; `mage cluster:down` removes it, which "+cluster.LosesData
	case s.State == cluster.Running && len(s.NotReady) > 0:
		row.Level, row.Cure = Warn, "wait a moment, or run `mage deploy:"+f.environment+"`: not ready: "+strings.Join(s.NotReady, ", ")
	case s.State != cluster.Running:
		row.Found += "; a deploy brings it up"
	}
	if s.State != cluster.Running {
		return Findings{row}
	}
	registry := Finding{Level: OK, Name: "cluster registry", Found: "answers at " + s.Registry.Push}
	if s.Registry.Push == "" {
		registry.Level, registry.Found, registry.Cure = Warn, "does not answer", "`mage cluster:up` brings it up"
	}
	return Findings{row, registry, policyFinding(s.Policies), f.releaseFinding()}
}

// policyFinding is a warning where the policies that an environment asks for are
// there and do nothing.
func policyFinding(enforcer string) Finding {
	row := Finding{Level: OK, Name: "network policies", Found: "enforced by " + enforcer}
	if enforcer == "" {
		row.Level, row.Found = Warn, "nothing known in this cluster enforces them"
		row.Cure = "staging's policies are applied and have no effect here; a cluster with kindnet, Calico or Cilium makes them hold"
	}
	return row
}

func (f facts) releaseFinding() Finding {
	row := Finding{Level: OK, Name: "release"}
	name, cure := f.namespace+"/"+f.instance, "`mage deploy:"+f.environment+"` mends it, or says why not"
	switch {
	case errors.Is(f.releaseErr, release.ErrNotFound):
		row.Found = name + " is not installed"
	case f.releaseErr != nil:
		row.Level, row.Found, row.Cure = Warn, f.releaseErr.Error(), cure
	case f.release == nil:
		row.Level, row.Found, row.Cure = Warn, name+" is not known", cure
	default:
		row.Found = fmt.Sprintf("%s revision %d %s", name, f.release.Revision, f.release.Status)
		for _, w := range f.release.Workloads {
			if w.Ready < w.Wanted {
				row.Level, row.Cure = Warn, cure
				row.Found += fmt.Sprintf(", %s %d of %d ready", w.Name, w.Ready, w.Wanted)
			}
		}
		if f.release.Status != "deployed" {
			row.Level, row.Cure = Warn, cure
		}
	}
	return row
}
