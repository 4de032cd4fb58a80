package diagnose

import (
	"fmt"
	"strings"
)

// The objects are as `kubectl get -o yaml` shows them on Kubernetes 1.36, without the
// fields that no diagnosis reads.

const (
	wrongTag     = "localhost:5000/todo-chatbot/backend:9.9.9"
	wrongDigest  = "localhost:5000/todo-chatbot/backend@sha256:0000000000000000000000000000000000000000000000000000000000000000"
	refusedProbe = `Startup probe failed: Get "http://10.244.0.17:8000/livez": dial tcp 10.244.0.17:8000: connect: connection refused`
)

// notFound is containerd's answer for an image that its registry does not have.
func notFound(image string) string {
	return fmt.Sprintf(`rpc error: code = NotFound desc = failed to pull and unpack image "%[1]s": failed to resolve reference "%[1]s": %[1]s: not found`, image)
}

// deployed are a Deployment in the middle of a rollout and its ReplicaSet.
const deployed = `apiVersion: apps/v1
kind: Deployment
metadata: {name: todo-backend, uid: deployment-1, generation: 2, annotations: {deployment.kubernetes.io/revision: "2"}}
spec: {replicas: 1}
status:
  observedGeneration: 2
  replicas: 2
  updatedReplicas: 1
  readyReplicas: 1
  availableReplicas: 1
  unavailableReplicas: 1
  conditions:
  - {type: Available, status: "True", reason: MinimumReplicasAvailable, message: Deployment has minimum availability.}
  - {type: Progressing, status: "True", reason: ReplicaSetUpdated, message: ReplicaSet "todo-backend-6d5f" is progressing.}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: todo-backend-6d5f
  uid: replicaset-2
  annotations: {deployment.kubernetes.io/revision: "2"}
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: todo-backend, uid: deployment-1, controller: true}]
spec: {replicas: 1}
status: {replicas: 1, observedGeneration: 1}
`

// backendPod is the backend's new pod; without a status its container waits.
func backendPod(initStatus, containerStatus string) string {
	if containerStatus == "" {
		containerStatus = `{name: backend, image: x, imageID: "", ready: false, started: false, restartCount: 0, state: {waiting: {reason: PodInitializing}}}`
	}
	return `apiVersion: v1
kind: Pod
metadata:
  name: todo-backend-6d5f-x2x9k
  uid: pod-1
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: todo-backend-6d5f, uid: replicaset-2, controller: true}]
spec:
  nodeName: todo-control-plane
  restartPolicy: Always
  initContainers: [{name: migrate, image: x}]
  containers:
  - name: backend
    image: x
    startupProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 60, successThreshold: 1}
status:
  phase: Pending
  conditions:
  - {type: PodReadyToStartContainers, status: "True"}
  - {type: PodScheduled, status: "True"}
  - {type: Ready, status: "False", reason: ContainersNotReady, message: 'containers with unready status: [backend]'}
  initContainerStatuses: [` + initStatus + `]
  containerStatuses: [` + containerStatus + `]
`
}

const (
	migrated = `{name: migrate, image: x, ready: true, started: false, restartCount: 0, state: {terminated: {exitCode: 0, reason: Completed, containerID: "containerd://m"}}}`

	ended        = `{exitCode: 1, reason: Error, containerID: "containerd://b"}`
	killed       = `{exitCode: 137, reason: Error, containerID: "containerd://b"}`
	loopsMessage = `back-off 10s restarting failed container=backend pod=todo-backend-6d5f-x2x9k_todo-dev(pod-1)`

	containerKilled = `{name: backend, image: x, ready: false, started: false, restartCount: 1, lastState: {terminated: ` + killed + `}, state: {waiting: {reason: CrashLoopBackOff, message: ` + loopsMessage + `}}}`
)

func status(name string, restarts int, more string) string {
	return fmt.Sprintf(`{name: %s, image: x, ready: false, restartCount: %d, %s}`, name, restarts, more)
}

func containerEnded(restarts int) string {
	return status("backend", restarts, `started: false, lastState: {}, state: {terminated: `+ended+`}`)
}

func containerLoops(restarts int) string {
	return status("backend", restarts, `started: false, lastState: {terminated: `+ended+`}, state: {waiting: {reason: CrashLoopBackOff, message: `+loopsMessage+`}}`)
}

func containerRuns(restarts int, started string) string {
	last := `{}`
	if restarts > 0 {
		last = `{terminated: ` + killedOr(restarts, started) + `}`
	}
	return status("backend", restarts, `started: `+started+`, lastState: `+last+`, state: {running: {startedAt: "2026-11-23T05:00:00Z"}}`)
}

// killedOr is the end of the previous instance: a container that has not started was
// killed by its probe.
func killedOr(restarts int, started string) string {
	if started == "false" && restarts > 1 {
		return killed
	}
	return ended
}

func initStatus(restarts int, more string) string {
	return status("migrate", restarts, "started: false, "+more)
}

func initEnded(restarts int) string {
	return initStatus(restarts, `lastState: {}, state: {terminated: `+ended+`}`)
}

func initRuns(restarts int) string {
	return initStatus(restarts, `lastState: {terminated: `+ended+`}, state: {running: {startedAt: "2026-11-23T05:00:00Z"}}`)
}

func initLoops(restarts int) string {
	return initStatus(restarts, `lastState: {terminated: `+ended+`}, state: {waiting: {reason: CrashLoopBackOff, message: `+strings.ReplaceAll(loopsMessage, "=backend", "=migrate")+`}}`)
}

func initWaits(reason, message string) string {
	return initStatus(0, fmt.Sprintf(`lastState: {}, state: {waiting: {reason: %s, message: '%s'}}`, reason, message))
}

// initPull waits for its image. The kubelet takes the name from the spec then.
func initPull(reason, message string) string {
	image := wrongTag
	if strings.Contains(message, wrongDigest) {
		image = wrongDigest
	}
	return strings.Replace(initWaits(reason, message), "image: x", "image: '"+image+"'", 1)
}

// unscheduledPod fits on no node, so that it has no container statuses.
const unscheduledPod = `apiVersion: v1
kind: Pod
metadata:
  name: todo-backend-6d5f-x2x9k
  uid: pod-1
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: todo-backend-6d5f, uid: replicaset-2, controller: true}]
spec: {restartPolicy: Always, containers: [{name: backend, image: x}]}
status:
  phase: Pending
  qosClass: Burstable
  conditions:
  - type: PodScheduled
    status: "False"
    reason: Unschedulable
    message: '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
`

// overQuota is a ReplicaSet whose pods the quota forbids.
const overQuota = `apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: todo-backend-6d5f
  uid: replicaset-2
  annotations: {deployment.kubernetes.io/revision: "2"}
  ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: todo-backend, uid: deployment-1, controller: true}]
spec: {replicas: 1}
status:
  replicas: 0
  conditions:
  - type: ReplicaFailure
    status: "True"
    reason: FailedCreate
    message: 'pods "todo-backend-6d5f-tq7mp" is forbidden: exceeded quota: small, requested: requests.cpu=200m, used: requests.cpu=450m, limited: requests.cpu=500m'
---
apiVersion: v1
kind: Event
metadata: {name: todo-backend-6d5f.18a}
type: Warning
reason: FailedCreate
message: 'Error creating: pods "todo-backend-6d5f-tq7mp" is forbidden: exceeded quota: small'
involvedObject: {kind: ReplicaSet, name: todo-backend-6d5f, uid: replicaset-2}
`

func event(kind, name, severity, reason, message string) string {
	return fmt.Sprintf(`---
apiVersion: v1
kind: Event
metadata: {name: %[2]s.18a}
type: %[3]s
reason: %[4]s
message: '%[5]s'
involvedObject: {kind: %[1]s, name: %[2]s, uid: pod-1, fieldPath: "%[6]s"}
count: 3
lastTimestamp: "2026-11-23T05:00:00Z"
`, kind, name, severity, reason, message, "")
}

func unhealthy(message string) string {
	return strings.Replace(event("Pod", "todo-backend-6d5f-x2x9k", "Warning", "Unhealthy", message), `fieldPath: ""`, `fieldPath: "spec.containers{backend}"`, 1)
}

// hookPod is the pod of a hook's Job, with the state of its container.
func hookPod(state string) string {
	phase := "Pending"
	if strings.HasPrefix(state, "terminated") {
		phase = "Failed"
	}
	return `apiVersion: v1
kind: Pod
metadata:
  name: todo-postgresql-backup-7w2tj
  uid: pod-1
  labels: {batch.kubernetes.io/job-name: todo-postgresql-backup}
  ownerReferences: [{apiVersion: batch/v1, kind: Job, name: todo-postgresql-backup, uid: job-1, controller: true}]
spec: {nodeName: todo-control-plane, restartPolicy: Never, containers: [{name: backup, image: x}]}
status:
  phase: ` + phase + `
  conditions: [{type: PodScheduled, status: "True"}]
  containerStatuses: [{name: backup, image: x, ready: false, started: false, restartCount: 0, lastState: {}, state: {` + state + `}}]
---
`
}

const hookJob = `apiVersion: batch/v1
kind: Job
metadata: {name: todo-postgresql-backup, uid: job-1, annotations: {helm.sh/hook: pre-upgrade}}
spec: {backoffLimit: 0, activeDeadlineSeconds: 120, template: {spec: {restartPolicy: Never, containers: [{name: backup, image: x}]}}}
`

const hookRuns = hookJob + `status: {active: 1, ready: 0, terminating: 0, uncountedTerminatedPods: {}}
`

const hookFailed = hookJob + `status:
  failed: 1
  ready: 0
  terminating: 0
  conditions:
  - {type: FailureTarget, status: "True", reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}
  - {type: Failed, status: "True", reason: BackoffLimitExceeded, message: Job has reached the specified backoff limit}
`
