package chart

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// plainHTTP finds entry points of a cluster without TLS. The pods speak HTTP, so a
// node port or a load balancer does too. An HTTPRoute is not checked, because its
// Gateway decides about TLS.
func plainHTTP(in *inspection, say report) {
	if !in.requireTLS {
		return
	}
	const fix = ", or set pipeline.allowPlainHttp: true if the network is private or a load balancer adds TLS"
	for _, r := range in.resources {
		switch o := r.typed.(type) {
		case *corev1.Service:
			if o.Spec.Type == corev1.ServiceTypeNodePort || o.Spec.Type == corev1.ServiceTypeLoadBalancer {
				say(r, "spec.type", string(o.Spec.Type)+" publishes the application without TLS", "use ClusterIP with an Ingress or an HTTPRoute"+fix)
			}
		case *networkingv1.Ingress:
			for i, rule := range o.Spec.Rules {
				if !certified(o, rule.Host) {
					say(r, index("spec.rules", i)+".host", "is published without TLS", "name a TLS Secret for the host"+fix)
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
