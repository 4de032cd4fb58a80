package doctor

import (
	"errors"
	"fmt"
	"go/version"
	"maps"
	"slices"
	"strings"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/release"
)

// The caches take about 6 GB once every image is made (measured), and the
// engine's own images come on top. The memory is enough for a cluster with one
// environment while a compiler runs.
const (
	diskWarn    = 15e9
	diskFail    = 5e9
	memoryWarn  = 6e9
	inotifyWarn = 128 // the default of Linux, enough for one node
	inotifyMany = 512
)

// Findings decides how each fact affects a deploy.
func (f Facts) Findings() Findings {
	all := Findings{f.goFinding()}
	all = append(all, f.engineFindings()...)
	all = append(all, f.dockerFinding(), f.providerFinding())
	if f.Network != nil {
		all = append(all, f.networkFinding())
	}
	all = append(all, f.registryFindings()...)
	all = append(all, f.machineFindings()...)
	for _, p := range f.Ports {
		all = append(all, f.portFinding(p))
	}
	return append(all, f.clusterFindings()...)
}

func (f Facts) goFinding() Finding {
	row := Finding{Level: OK, Name: "go", Found: f.Go.Found}
	install := "install " + f.Go.Required + " or later: https://go.dev/dl"
	switch {
	case f.Go.Err != nil:
		row.Level, row.Found, row.Fix = Fail, f.Go.Err.Error(), install
	case version.IsValid(f.Go.Found) && version.Compare(f.Go.Found, f.Go.Required) < 0: // a Go built from its repository has no number
		row.Level, row.Found, row.Fix = Fail, f.Go.Found+" is older than go.mod's "+f.Go.Required, install
	}
	return row
}

func (f Facts) engineFindings() Findings {
	if f.Engine == nil {
		row := Finding{Level: Fail, Name: "engine", Found: "none", Fix: "start Docker, or install it: https://docs.docker.com/engine/install/"}
		if f.EngineErr != nil {
			row.Found, row.Fix = f.EngineErr.Error(), ""
		} else if f.CanInstall {
			row.Level, row.Fix = Warn, "nothing to do: a deploy starts Docker Engine, and installs it with apt where it is missing"
		}
		return Findings{row}
	}
	e := f.Engine
	all := Findings{{Level: OK, Name: "engine", Found: "Docker " + e.Version + " at " + e.Host}}
	if e.Elsewhere != "" && f.Provider == "kind" {
		all[0].Level = Fail
		all[0].Found += "; " + e.Elsewhere
		all[0].Fix = "run the pipeline on the engine's machine, or use an existing cluster with TODO_PROVIDER=kubecontext"
	}
	cgroup := Finding{Level: OK, Name: "cgroup", Found: "version " + e.Cgroup}
	if e.Cgroup == "1" {
		cgroup.Level, cgroup.Fix = Warn, "nothing to do now: nodes are configured to accept it; a later Kubernetes will not, so plan to move to a system with version 2"
	}
	capability := Finding{Level: OK, Name: "capabilities", Found: "CAP_SYS_RESOURCE is available"}
	switch {
	case e.Restricted && e.Wrapped:
		capability.Found = "CAP_SYS_RESOURCE is withheld; the engine uses the runtime wrapper"
	case e.Restricted:
		capability = Finding{
			Level: Warn, Name: "capabilities", Found: "CAP_SYS_RESOURCE is withheld, and the engine does not use the runtime wrapper",
			Fix: "stop this engine: the next deploy starts one that uses the wrapper",
		}
	}
	return append(all, cgroup, capability)
}

func (f Facts) dockerFinding() Finding {
	row := Finding{Level: OK, Name: "docker", Found: "the command is on the PATH"}
	if f.Programs.Docker {
		return row
	}
	row.Found = "the command is not on the PATH"
	switch {
	case f.Provider != "kind":
		row.Found += "; " + f.Provider + " does not need it"
	case f.Engine == nil && f.CanInstall:
		row.Level, row.Fix = Warn, "nothing to do: a deploy installs it together with the engine"
	default:
		row.Level, row.Fix = Fail, "kind runs it: install Docker's command line, or choose another provider with TODO_PROVIDER"
	}
	return row
}

// providerReason is the subject of a sentence about the choice of the provider.
func (f Facts) providerReason() string {
	if f.ProviderReason == "" {
		return "a setting"
	}
	return "auto (" + f.ProviderReason + ")"
}

func (f Facts) providerFinding() Finding {
	row := Finding{Level: OK, Name: "provider", Found: f.Provider}
	switch {
	case f.Provider == "minikube" && !f.Programs.Minikube:
		row.Level, row.Found = Fail, f.providerReason()+" chooses minikube, which is not on the PATH"
		row.Fix = "install it: https://minikube.sigs.k8s.io/docs/start, or set TODO_PROVIDER=kind"
	case f.Provider == "minikube" && f.Programs.MinikubeErr != nil:
		row.Level, row.Found = Fail, f.providerReason()+" chooses minikube, which does not work: "+f.Programs.MinikubeErr.Error()
		row.Fix = "repair it, or set TODO_PROVIDER=kind"
	case f.ProviderReason == "":
		row.Found += ", chosen by a setting"
	default:
		row.Found += ", chosen by auto: " + f.ProviderReason
	}
	return row
}

// registryFindings say which registries answer, and whether this machine can
// make the images of the others.
func (f Facts) registryFindings() Findings {
	var all Findings
	var made []string
	for _, r := range f.Registries {
		all = append(all, r.finding())
		if !r.Answers {
			made = append(made, r.Images...)
		}
	}
	if len(made) == 0 {
		return all
	}
	all = append(all, f.toolFinding(tool{"mmdebstrap", f.Programs.Mmdebstrap}))
	if slices.Contains(made, airgap.NodeJSRef) {
		all = append(all, f.toolFinding(tool{"npm", f.Programs.NPM}))
	}
	return all
}

func (r Registry) finding() Finding {
	if r.Answers {
		return Finding{Level: OK, Name: "registry", Found: r.Name + " answers"}
	}
	recipes := airgap.Makeable()
	without := slices.DeleteFunc(slices.Clone(r.Images), func(ref string) bool { return slices.Contains(recipes, ref) })
	if len(without) > 0 {
		return Finding{
			Level: Fail, Name: "registry", Found: r.Name + " does not answer, and there is no recipe for " + strings.Join(without, ", "),
			Fix: "give this machine access to the registry, or use images for which mage/airgap has a recipe",
		}
	}
	return Finding{
		Level: Warn, Name: "registry", Found: r.Name + " does not answer; a deploy makes these images locally: " + strings.Join(r.Images, ", "),
		Fix: "nothing to do, but the first deploy takes longer",
	}
}

// tool is a program with which recipes make images.
type tool struct {
	program string
	found   bool
}

func (f Facts) toolFinding(t tool) Finding {
	switch {
	case t.found:
		return Finding{Level: OK, Name: "image tools", Found: t.program + " is on the PATH"}
	case f.CanInstall:
		return Finding{Level: Warn, Name: "image tools", Found: t.program + " is missing", Fix: "nothing to do: a deploy installs it with apt"}
	default:
		return Finding{
			Level: Fail, Name: "image tools", Found: t.program + " is missing",
			Fix: "install the package " + t.program + ", or run as root on Debian so that a deploy can install it",
		}
	}
}

func (f Facts) machineFindings() Findings {
	var all Findings
	if f.DiskKnown {
		row := Finding{Level: OK, Name: "disk", Found: fmt.Sprintf("%.1f GB free for %s", float64(f.Disk)/1e9, f.Cache)}
		if f.Disk < diskWarn {
			row.Level, row.Fix = Warn, "the caches take about 6 GB: free some space, or choose another folder with TODO_CACHE"
		}
		if f.Disk < diskFail {
			row.Level = Fail
		}
		all = append(all, row)
	}
	if f.Memory > 0 {
		row := Finding{Level: OK, Name: "memory", Found: fmt.Sprintf("%.1f GB", float64(f.Memory)/1e9)}
		if f.Memory < memoryWarn {
			row.Level, row.Fix = Warn, "a deploy needs 6 GB: give the engine's machine more memory, or close other programs"
		}
		all = append(all, row)
	}
	if f.Inotify > 0 {
		row := Finding{Level: OK, Name: "inotify", Found: fmt.Sprintf("%d instances per user; several nodes or clusters need %d", f.Inotify, inotifyMany)}
		if f.Inotify < inotifyWarn {
			row.Level, row.Fix = Warn, fmt.Sprintf("a node fails with \"too many open files\" at this limit: `sudo sysctl fs.inotify.max_user_instances=%d`", inotifyMany)
		}
		all = append(all, row)
	}
	return all
}

func (f Facts) portFinding(p Port) Finding {
	row := Finding{Level: OK, Name: "port", Found: fmt.Sprintf("%d of %s is free", p.Port, p.Environment)}
	if p.Free {
		return row
	}
	running := f.Cluster != nil && f.Cluster.State == cluster.Running
	published := f.Cluster != nil && slices.Contains(slices.Collect(maps.Values(f.Cluster.Ports)), p.Port)
	if published && (running || f.Cluster.State == cluster.Paused) {
		row.Found = fmt.Sprintf("%d of %s is published by the cluster", p.Port, p.Environment)
		return row
	}
	setting := "TODO_PORT"
	if p.Environment != f.Environment {
		setting = "pipeline.url.port in values/" + p.Environment + ".yaml"
	}
	row.Level, row.Found = Fail, fmt.Sprintf("%d of %s is used by another program", p.Port, p.Environment)
	row.Fix = "stop that program, or choose another port: " + setting
	if published { // by a stopped cluster, whose ports are fixed at its creation
		row.Fix = "stop that program: nothing is lost; a new cluster with another port (`mage cluster:down`, then a deploy) " + cluster.LosesData
	}
	if running {
		row.Level = Warn // the cluster does not publish this port; a port-forward reaches it
	}
	return row
}

func (f Facts) clusterFindings() Findings {
	row := Finding{Level: OK, Name: "cluster"}
	switch {
	case f.ClusterErr != nil:
		row.Level, row.Found = Fail, f.ClusterErr.Error()
		return Findings{row}
	case f.Cluster == nil:
		row.Found = "not known without engine and provider"
		return Findings{row}
	}
	s := f.Cluster
	row.Found = strings.TrimSpace(fmt.Sprintf("%s/%s %s %s %s", s.Provider, s.Name, s.State, s.Kubernetes, s.Detail))
	switch {
	case s.State != cluster.Running && f.Provider == "kubecontext":
		row.Level, row.Fix = Fail, "start the cluster of this kubeconfig context; a deploy does not create it"
	case s.State == cluster.Paused:
		row.Found += "; a deploy resumes it"
	case s.State == cluster.Broken:
		row.Level, row.Fix = Warn, "a deploy repairs it, or creates it again where it was never complete; `mage cluster:down` removes it, which "+cluster.LosesData
	case s.State == cluster.Running && len(s.NotReady) > 0:
		row.Level, row.Fix = Warn, "wait a moment, or run `mage deploy:"+f.Environment+"`: not ready: "+strings.Join(s.NotReady, ", ")
	case s.State != cluster.Running:
		row.Found += "; a deploy starts it"
	}
	if s.State != cluster.Running {
		return Findings{row}
	}
	registry := Finding{Level: OK, Name: "cluster registry", Found: "answers at " + s.Registry.Push}
	if s.Registry.Push == "" {
		registry.Level, registry.Found, registry.Fix = Warn, "does not answer", "`mage cluster:up` starts it"
	}
	return Findings{row, registry, policyFinding(s.Policies), f.releaseFinding()}
}

// policyFinding warns where no component enforces network policies, since policies
// are applied without effect there.
func policyFinding(enforcer string) Finding {
	if enforcer != "" {
		return Finding{Level: OK, Name: "network policies", Found: "enforced by " + enforcer}
	}
	return Finding{
		Level: Warn, Name: "network policies", Found: "this cluster runs no known component that enforces them",
		Fix: "staging applies its policies, but they have no effect here; use a cluster with kindnet, Calico or Cilium",
	}
}

func (f Facts) releaseFinding() Finding {
	row := Finding{Level: OK, Name: "release"}
	name, fix := f.Namespace+"/"+f.Release, "`mage deploy:"+f.Environment+"` repairs it, or says why it cannot"
	switch {
	case errors.Is(f.ObservedErr, release.ErrNotFound):
		row.Found = name + " is not installed"
	case f.ObservedErr != nil:
		row.Level, row.Found, row.Fix = Warn, f.ObservedErr.Error(), fix
	case f.Observed == nil:
		row.Level, row.Found, row.Fix = Warn, name+" is not known", fix
	default:
		row.Found = fmt.Sprintf("%s revision %d %s", name, f.Observed.Revision, f.Observed.Status)
		for _, w := range f.Observed.Workloads {
			if w.Ready < w.Wanted {
				row.Level, row.Fix = Warn, fix
				row.Found += fmt.Sprintf(", %s %d of %d ready", w.Name, w.Ready, w.Wanted)
			}
		}
		if f.Observed.Status != "deployed" {
			row.Level, row.Fix = Warn, fix
		}
	}
	return row
}
