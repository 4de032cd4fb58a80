package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"todo-chatbot/mage/cache"
	"todo-chatbot/mage/registry"
)

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// label checks an RFC 1123 label of at most limit characters.
func label(value string, limit int) error {
	if !dnsLabel.MatchString(value) || len(value) > limit {
		return fmt.Errorf("%q is not a name: want 1 to %d of a-z, 0-9 and -, with a letter or digit first and last", value, limit)
	}
	return nil
}

func setNamespace(e *Environment, v given) error {
	if err := label(v.text, 63); err != nil {
		return err
	}
	if strings.HasPrefix(v.text, "kube-") {
		return fmt.Errorf("%q belongs to Kubernetes itself: choose a name without kube-", v.text)
	}
	e.Namespace = v.text
	return nil
}

// setRelease limits the name so that the longest name derived from it fits in a label
// (63 characters): the controller revision of the -postgresql pod. Names of Services
// begin with a letter (RFC 1035).
func setRelease(e *Environment, v given) error {
	if err := label(v.text, 40); err != nil {
		return err
	}
	if v.text[0] < 'a' {
		return fmt.Errorf("%q must begin with a letter: Services are named after it", v.text)
	}
	e.Release = v.text
	return nil
}

// setCluster limits the name so that names of nodes are valid host names.
func setCluster(e *Environment, v given) error {
	if err := label(v.text, 40); err != nil {
		return err
	}
	e.Cluster.Name = v.text
	return nil
}

func setProvider(e *Environment, v given) error {
	known := []string{"auto", "kind", "minikube", "kubecontext"}
	if !slices.Contains(known, v.text) {
		return fmt.Errorf("unknown provider %q; known are %s", v.text, strings.Join(known, ", "))
	}
	e.Cluster.Provider = v.text
	return nil
}

func setString(field func(*Environment) *string) func(*Environment, given) error {
	return func(e *Environment, v given) error {
		if v.text == "" || strings.TrimSpace(v.text) != v.text {
			return fmt.Errorf("%q is empty or has blanks around it: give a value or remove the key", v.text)
		}
		*field(e) = v.text
		return nil
	}
}

func setInt(field func(*Environment) *int, lowest, highest int) func(*Environment, given) error {
	return func(e *Environment, v given) error {
		n, err := strconv.Atoi(v.text)
		if err != nil || n < lowest || n > highest {
			return fmt.Errorf("%q is not a whole number from %d to %d", v.text, lowest, highest)
		}
		*field(e) = n
		return nil
	}
}

// setPath takes an absolute path or a path below the user's home (~/) or the project's
// root.
func setPath(field func(*Environment) *string) func(*Environment, given) error {
	return func(e *Environment, v given) (err error) {
		*field(e), err = absolute(e.Root, v.text)
		return err
	}
}

func absolute(root, path string) (string, error) {
	if strings.TrimSpace(path) == "" {
		return "", fmt.Errorf("%q is not a path: give one or remove the key", path)
	}
	if rest, ok := strings.CutPrefix(filepath.ToSlash(path), "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%q: the home folder is unknown: %w", path, err)
		}
		path = filepath.Join(home, rest)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	return filepath.Clean(path), nil
}

// setKubeconfig takes one path, or several separated as in PATH.
func setKubeconfig(e *Environment, v given) error {
	var paths []string
	for _, path := range filepath.SplitList(v.text) {
		if path == "" {
			continue // kubectl ignores it too
		}
		path, err := absolute(e.Root, path)
		if err != nil {
			return err
		}
		paths = append(paths, path)
	}
	if len(paths) == 0 {
		return fmt.Errorf("%q is not a path: give one or remove the key", v.text)
	}
	e.Cluster.Kubecontext.Kubeconfig = strings.Join(paths, string(filepath.ListSeparator))
	return nil
}

// setServer takes the address of an API server.
func setServer(e *Environment, v given) error {
	u, err := url.Parse(v.text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("%q is not the address of an API server, such as https://k8s.example.com:6443", v.text)
	}
	e.Cluster.Kubecontext.Server = v.text
	return nil
}

// setCache takes a folder that clean:all can remove without other files.
func setCache(e *Environment, v given) error {
	if err := setPath(func(e *Environment) *string { return &e.Cache })(e, v); err != nil {
		return err
	}
	return cache.Check(e.Cache, e.Root)
}

func setList(e *Environment, v given) error {
	e.Cluster.Minikube.StartArgs = v.list
	return nil
}

func setTable(field func(*Environment) *map[string]string) func(*Environment, given) error {
	return func(e *Environment, v given) error {
		for key, value := range v.table {
			if key == "" || strings.ContainsAny(key+value, ",= ") {
				return fmt.Errorf("%q: %q holds a comma, a blank or =, which separate them on Minikube's command line", key, value)
			}
		}
		*field(e) = v.table
		return nil
	}
}

// setRegistry takes HOST[:PORT][/PATH].
func setRegistry(field func(*Environment) *string) func(*Environment, given) error {
	return func(e *Environment, v given) error {
		if _, err := registry.Parse(v.text); err != nil {
			return err
		}
		*field(e) = v.text
		return nil
	}
}

// complete reports required settings that are missing.
func (f *faults) complete(e *Environment, peers []*Environment) {
	need := func(key, what string) {
		reported := slices.ContainsFunc(f.found, func(p Problem) bool { return strings.HasPrefix(key+".", p.Key+".") })
		if !reported {
			f.add(0, key, "must be given: %s", what)
		}
	}
	if e.Cluster.Provider == "kubecontext" {
		k := e.Cluster.Kubecontext
		if k.Context == "" {
			need("pipeline.cluster.kubecontext.context", "a context of the kubeconfig, because the provider is kubecontext")
		}
		if k.Push == "" && k.Pull != "" {
			need("pipeline.cluster.kubecontext.registry.push", "the address of the registry for pushes from this machine, because pull is given")
		}
		if k.Pull == "" && k.Push != "" {
			need("pipeline.cluster.kubecontext.registry.pull", "the address of the registry for pulls by the nodes, because push is given")
		}
		return // an Ingress or a port-forward makes the application reachable
	}
	port, nodePort := 8080, 30080
	for _, p := range peers {
		port, nodePort = max(port, p.Port+1), max(nodePort, p.NodePort+1)
	}
	if e.Port == 0 {
		need("pipeline.url.port", fmt.Sprintf("a port of this machine that no other environment uses, such as %d", port))
	}
	if e.NodePort == 0 {
		need("frontend.service.nodePort", fmt.Sprintf("a port of the node that no other environment uses, such as %d", nodePort))
	}
}

// clashes reports values that another environment uses too.
func (f *faults) clashes(e *Environment, peers []*Environment) {
	for _, p := range peers {
		clash := func(key, what string, args ...any) {
			f.report(key, fmt.Errorf("%s is also used by %s/%s: choose another", fmt.Sprintf(what, args...), valuesDir, p.Name+suffix))
		}
		if e.Port != 0 && e.Port == p.Port {
			clash("pipeline.url.port", "port %d", e.Port)
		}
		if e.NodePort != 0 && e.NodePort == p.NodePort {
			clash("frontend.service.nodePort", "node port %d", e.NodePort)
		}
		if e.Namespace != "" && e.Release != "" && e.Namespace == p.Namespace && e.Release == p.Release && sameCluster(e, p) {
			clash("pipeline.namespace", "release %q in namespace %q", e.Release, e.Namespace)
		}
	}
}
