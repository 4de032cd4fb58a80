package chart

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// template returns the pods that object makes: labels, spec, and the selector
// by which it finds them again; nil for what makes no pods.
func template(object runtime.Object) (*corev1.PodTemplateSpec, *metav1.LabelSelector) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template, o.Spec.Selector
	case *appsv1.StatefulSet:
		return &o.Spec.Template, o.Spec.Selector
	case *appsv1.DaemonSet:
		return &o.Spec.Template, o.Spec.Selector
	case *batchv1.Job:
		return &o.Spec.Template, nil
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template, nil
	case *corev1.Pod:
		return &corev1.PodTemplateSpec{ObjectMeta: o.ObjectMeta, Spec: o.Spec}, nil
	}
	return nil, nil
}

// security holds every pod against the Pod Security Standard "restricted", with
// the rules that the namespace's admission applies.
func (in *inspection) security(m Manifest, object runtime.Object) {
	pod, _ := template(object)
	if pod == nil {
		return
	}
	rules, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		in.add(m, "", "%v", err)
		return
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, result := range rules.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			in.add(m, "", "Pod Security %q forbids %s: %s", api.LevelRestricted, result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
}

// containers returns a pod's containers, init containers first, with the field
// that each is found at.
func containers(spec *corev1.PodSpec) (all []corev1.Container, fields []string) {
	for i, c := range spec.InitContainers {
		all, fields = append(all, c), append(fields, fmt.Sprintf("initContainers[%d]", i))
	}
	for i, c := range spec.Containers {
		all, fields = append(all, c), append(fields, fmt.Sprintf("containers[%d]", i))
	}
	return all, fields
}

// portsOf returns the names of a pod's ports.
func portsOf(spec *corev1.PodSpec) map[string]bool {
	names := map[string]bool{}
	for _, c := range spec.Containers {
		for _, p := range c.Ports {
			names[p.Name] = true
		}
	}
	return names
}

// probePorts returns the named ports that a container's probes knock at, by
// probe.
func probePorts(c corev1.Container) map[string]string {
	ports := map[string]string{}
	for name, probe := range map[string]*corev1.Probe{
		"startupProbe": c.StartupProbe, "readinessProbe": c.ReadinessProbe, "livenessProbe": c.LivenessProbe,
	} {
		switch {
		case probe == nil:
		case probe.HTTPGet != nil && probe.HTTPGet.Port.StrVal != "":
			ports[name+".httpGet.port"] = probe.HTTPGet.Port.StrVal
		case probe.TCPSocket != nil && probe.TCPSocket.Port.StrVal != "":
			ports[name+".tcpSocket.port"] = probe.TCPSocket.Port.StrVal
		}
	}
	return ports
}

// configMapsOf returns the ConfigMaps that a pod cannot start without, by the
// field that names them.
func configMapsOf(spec *corev1.PodSpec) map[string]string {
	names := map[string]string{}
	need := func(field, name string, optional *bool) {
		if optional == nil || !*optional {
			names[field] = name
		}
	}
	for i, volume := range spec.Volumes {
		if volume.ConfigMap != nil {
			need(fmt.Sprintf("volumes[%d]", i), volume.ConfigMap.Name, volume.ConfigMap.Optional)
		}
	}
	all, fields := containers(spec)
	for i, c := range all {
		for j, from := range c.EnvFrom {
			if from.ConfigMapRef != nil {
				need(fmt.Sprintf("%s.envFrom[%d]", fields[i], j), from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
			}
		}
		for j, env := range c.Env {
			if env.ValueFrom != nil && env.ValueFrom.ConfigMapKeyRef != nil {
				ref := env.ValueFrom.ConfigMapKeyRef
				need(fmt.Sprintf("%s.env[%d]", fields[i], j), ref.Name, ref.Optional)
			}
		}
	}
	return names
}

// secretsInPlain returns the variables of a container whose name promises a
// secret and whose value stands in the manifest.
func secretsInPlain(c corev1.Container) []string {
	var names []string
	for _, env := range c.Env {
		upper := strings.ToUpper(env.Name)
		for _, word := range []string{"PASSWORD", "SECRET", "TOKEN", "API_KEY"} {
			if env.Value != "" && strings.HasSuffix(upper, word) {
				names = append(names, env.Name)
			}
		}
	}
	return names
}
