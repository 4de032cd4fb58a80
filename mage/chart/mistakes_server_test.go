package chart

import "strings"

// invalid holds manifests that an API server refuses.
var invalid = mistakes{
	"api": {
		"removed API version": {
			[]change{{"network.yaml", "policy/v1\nkind: PodD", "policy/v1beta1\nkind: PodD"}},
			[]string{"PodDisruptionBudget todo-web: apiVersion: policy/v1beta1 was removed in Kubernetes 1.25; use policy/v1"}},
		"removed API version that client-go does not contain": {
			[]change{{"hpa.yaml", "", autoscaler("autoscaling/v2beta2")}},
			[]string{"HorizontalPodAutoscaler todo-web: apiVersion: autoscaling/v2beta2 was removed in Kubernetes 1.26; use autoscaling/v2"}},
		"API version of a later Kubernetes": {
			[]change{{"new.yaml", "", "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: new}\n"}},
			[]string{"ValidatingAdmissionPolicy new: apiVersion: admissionregistration.k8s.io/v1 needs Kubernetes 1.30 or later, and the cluster has 1.25"}},
		"deprecated API version": {
			[]change{{"old.yaml", "", "apiVersion: v1\nkind: Endpoints\nmetadata: {name: old}\n"}},
			[]string{"Endpoints old: apiVersion: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"}},
		"deprecated annotation": {
			[]change{{"network.yaml", "kind: Ingress\nmetadata:", "kind: Ingress\nmetadata:\n  annotations: {kubernetes.io/ingress.class: nginx}"}},
			[]string{"Ingress todo-web: metadata.annotations[kubernetes.io/ingress.class]: kubernetes.io/ingress.class is deprecated; use spec.ingressClassName"}},
		"deprecated labels and fields of pods": {
			[]change{
				{"deployment.yaml", "topologyKey: kubernetes.io/hostname", "topologyKey: failure-domain.beta.kubernetes.io/zone"},
				{"deployment.yaml", "serviceAccountName: todo-web", "serviceAccount: todo-web\n      nodeSelector: {beta.kubernetes.io/os: linux}"},
				{"deployment.yaml", "labels: {app: web}\n    spec", "labels: {app: web}\n      annotations: {seccomp.security.alpha.kubernetes.io/pod: runtime/default}\n    spec"}},
			[]string{
				"Deployment todo-web: spec.template.metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: seccomp.security.alpha.kubernetes.io/pod is without effect since Kubernetes 1.27; use securityContext.seccompProfile",
				web + "nodeSelector[beta.kubernetes.io/os]: beta.kubernetes.io/os is deprecated since Kubernetes 1.14; use kubernetes.io/os",
				web + "serviceAccount: is deprecated; use serviceAccountName",
				web + "topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since Kubernetes 1.17; use topology.kubernetes.io/zone"}},
	},
	"combination": {
		"rolling update that can neither add nor remove a pod": {
			[]change{{"deployment.yaml", "{maxSurge: 1, maxUnavailable: 0}", "{maxSurge: 0%, maxUnavailable: 0}"}},
			[]string{"Deployment todo-web: spec.strategy.rollingUpdate.maxUnavailable: is 0, and maxSurge is 0 too: an update can neither add nor remove a pod; raise one of them"}},
		"maxUnavailable above 100%": {
			[]change{{"deployment.yaml", "{maxSurge: 1, maxUnavailable: 0}", "{maxSurge: 1, maxUnavailable: 150%}"}},
			[]string{"Deployment todo-web: spec.strategy.rollingUpdate.maxUnavailable: 150% is more than all pods"}},
		"duplicate node port": {
			[]change{{"services.yaml", "port: 80, targetPort: http", "port: 80, targetPort: http, nodePort: 30080"}, {"services.yaml", "port: 5432, targetPort: db", "port: 5432, targetPort: db, nodePort: 30080"}},
			[]string{"Service todo-db: spec.ports[0].nodePort: 30080 is also the node port of Service todo-web; change one of them"}},
		"invalid CIDR ranges": {
			[]change{{"services.yaml", "spec:\n  selector: {app: web}", "spec:\n  loadBalancerSourceRanges: [10.0.0.0/8, 300.0.0.0/8]\n  selector: {app: web}"},
				{"network.yaml", "        - podSelector: {matchLabels: {app: web}}\n", "        - ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.1]}\n"}, {"network.yaml", "- ipBlock: {cidr: 10.0.0.0/8}", "- ipBlock: {cidr: 10.0.0.0/99}"}},
			[]string{
				onDB + `egress[1].to[0].ipBlock.cidr: "10.0.0.0/99" is not a CIDR range such as 10.0.0.0/8`,
				onDB + `ingress[0].from[0].ipBlock.except[0]: "10.0.0.1" is not a CIDR range such as 10.0.0.0/8`,
				`Service todo-web: spec.loadBalancerSourceRanges[1]: "300.0.0.0/8" is not a CIDR range such as 10.0.0.0/8`}},
		"invalid tolerations": {
			[]change{{"deployment.yaml", "topologySpreadConstraints:", "tolerations: [{key: a, operator: Exists, value: b}, {operator: Equal, value: b}, {key: a, operator: Exists, effect: NoSchedule, tolerationSeconds: 3}]\n      topologySpreadConstraints:"}},
			[]string{
				web + "tolerations[0].value: must be empty with the operator Exists; remove the value, or use the operator Equal",
				web + "tolerations[1].operator: must be Exists if there is no key",
				web + "tolerations[2].tolerationSeconds: is only valid with the effect NoExecute"}},
		"duplicate volume and mount path": {
			[]change{{"deployment.yaml", "        - name: settings\n          projected", "        - name: tmp\n          projected"}, {"deployment.yaml", "{name: settings, mountPath: /settings}", "{name: tmp, mountPath: /tmp}"}},
			[]string{
				webC + `volumeMounts[1].mountPath: "/tmp" is given twice`,
				web + `volumes[1].name: "tmp" is given twice`}},
		"variables with two sources and without one": {
			[]change{{"deployment.yaml", "- name: TITLE\n", "- name: TITLE\n              value: x\n"}, {"deployment.yaml", "{name: COLOUR, value: red}", "{name: COLOUR, valueFrom: {}}"}},
			[]string{
				webC + "env[0].valueFrom: names no source for COLOUR; name a key of a Secret or a ConfigMap, or a field",
				webC + "env[1]: TITLE has both value and valueFrom; remove one of them"}},
	},
	"schema": {
		"misspelt field": {
			[]change{{"deployment.yaml", "  replicas: 2", "  replica: 2"}},
			[]string{`Deployment todo-web: spec.replica: unknown field; did you mean "replicas"?`}},
		"field of a later Kubernetes": {
			[]change{{"deployment.yaml", "          ports:", "          lifecycle: {preStop: {sleep: {seconds: 3}}}\n          ports:"}},
			[]string{webC + "lifecycle.preStop.sleep: unknown field in Kubernetes 1.25; render it only if semverCompare finds a later version in .Capabilities.KubeVersion.Version"}},
		"enum value of a later Kubernetes": {
			[]change{{"deployment.yaml", "topologySpreadConstraints:", "tolerations: [{key: cpus, operator: Gt, value: '4'}]\n      topologySpreadConstraints:"}},
			[]string{web + `tolerations[0].operator: is "Gt", must be one of "Equal", "Exists"`}},
		"wrong type": {
			[]change{{"deployment.yaml", "containerPort: 8080", "containerPort: http"}},
			[]string{webC + "ports[0].containerPort: is of type string, must be integer"}},
		"number in quotes": {
			[]change{{"deployment.yaml", "  replicas: 2", "  replicas: '2'"}},
			[]string{"Deployment todo-web: spec.replicas: is of type string, must be integer"}},
		"quantity with an invalid unit": {
			[]change{{"deployment.yaml", "memory: 128Mi", "memory: 128MB"}},
			[]string{webC + `resources.limits.memory: is "128MB", must match ^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$`}},
		"value that is not in the enum": {
			[]change{{"network.yaml", "pathType: Prefix", "pathType: prefix"}},
			[]string{`Ingress todo-web: spec.rules[0].http.paths[0].pathType: is "prefix", must be one of "Exact", "ImplementationSpecific", "Prefix"`}},
		"missing field": {
			[]change{{"network.yaml", "            pathType: Prefix\n", ""}},
			[]string{"Ingress todo-web: spec.rules[0].http.paths[0].pathType: is required"}},
		"required field without a value": {
			[]change{{"network.yaml", "pathType: Prefix", "pathType:"}},
			[]string{"Ingress todo-web: spec.rules[0].http.paths[0].pathType: is required"}},
		"status": {
			[]change{{"services.yaml", "spec:\n  selector: {app: web}", "status: {}\nspec:\n  selector: {app: web}"}},
			[]string{"Service todo-web: status: is set by Kubernetes; remove it"}},
		"duplicate key": {
			[]change{{"services.yaml", "  selector: {app: web}", "  type: ClusterIP\n  type: NodePort\n  selector: {app: web}"}},
			[]string{`Service todo-web: key "type" is given twice`}},
		"number that is too large": {
			[]change{{"deployment.yaml", "containerPort: 8080", "containerPort: 3000000000"}},
			[]string{"Deployment todo-web: json: cannot unmarshal number 3000000000 into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32"}},
		"HTTPRoute with a misspelt field": {
			[]change{{"network.yaml", "type: PathPrefix", "kind: PathPrefix"}},
			[]string{"HTTPRoute todo-web: spec.rules[0].matches[0].path.kind: unknown field"}},
		"HTTPRoute with a value that is not in the enum": {
			[]change{{"network.yaml", "type: PathPrefix", "type: Prefix"}},
			[]string{`HTTPRoute todo-web: spec.rules[0].matches[0].path.type: is "Prefix", must be one of "Exact", "PathPrefix", "RegularExpression"`}},
		"unknown kind": {
			[]change{{"services.yaml", "kind: Service\nmetadata:\n  name: todo-web", "kind: Servise\nmetadata:\n  name: todo-web"}},
			[]string{"Servise todo-web: v1 Servise is not known to Kubernetes"}},
		"kind without a schema": {
			[]change{{"lease.yaml", "", "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: l}\n"}},
			[]string{"Lease l: the gate has no schema for coordination.k8s.io/v1 Lease; add the kind to mage/chart/schemas and run go generate ./mage/chart"}},
		"missing kind": {
			[]change{{"services.yaml", "kind: Service\nmetadata:\n  name: todo-web", "metadata:\n  name: todo-web"}},
			[]string{"todo-web: has no apiVersion or kind"}},
	},
	"name": {
		"name with capitals": {
			[]change{{"configmap.yaml", "name: todo-web", "name: Todo"}},
			[]string{`ConfigMap Todo: metadata.name: "Todo": a lowercase RFC 1123 subdomain…`}},
		"name that is too long": {
			[]change{{"jobs.yaml", "name: todo-backup\n", "name: " + strings.Repeat("b", 53) + "\n"}},
			[]string{"CronJob " + strings.Repeat("b", 53) + `: metadata.name: "` + strings.Repeat("b", 53) + `" has 53 characters, and at most 52 are allowed`}},
		"invalid labels": {
			[]change{{"deployment.yaml", "labels: {app: web}\n", "labels: {app: web, tier: a/b}\n"}, {"deployment.yaml", "labels: {app.kubernetes.io/name: web}", "labels: {a/b/c: web}"}},
			[]string{
				`Deployment todo-web: metadata.labels[a/b/c]: "web": a valid label key must consist of…`,
				`Deployment todo-web: spec.template.metadata.labels.tier: "a/b": a valid label must be…`}},
		"invalid annotation and volume name": {
			[]change{{"services.yaml", "  name: todo-web\n", "  name: todo-web\n  annotations: {'a b': c}\n"}, {"deployment.yaml", "- name: settings\n", "- name: my_settings\n"}, {"deployment.yaml", "{name: settings, mountPath", "{name: my_settings, mountPath"}},
			[]string{
				`Deployment todo-web: spec.template.spec.volumes[1].name: "my_settings": a lowercase RFC 1123 label…`,
				`Service todo-web: metadata.annotations.a b: "a b": name part must consist of…`}},
		"invalid ports": {
			[]change{{"deployment.yaml", "{name: http, containerPort: 8080}", "{name: http, containerPort: 8080}\n            - {name: a-port-for-metrics, containerPort: 70000}"}},
			[]string{
				webC + "ports[1].containerPort: 70000: must be between 1 and 65535, inclusive",
				webC + `ports[1].name: "a-port-for-metrics": must be no more than 15 characters`}},
		"invalid container name": {
			[]change{{"deployment.yaml", "- name: web\n", "- name: the_web\n"}},
			[]string{webC + `name: "the_web": a lowercase RFC 1123 label…`}},
		"duplicate variable": {
			[]change{{"deployment.yaml", "- {name: COLOUR, value: red}", "- {name: COLOUR, value: red}\n            - {name: COLOUR, value: blue}"}},
			[]string{webC + `env[1].name: "COLOUR" is given twice; Kubernetes uses the last one`}},
	},
	"unique": {
		"second resource with the same name": {
			[]change{{"more.yaml", "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: todo-web}\n"}},
			[]string{`ConfigMap todo-web: metadata.name: "todo-web" is also defined in configmap.yaml`}},
	},
	"namespace": {
		"manifest with a namespace": {
			[]change{{"configmap.yaml", "metadata:", "metadata:\n  namespace: default"}},
			[]string{`ConfigMap todo-web: metadata.namespace: is "default"; remove it, because the release decides the namespace`}},
	},
}

func autoscaler(version string) string {
	return "apiVersion: " + version + "\nkind: HorizontalPodAutoscaler\nmetadata: {name: todo-web}\n" +
		"spec: {maxReplicas: 3, scaleTargetRef: {kind: Deployment, name: todo-web}}\n"
}
