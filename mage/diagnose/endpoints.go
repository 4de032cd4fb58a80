package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

// leftover is an endpoint of a Service that belongs to an older revision.
type leftover struct {
	service, pod string
	gone         bool // the pod was deleted, and its endpoint soon follows
}

func (l leftover) String() string {
	if l.gone {
		return fmt.Sprintf("service/%s still lists pod %s, which was deleted", l.service, l.pod)
	}
	return fmt.Sprintf("service/%s still sends requests to pod %s of an older revision", l.service, l.pod)
}

// leftovers lists, sorted and without duplicates, the endpoints of services that
// are not pods of the workloads' current revision. A pod that is being deleted
// counts while it serves: kube-proxy falls back to such pods, and learns later
// than the API server that they have ended.
func (s *Snapshot) leftovers(workloads []*Workload, services []string) []leftover {
	past := map[string]bool{}
	for _, w := range workloads {
		for _, p := range w.past {
			past[string(p.UID)] = true
		}
	}
	var out []leftover
	for _, slice := range s.slices {
		service := slice.Labels[discoveryv1.LabelServiceName]
		if !slices.Contains(services, service) {
			continue
		}
		for _, e := range slice.Endpoints {
			if e.TargetRef == nil || e.TargetRef.Kind != "Pod" || !serves(e) {
				continue
			}
			p := s.target(e.TargetRef)
			if p == nil || past[string(p.UID)] {
				out = append(out, leftover{service: service, pod: e.TargetRef.Name, gone: p == nil})
			}
		}
	}
	slices.SortFunc(out, func(a, b leftover) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

// serves tells whether an endpoint can receive requests. Absent conditions mean yes
// (EndpointConditions in k8s.io/api/discovery/v1).
func serves(e discoveryv1.Endpoint) bool {
	yes := func(condition *bool) bool { return condition == nil || *condition }
	return yes(e.Conditions.Ready) || yes(e.Conditions.Serving)
}

func (s *Snapshot) target(ref *corev1.ObjectReference) *corev1.Pod {
	for i := range s.pods {
		p := &s.pods[i]
		if p.Name == ref.Name && (ref.UID == "" || p.UID == ref.UID) {
			return p
		}
	}
	return nil
}

// ending turns leftovers into findings.
func ending(left []leftover) []finding {
	var out []finding
	for _, l := range left {
		out = append(out, finding{
			Cause: Cause{Kind: KindEnding, Object: "service/" + l.service, Pod: l.pod, Message: strings.TrimPrefix(l.String(), "service/"+l.service+" ")},
			key:   l.String(), grace: atTheEnd,
		})
	}
	return out
}
