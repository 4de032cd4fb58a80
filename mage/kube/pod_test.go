package kube

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
)

func TestPodIsReadyByItsReadyCondition(t *testing.T) {
	pod := func(conditions ...corev1.PodCondition) *corev1.Pod {
		return &corev1.Pod{Status: corev1.PodStatus{Conditions: conditions}}
	}
	assert.True(t, PodReady(pod(corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue})))
	assert.False(t, PodReady(pod(corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionFalse})))
	assert.False(t, PodReady(pod(corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue})))
	assert.False(t, PodReady(pod()))
}
