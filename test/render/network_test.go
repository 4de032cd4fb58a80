package render_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// port is the destination port of a connection.
type port struct {
	number   int
	protocol corev1.Protocol
}

func (p port) String() string {
	if p.protocol == corev1.ProtocolTCP {
		return strconv.Itoa(p.number)
	}
	return fmt.Sprintf("%d/%s", p.number, p.protocol)
}

// party is a pod with labels or an address outside of the cluster.
type party struct {
	name      string
	namespace string // "" for an address
	labels    labels.Set
	address   string
}

const here = "todo-test"

func member(name string) party {
	return party{name, here, labels.Set{"app.kubernetes.io/name": name, "app.kubernetes.io/instance": "todo"}, ""}
}

// town lists all parties of the tests.
var town = []party{
	member("frontend"), member("backend"), member("postgresql"), member("postgresql-backup"), member("preflight"), member("test"),
	{"neighbour", here, labels.Set{"app.kubernetes.io/name": "frontend", "app.kubernetes.io/instance": "other"}, ""},
	{"dns", "kube-system", labels.Set{"k8s-app": "kube-dns"}, ""},
	{"controller", "ingress-nginx", nil, ""},
	{"llm", "models", nil, ""},
	{"database", "", nil, "10.20.0.7"},
	{"node-cache", "", nil, "169.254.20.10"},
	{"internet", "", nil, "198.51.100.1"},
}

// network evaluates a release's policies as Kubernetes does: a pod that no policy
// selects is open.
type network []networkingv1.NetworkPolicy

func networkOf(t *testing.T, r rendering) network {
	t.Helper()
	var n network
	for _, m := range r {
		if m.Kind == "NetworkPolicy" {
			n = append(n, get[networkingv1.NetworkPolicy](t, r, m.Kind, m.Name))
		}
	}
	return n
}

func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	chosen, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && chosen.Matches(set)
}

func (p party) among(peers []networkingv1.NetworkPolicyPeer) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(peer networkingv1.NetworkPolicyPeer) bool {
		switch {
		case peer.IPBlock != nil:
			return p.address != "" && netip.MustParsePrefix(peer.IPBlock.CIDR).Contains(netip.MustParseAddr(p.address))
		case p.namespace == "":
			return false
		case peer.NamespaceSelector != nil:
			if !selects(peer.NamespaceSelector, labels.Set{"kubernetes.io/metadata.name": p.namespace}) {
				return false
			}
		case p.namespace != here:
			return false
		}
		return peer.PodSelector == nil || selects(peer.PodSelector, p.labels)
	})
}

func carries(ports []networkingv1.NetworkPolicyPort, to port) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		return port{p.Port.IntValue(), protocol} == to
	})
}

func (n network) lets(from, to party, at port) bool {
	out, in, closedOut, closedIn := false, false, false, false
	for _, policy := range n {
		concerns := func(p party, direction networkingv1.PolicyType) bool {
			return p.namespace == here && selects(&policy.Spec.PodSelector, p.labels) && slices.Contains(policy.Spec.PolicyTypes, direction)
		}
		if concerns(from, networkingv1.PolicyTypeEgress) {
			closedOut = true
			for _, rule := range policy.Spec.Egress {
				out = out || carries(rule.Ports, at) && to.among(rule.To)
			}
		}
		if concerns(to, networkingv1.PolicyTypeIngress) {
			closedIn = true
			for _, rule := range policy.Spec.Ingress {
				in = in || carries(rule.Ports, at) && from.among(rule.From)
			}
		}
	}
	return (out || !closedOut) && (in || !closedIn)
}

// ways returns all allowed connections from or to a pod of the release on the ports.
func (n network) ways(ports ...port) []string {
	var open []string
	for _, from := range town {
		for _, to := range town {
			mine := from.labels["app.kubernetes.io/instance"] == "todo" || to.labels["app.kubernetes.io/instance"] == "todo"
			for _, at := range ports {
				if mine && from.name != to.name && n.lets(from, to, at) {
					open = append(open, fmt.Sprintf("%s -> %s:%s", from.name, to.name, at))
				}
			}
		}
	}
	slices.Sort(open)
	return open
}

// expand writes "a, b -> c:1" as one line each, sorted.
func expand(froms []string, to string) []string {
	var all []string
	for _, from := range froms {
		all = append(all, from+" -> "+to)
	}
	return all
}

var members = []string{"frontend", "backend", "postgresql", "postgresql-backup", "preflight", "test"}

// inside returns the connections that every release with policies allows.
func inside(dns string) []string {
	return slices.Concat(
		expand(members, dns+":53"), expand(members, dns+":53/UDP"),
		[]string{"frontend -> backend:8000", "test -> frontend:8080"},
		expand([]string{"frontend", "backend", "postgresql-backup"}, "postgresql:5432"),
	)
}

func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

var allPorts = append(tcp(53, 80, 443, 3000, 5432, 6432, 8000, 8080),
	port{53, corev1.ProtocolUDP}, port{443, corev1.ProtocolUDP}, port{5432, corev1.ProtocolUDP})

func tcp(numbers ...int) (ports []port) {
	for _, number := range numbers {
		ports = append(ports, port{number, corev1.ProtocolTCP})
	}
	return ports
}

func TestPoliciesAllowOnlyNeededConnections(t *testing.T) {
	_, opts := environment(t, "staging")
	require.Equal(t, "todo", opts.Release, "the parties belong to another release")
	r := deployed(t, "staging")
	for _, p := range r.pods(t) {
		assert.Contains(t, members, p.Labels["app.kubernetes.io/name"], "no test covers the connections of this pod")
	}
	n := networkOf(t, r)
	strangers := []string{"neighbour", "dns", "controller", "llm", "database", "node-cache", "internet"}
	assert.Equal(t, sorted(inside("dns"), expand(strangers, "frontend:8080")), n.ways(allPorts...))
}

func TestEverythingIsOpenWithoutPolicies(t *testing.T) {
	n := networkOf(t, deployed(t, "dev"))
	assert.Empty(t, n)
	assert.True(t, n.lets(town[len(town)-1], member("postgresql"), port{5432, corev1.ProtocolTCP}), "the evaluation refuses everything")
}

func networkPolicies(t *testing.T, r rendering) {
	assert.Equal(t, sorted(inside("node-cache"), []string{"controller -> frontend:8080"}), networkOf(t, r).ways(allPorts...),
		"only the controller and the test come in, and names come from the cache")
}

func model(t *testing.T, r rendering) {
	n := networkOf(t, r)
	assert.Contains(t, n.ways(allPorts...), "backend -> llm:8080")
	assert.NotContains(t, n.ways(allPorts...), "frontend -> llm:8080")
	assert.NotContains(t, n.ways(allPorts...), "backend -> internet:8080")
	config := get[corev1.ConfigMap](t, r, "ConfigMap", "todo-backend").Data
	assert.Equal(t, "http://llm.example.test:8080/v1 small", config["OPENAI_BASE_URL"]+" "+config["OPENAI_MODEL"])
}

func TestModelPortFollowsItsURL(t *testing.T) {
	for openai, want := range map[string]string{
		"{baseUrl: 'https://llm.example.test/v1'}":  "backend -> internet:443",
		"{baseUrl: 'http://llm.example.test/v1'}":   "backend -> internet:80",
		"{baseUrl: 'http://[fd00::1]:8080/v1'}":     "backend -> internet:8080",
		"{baseUrl: 'http://[fd00::1]/v1'}":          "backend -> internet:80",
		"{model: gpt-4o}":                           "backend -> internet:443",
		"{apiKeySecret: {name: a, key: b}}":         "",
		"{baseUrl: 'https://llm.example.test:443'}": "backend -> internet:443",
	} {
		r := render(t, "global: {networkPolicy: {enabled: true}}\nbackend: {config: {openai: "+openai+"}}")
		var out []string
		for _, way := range networkOf(t, r).ways(allPorts...) {
			if slices.Contains([]string{"backend -> internet:443", "backend -> internet:80", "backend -> internet:8080"}, way) {
				out = append(out, way)
			}
		}
		if want == "" {
			assert.Empty(t, out, openai)
			continue
		}
		assert.Equal(t, []string{want}, out, openai)
	}
}
