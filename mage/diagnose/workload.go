package diagnose

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"todo-chatbot/mage/kube"
)

const (
	kindDeployment  = "Deployment"
	kindStatefulSet = "StatefulSet"

	revisionAnnotation = "deployment.kubernetes.io/revision"
)

// Workload is a Deployment or a StatefulSet in a Snapshot, with its pods.
type Workload struct {
	Kind, Name    string
	Missing       bool  // wanted, but not in the cluster
	Ready, Wanted int32 // replicas
	Template      corev1.PodSpec

	uid     types.UID
	settled bool            // no pod of an older revision is left, and the controller has seen the newest spec
	owners  []metav1.Object // the object, and for a Deployment also its current ReplicaSet
	failing string          // the controller's message if it cannot create pods

	pods []*corev1.Pod // of the current revision, not being deleted
	old  []*corev1.Pod // of other revisions, not being deleted
	past []*corev1.Pod // of other revisions, with those that are being deleted
}

// Ref is the short name: deployment/todo-backend.
func (w *Workload) Ref() string { return kube.Ref(w.Kind, w.Name) }

// RolledOut tells whether every wanted replica of the current revision is ready and
// no other one is left.
func (w *Workload) RolledOut() bool {
	return !w.Missing && w.settled && w.Ready >= w.Wanted
}

// Progress is "deployment/todo-backend has 0 of 1 replicas ready".
func (w *Workload) Progress() string {
	switch {
	case w.Missing:
		return w.Ref() + " is missing"
	case w.Ready < w.Wanted:
		return fmt.Sprintf("%s has %d of %d replicas ready", w.Ref(), w.Ready, w.Wanted)
	case !w.settled:
		return w.Ref() + " still runs pods of an older revision"
	}
	return w.Ref() + " is ready"
}

// Workloads are the workloads that refs name, in the order of refs.
func (s *Snapshot) Workloads(refs []string) []*Workload {
	found := map[string]*Workload{}
	for i := range s.deployments {
		w := s.deployment(&s.deployments[i])
		found[w.Ref()] = w
	}
	for i := range s.statefulSets {
		w := s.statefulSet(&s.statefulSets[i])
		found[w.Ref()] = w
	}
	var out []*Workload
	for _, r := range refs {
		w, there := found[r]
		if !there {
			w = missingWorkload(r)
		}
		out = append(out, w)
	}
	return out
}

func missingWorkload(r string) *Workload {
	w := &Workload{Missing: true}
	for _, kind := range []string{kindDeployment, kindStatefulSet} {
		prefix := kube.Ref(kind, "")
		if len(r) > len(prefix) && r[:len(prefix)] == prefix {
			w.Kind, w.Name = kind, r[len(prefix):]
		}
	}
	return w
}

func (s *Snapshot) deployment(d *appsv1.Deployment) *Workload {
	w := &Workload{
		Kind: kindDeployment, Name: d.Name, uid: d.UID, Wanted: ptr.Deref(d.Spec.Replicas, 1),
		Ready: min(d.Status.AvailableReplicas, d.Status.UpdatedReplicas), Template: d.Spec.Template.Spec,
		owners: []metav1.Object{d},
	}
	w.settled = d.Status.ObservedGeneration >= d.Generation &&
		d.Status.UpdatedReplicas == w.Wanted && d.Status.Replicas == d.Status.UpdatedReplicas
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
		return w // its ReplicaSets still show the previous revision
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

// orphaned tells whether a pod that is being deleted belonged to a deleted
// ReplicaSet of d: the Deployment's controller deletes old ReplicaSets while their
// pods still end.
func (s *Snapshot) orphaned(p *corev1.Pod, owner *metav1.OwnerReference, d *appsv1.Deployment) bool {
	if p.DeletionTimestamp == nil || owner.Kind != "ReplicaSet" || d.Spec.Selector == nil {
		return false
	}
	if slices.ContainsFunc(s.replicaSets, func(rs appsv1.ReplicaSet) bool { return rs.UID == owner.UID }) {
		return false // another Deployment's
	}
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	return err == nil && !selector.Empty() && selector.Matches(labels.Set(p.Labels))
}

func (s *Snapshot) statefulSet(set *appsv1.StatefulSet) *Workload {
	w := &Workload{
		Kind: kindStatefulSet, Name: set.Name, uid: set.UID, Wanted: ptr.Deref(set.Spec.Replicas, 1),
		Ready: set.Status.ReadyReplicas, Template: set.Spec.Template.Spec, owners: []metav1.Object{set},
	}
	w.settled = set.Status.ObservedGeneration >= set.Generation && set.Status.Replicas == w.Wanted &&
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
	if int32(len(w.pods)+len(w.old)) < w.Wanted {
		w.failing = s.lastCreateFailure(set.UID)
	}
	return w
}

// replacesPods tells whether the StatefulSet's controller replaces every pod of an
// older revision by itself.
func replacesPods(set *appsv1.StatefulSet) bool {
	strategy := set.Spec.UpdateStrategy
	if strategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		return false
	}
	rolling := strategy.RollingUpdate
	return rolling == nil || rolling.Partition == nil || *rolling.Partition == 0
}

func owned(obj metav1.Object, uid types.UID) bool {
	owner := metav1.GetControllerOf(obj)
	return owner != nil && owner.UID == uid
}

// Restarts counts the restarts of all containers in the current pods.
func (w *Workload) Restarts() int {
	restarts := 0
	for _, p := range w.pods {
		for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			restarts += int(c.RestartCount)
		}
	}
	return restarts
}

// blocking are the old pods of a StatefulSet that are not ready: its controller
// waits for them before it replaces them.
func (w *Workload) blocking() []*corev1.Pod {
	if w.Kind != kindStatefulSet || w.settled {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(w.old), kube.PodReady)
}
