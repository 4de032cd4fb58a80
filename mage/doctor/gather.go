package doctor

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
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/moby/moby/client"

	"todo-chatbot/mage/cluster"
	"todo-chatbot/mage/engine"
	"todo-chatbot/mage/host"
	"todo-chatbot/mage/release"
)

// GatherMachine fills in the facts of this machine: Go, programs, disk, memory
// and which of the Ports are free. root is the project's folder.
func (f *Facts) GatherMachine(ctx context.Context, root string) {
	f.Programs = Programs{Docker: onPath("docker"), Minikube: onPath("minikube"), Mmdebstrap: onPath("mmdebstrap"), NPM: onPath("npm")}
	if f.Provider == "minikube" && f.Programs.Minikube {
		f.Programs.MinikubeErr = runs(ctx, "minikube", "version")
	}
	f.Go = goVersions(ctx, root)
	f.Disk, f.DiskKnown = host.Free(f.Cache)
	f.Memory = memoryTotal()
	f.Inotify = limit("/proc/sys/fs/inotify/max_user_instances")
	for i := range f.Ports {
		f.Ports[i].Free = portFree(ctx, f.Ports[i].Port)
	}
}

// GatherEngine asks the container engine. It returns nil where none answers;
// otherwise the caller closes the engine's client.
func (f *Facts) GatherEngine(ctx context.Context) *engine.Engine {
	found, err := engine.Find(ctx)
	if err != nil {
		if absent, ok := errors.AsType[*engine.Absent](err); !ok || !absent.Certain || !f.CanInstall {
			f.EngineErr = err
		}
		return nil
	}
	info, err := found.Client.Info(ctx, client.InfoOptions{})
	if err != nil {
		found.Client.Close()
		f.EngineErr = fmt.Errorf("query the container engine at %s: %w", found.Host, err)
		return nil
	}
	f.Engine = &Engine{
		Host: found.Host, Elsewhere: found.Elsewhere, Version: info.Info.ServerVersion, Cgroup: info.Info.CgroupVersion,
		Restricted: found.Restricted, Wrapped: info.Info.DefaultRuntime == "restricted",
	}
	if f.Memory == 0 && info.Info.MemTotal > 0 {
		f.Memory = uint64(info.Info.MemTotal)
	}
	return found
}

// Provider is the part of a cluster.Provider that doctor asks.
type Provider interface {
	Status(ctx context.Context) (cluster.Status, error)
	Find(ctx context.Context) (*cluster.Cluster, error)
}

// GatherCluster asks the provider for the cluster's status and, where the
// cluster runs, observe for the release in it.
func (f *Facts) GatherCluster(ctx context.Context, provider Provider, observe func(*cluster.Cluster) (release.Observation, error)) {
	if f.Provider == "minikube" && (!f.Programs.Minikube || f.Programs.MinikubeErr != nil) {
		return // the finding of the provider says so
	}
	status, err := provider.Status(ctx)
	if err != nil {
		f.ClusterErr = err
		return
	}
	f.Cluster = &status
	if status.State != cluster.Running {
		return
	}
	c, err := provider.Find(ctx)
	if err != nil || c == nil {
		f.ObservedErr = err
		return
	}
	defer c.Close()
	if observed, err := observe(c); err != nil {
		f.ObservedErr = err
	} else {
		f.Observed = &observed
	}
}

// Puller is the part of an airgap.Supply that doctor asks.
type Puller interface {
	CanPull(ctx context.Context, ref string) (bool, error)
}

// GatherRegistries asks the registry of each image once whether it answers.
// References that cannot be parsed are left out: a deploy reports them.
func (f *Facts) GatherRegistries(ctx context.Context, puller Puller, refs []string) {
	for _, ref := range slices.Compact(slices.Sorted(slices.Values(refs))) {
		parsed, err := name.ParseReference(ref)
		if err != nil {
			continue
		}
		registry := parsed.Context().RegistryStr()
		at := slices.IndexFunc(f.Registries, func(r Registry) bool { return r.Name == registry })
		if at < 0 {
			answers, _ := puller.CanPull(ctx, ref)
			f.Registries = append(f.Registries, Registry{Name: registry, Answers: answers})
			at = len(f.Registries) - 1
		}
		f.Registries[at].Images = append(f.Registries[at].Images, ref)
	}
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// runs returns an error with the last line of the output if the program fails.
func runs(ctx context.Context, program string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, args...)
	command.WaitDelay = time.Second
	out, err := command.CombinedOutput()
	if err == nil {
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return fmt.Errorf("run %q: %w: %s", strings.Join(command.Args, " "), err, lines[len(lines)-1])
}

// goVersions reads the required version from go.mod, and asks the go command in
// root for its own, which the settings of that folder can change.
func goVersions(ctx context.Context, root string) Go {
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return Go{Required: "go", Err: fmt.Errorf("read the required version of Go: %w", err)}
	}
	versions := Go{Required: requiredGo(mod)}
	command := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		versions.Err = fmt.Errorf("ask the go command for its version: %w", err)
		return versions
	}
	// Names of experiments can follow the version, after a space.
	versions.Found, _, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return versions
}

// requiredGo is the version in a go.mod's go line, as in go1.26.8.
func requiredGo(mod []byte) string {
	for line := range strings.Lines(string(mod)) {
		if words := strings.Fields(line); len(words) >= 2 && words[0] == "go" {
			return "go" + words[1]
		}
	}
	return "go"
}

// memoryTotal is this machine's memory in bytes on Linux, and 0 elsewhere.
func memoryTotal() uint64 {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	return memTotal(data)
}

// limit reads a kernel setting that is one number; 0 where it does not exist.
func limit(path string) int {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	number, _ := strconv.Atoi(strings.TrimSpace(string(data)))
	return number
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

// portFree listens on the port for a moment: another program may take a port
// without accepting connections.
func portFree(ctx context.Context, port int) bool {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
