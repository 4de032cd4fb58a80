package chart

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// probe is a probe of a container, with its field.
type probe struct {
	*corev1.Probe
	field string
}

// probes returns the probes that the container defines.
func (c container) probes() []probe {
	var all []probe
	for _, p := range []probe{
		{c.StartupProbe, c.field + ".startupProbe"},
		{c.ReadinessProbe, c.field + ".readinessProbe"},
		{c.LivenessProbe, c.field + ".livenessProbe"},
	} {
		if p.Probe != nil {
			all = append(all, p)
		}
	}
	return all
}

// kind returns the name of the handler field.
func (p probe) kind() string {
	switch {
	case p.HTTPGet != nil:
		return "httpGet"
	case p.TCPSocket != nil:
		return "tcpSocket"
	case p.GRPC != nil:
		return "grpc"
	}
	return "exec"
}

// port returns the port that the probe uses, if any.
func (p probe) port() intstr.IntOrString {
	switch p.kind() {
	case "httpGet":
		return p.HTTPGet.Port
	case "tcpSocket":
		return p.TCPSocket.Port
	}
	return intstr.IntOrString{}
}

// probes checks that every container of a pod has a startup, a readiness and a
// liveness probe. Init containers need none.
func probes(in *inspection, say report) {
	for _, w := range in.workloads {
		for _, c := range w.containers() {
			if c.init {
				continue
			}
			for _, p := range []struct {
				name  string
				probe *corev1.Probe
			}{{"startupProbe", c.StartupProbe}, {"readinessProbe", c.ReadinessProbe}, {"livenessProbe", c.LivenessProbe}} {
				if p.probe == nil {
					say(w.resource, c.field+"."+p.name, "is missing", "")
				}
			}
		}
	}
}
