package cluster

import (
	"archive/tar"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// engine is a fake Docker Engine (API 1.41, as Docker 20.10) with its docker
// command. It keeps containers and networks in memory, and serves only the requests
// of kind and of this package.
type engine struct {
	mu         sync.Mutex
	containers map[string]*box
	networks   map[string]map[string]any
	requests   []string
	ipv6       bool

	// publish maps a container port to the port of a test server, which a new node
	// publishes.
	publish map[string]string
	// adminConf is the file that kubeadm init writes into the node.
	adminConf []byte
	// initExit is the exit code of kubeadm init. Before it exits, it waits until
	// hang is closed, if hang is not nil.
	initExit int
	hang     chan struct{}
	// initSays is the error output of a failing kubeadm init.
	initSays string
	// journal is the kubelet's journal in each node.
	journal string
	// unkillable is the number of removals that fail.
	unkillable int
}

type box struct {
	status  string
	started time.Time
	labels  map[string]string
	ports   map[string][]map[string]string
	files   map[string][]byte
	image   string
	args    []string
}

func newEngine(t *testing.T) (*engine, *client.Client) {
	t.Helper()
	e := &engine{containers: map[string]*box{}, networks: map[string]map[string]any{"bridge": {
		"Id": "id-bridge", "Name": "bridge", "Options": map[string]string{mtuOption: "1400"},
	}}, publish: map[string]string{}, initSays: "[init] Using Kubernetes version: v1.36.3\nerror execution phase wait-control-plane: the kubelet is not healthy\nTo see the stack trace of this error execute with --v=5\n"}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	docker, err := client.New(client.WithHost(strings.Replace(server.URL, "http", "tcp", 1)))
	require.NoError(t, err)
	return e, docker
}

var apiVersionPrefix = regexp.MustCompile(`^/v1\.\d+`)

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	path := apiVersionPrefix.ReplaceAllString(r.URL.Path, "")
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Content-Type", "application/json")
	if path == "/_ping" {
		fmt.Fprint(w, "OK")
		return
	}
	e.requests = append(e.requests, r.Method+" "+path)
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "containers" {
		parts[1] = strings.TrimPrefix(parts[1], "id-")
	}
	switch {
	case path == "/info":
		fmt.Fprint(w, `{"DockerRootDir":"/data/docker","OperatingSystem":"Debian GNU/Linux 12 (bookworm)"}`)
	case path == "/containers/json":
		e.list(w)
	case parts[0] == "containers" && e.containers[parts[1]] == nil:
		missing(w, "No such container: "+parts[1])
	case parts[0] == "containers":
		e.container(w, r, parts[1], strings.Join(parts[2:], "/"))
	case path == "/networks/create":
		var want map[string]any
		_ = json.NewDecoder(r.Body).Decode(&want)
		if want["EnableIPv6"] == true && !e.ipv6 {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, `{"message":"Cannot read IPv6 setup for bridge br-1"}`)
			return
		}
		want["Id"] = "id-" + want["Name"].(string)
		e.networks[want["Name"].(string)] = want
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{"Id": want["Id"]})
	case parts[0] == "networks" && r.Method == http.MethodGet:
		if e.networks[parts[1]] == nil {
			missing(w, "network "+parts[1]+" not found")
			return
		}
		_ = json.NewEncoder(w).Encode(e.networks[parts[1]])
	case parts[0] == "networks" && r.Method == http.MethodDelete:
		delete(e.networks, strings.TrimPrefix(parts[1], "id-"))
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, `{"message":"the fake does not implement this"}`, http.StatusNotImplemented)
	}
}

func missing(w http.ResponseWriter, message string) {
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (e *engine) list(w http.ResponseWriter) {
	all := []map[string]any{}
	for name, b := range e.containers {
		all = append(all, map[string]any{"Id": "id-" + name, "Names": []string{"/" + name}, "Labels": b.labels})
	}
	_ = json.NewEncoder(w).Encode(all)
}

func (e *engine) container(w http.ResponseWriter, r *http.Request, name, verb string) {
	b := e.containers[name]
	switch {
	case verb == "json":
		now := b.ports
		if b.status != "running" {
			now = nil
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"Id": "id-" + name, "Name": "/" + name,
			"State":           map[string]any{"Status": b.status, "Running": b.status == "running", "StartedAt": b.started.Format(time.RFC3339Nano)},
			"Config":          map[string]any{"Labels": b.labels, "Image": b.image},
			"HostConfig":      map[string]any{"PortBindings": b.ports},
			"NetworkSettings": map[string]any{"Ports": now},
		})
	case verb == "archive" && r.Method == http.MethodPut:
		archive := tar.NewReader(r.Body)
		for {
			file, err := archive.Next()
			if err != nil {
				return
			}
			b.files[r.URL.Query().Get("path")+"/"+file.Name], _ = io.ReadAll(archive)
		}
	case verb == "archive":
		data, ok := b.files[r.URL.Query().Get("path")]
		if !ok {
			missing(w, "Could not find the file in container "+name)
			return
		}
		stat, _ := json.Marshal(map[string]any{"name": "file", "size": len(data)})
		w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString(stat))
		w.Header().Set("Content-Type", "application/x-tar")
		archive := tar.NewWriter(w)
		_ = archive.WriteHeader(&tar.Header{Name: "file", Mode: 0o600, Size: int64(len(data))})
		_, _ = archive.Write(data)
		_ = archive.Close()
	case verb == "start", verb == "unpause":
		b.status, b.started = "running", time.Now()
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodDelete && e.unkillable > 0:
		e.unkillable--
		http.Error(w, `{"message":"cannot remove container \"/`+name+`\": could not kill: tried to kill container, but did not receive an exit event"}`, http.StatusInternalServerError)
	case r.Method == http.MethodDelete:
		delete(e.containers, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, `{"message":"the fake does not implement this"}`, http.StatusNotImplemented)
	}
}

// command answers the docker command line as kind uses it.
func (e *engine) command(c call) answer {
	line := strings.Join(c.Args, " ")
	has := func(parts ...string) bool {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				return false
			}
		}
		return true
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case has("info --format {{json .}}"):
		return answer{Stdout: `{"CgroupDriver":"cgroupfs","CgroupVersion":"1","MemoryLimit":true,"PidsLimit":true,"CPUShares":true,"SecurityOptions":["name=seccomp,profile=default"]}` + "\n"}
	case has("info --format"):
		return answer{Stdout: "overlay2\n"}
	case has("inspect --type=image"):
		return answer{Stdout: "[{}]\n"}
	case has("network ls", "{{.ID}}"):
		return answer{Stdout: "id-kind\n"}
	case strings.HasPrefix(line, "ps -a"):
		var names []string
		for name := range e.containers {
			names = append(names, name+"\n")
		}
		return answer{Stdout: strings.Join(names, "")}
	case strings.HasPrefix(line, "run --name"):
		e.run(c.Args)
		return answer{Stdout: "id-new\n"}
	case strings.HasPrefix(line, "rm -f -v"):
		delete(e.containers, c.Args[len(c.Args)-1])
		return answer{}
	case strings.HasPrefix(line, "logs -f"):
		return answer{Stdout: "Reached target Multi-User System.\n"}
	case has("inspect", "io.x-k8s.kind.role"):
		return answer{Stdout: "control-plane\n"}
	case has("inspect", "NetworkSettings.Networks"):
		return answer{Stdout: "172.18.0.2,\n"}
	case has("inspect", "desktop.docker.io"):
		return answer{Stdout: "\n"}
	case has("inspect", "6443/tcp"):
		return answer{Stdout: "127.0.0.1\t6443\n"}
	case strings.HasPrefix(line, "exec"):
		return e.exec(line)
	}
	return answer{Stderr: "the fake docker does not know: " + line, Exit: 125}
}

func (e *engine) run(args []string) {
	b := &box{status: "running", started: time.Now(), labels: map[string]string{}, ports: map[string][]map[string]string{}, files: map[string][]byte{}, args: args, image: args[len(args)-1]}
	for i, arg := range args {
		if arg == "--label" {
			key, value, _ := strings.Cut(args[i+1], "=")
			b.labels[key] = value
		}
		if m := regexp.MustCompile(`^--publish=([0-9.]+):(\d+):(\d+)/TCP$`).FindStringSubmatch(arg); m != nil {
			host := m[2]
			if other, ok := e.publish[m[3]]; ok {
				host = other
			}
			b.ports[m[3]+"/tcp"] = []map[string]string{{"HostIp": m[1], "HostPort": host}}
		}
	}
	e.containers[args[2]] = b
}

func (e *engine) exec(line string) answer {
	switch {
	case strings.Contains(line, "cat /kind/version"):
		return answer{Stdout: "v1.36.3\n"}
	case strings.Contains(line, "kubeadm init"):
		for _, b := range e.containers {
			b.files[adminConf] = e.adminConf
		}
		if e.hang != nil {
			e.mu.Unlock()
			<-e.hang
			e.mu.Lock()
		}
		if e.initExit != 0 {
			return answer{Stderr: e.initSays, Exit: e.initExit}
		}
		return answer{}
	case strings.Contains(line, "cat "+adminConf):
		return answer{Stdout: string(e.adminConf)}
	case strings.Contains(line, "journalctl --unit=kubelet"):
		return answer{Stdout: e.journal}
	case strings.Contains(line, "containerd config dump"):
		return answer{Stdout: "version = 3\n[plugins.'io.containerd.cri.v1.images']\nsnapshotter = 'overlayfs'\n"}
	default:
		return answer{}
	}
}
