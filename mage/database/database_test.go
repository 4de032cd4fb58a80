package database

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"todo-chatbot/mage/kube"
)

// objects returns the objects of a server with the backup volume.
func objects() (*appsv1.StatefulSet, *corev1.ConfigMap, *corev1.Pod) {
	meta := metav1.ObjectMeta{Namespace: "ns", Name: "todo-postgresql", Labels: map[string]string{nameLabel: serverName, instanceLabel: "todo"}}
	pod := &corev1.Pod{ObjectMeta: meta}
	pod.Name += "-0"
	pod.Spec.Containers = []corev1.Container{{
		Name:         serverName,
		EnvFrom:      []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: meta.Name}}}},
		VolumeMounts: []corev1.VolumeMount{{MountPath: volumePath}},
	}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return &appsv1.StatefulSet{ObjectMeta: meta}, &corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"POSTGRES_DB": "todo"}}, pod
}

// over returns a Database whose commands run in shell.
func over(t *testing.T, shell Shell) *Database {
	t.Helper()
	set, settings, pod := objects()
	return New(&kube.Clients{Clientset: fake.NewClientset(set, settings, pod)}, "ns", "todo", Options{Shell: shell})
}
