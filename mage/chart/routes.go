package chart

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// routes checks that every Ingress and HTTPRoute names a Service of the chart and
// one of its ports.
func routes(in *inspection, say report) {
	for _, r := range in.resources {
		if ingress, ok := r.typed.(*networkingv1.Ingress); ok {
			in.ingress(r, ingress, say)
		}
		if r.Kind == "HTTPRoute" {
			in.httpRoute(r, say)
		}
	}
}

func (in *inspection) ingress(r resource, ingress *networkingv1.Ingress, say report) {
	backend := func(field string, b *networkingv1.IngressBackend) {
		if b != nil && b.Service != nil {
			in.backend(r, field+".service", b.Service.Name, b.Service.Port.Name, b.Service.Port.Number, say)
		}
	}
	backend("spec.defaultBackend", ingress.Spec.DefaultBackend)
	for i, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for j, path := range rule.HTTP.Paths {
			backend(fmt.Sprintf("spec.rules[%d].http.paths[%d].backend", i, j), &path.Backend)
		}
	}
}

// httpRoute holds the backends of an HTTPRoute. Its Gateway is not checked, because
// it is created outside the chart.
type httpRoute struct {
	Spec struct {
		Rules []struct {
			BackendRefs []struct {
				Group, Kind, Namespace, Name string
				Port                         int32
			}
		}
	}
}

func (in *inspection) httpRoute(r resource, say report) {
	var route httpRoute
	if err := yaml.Unmarshal([]byte(r.YAML), &route); err != nil {
		return // the rule "schema" reports it
	}
	for i, rule := range route.Spec.Rules {
		for j, ref := range rule.BackendRefs {
			if ref.Group == "" && (ref.Kind == "" || ref.Kind == "Service") && ref.Namespace == "" {
				in.backend(r, fmt.Sprintf("spec.rules[%d].backendRefs[%d]", i, j), ref.Name, "", ref.Port, say)
			}
		}
	}
}

// backend checks that a Service exists and has a port, given by name or number.
func (in *inspection) backend(r resource, field, service, portName string, port int32, say report) {
	target, there := in.find("Service", service)
	if !there {
		say(r, field+".name", fmt.Sprintf("there is no Service %q", service), "")
		return
	}
	s, ok := target.typed.(*corev1.Service)
	if !ok {
		return
	}
	for _, p := range s.Spec.Ports {
		if portName != "" && p.Name == portName || portName == "" && p.Port == port {
			return
		}
	}
	if portName != "" {
		say(r, field+".port", fmt.Sprintf("Service %q has no port %q", service, portName), "")
		return
	}
	say(r, field+".port", fmt.Sprintf("Service %q has no port %d", service, port), "")
}
