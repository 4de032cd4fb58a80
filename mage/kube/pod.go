package kube

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubectl/pkg/util/podutils"
)

// PodReady tells whether a pod's Ready condition is true. A pod that is being
// deleted can still be ready: check DeletionTimestamp where that matters.
func PodReady(pod *corev1.Pod) bool { return podutils.IsPodReady(pod) }
