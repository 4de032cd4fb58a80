package kube

import (
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// Ref is the short name of an object as kubectl prints it: deployment/todo-backend.
func Ref(kind, name string) string { return strings.ToLower(kind) + "/" + name }

// JobEnd is the condition with which a Job completed or failed, nil while it runs.
func JobEnd(job *batchv1.Job) *batchv1.JobCondition {
	for i, c := range job.Status.Conditions {
		if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			return &job.Status.Conditions[i]
		}
	}
	return nil
}
