package airgap

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"todo-chatbot/mage/progress"
)

const (
	storageImage       = "docker.io/rancher/local-path-provisioner:v0.0.30"
	storageHelperImage = "docker.io/library/local-path-helper:" + Kubernetes
	enabled            = "etc/systemd/system/multi-user.target.wants/"
)

// importUnit loads the archive of images before the node reports that it is
// up; kind waits for that, and so kubeadm never has to pull.
const importUnit = `[Unit]
Description=Import the control plane's images
After=containerd.service
Requires=containerd.service
Before=kubelet.service multi-user.target
ConditionPathExists=!/var/lib/kind-images-imported

[Service]
Type=oneshot
ExecStart=/usr/local/bin/ctr --namespace k8s.io images import --all-platforms --no-unpack --local /kind/images/control-plane.tar
ExecStart=/usr/bin/touch /var/lib/kind-images-imported

[Install]
WantedBy=multi-user.target
`

// fenceUnit keeps what is meant for a service inside the node. Until kube-proxy
// has translated a service's address, and should it ever not run, such packets
// would leave by the default route, to whatever network the machine is in.
const fenceUnit = `[Unit]
Description=Refuse service addresses that kube-proxy has not translated
Before=kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/iptables -w -I FORWARD -d 10.96.0.0/16 -j REJECT
ExecStart=/usr/sbin/iptables -w -I OUTPUT -d 10.96.0.0/16 -j REJECT

[Install]
WantedBy=multi-user.target
`

// cniConfig joins the pods of a single node: a veth pair each (ptp), addresses
// from kind's default pod range, and host ports.
const cniConfig = `{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "ipMasq": true,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni-ipam-state",
        "ranges": [[{"subnet": "10.244.0.0/24"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    },
    {"type": "portmap", "capabilities": {"portMappings": true}}
  ]
}
`

// systemFiles are kind's base files, adapted, and what the node adds to them.
func (k kindNode) systemFiles(ctx context.Context, p nodeParts, step *progress.Step) ([]file, error) {
	files, err := filesBelow(p.kindFiles, "")
	if err != nil {
		return nil, fmt.Errorf("read kind's base files: %w", err)
	}
	pause, err := k.pauseImage(ctx, p)
	if err != nil {
		return nil, err
	}
	for i := range files {
		f := &files[i]
		executable := strings.HasPrefix(f.Path, "usr/local/bin/") || strings.HasPrefix(f.Path, "kind/bin/")
		if executable {
			f.Mode = 0o755
		}
		if f.Path == "etc/containerd/config.toml" {
			config, err := os.ReadFile(f.Source)
			if err != nil {
				return nil, err
			}
			f.Body, f.Source = containerdConfig(config, pause, k.s.opts.Restricted), ""
		}
	}
	base, err := containerSpec(ctx, filepath.Join(p.runtime, "ctr"))
	if err != nil {
		return nil, err
	}
	return append(files,
		file{Path: "etc/containerd/cri-base.json", Mode: 0o644, Body: base},
		file{Path: "etc/systemd/system/kind-images.service", Mode: 0o644, Body: []byte(importUnit)},
		file{Path: enabled + "kind-images.service", Link: "/etc/systemd/system/kind-images.service"},
		file{Path: "etc/systemd/system/service-fence.service", Mode: 0o644, Body: []byte(fenceUnit)},
		file{Path: enabled + "service-fence.service", Link: "/etc/systemd/system/service-fence.service"},
		file{Path: enabled + "containerd.service", Link: "/etc/systemd/system/containerd.service"},
		file{Path: enabled + "kubelet.service", Link: "/etc/systemd/system/kubelet.service"},
		file{Path: enabled + "undo-mount-hacks.service", Link: "/etc/systemd/system/undo-mount-hacks.service"},
		// It would register its handlers in the host's kernel.
		file{Path: "etc/systemd/system/systemd-binfmt.service", Link: "/dev/null"},
		file{Path: "etc/cni/net.d/10-pods.conflist", Mode: 0o644, Body: []byte(cniConfig)},
		file{Path: "kind/version", Mode: 0o644, Body: []byte(Kubernetes)},
		file{Path: "kind/manifests/default-storage.yaml", Mode: 0o644, Body: []byte(storageManifest)},
	), nil
}

// containerdConfig names the pause image that is in the archive and, on a
// restricted host, keeps containerd from lowering oom_score_adj.
func containerdConfig(config []byte, pause string, restricted bool) []byte {
	lines := strings.Split(string(config), "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "sandbox_image ="):
			lines[i] = fmt.Sprintf("  sandbox_image = %q", pause)
		case restricted && strings.HasPrefix(strings.TrimSpace(line), "restrict_oom_score_adj ="):
			lines[i] = "  restrict_oom_score_adj = true"
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// containerSpec is the specification that containerd starts every container
// from: its default, with kind's hook that hides the host's product id and
// without limits that only some hosts allow to be raised.
func containerSpec(ctx context.Context, ctr string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, ctr, "oci", "spec").Output()
	if err != nil {
		return nil, fmt.Errorf("ask ctr for containerd's default specification: %w", err)
	}
	var spec map[string]any
	decoder := json.NewDecoder(bytes.NewReader(out))
	decoder.UseNumber()
	if err := decoder.Decode(&spec); err != nil {
		return nil, fmt.Errorf("parse containerd's default specification: %w", err)
	}
	if process, ok := spec["process"].(map[string]any); ok {
		delete(process, "rlimits")
	}
	spec["hooks"] = map[string]any{"createContainer": []any{map[string]any{"path": "/kind/bin/mount-product-files.sh"}}}
	return json.Marshal(spec)
}

// programFiles are the node's own programs. The node image, unlike the images
// in the archive, has them under the names of an installed system.
func (k kindNode) programFiles(p nodeParts) []file {
	files := []file{{Path: "usr/bin/kubernetes", Mode: 0o755, Source: filepath.Join(p.kubernetes, "kubernetes")}}
	for _, name := range []string{"kubelet", "kubeadm", "kubectl"} {
		files = append(files, file{Path: "usr/bin/" + name, Link: "kubernetes"})
	}
	for _, name := range []string{"containerd", "containerd-shim-runc-v2", "ctr"} {
		files = append(files, file{Path: "usr/local/bin/" + name, Mode: 0o755, Source: filepath.Join(p.runtime, name)})
	}
	for _, name := range []string{"host-local", "loopback", "ptp", "portmap"} {
		files = append(files, file{Path: "opt/cni/bin/" + name, Mode: 0o755, Source: filepath.Join(p.runtime, name)})
	}
	if p.wrapper != "" {
		files = append(files, file{Path: "usr/local/sbin/runc", Mode: 0o755, Source: p.wrapper})
	}
	return files
}

// storageManifest is the default StorageClass, by Rancher's local-path
// provisioner: kind applies the file of this name, and mounts /var on a volume
// that outlives a restart of the node.
const storageManifest = `apiVersion: v1
kind: Namespace
metadata: {name: local-path-storage}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: local-path-provisioner, namespace: local-path-storage}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: local-path-provisioner}
rules:
- apiGroups: [""]
  resources: [nodes, persistentvolumeclaims, configmaps, pods, pods/log]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [persistentvolumes]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [storage.k8s.io]
  resources: [storageclasses]
  verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: local-path-provisioner}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: local-path-provisioner}
subjects:
- {kind: ServiceAccount, name: local-path-provisioner, namespace: local-path-storage}
---
# Helper pods, which make and remove a volume's folder, run in this namespace only;
# the leases elect a leader.
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: local-path-provisioner, namespace: local-path-storage}
rules:
- apiGroups: [""]
  resources: [pods, endpoints]
  verbs: [get, list, watch, create, patch, update, delete]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, list, watch, create, patch, update, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: local-path-provisioner, namespace: local-path-storage}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: local-path-provisioner}
subjects:
- {kind: ServiceAccount, name: local-path-provisioner, namespace: local-path-storage}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: local-path-config, namespace: local-path-storage}
data:
  config.json: |
    {"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["/var/local-path-provisioner"]}]}
  setup: |
    #!/bin/sh
    set -eu
    mkdir -m 0777 -p "$VOL_DIR"
  teardown: |
    #!/bin/sh
    set -eu
    rm -rf "$VOL_DIR"
  helperPod.yaml: |
    apiVersion: v1
    kind: Pod
    metadata: {name: helper-pod}
    spec:
      priorityClassName: system-node-critical
      tolerations: [{operator: Exists}]
      containers:
      - {name: helper-pod, image: "` + storageHelperImage + `", imagePullPolicy: IfNotPresent}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: local-path-provisioner, namespace: local-path-storage}
spec:
  selector: {matchLabels: {app: local-path-provisioner}}
  template:
    metadata: {labels: {app: local-path-provisioner}}
    spec:
      serviceAccountName: local-path-provisioner
      # The API server is on the same node. By its service address it could not be
      # reached before kube-proxy runs, and the first volume of a new cluster would
      # wait for this container to be started a third time.
      hostNetwork: true
      nodeSelector: {kubernetes.io/os: linux}
      tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]
      containers:
      - name: local-path-provisioner
        image: ` + storageImage + `
        imagePullPolicy: IfNotPresent
        command: [local-path-provisioner, start, --helper-image, "` + storageHelperImage + `", --config, /etc/config/config.json, --service-account-name, local-path-provisioner]
        env:
        - {name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
        - {name: CONFIG_MOUNT_PATH, value: /etc/config/}
        - {name: KUBERNETES_SERVICE_HOST, value: 127.0.0.1}
        - {name: KUBERNETES_SERVICE_PORT, value: "6443"}
        volumeMounts: [{name: config, mountPath: /etc/config/}]
      volumes:
      - {name: config, configMap: {name: local-path-config}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
`
