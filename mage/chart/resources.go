package chart

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// resources checks that every container says what it needs and what it may
// take of memory. A limit of CPU is not asked for: without one a container only
// uses what others leave.
func resources(in *inspection, say report) {
	for _, w := range in.workloads {
		for _, c := range w.containers() {
			at := c.field + ".resources"
			if c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				say(w.resource, at, "needs requests of cpu and memory and a limit of memory", "")
			}
			for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
				request, asks := c.Resources.Requests[name]
				limit, limited := c.Resources.Limits[name]
				if asks && limited && request.Cmp(limit) > 0 {
					say(w.resource, at+".requests."+string(name), fmt.Sprintf("%s is above the limit, %s", &request, &limit), "")
				}
			}
		}
	}
}
