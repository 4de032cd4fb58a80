package chart

import (
	"path"
	"slices"
	"strings"
)

// Rule is a demand on what a chart renders.
type Rule struct {
	Name       string
	Reason     string // what goes wrong where it is broken
	Exceptions []Exception

	check func(*inspection, report)
}

// Exception is where a rule does not hold.
type Exception struct {
	Kind   string
	Name   string // of the resource; * and ? stand for what varies, such as the release
	Hook   bool   // of hooks alone
	Says   string // part of the message; empty for whatever the rule says
	Reason string // why nothing goes wrong there
}

// Names of rules that hold for the chart itself rather than for what it renders.
const (
	ruleValues   = "values"
	ruleTemplate = "template"
	ruleLint     = "lint"
	ruleStable   = "stable"
)

// Rules returns every demand on manifests. The rules of the chart itself, which
// Lint holds, have no exceptions.
func Rules() []Rule {
	return slices.Concat(rulesOfServers, rulesOfParts, rulesOfLasting, rulesOfSafety)
}

// rulesOfServers are about what an API server would refuse.
var rulesOfServers = []Rule{
	{Name: "api", check: apis,
		Reason: "an API version that is gone fails the release; one that is going will fail it after the cluster's next upgrade"},
	{Name: "schema", check: fields,
		Reason: "a field that is misspelt or too new is refused, or dropped in silence, and a value of another type is refused"},
	{Name: "name", check: names,
		Reason: "an API server refuses names, labels and ports of another form"},
	{Name: "combination", check: combinations,
		Reason: "an API server refuses fields that contradict each other, and of two volumes, mounts or node ports of one name the second"},
	{Name: "unique", check: unique,
		Reason: "of two resources of one kind and name the second overwrites the first"},
	{Name: "namespace", check: namespaces,
		Reason: "a resource with a namespace of its own is not where the release looks for it, nor gone with it"},
}

// rulesOfParts are about what must be there for everything to run.
var rulesOfParts = []Rule{
	{Name: "reference", check: references,
		Reason: "a pod that names a ConfigMap, key, ServiceAccount, volume or claim that is not there never starts"},
	{Name: "selector", check: selectors,
		Reason: "what selects no pod does nothing, and what selects another's pods sends people or policies to them",
		Exceptions: []Exception{
			{Kind: "NetworkPolicy", Name: "*", Says: "app.kubernetes.io/name=postgresql-backup",
				Reason: "it is there before backups are turned on, because the upgrade that does so takes one before it applies anything"},
		}},
	{Name: "port", check: ports,
		Reason: "a Service or a probe that names a port nobody opens gets no answer"},
	{Name: "route", check: routes,
		Reason: "an Ingress or HTTPRoute to a Service that is not there answers 503"},
	{Name: "hook", check: hooks,
		Reason: "a hook that runs before the release's own resources are there waits for them until the deploy's time is over"},
}

// rulesOfLasting are about what keeps it running.
var rulesOfLasting = []Rule{
	{Name: "probes", check: probes,
		Reason: "without probes Kubernetes sends people to a pod that cannot answer and leaves one alone that is stuck",
		Exceptions: []Exception{
			{Kind: "Job", Name: "*", Reason: "it ends by itself, and whether it did well is its exit code"},
			{Kind: "CronJob", Name: "*", Reason: "its pods end by themselves, and whether they did well is their exit code"},
			{Kind: "Pod", Name: "*", Hook: true, Reason: "a test ends by itself, and nobody is sent to it"},
		}},
	{Name: "resources", check: resources,
		Reason: "a container without requests is placed where there is no room for it, and one without a limit of memory takes its neighbours'"},
	{Name: "capacity", check: capacities,
		Reason: "pods that do not fit into the cluster wait for room for ever, or are killed when memory runs out"},
	{Name: "disruption", check: disruptions,
		Reason: "a budget that allows no eviction lets no node be drained, and one that counts nothing protects nothing"},
	{Name: "spread", check: spreads,
		Reason: "replicas on one node are gone together with it",
		Exceptions: []Exception{
			{Kind: "Job", Name: "*", Reason: "its pods are parts of one piece of work, none stands in for another"},
			{Kind: "CronJob", Name: "*", Reason: "its pods are parts of one piece of work, none stands in for another"},
		}},
}

// rulesOfSafety are about what it may do.
var rulesOfSafety = []Rule{
	{Name: "pod-security", check: podSecurity,
		Reason: "the namespace enforces the Pod Security Standard \"restricted\" and refuses the pod: no root, no privilege, no host paths, networks or ports, every capability dropped, seccomp on"},
	{Name: "read-only", check: readOnly,
		Reason: "whoever gets into a container with a writable root can leave something there"},
	{Name: "token", check: accounts,
		Reason: "a service account's token in a pod that never calls the API server is a gift to whoever gets in"},
	{Name: "rights", check: rights,
		Reason: "a wildcard grants what nobody thought of, and what later versions add"},
	{Name: "plain-http", check: plainHTTP,
		Reason: "on a cluster of a `kubecontext`, passwords and sessions that come in without TLS can be read on the way; elsewhere the way in is a port of 127.0.0.1"},
	{Name: "image", check: images,
		Reason: "a tag that moves runs something else after the next pull, and nobody can say what ran"},
	{Name: "secret", check: secrets,
		Reason: "what stands in a manifest is read by everyone who may read the release or the repository"},
}

// excepts reports whether what the rule says of a resource is no finding.
func (rule Rule) excepts(r resource, message string) bool {
	for _, e := range rule.Exceptions {
		named, err := path.Match(e.Name, r.Name)
		if e.Kind == r.Kind && err == nil && named && (!e.Hook || r.Hook != "") && strings.Contains(message, e.Says) {
			return true
		}
	}
	return false
}
