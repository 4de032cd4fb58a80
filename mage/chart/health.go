package chart

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// probe is one of a container's, and where it stands.
type probe struct {
	*corev1.Probe
	field string
}

// probes are those that the container has.
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

// kind is the field that says how the probe asks.
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

// port is the one that the probe knocks at, if any.
func (p probe) port() intstr.IntOrString {
	switch p.kind() {
	case "httpGet":
		return p.HTTPGet.Port
	case "tcpSocket":
		return p.TCPSocket.Port
	}
	return intstr.IntOrString{}
}

// probes checks that whatever stays can be asked whether it has started, is
// ready and is alive.
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
