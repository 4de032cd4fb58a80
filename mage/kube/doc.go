// Package kube holds facts about Kubernetes that several packages need: the
// clients of one cluster, whether a pod is ready, which errors are final, and
// one poll that keeps the last error. It sends no requests itself and imports no
// other package of this project.
package kube
