// Package diagnosetest makes pods, ReplicaSets and events that fail, for tests.
package diagnosetest

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// PodUID is the UID of every pod that Pod makes.
const PodUID = types.UID("pod")

// Waiting is a container that waits for a reason.
func Waiting(reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: "backend", Image: "localhost:5000/backend@sha256:aaa",
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
}

// Running is a container that runs and is not ready.
func Running() corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: "backend", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
}

// Exited is a container that has ended.
func Exited(code int32, reason string) corev1.ContainerStatus {
	return corev1.ContainerStatus{Name: "backend", State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}}
}

// Looping is a container in back-off after an exit.
func Looping(code int32, reason string, restarts int32) corev1.ContainerStatus {
	c := Waiting("CrashLoopBackOff", "back-off 20s restarting failed container")
	c.RestartCount = restarts
	c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}
	return c
}

// Pod is a pod of an owner, with one container.
func Pod(name string, owner metav1.Object, status corev1.ContainerStatus) *corev1.Pod {
	controller := true
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: PodUID,
			OwnerReferences: []metav1.OwnerReference{{UID: owner.GetUID(), Name: owner.GetName(), Controller: &controller}},
		},
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: "backend"}}},
		Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{status}},
	}
}

// Warning is an event about an object.
func Warning(uid types.UID, reason, message string) *corev1.Event {
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s.%s", uid, strings.ToLower(reason))},
		Type:       corev1.EventTypeWarning, Reason: reason, Message: message, Count: 1,
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "todo-backend-1-x", UID: uid},
		LastTimestamp:  metav1.Now(),
	}
}
