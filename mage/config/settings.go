package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	yamlv3 "go.yaml.in/yaml/v3"
)

// Setting is a setting of the pipeline.
type Setting struct {
	Name    string // environment variable, which overrides the file; may be empty
	Key     string // dotted path in values/<env>.yaml; may be empty
	Default string // may be empty; <env> and <cluster> are placeholders for names
	Meaning string // one sentence without a full stop
}

// Settings lists every setting once, in the order of the README.
func Settings() []Setting {
	var all []Setting
	for _, s := range table() {
		all = append(all, s.Setting)
	}
	return all
}

// SettingsTable is the README's table of settings, in Markdown.
func SettingsTable() string {
	var b strings.Builder
	b.WriteString("| environment variable | in `values/<env>.yaml` | default | meaning |\n|---|---|---|---|\n")
	for _, s := range Settings() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(s.Name), code(s.Key), code(s.Default), s.Meaning)
	}
	return b.String()
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// setting is a Setting with the function that stores its text in an Environment.
type setting struct {
	Setting
	tag string // of the YAML value; "!!seq" and "!!map" hold texts
	set func(*Environment, given) error
}

// given is a value as text, whether from a file, a variable or a default.
type given struct {
	text  string
	list  []string
	table map[string]string
}

const (
	userCache = "<user cache>/todo-chatbot"
	text      = "!!str"
	truth     = "!!bool"
	number    = "!!int"
	list      = "!!seq"
	mapping   = "!!map"
)

func table() []setting {
	one := func(name, key, fallback, tag string, set func(*Environment, given) error, meaning string) setting {
		return setting{Setting: Setting{Name: name, Key: key, Default: fallback, Meaning: meaning}, tag: tag, set: set}
	}
	return []setting{
		one("TODO_NAMESPACE", "pipeline.namespace", "todo-<env>", text, setNamespace, "namespace of the release"),
		one("", "pipeline.release", "todo", text, setRelease, "name of the Helm release"),
		one("TODO_PORT", "pipeline.url.port", "", number, setInt(func(e *Environment) *int { return &e.Port }, 1, 65535), "port of 127.0.0.1 where the application answers; not needed with `kubecontext`"),
		one("", "frontend.service.nodePort", "", number, setInt(func(e *Environment) *int { return &e.NodePort }, 30000, 32767), "port of the cluster's node behind it; not needed with `kubecontext`"),
		one("TODO_TIMEOUT", "pipeline.timeout", "3m", text, setTimeout, "time for a release to become ready, 10s to 1h"),
		one("TODO_CACHE", "", userCache, text, setCache, "folder for images and tools that are made once; it must be new, empty, or created by the pipeline"),
		one("TODO_PROVIDER", "pipeline.cluster.provider", "auto", text, setProvider, "cluster provider: `minikube`, `kind`, `kubecontext` (an existing cluster), or `auto`: the one of the existing cluster; without a cluster minikube if it is installed, else kind"),
		one("TODO_CLUSTER", "pipeline.cluster.name", "todo", text, setCluster, "name of the cluster; environments with the same name share it"),
		one("MINIKUBE_PROFILE", "pipeline.cluster.minikube.profile", "<cluster>", text, setString(func(e *Environment) *string { return &e.Cluster.Minikube.Profile }), "Minikube profile; a running profile is used as it is"),
		one("MINIKUBE_HOME", "pipeline.cluster.minikube.home", "", text, setPath(func(e *Environment) *string { return &e.Cluster.Minikube.Home }), "folder of Minikube's own files"),
		one("", "pipeline.cluster.minikube.driver", "", text, setString(func(e *Environment) *string { return &e.Cluster.Minikube.Driver }), "Minikube driver; chosen by Minikube if not set"),
		one("", "pipeline.cluster.minikube.cpus", "2", number, setInt(func(e *Environment) *int { return &e.Cluster.Minikube.CPUs }, 2, 1024), "processors of a new profile, at least 2"),
		one("", "pipeline.cluster.minikube.memory", "4096", number, setInt(func(e *Environment) *int { return &e.Cluster.Minikube.Memory }, 4096, 16<<20), "memory of a new profile in MiB, at least 4096"),
		one("", "pipeline.cluster.minikube.startArgs", "", list, setList, "list of further arguments of `minikube start`"),
		one("", "pipeline.cluster.minikube.addonImages", "", mapping, setTable(func(e *Environment) *map[string]string { return &e.Cluster.Minikube.AddonImages }), "images of the registry addon to replace, by Minikube's name for them; each value contains the registry"),
		one("", "pipeline.cluster.minikube.addonRegistries", "", mapping, setTable(func(e *Environment) *map[string]string { return &e.Cluster.Minikube.AddonRegistries }), "registries of the registry addon to replace, by Minikube's name for them"),
		one("", "pipeline.cluster.kubecontext.context", "", text, setString(func(e *Environment) *string { return &e.Cluster.Kubecontext.Context }), "context of the kubeconfig, for `kubecontext`"),
		one("TODO_KUBECONFIG", "pipeline.cluster.kubecontext.kubeconfig", "~/.kube/config", text, setKubeconfig, "kubeconfig file for `kubecontext`, or several files separated as in `PATH`; if not set, those of `KUBECONFIG`"),
		one("", "pipeline.cluster.kubecontext.server", "", text, setServer, "address of the API server, for `kubecontext`; if set, a context with the same name but another server is refused"),
		one("", "pipeline.cluster.kubecontext.registry.push", "", text, setRegistry(func(e *Environment) *string { return &e.Cluster.Kubecontext.Push }), "registry address for pushes from this machine, for `kubecontext`; if not set, the registry that the cluster announces"),
		one("", "pipeline.cluster.kubecontext.registry.pull", "", text, setRegistry(func(e *Environment) *string { return &e.Cluster.Kubecontext.Pull }), "address of the same registry for pulls by the nodes, for `kubecontext`"),
		one("", "pipeline.allowPlainHttp", "", truth, setTruth(func(e *Environment) *bool { return &e.PlainHTTP }), "`true` allows access without TLS with `kubecontext`: NodePort, LoadBalancer or Ingress"),
		one("TODO_OFFLINE", "", "", text, setTruth(func(e *Environment) *bool { return &e.Offline }), "`true`: use no image registry, make every image from package registries"),
		one("TODO_MIRRORS", "pipeline.mirrors", "", mapping, setMirrors, "mirrors of image registries: a table such as `registry.example.com: harbor.example.com/hub`; in the variable `registry.example.com=harbor.example.com/hub,…`"),
		one("TODO_INSECURE_REGISTRIES", "pipeline.insecureRegistries", "", list, setInsecure, "list of registries that are reached by plain HTTP, as HOST[:PORT]; private addresses and names below `.localhost` always are"),
		one("", keyFromKey, "", text, setKeyFrom, "name of the environment variable with the API key of the chat's model, such as `OPENAI_API_KEY`; if not set, the built-in model answers; the key is kept in a Kubernetes Secret only"),
	}
}

// apply takes a setting from its variable, else from the file, else the default. It
// also reports a faulty value in the file that a variable overrides.
func (s setting) apply(e *Environment, doc document, getenv func(string) string, f *faults) {
	node := doc.find(s.Key)
	if node != nil {
		f.origin[s.Key] = Problem{File: f.file, Line: node.Line, Key: s.Key}
		if value, ok := s.read(node, f); ok {
			f.report(s.Key, s.set(e, value))
		}
	}
	if s.Name != "" && getenv(s.Name) != "" {
		f.origin[s.Key] = Problem{Variable: s.Name, Key: s.Key}
		f.report(s.Key, s.set(e, given{text: getenv(s.Name)}))
		return
	}
	if node == nil {
		f.origin[s.Key] = Problem{File: f.file, Key: s.Key}
		if s.Name == "TODO_KUBECONFIG" && e.Cluster.Provider == "kubecontext" && getenv("KUBECONFIG") != "" {
			f.origin[s.Key] = Problem{Variable: "KUBECONFIG", Key: s.Key}
			f.report(s.Key, s.set(e, given{text: getenv("KUBECONFIG")}))
			return
		}
		s.fallback(e, f)
	}
}

func (s setting) fallback(e *Environment, f *faults) {
	if strings.HasPrefix(s.Key, "pipeline.cluster.kubecontext.") && e.Cluster.Provider != "kubecontext" {
		return // their defaults need a home folder
	}
	value := strings.NewReplacer("<env>", e.Name, "<cluster>", e.Cluster.Name).Replace(s.Default)
	if s.Default == userCache {
		f.origin[s.Key] = Problem{Variable: s.Name} // the setting has no key in the file
		dir, err := os.UserCacheDir()
		if err != nil {
			f.report(s.Key, fmt.Errorf("must be given: the user has no cache folder (%w)", err))
			return
		}
		value = filepath.Join(dir, "todo-chatbot")
	}
	if value == "" {
		return
	}
	f.report(s.Key, s.set(e, given{text: value}))
}

// read turns a YAML node into text, or reports a wrong type.
func (s setting) read(node *yamlv3.Node, f *faults) (given, bool) {
	want := map[string]string{text: "text", truth: "true or false", number: "a whole number", list: "a list of texts", mapping: "keys with texts"}[s.tag]
	if node.ShortTag() != s.tag {
		hint := ""
		if node.ShortTag() == number && s.tag == text {
			hint = `; put it in quotes, or give a unit to a duration, such as 3m`
		}
		f.add(node.Line, s.Key, "want %s, found %s%s", want, kindOf(node), hint)
		return given{}, false
	}
	value := given{text: node.Value, table: map[string]string{}}
	for i, item := range node.Content {
		item = resolve(item)
		if s.tag == mapping && i%2 == 0 {
			continue
		}
		if item.ShortTag() != text || item.Value == "" {
			f.add(item.Line, s.Key, "want %s, found %s in it", want, kindOf(item))
			return given{}, false
		}
		value.list = append(value.list, item.Value)
		if s.tag == mapping {
			value.table[node.Content[i-1].Value] = item.Value
		}
	}
	return value, true
}

func setTruth(field func(*Environment) *bool) func(*Environment, given) error {
	return func(e *Environment, v given) (err error) {
		if *field(e), err = strconv.ParseBool(v.text); err != nil {
			return fmt.Errorf("%q is neither true nor false", v.text)
		}
		return nil
	}
}

func setTimeout(e *Environment, v given) error {
	d, err := time.ParseDuration(v.text)
	if err != nil || d < 10*time.Second || d > time.Hour {
		return fmt.Errorf("%q is not a duration from 10s to 1h, such as 3m or 90s", v.text)
	}
	e.Timeout = d
	return nil
}
