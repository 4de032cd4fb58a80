package chart

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// selectors checks selectors of pods: a workload selects its own pods only, a
// Service selects long-running pods, a policy or a budget selects at least one pod.
func selectors(in *inspection, say report) {
	for _, w := range in.workloads {
		if w.serves() {
			in.ownPods(w, say)
		}
	}
	for _, r := range in.resources {
		switch o := r.typed.(type) {
		case *corev1.Service:
			if len(o.Spec.Selector) > 0 {
				in.served(r, o, say)
			}
		case *networkingv1.NetworkPolicy:
			in.policed(r, o, say)
		case *policyv1.PodDisruptionBudget:
			if len(in.matching(selectorOf(o.Spec.Selector))) == 0 {
				say(r, "spec.selector", unmatched(o.Spec.Selector), "")
			}
		}
	}
}

// ownPods checks that a workload selects its own pods and no others, because it
// would adopt and delete those.
func (in *inspection) ownPods(w workload, say report) {
	const field = "spec.selector"
	if len(w.selector.MatchLabels)+len(w.selector.MatchExpressions) == 0 {
		say(w.resource, field, "does not select the pods of the template", "")
		return
	}
	chosen := in.matching(w.selector)
	if !slices.ContainsFunc(chosen, func(other workload) bool { return other.File == w.File && other.Name == w.Name && other.Kind == w.Kind }) {
		say(w.resource, field, "does not select the pods of the template", "")
	}
	for _, other := range chosen {
		if other.String() != w.String() {
			say(w.resource, field, "also selects the pods of "+other.String(), "give them other labels")
		}
	}
}

// served checks that a Service selects long-running pods.
func (in *inspection) served(r resource, s *corev1.Service, say report) {
	selector := &metav1.LabelSelector{MatchLabels: s.Spec.Selector}
	chosen := in.matching(selector)
	if len(chosen) == 0 {
		say(r, "spec.selector", unmatched(selector), "")
	}
	for _, w := range chosen {
		if !w.serves() {
			say(r, "spec.selector", "selects the pods of "+w.String()+", which end by themselves", "give them other labels")
		}
	}
}

// policed checks that the selectors of a NetworkPolicy match pods of the chart.
// Peers in other namespaces are not checked.
func (in *inspection) policed(r resource, p *networkingv1.NetworkPolicy, say report) {
	if len(in.matching(&p.Spec.PodSelector)) == 0 {
		say(r, "spec.podSelector", unmatched(&p.Spec.PodSelector), "")
	}
	peers := func(field string, peers []networkingv1.NetworkPolicyPeer) {
		for i, peer := range peers {
			if peer.PodSelector != nil && peer.NamespaceSelector == nil && len(in.matching(peer.PodSelector)) == 0 {
				say(r, index(field, i)+".podSelector", unmatched(peer.PodSelector), "")
			}
		}
	}
	for i, rule := range p.Spec.Ingress {
		peers(index("spec.ingress", i)+".from", rule.From)
	}
	for i, rule := range p.Spec.Egress {
		peers(index("spec.egress", i)+".to", rule.To)
	}
}

// unmatched is the message about a selector without pods.
func unmatched(selector *metav1.LabelSelector) string {
	return "selects no pod of the chart: " + metav1.FormatLabelSelector(selector)
}

// ports checks that every named port is a port of the container or pod.
func ports(in *inspection, say report) {
	for _, w := range in.workloads {
		for _, c := range w.containers() {
			for _, p := range c.probes() {
				if name := p.port().StrVal; name != "" && !c.opens(name) {
					say(w.resource, p.field+"."+p.kind()+".port", fmt.Sprintf("there is no port %q", name), "")
				}
			}
		}
	}
	for _, r := range in.resources {
		switch o := r.typed.(type) {
		case *corev1.Service:
			for _, w := range in.matching(&metav1.LabelSelector{MatchLabels: o.Spec.Selector}) {
				if len(o.Spec.Selector) > 0 {
					targets(r, o, w, say)
				}
			}
		case *appsv1.StatefulSet:
			if name := o.Spec.ServiceName; name != "" {
				in.mustFind(r, "spec.serviceName", "Service", name, say)
			}
		case *networkingv1.NetworkPolicy:
			in.policedPorts(r, o, say)
		}
	}
}

func (c container) opens(name string) bool {
	return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == name })
}

func targets(r resource, s *corev1.Service, w workload, say report) {
	for i, port := range s.Spec.Ports {
		if name := port.TargetPort.StrVal; name != "" {
			if _, open := w.ports()[name]; !open {
				say(r, index("spec.ports", i)+".targetPort", fmt.Sprintf("%s has no port %q", w, name), "")
			}
		}
	}
}

// policedPorts checks the named ports of a NetworkPolicy. Ports of ingress rules are
// ports of the selected pods; ports of egress rules are ports of the peers.
func (in *inspection) policedPorts(r resource, p *networkingv1.NetworkPolicy, say report) {
	check := func(field string, ports []networkingv1.NetworkPolicyPort, of []workload) {
		for i, port := range ports {
			if port.Port == nil || port.Port.Type != intstr.String || len(of) == 0 {
				continue
			}
			if !slices.ContainsFunc(of, func(w workload) bool { _, open := w.ports()[port.Port.StrVal]; return open }) {
				say(r, index(field, i)+".port", fmt.Sprintf("%s has no port %q", list(of), port.Port.StrVal), "")
			}
		}
	}
	for i, rule := range p.Spec.Ingress {
		check(index("spec.ingress", i)+".ports", rule.Ports, in.matching(&p.Spec.PodSelector))
	}
	for i, rule := range p.Spec.Egress {
		var to []workload
		for _, peer := range rule.To {
			if peer.PodSelector != nil && peer.NamespaceSelector == nil {
				to = append(to, in.matching(peer.PodSelector)...)
			}
		}
		check(index("spec.egress", i)+".ports", rule.Ports, to)
	}
}

func list(workloads []workload) string {
	names := make([]string, len(workloads))
	for i, w := range workloads {
		names[i] = w.String()
	}
	return strings.Join(names, ", ")
}
