package chart

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// plainHTTP finds ways into a cluster on which nothing encrypts: the pods speak
// HTTP, so a port of a node or of a load balancer does too. An HTTPRoute says
// nothing of TLS, which is its Gateway's.
func plainHTTP(in *inspection, say report) {
	if !in.requireTLS {
		return
	}
	const cure = ", or set pipeline.allowPlainHttp: true if the network is private or a load balancer adds TLS"
	for _, r := range in.resources {
		switch o := r.typed.(type) {
		case *corev1.Service:
			if o.Spec.Type == corev1.ServiceTypeNodePort || o.Spec.Type == corev1.ServiceTypeLoadBalancer {
				say(r, "spec.type", string(o.Spec.Type)+" lets people in without TLS", "use ClusterIP with an Ingress or an HTTPRoute"+cure)
			}
		case *networkingv1.Ingress:
			for i, rule := range o.Spec.Rules {
				if !certified(o, rule.Host) {
					say(r, index("spec.rules", i)+".host", "people reach it without TLS", "name a TLS Secret for the host"+cure)
				}
			}
		}
	}
}

func certified(ingress *networkingv1.Ingress, host string) bool {
	return slices.ContainsFunc(ingress.Spec.TLS, func(tls networkingv1.IngressTLS) bool {
		return tls.SecretName != "" && (len(tls.Hosts) == 0 || slices.Contains(tls.Hosts, host))
	})
}
