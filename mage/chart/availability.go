package chart

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// disruptions checks that a PodDisruptionBudget selects long-running pods and
// allows at least one eviction.
func disruptions(in *inspection, say report) {
	for _, r := range in.resources {
		budget, ok := r.typed.(*policyv1.PodDisruptionBudget)
		if !ok {
			continue
		}
		if budget.Spec.MinAvailable == nil && budget.Spec.MaxUnavailable == nil {
			say(r, "spec", "has neither minAvailable nor maxUnavailable", "")
			continue
		}
		if budget.Spec.MinAvailable != nil && budget.Spec.MaxUnavailable != nil {
			say(r, "spec", "has both minAvailable and maxUnavailable", "remove one of them")
			continue
		}
		var replicas int64
		for _, w := range in.matching(selectorOf(budget.Spec.Selector)) {
			if !w.serves() {
				say(r, "spec.selector", "selects the pods of "+w.String()+", which end by themselves", "give them other labels")
				continue
			}
			replicas += w.replicas
		}
		if field, allowed := spare(budget.Spec, replicas); replicas > 1 && allowed < 1 {
			say(r, field, fmt.Sprintf("allows no eviction of %d pods", replicas), "allow at least one")
		}
	}
}

// spare returns how many of the replicas a budget allows to be evicted, and the
// field that decides it.
func spare(budget policyv1.PodDisruptionBudgetSpec, replicas int64) (field string, allowed int64) {
	if budget.MaxUnavailable != nil {
		return "spec.maxUnavailable", portion(budget.MaxUnavailable, replicas)
	}
	return "spec.minAvailable", replicas - portion(budget.MinAvailable, replicas)
}

// portion returns value as a number of pods. A percentage of whole is rounded up,
// as Kubernetes does.
func portion(value *intstr.IntOrString, whole int64) int64 {
	count, err := intstr.GetScaledValueFromIntOrPercent(value, int(whole), true)
	if err != nil {
		return 0
	}
	return int64(count)
}

// spreads checks that several replicas are spread over nodes, by labels that the
// pods have.
func spreads(in *inspection, say report) {
	for _, w := range in.workloads {
		constraints := w.pod.Spec.TopologySpreadConstraints
		for i, constraint := range constraints {
			if !counts(constraint.LabelSelector, w) {
				say(w.resource, w.field("spec.topologySpreadConstraints[%d].labelSelector", i), "does not select the pods of the template", "")
			}
		}
		if _, everywhere := w.typed.(*appsv1.DaemonSet); !everywhere && w.replicas > 1 && len(constraints) == 0 && !w.apart() {
			say(w.resource, "spec.replicas", fmt.Sprintf("%d replicas may all be on one node", w.replicas),
				"spread them over kubernetes.io/hostname")
		}
	}
}

// apart reports whether an anti-affinity keeps the replicas on separate nodes.
func (w workload) apart() bool {
	affinity := w.pod.Spec.Affinity
	if affinity == nil || affinity.PodAntiAffinity == nil {
		return false
	}
	terms := slices.Clone(affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	for _, preferred := range affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution {
		terms = append(terms, preferred.PodAffinityTerm)
	}
	return slices.ContainsFunc(terms, func(term corev1.PodAffinityTerm) bool { return counts(term.LabelSelector, w) })
}

// counts reports whether a selector matches the workload's own pods.
func counts(selector *metav1.LabelSelector, w workload) bool {
	chosen, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && chosen.Matches(labels.Set(w.pod.Labels))
}
