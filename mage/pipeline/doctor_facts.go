package pipeline

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/moby/client"
	kindimage "sigs.k8s.io/kind/pkg/apis/config/defaults"

	"todo-chatbot/mage/airgap"
	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/engine"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/image"
)

// Doctor finds out what a deploy would meet. It changes nothing but, where the
// cluster runs, its kubeconfig file in the cache, as every command does.
func (p *Pipeline) Doctor(ctx context.Context) Findings {
	f := facts{
		environment: p.env.Name, namespace: p.env.Namespace, instance: p.env.Release, cache: p.env.Cache,
		canInstall: host.Apt{}.Allowed() && p.opts.Getenv("DOCKER_HOST") == "",
		dockerCLI:  onPath("docker"), minikube: onPath("minikube"), mmdebstrap: onPath("mmdebstrap"), npm: onPath("npm"),
		provider: p.env.Cluster.Provider, chosen: true,
	}
	if f.provider == "auto" {
		f.provider, f.chosen = cluster.Auto(exec.LookPath), false
	}
	f.goVersion, f.goWanted, f.goErr = goVersions(ctx, p.env.Root)
	f.disk, f.diskKnown = host.Free(p.env.Cache)
	f.memory = memoryTotal()
	p.askEngine(ctx, &f)
	p.askRegistries(ctx, &f)
	for _, published := range p.env.Published() {
		f.ports = append(f.ports, portFacts{port: published.Port, environment: published.Environment, free: portFree(ctx, published.Port)})
	}
	return f.findings()
}

// askEngine asks the engine, and through it the cluster and the release.
func (p *Pipeline) askEngine(ctx context.Context, f *facts) {
	found, err := engine.Find(ctx)
	var absent *engine.Absent
	if err != nil {
		if !errors.As(err, &absent) || !absent.Certain || !f.canInstall {
			f.engineErr = err
		}
		if f.provider == "kind" {
			return
		}
		if made, err := p.assemble(ctx, nil, host.Apt{}); err != nil {
			f.clusterErr = err
		} else {
			p.askCluster(ctx, made, f)
		}
		return
	}
	defer found.Client.Close()
	f.engine = &engineFacts{host: found.Host, restricted: found.Restricted}
	info, err := found.Client.Info(ctx, client.InfoOptions{})
	if err != nil {
		f.engine, f.engineErr = nil, fmt.Errorf("ask the container engine at %s about itself: %w", found.Host, err)
		return
	}
	f.engine.version, f.engine.cgroup = info.Info.ServerVersion, info.Info.CgroupVersion
	f.engine.wrapped = info.Info.DefaultRuntime == "restricted"
	if f.memory == 0 && info.Info.MemTotal > 0 {
		f.memory = uint64(info.Info.MemTotal)
	}
	made, err := p.assemble(ctx, found, host.Apt{})
	if err != nil {
		f.clusterErr = err
		return
	}
	p.askCluster(ctx, made, f)
}

func (p *Pipeline) askCluster(ctx context.Context, made *parts, f *facts) {
	if f.provider == "minikube" && !f.minikube {
		return // its own finding says so
	}
	status, err := made.provider.Status(ctx)
	if err != nil {
		f.clusterErr = err
		return
	}
	f.cluster = &status
	if status.State != cluster.Running {
		return
	}
	c, err := made.provider.Find(ctx)
	if err != nil || c == nil {
		f.releaseErr = err
		return
	}
	defer c.Close()
	manager, err := p.releases(c)
	if err != nil {
		f.releaseErr = err
		return
	}
	observed, err := manager.Status(ctx, p.env.Release)
	if err != nil {
		f.releaseErr = err
		return
	}
	f.release = &observed
}

// askRegistries asks the registry of every image that a deploy needs whether it
// answers.
func (p *Pipeline) askRegistries(ctx context.Context, f *facts) {
	supply := airgap.New(airgap.Options{Root: p.env.Root, Cache: p.env.Cache, Offline: p.env.Offline})
	refs := []string{airgap.BuildKitRef}
	if f.provider == "kind" {
		node := airgap.KindNodeRef
		if pull, err := supply.CanPull(ctx, kindimage.Image); err == nil && pull {
			node = kindimage.Image
		}
		refs = append(refs, airgap.RegistryRef, node)
	}
	if sources, err := p.sources(); err == nil { // a deploy names what is wrong with Dockerfiles
		for _, src := range sources {
			bases, _ := image.Bases(src)
			refs = append(refs, bases...)
		}
	}
	slices.Sort(refs)
	for _, ref := range slices.Compact(refs) {
		parsed, err := name.ParseReference(ref)
		if err != nil {
			continue
		}
		registry := parsed.Context().RegistryStr()
		at := slices.IndexFunc(f.registries, func(r registryFacts) bool { return r.name == registry })
		if at < 0 {
			answers, _ := supply.CanPull(ctx, ref)
			f.registries = append(f.registries, registryFacts{name: registry, answers: answers})
			at = len(f.registries) - 1
		}
		f.registries[at].images = append(f.registries[at].images, ref)
	}
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// goVersions are the one that builds would use, and go.mod's.
func goVersions(ctx context.Context, root string) (found, wanted string, err error) {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", "go", fmt.Errorf("read the wanted version of Go: %w", err)
	}
	wanted = wantedGo(mod)
	command := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		return "", wanted, fmt.Errorf("go env GOVERSION: %w", err)
	}
	// A version may be followed by words, such as experiments.
	found, _, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return found, wanted, nil
}

// wantedGo is the version in a go.mod's go line, as in go1.26.8.
func wantedGo(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		if words := strings.Fields(line); len(words) >= 2 && words[0] == "go" {
			return "go" + words[1]
		}
	}
	return "go"
}

// memoryTotal is this machine's memory where Linux tells it, else 0.
func memoryTotal() uint64 {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	return memTotal(data)
}

func memTotal(meminfo []byte) uint64 {
	lines := bufio.NewScanner(bytes.NewReader(meminfo))
	for lines.Scan() {
		if words := strings.Fields(lines.Text()); len(words) >= 2 && words[0] == "MemTotal:" {
			kib, _ := strconv.ParseUint(words[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// portFree tries to listen, which is the only sure answer, and lets go at once.
func portFree(ctx context.Context, port int) bool {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
