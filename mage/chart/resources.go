package chart

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// resources checks that every container has requests and a memory limit. A CPU
// limit is not required: without one a container uses CPU time that others do not
// need.
func resources(in *inspection, say report) {
	for _, w := range in.workloads {
		for _, c := range w.containers() {
			at := c.field + ".resources"
			if c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				say(w.resource, at, "needs requests for cpu and memory, and a memory limit", "")
			}
			for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				request, asks := c.Resources.Requests[name]
				limit, limited := c.Resources.Limits[name]
				if asks && limited && request.Cmp(limit) > 0 {
					say(w.resource, at+".requests."+string(name), fmt.Sprintf("%s is above the limit %s", &request, &limit), "")
				}
			}
		}
	}
}
