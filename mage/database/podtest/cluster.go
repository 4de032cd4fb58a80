package podtest

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// Names of the application.
const (
	Namespace = "todo-dev"
	Release   = "todo"
	Secret    = "todo-credentials"
)

// Cluster returns a client of a cluster with the application. Frontend and backend
// always have as many pods as their Deployments request. The server mounts the
// backup volume.
func Cluster(more ...runtime.Object) *fake.Clientset {
	server := podOf("postgresql", 0)
	server.Spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: "todo-postgresql"}}}}
	server.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "backups", MountPath: "/backups"}}
	client := fake.NewClientset(append([]runtime.Object{
		&appsv1.StatefulSet{ObjectMeta: meta("todo-postgresql", "postgresql")},
		&corev1.ConfigMap{ObjectMeta: meta("todo-postgresql", "postgresql"), Data: map[string]string{"POSTGRES_DB": App, "POSTGRES_USER": "todo"}},
		server, deployment("frontend", 1), deployment("backend", 2),
	}, more...)...)
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		control(client)
		return false, nil, nil
	})
	return client
}

// control creates and deletes pods as the controller of Deployments does.
func control(client *fake.Clientset) {
	for _, name := range []string{"frontend", "backend"} {
		object, err := client.Tracker().Get(appsv1.SchemeGroupVersion.WithResource("deployments"), Namespace, Release+"-"+name)
		if err != nil {
			continue
		}
		wanted := int(*object.(*appsv1.Deployment).Spec.Replicas)
		for i := range 9 {
			pods := corev1.SchemeGroupVersion.WithResource("pods")
			if i < wanted {
				_ = client.Tracker().Create(pods, podOf(name, i), Namespace) // it may exist
			} else {
				_ = client.Tracker().Delete(pods, Namespace, podName(name, i)) // it may not exist
			}
		}
	}
}

func meta(name, component string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: Namespace, Name: name, Labels: map[string]string{
		"app.kubernetes.io/name": component, "app.kubernetes.io/instance": Release,
	}}
}

func podName(component string, i int) string { return fmt.Sprintf("%s-%s-%d", Release, component, i) }

func podOf(component string, i int) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: meta(podName(component, i), component),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: component}}},
		Status: corev1.PodStatus{
			Phase:             corev1.PodRunning,
			Conditions:        []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			ContainerStatuses: []corev1.ContainerStatus{{Name: component, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}},
		},
	}
}

func deployment(component string, replicas int32) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: meta(Release+"-"+component, component)}
	d.Spec.Replicas = &replicas
	from := func(variable, key string) corev1.EnvVar {
		return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: Secret}, Key: key,
		}}}
	}
	d.Spec.Template.Spec.InitContainers = []corev1.Container{{Name: "migrate", Env: []corev1.EnvVar{
		from("DATABASE_PASSWORD", "database-password"), from("BETTER_AUTH_SECRET", "auth-secret"),
	}}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: component, Env: []corev1.EnvVar{
		from("DATABASE_PASSWORD", component+"-database-password"), from("BETTER_AUTH_SECRET", "auth-secret"),
	}}}
	return d
}

// Replicas returns the requested replicas of frontend and backend.
func Replicas(client *fake.Clientset) map[string]int {
	all := map[string]int{}
	list, err := client.AppsV1().Deployments(Namespace).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		panic(err)
	}
	for _, d := range list.Items {
		all[d.Labels["app.kubernetes.io/name"]] = int(*d.Spec.Replicas)
	}
	return all
}
