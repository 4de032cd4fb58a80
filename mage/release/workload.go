package release

import (
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

const revisionAnnotation = "deployment.kubernetes.io/revision"

// workload is what a Deployment and a StatefulSet have in common, with the pods
// of its current revision.
type workload struct {
	kind, name string
	uid        types.UID
	missing    bool // wanted, but not in the cluster

	wanted, ready int32
	settled       bool // nothing of an older revision is left and the controller has seen the newest spec
	template      corev1.PodSpec
	owners        []metav1.Object // itself and, for a Deployment, the ReplicaSet of its current revision
	failing       string          // why the controller cannot create pods, as it says itself

	pods []*corev1.Pod // of the current revision, not being deleted
	old  []*corev1.Pod // of other revisions, not being deleted
	past []*corev1.Pod // of other revisions, those that are being deleted too
}

func (w *workload) ref() string { return ref(w.kind, w.name) }

func (w *workload) rolledOut() bool {
	return !w.missing && w.settled && w.ready >= w.wanted
}

// progress is "deployment/todo-backend has 0 of 1 replicas ready".
func (w *workload) progress() string {
	switch {
	case w.missing:
		return w.ref() + " is missing"
	case w.ready < w.wanted:
		return fmt.Sprintf("%s has %d of %d replicas ready", w.ref(), w.ready, w.wanted)
	case !w.settled:
		return w.ref() + " still runs pods of an older revision"
	}
	return w.ref() + " is ready"
}

// workloads finds what refs name in a snapshot, in the order of refs.
func (s *snapshot) workloads(refs []string) []*workload {
	found := map[string]*workload{}
	for i := range s.deployments {
		w := s.deployment(&s.deployments[i])
		found[w.ref()] = w
	}
	for i := range s.statefulSets {
		w := s.statefulSet(&s.statefulSets[i])
		found[w.ref()] = w
	}
	var out []*workload
	for _, r := range refs {
		w, there := found[r]
		if !there {
			w = missingWorkload(r)
		}
		out = append(out, w)
	}
	return out
}

func missingWorkload(r string) *workload {
	w := &workload{missing: true}
	for _, kind := range []string{kindDeployment, kindStatefulSet} {
		prefix := ref(kind, "")
		if len(r) > len(prefix) && r[:len(prefix)] == prefix {
			w.kind, w.name = kind, r[len(prefix):]
		}
	}
	return w
}

func (s *snapshot) deployment(d *appsv1.Deployment) *workload {
	w := &workload{
		kind: kindDeployment, name: d.Name, uid: d.UID, wanted: replicas(d.Spec.Replicas),
		ready: min(d.Status.AvailableReplicas, d.Status.UpdatedReplicas), template: d.Spec.Template.Spec,
		owners: []metav1.Object{d},
	}
	w.settled = d.Status.ObservedGeneration >= d.Generation &&
		d.Status.UpdatedReplicas == w.wanted && d.Status.Replicas == d.Status.UpdatedReplicas
	for _, c := range d.Status.Conditions {
		if c.Type == appsv1.DeploymentProgressing && c.Reason == "ReplicaSetCreateError" {
			w.failing = c.Message
		}
	}
	var current types.UID
	replicaSets := map[types.UID]bool{}
	for i := range s.replicaSets {
		rs := &s.replicaSets[i]
		if !owned(rs, d.UID) {
			continue
		}
		replicaSets[rs.UID] = true
		if rs.Annotations[revisionAnnotation] != d.Annotations[revisionAnnotation] {
			continue
		}
		current = rs.UID
		w.owners = append(w.owners, rs)
		for _, c := range rs.Status.Conditions {
			if c.Type == appsv1.ReplicaSetReplicaFailure && c.Status == corev1.ConditionTrue {
				w.failing = c.Message
			}
		}
	}
	if d.Status.ObservedGeneration < d.Generation {
		return w // its ReplicaSets still tell about the previous revision
	}
	for i := range s.pods {
		p := &s.pods[i]
		owner := metav1.GetControllerOf(p)
		if owner == nil || !replicaSets[owner.UID] && !s.orphaned(p, owner, d) {
			continue
		}
		switch {
		case owner.UID != current:
			w.past = append(w.past, p)
			if p.DeletionTimestamp == nil {
				w.old = append(w.old, p)
			}
		case p.DeletionTimestamp == nil:
			w.pods = append(w.pods, p)
		}
	}
	return w
}

// orphaned tells whether a pod that is being deleted was of an old ReplicaSet of
// d that is gone already: the Deployment's controller removes those beyond its
// history while their pods still end.
func (s *snapshot) orphaned(p *corev1.Pod, owner *metav1.OwnerReference, d *appsv1.Deployment) bool {
	if p.DeletionTimestamp == nil || owner.Kind != "ReplicaSet" || d.Spec.Selector == nil {
		return false
	}
	if slices.ContainsFunc(s.replicaSets, func(rs appsv1.ReplicaSet) bool { return rs.UID == owner.UID }) {
		return false // another Deployment's
	}
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	return err == nil && !selector.Empty() && selector.Matches(labels.Set(p.Labels))
}

func (s *snapshot) statefulSet(set *appsv1.StatefulSet) *workload {
	w := &workload{
		kind: kindStatefulSet, name: set.Name, uid: set.UID, wanted: replicas(set.Spec.Replicas),
		ready: set.Status.ReadyReplicas, template: set.Spec.Template.Spec, owners: []metav1.Object{set},
	}
	w.settled = set.Status.ObservedGeneration >= set.Generation && set.Status.Replicas == w.wanted &&
		(!replacesPods(set) || set.Status.UpdateRevision == set.Status.CurrentRevision)
	if set.Status.ObservedGeneration < set.Generation {
		return w
	}
	for i := range s.pods {
		p := &s.pods[i]
		if !owned(p, set.UID) {
			continue
		}
		outdated := replacesPods(set) && p.Labels[appsv1.StatefulSetRevisionLabel] != set.Status.UpdateRevision
		switch {
		case outdated && p.DeletionTimestamp == nil:
			w.old, w.past = append(w.old, p), append(w.past, p)
		case outdated:
			w.past = append(w.past, p)
		case p.DeletionTimestamp == nil:
			w.pods = append(w.pods, p)
		}
	}
	if int32(len(w.pods)+len(w.old)) < w.wanted {
		w.failing = s.lastCreateFailure(set.UID)
	}
	return w
}

// replacesPods says whether the StatefulSet's controller brings every pod to the
// newest revision by itself.
func replacesPods(set *appsv1.StatefulSet) bool {
	strategy := set.Spec.UpdateStrategy
	if strategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return false
	}
	rolling := strategy.RollingUpdate
	return rolling == nil || rolling.Partition == nil || *rolling.Partition == 0
}

func replicas(n *int32) int32 {
	if n == nil {
		return 1
	}
	return *n
}

func owned(obj metav1.Object, uid types.UID) bool {
	owner := metav1.GetControllerOf(obj)
	return owner != nil && owner.UID == uid
}

// Workload is one Deployment or StatefulSet of a release as the cluster has it.
type Workload struct {
	Kind, Name    string
	Ready, Wanted int
	Images        []string // sorted, init containers' too
	Restarts      int      // of all containers of its current pods
}

func (w *workload) observed() Workload {
	out := Workload{Kind: w.kind, Name: w.name, Ready: int(w.ready), Wanted: int(w.wanted)}
	out.Images = slices.Compact(slices.Sorted(maps.Values(images(w.template))))
	for _, p := range w.pods {
		for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			out.Restarts += int(c.RestartCount)
		}
	}
	return out
}
