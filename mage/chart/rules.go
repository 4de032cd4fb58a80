package chart

import (
	"path"
	"slices"
	"strings"
)

// Rule is a requirement on rendered manifests.
type Rule struct {
	Name       string
	Reason     string // the consequence of breaking the rule
	Exceptions []Exception

	check func(*inspection, report)
}

// Exception describes resources that a rule does not apply to.
type Exception struct {
	Kind   string
	Name   string // of the resource; * and ? are wildcards
	Hook   bool   // the exception applies to hooks only
	Says   string // part of the message; empty means every message of the rule
	Reason string // why breaking the rule has no consequence there
}

// Names of the rules for the chart itself. Rules does not contain them.
const (
	ruleValues   = "values"
	ruleTemplate = "template"
	ruleLint     = "lint"
	ruleStable   = "stable"
)

// Rules returns the rules for manifests. The rules for the chart itself have no
// exceptions.
func Rules() []Rule {
	return slices.Concat(validity, completeness, reliability, safety)
}

// validity holds the rules that an API server enforces.
var validity = []Rule{
	{Name: "api", check: apis,
		Reason: "a removed API version fails the release; a deprecated one will fail it after an upgrade of the cluster"},
	{Name: "schema", check: fields,
		Reason: "an API server refuses or silently drops a field that is misspelt or too new, and refuses a value of another type"},
	{Name: "name", check: names,
		Reason: "an API server refuses names, labels and ports that do not have the required form"},
	{Name: "combination", check: combinations,
		Reason: "an API server refuses fields that contradict each other, and duplicate volumes, mounts and node ports"},
	{Name: "unique", check: unique,
		Reason: "if two resources have the same kind and name, the second overwrites the first"},
	{Name: "namespace", check: namespaces,
		Reason: "the release neither finds nor removes a resource that sets its own namespace"},
}

// completeness holds the rules about resources that must exist for pods to start
// and to be reached.
var completeness = []Rule{
	{Name: "reference", check: references,
		Reason: "a pod does not start if a ConfigMap, key, ServiceAccount, volume or claim that it names is missing"},
	{Name: "selector", check: selectors,
		Reason: "a selector without pods has no effect, and a selector that matches the pods of another workload sends traffic or policies to them",
		Exceptions: []Exception{
			{Kind: "NetworkPolicy", Name: "*", Says: "app.kubernetes.io/name=postgresql-backup",
				Reason: "the policy exists before backups are enabled, because the upgrade that enables them makes a backup before it applies anything"},
		}},
	{Name: "port", check: ports,
		Reason: "a Service or a probe gets no answer if no container opens the port that it names"},
	{Name: "route", check: routes,
		Reason: "an Ingress or HTTPRoute to a missing Service answers 503"},
	{Name: "hook", check: hooks,
		Reason: "a hook that needs resources of the release before they exist waits until the deploy times out"},
}

// reliability holds the rules that keep the application running.
var reliability = []Rule{
	{Name: "probes", check: probes,
		Reason: "without probes Kubernetes sends requests to a pod that cannot answer, and does not restart one that hangs",
		Exceptions: []Exception{
			{Kind: "Job", Name: "*", Reason: "its pods end by themselves, and their exit code is the result"},
			{Kind: "CronJob", Name: "*", Reason: "its pods end by themselves, and their exit code is the result"},
			{Kind: "Pod", Name: "*", Hook: true, Reason: "a test ends by itself and receives no requests"},
		}},
	{Name: "resources", check: resources,
		Reason: "a container without requests may be scheduled on a full node, and one without a memory limit may use the memory of others"},
	{Name: "capacity", check: capacities,
		Reason: "pods that do not fit into the cluster stay pending, or are killed when memory runs out"},
	{Name: "disruption", check: disruptions,
		Reason: "a budget that allows no eviction blocks draining a node, and a budget without pods protects nothing"},
	{Name: "spread", check: spreads,
		Reason: "if all replicas are on one node, all of them stop when it fails",
		Exceptions: []Exception{
			{Kind: "Job", Name: "*", Reason: "its pods share one task and do not replace each other"},
			{Kind: "CronJob", Name: "*", Reason: "its pods share one task and do not replace each other"},
		}},
}

// safety holds the rules about permissions, credentials and images.
var safety = []Rule{
	{Name: "pod-security", check: podSecurity,
		Reason: "the namespace enforces the Pod Security Standard \"restricted\" and refuses the pod: no root, no privilege, no host paths, networks or ports, every capability dropped, seccomp on"},
	{Name: "read-only", check: readOnly,
		Reason: "an attacker in a container with a writable root file system can leave files there"},
	{Name: "token", check: accounts,
		Reason: "an attacker in a pod can use its service account token; a pod that never calls the API server needs none"},
	{Name: "rights", check: rights,
		Reason: "a wildcard also grants permissions that nobody intended, and those of later Kubernetes versions"},
	{Name: "plain-http", check: plainHTTP,
		Reason: "without TLS, passwords and sessions can be read on the way to a cluster of a `kubecontext`; other clusters are reached through a port of 127.0.0.1"},
	{Name: "image", check: images,
		Reason: "a moving tag may run another image after the next pull, and nobody can tell which image ran"},
	{Name: "secret", check: secrets,
		Reason: "everyone who may read the release or the repository can read a secret in a manifest"},
}

// excepts reports whether an exception covers a message of the rule about a resource.
func (rule Rule) excepts(r resource, message string) bool {
	for _, e := range rule.Exceptions {
		named, err := path.Match(e.Name, r.Name)
		if e.Kind == r.Kind && err == nil && named && (!e.Hook || r.Hook != "") && strings.Contains(message, e.Says) {
			return true
		}
	}
	return false
}
