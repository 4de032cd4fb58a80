package engine

import (
	"archive/tar"
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// daemon is a fake Docker Engine (API 1.41, as Docker 20.10) that keeps images,
// containers and volumes in memory. It serves the requests of this package only.
type daemon struct {
	mu         sync.Mutex
	images     map[string]string // reference → id
	containers map[string]*box
	volumes    map[string]bool
	info       map[string]any
	calls      []string        // requests that change something, in order
	logins     []string        // X-Registry-Auth of each pull, in order
	absent     map[string]bool // references that no registry serves

	// exits are the exit codes of the next processes; later ones exit with 0.
	exits []int
	// forgetful makes the engine accept images without keeping them.
	forgetful bool
	// refusal is the error of every load, pull and creation. With late, loads and
	// pulls report it in the stream of their answer.
	refusal string
	late    bool
}

type box struct {
	image   string
	running bool
	execs   map[string]bool   // process → whether it still runs
	made    map[string]any    // the request that created it
	files   map[string]string // written before the start, by path
}

func newDaemon(t *testing.T) (*daemon, string) {
	t.Helper()
	d := &daemon{images: map[string]string{}, containers: map[string]*box{}, volumes: map[string]bool{}, info: map[string]any{}}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	return d, strings.Replace(server.URL, "http", "tcp", 1)
}

func newEngine(t *testing.T) (*daemon, *Engine) {
	t.Helper()
	d, address := newDaemon(t)
	docker, err := client.New(client.WithHost(address))
	require.NoError(t, err)
	t.Cleanup(func() { docker.Close() })
	return d, &Engine{Client: docker, Host: address}
}

var apiVersion = regexp.MustCompile(`^/v1\.\d+`)

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	path := apiVersion.ReplaceAllString(r.URL.Path, "")
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Content-Type", "application/json")
	kind, rest, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if r.Method != http.MethodGet && r.Method != http.MethodHead && kind != "exec" && !strings.HasSuffix(rest, "/exec") {
		d.calls = append(d.calls, r.Method+" "+path)
	}
	switch {
	case path == "/_ping":
		fmt.Fprint(w, "OK")
	case path == "/info":
		answer(w, http.StatusOK, d.info)
	case kind == "images":
		d.image(w, r, rest)
	case kind == "containers":
		d.container(w, r, rest)
	case kind == "volumes" && !d.volumes[rest]:
		missing(w, "no such volume: "+rest)
	case kind == "volumes" && r.Method == http.MethodDelete:
		delete(d.volumes, rest)
		w.WriteHeader(http.StatusNoContent)
	case kind == "volumes":
		answer(w, http.StatusOK, map[string]any{"Name": rest})
	case kind == "exec":
		d.exec(w, r, rest)
	default:
		answer(w, http.StatusNotImplemented, map[string]string{"message": "not known here: " + path})
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func missing(w http.ResponseWriter, message string) {
	answer(w, http.StatusNotFound, map[string]string{"message": message})
}

func (d *daemon) image(w http.ResponseWriter, r *http.Request, rest string) {
	ref, inspect := strings.CutSuffix(rest, "/json")
	source, tag := strings.CutSuffix(rest, "/tag")
	switch {
	case tag:
		d.images[r.URL.Query().Get("repo")+":"+r.URL.Query().Get("tag")] = d.images[source]
		w.WriteHeader(http.StatusCreated)
	case (rest == "load" || rest == "create") && d.refusal != "":
		_, _ = io.Copy(io.Discard, r.Body)
		d.refuse(w)
	case rest == "load":
		d.load(r.Body)
		fmt.Fprint(w, `{"stream":"Loaded"}`)
	case rest == "create" && d.absent[r.URL.Query().Get("fromImage")]:
		missing(w, "manifest unknown")
	case rest == "create":
		d.logins = append(d.logins, r.Header.Get("X-Registry-Auth"))
		d.images[r.URL.Query().Get("fromImage")+":"+r.URL.Query().Get("tag")] = "sha256:pulled"
		fmt.Fprint(w, `{"status":"Pull complete"}`)
	case d.images[ref] == "":
		missing(w, "No such image: "+ref)
	case inspect:
		answer(w, http.StatusOK, map[string]any{"Id": d.images[ref]})
	case d.used(ref):
		answer(w, http.StatusConflict, map[string]string{"message": "conflict: unable to remove repository reference " + ref + ": a container uses it"})
	default:
		delete(d.images, ref)
		answer(w, http.StatusOK, []any{})
	}
}

func (d *daemon) used(ref string) bool {
	for _, box := range d.containers {
		if box.image == ref {
			return true
		}
	}
	return false
}

func (d *daemon) refuse(w http.ResponseWriter) {
	if !d.late {
		answer(w, http.StatusInternalServerError, map[string]string{"message": d.refusal})
		return
	}
	fmt.Fprintf(w, `{"status":"Loading layer"}{"errorDetail":{"message":%q},"error":%q}`, d.refusal, d.refusal)
}

// load reads a `docker save` archive and notes its images.
func (d *daemon) load(archive io.Reader) {
	files := tar.NewReader(archive)
	for {
		header, err := files.Next()
		if err != nil {
			return
		}
		if header.Name != "manifest.json" || d.forgetful {
			continue
		}
		var images []struct {
			Config   string
			RepoTags []string
		}
		_ = json.NewDecoder(files).Decode(&images)
		for _, image := range images {
			for _, tag := range image.RepoTags {
				d.images[tag] = image.Config
			}
		}
	}
}

func (d *daemon) container(w http.ResponseWriter, r *http.Request, rest string) {
	name, verb, _ := strings.Cut(rest, "/")
	b := d.containers[name]
	switch {
	case rest == "json":
		all := []any{}
		for name, b := range d.containers {
			if b.running {
				all = append(all, map[string]any{"Id": "id-" + name, "Names": []string{"/" + name}})
			}
		}
		answer(w, http.StatusOK, all)
	case rest == "create" && d.refusal != "":
		answer(w, http.StatusInternalServerError, map[string]string{"message": d.refusal})
	case rest == "create":
		made := map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&made)
		ref, _ := made["Image"].(string)
		d.containers[r.URL.Query().Get("name")] = &box{image: d.images[ref], made: made}
		answer(w, http.StatusCreated, map[string]any{"Id": "id-new"})
	case b == nil:
		missing(w, "No such container: "+name)
	case verb == "json":
		answer(w, http.StatusOK, map[string]any{"Id": "id-" + name, "Image": b.image, "Config": map[string]any{"Labels": b.made["Labels"]}, "State": map[string]any{"Running": b.running}, "ExecIDs": slices.Collect(maps.Keys(b.execs))})
	case verb == "archive":
		b.files = map[string]string{}
		for archive := tar.NewReader(r.Body); ; {
			header, err := archive.Next()
			if err != nil {
				break
			}
			content, _ := io.ReadAll(archive)
			b.files[header.Name] = string(content)
		}
		w.WriteHeader(http.StatusOK)
	case verb == "start":
		b.running = true
		w.WriteHeader(http.StatusNoContent)
	case verb == "exec":
		answer(w, http.StatusCreated, map[string]any{"Id": "process"})
	case r.Method == http.MethodDelete:
		delete(d.containers, name)
		w.WriteHeader(http.StatusNoContent)
	default:
		answer(w, http.StatusNotImplemented, map[string]string{"message": "not known here: " + rest})
	}
}

func (d *daemon) exec(w http.ResponseWriter, r *http.Request, rest string) {
	id, inspect := strings.CutSuffix(rest, "/json")
	for _, b := range d.containers {
		if runs, there := b.execs[id]; there && inspect {
			answer(w, http.StatusOK, map[string]any{"ID": id, "Running": runs})
			return
		}
	}
	switch {
	case rest == "process/json":
		code := 0
		if len(d.exits) > 0 {
			code, d.exits = d.exits[0], d.exits[1:]
		}
		answer(w, http.StatusOK, map[string]any{"ID": "process", "ExitCode": code})
	case r.Header.Get("Upgrade") == "":
		w.WriteHeader(http.StatusOK)
	default:
		_, _ = io.Copy(io.Discard, r.Body)
		d.echo(w)
	}
}

// echo is a process that writes one line to stderr, and then each line that it
// reads to stdout in capitals.
func (d *daemon) echo(w http.ResponseWriter) {
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	fmt.Fprint(conn, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
	frame := func(stream byte, text string) {
		header := [8]byte{stream}
		binary.BigEndian.PutUint32(header[4:], uint32(len(text)))
		_, _ = conn.Write(append(header[:], text...))
	}
	go func() {
		defer conn.Close()
		frame(2, "begins\n")
		for lines := bufio.NewScanner(buffered); lines.Scan(); {
			frame(1, strings.ToUpper(lines.Text())+"\n")
		}
	}()
}

func (d *daemon) changes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.calls...)
}
