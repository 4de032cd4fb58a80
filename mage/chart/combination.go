package chart

import (
	"fmt"
	"net/netip"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// combinations checks fields that depend on each other, address ranges and
// percentages. API servers validate them, and no schema describes that.
func combinations(in *inspection, say report) {
	nodePorts := map[int32]string{} // port → name of the Service
	for _, r := range in.resources {
		switch o := r.typed.(type) {
		case *appsv1.Deployment:
			if rolling := o.Spec.Strategy.RollingUpdate; rolling != nil {
				rollingUpdate(r, rolling, say)
			}
		case *corev1.Service:
			for i, p := range o.Spec.Ports {
				if other, taken := nodePorts[p.NodePort]; taken && p.NodePort > 0 {
					say(r, index("spec.ports", i)+".nodePort", fmt.Sprintf("%d is also the node port of Service %s", p.NodePort, other), "change one of them")
				}
				nodePorts[p.NodePort] = r.Name
			}
			addresses(r, "spec.loadBalancerSourceRanges", o.Spec.LoadBalancerSourceRanges, say)
		case *networkingv1.NetworkPolicy:
			for i, rule := range o.Spec.Ingress {
				blocks(r, index("spec.ingress", i)+".from", rule.From, say)
			}
			for i, rule := range o.Spec.Egress {
				blocks(r, index("spec.egress", i)+".to", rule.To, say)
			}
		}
	}
	for _, w := range in.workloads {
		tolerations(w, say)
		names := make([]string, len(w.pod.Spec.Volumes))
		for i, v := range w.pod.Spec.Volumes {
			names[i] = v.Name
		}
		once(w, w.field("spec.volumes"), "name", names, say)
		for _, c := range w.containers() {
			paths := make([]string, len(c.VolumeMounts))
			for i, m := range c.VolumeMounts {
				paths[i] = m.MountPath
			}
			once(w, c.field+".volumeMounts", "mountPath", paths, say)
			variableSources(w, c, say)
		}
	}
}

func rollingUpdate(r resource, rolling *appsv1.RollingUpdateDeployment, say report) {
	const field = "spec.strategy.rollingUpdate.maxUnavailable"
	if rolling.MaxSurge == nil || rolling.MaxUnavailable == nil {
		return // the defaults are valid
	}
	const pods = 100
	surge, missing := portion(rolling.MaxSurge, pods), portion(rolling.MaxUnavailable, pods)
	switch {
	case surge == 0 && missing == 0:
		say(r, field, "is 0, and maxSurge is 0 too: an update can neither add nor remove a pod", "raise one of them")
	case rolling.MaxUnavailable.Type == intstr.String && missing > pods:
		say(r, field, rolling.MaxUnavailable.StrVal+" is more than all pods", "")
	}
}

func blocks(r resource, field string, peers []networkingv1.NetworkPolicyPeer, say report) {
	for i, peer := range peers {
		if block := peer.IPBlock; block != nil {
			at := index(field, i) + ".ipBlock"
			addresses(r, at+".cidr", []string{block.CIDR}, say)
			addresses(r, at+".except", block.Except, say)
		}
	}
}

// addresses checks CIDR ranges. The field is a list or a single range.
func addresses(r resource, field string, ranges []string, say report) {
	for i, text := range ranges {
		if _, err := netip.ParsePrefix(text); err != nil {
			at := field
			if list, _ := lookUp(r.doc, field); kindOf(list) == "array" {
				at = index(field, i)
			}
			say(r, at, fmt.Sprintf("%q is not a CIDR range such as 10.0.0.0/8", text), "")
		}
	}
}

func tolerations(w workload, say report) {
	for i, t := range w.pod.Spec.Tolerations {
		at := w.field("spec.tolerations[%d]", i)
		switch {
		case t.Operator == corev1.TolerationOpExists && t.Value != "":
			say(w.resource, at+".value", "must be empty with the operator Exists", "remove the value, or use the operator Equal")
		case t.Key == "" && t.Operator != corev1.TolerationOpExists:
			say(w.resource, at+".operator", "must be Exists if there is no key", "")
		case t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute:
			say(w.resource, at+".tolerationSeconds", "is only valid with the effect NoExecute", "")
		}
	}
}

// once checks that a text occurs once among the elements of a list.
func once(w workload, list, field string, texts []string, say report) {
	seen := map[string]bool{}
	for i, text := range texts {
		if seen[text] {
			say(w.resource, index(list, i)+"."+field, fmt.Sprintf("%q is given twice", text), "")
		}
		seen[text] = true
	}
}

func variableSources(w workload, c container, say report) {
	for i, variable := range c.Env {
		from := variable.ValueFrom
		at := index(c.field+".env", i)
		switch {
		case from == nil:
		case variable.Value != "":
			say(w.resource, at, variable.Name+" has both value and valueFrom", "remove one of them")
		case *from == corev1.EnvVarSource{}:
			say(w.resource, at+".valueFrom", "names no source for "+variable.Name, "name a key of a Secret or a ConfigMap, or a field")
		}
	}
}
