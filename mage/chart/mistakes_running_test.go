package chart

// incomplete holds manifests that refer to missing resources.
var incomplete = mistakes{
	"reference": {
		"missing ServiceAccount": {
			[]change{{"deployment.yaml", "serviceAccountName: todo-web", "serviceAccountName: web"}},
			[]string{web + `serviceAccountName: there is no ServiceAccount "web"`}},
		"missing ConfigMap": {
			[]change{{"configmap.yaml", "name: todo-web", "name: todo-wob"}},
			[]string{
				webC + `envFrom[0].configMapRef.name: there is no ConfigMap "todo-web"`,
				webC + `env[1].valueFrom.configMapKeyRef.key: there is no ConfigMap "todo-web"`,
				web + `volumes[1].projected.sources[0].configMap.items[0].key: there is no ConfigMap "todo-web"`,
				web + `volumes[1].projected.sources[0].configMap.name: there is no ConfigMap "todo-web"`}},
		"missing key of a ConfigMap": {
			[]change{{"configmap.yaml", "TITLE:", "TITEL:"}},
			[]string{
				webC + `env[1].valueFrom.configMapKeyRef.key: ConfigMap "todo-web" has no key "TITLE"`,
				web + `volumes[1].projected.sources[0].configMap.items[0].key: ConfigMap "todo-web" has no key "TITLE"`}},
		"missing volume": {
			[]change{{"deployment.yaml", "{name: tmp, mountPath", "{name: temp, mountPath"}},
			[]string{webC + `volumeMounts[0].name: there is no volume "temp"`}},
		"missing volume claim": {
			[]change{{"jobs.yaml", "claimName: todo-backups", "claimName: todo-backup"}},
			[]string{`CronJob todo-backup: spec.jobTemplate.spec.template.spec.volumes[1].persistentVolumeClaim.claimName: there is no PersistentVolumeClaim "todo-backup"`}},
		"volume claim of an unknown StatefulSet": {
			[]change{{"jobs.yaml", "claimName: data-todo-db-0", "claimName: data-todo-dbs-0"}},
			[]string{`CronJob todo-backup: spec.jobTemplate.spec.template.spec.volumes[0].persistentVolumeClaim.claimName: there is no PersistentVolumeClaim "data-todo-dbs-0"`}},
		"missing Role and subject": {
			[]change{{"accounts.yaml", "kind: Role, name: todo-backup}", "kind: Role, name: backup}"}, {"accounts.yaml", "{kind: ServiceAccount, name: todo-backup}", "{kind: ServiceAccount, name: todo}"}},
			[]string{
				`RoleBinding todo-backup: roleRef.name: there is no Role "backup"`,
				`RoleBinding todo-backup: subjects[0].name: there is no ServiceAccount "todo"`}},
	},
	"selector": {
		"Deployment that does not select its pods": {
			[]change{{"deployment.yaml", "matchLabels: {app: web}", "matchLabels: {app: wob}"}},
			[]string{"Deployment todo-web: spec.selector: does not select the pods of the template"}},
		"missing selector": {
			[]change{{"deployment.yaml", "  selector:\n    matchLabels: {app: web}\n", ""}},
			[]string{"Deployment todo-web: spec.selector: does not select the pods of the template"}},
		"workload that selects the pods of others": {
			[]change{{"statefulset.yaml", "matchLabels: {app: db}", "matchExpressions: [{key: app, operator: Exists}]"}},
			[]string{
				"StatefulSet todo-db: spec.selector: also selects the pods of CronJob todo-backup; give them other labels",
				"StatefulSet todo-db: spec.selector: also selects the pods of Deployment todo-web; give them other labels",
				"StatefulSet todo-db: spec.selector: also selects the pods of Job todo-before; give them other labels",
				"StatefulSet todo-db: spec.selector: also selects the pods of Pod todo-test; give them other labels"}},
		"Service without pods": {
			[]change{{"services.yaml", "selector: {app: web}", "selector: {app: wob}"}},
			[]string{"Service todo-web: spec.selector: selects no pod of the chart: app=wob"}},
		"Service that selects the pods of a CronJob": {
			[]change{{"jobs.yaml", "labels: {app: backup}", "labels: {app: backup, role: db}"}, {"services.yaml", "selector: {app: db}", "selector: {role: db}"}},
			[]string{"Service todo-db: spec.selector: selects the pods of CronJob todo-backup, which end by themselves; give them other labels"}},
		"policy without pods": {
			[]change{{"network.yaml", "  podSelector:\n    matchLabels: {app: db}", "  podSelector:\n    matchLabels: {app: bd}"}},
			[]string{onDB + "podSelector: selects no pod of the chart: app=bd"}},
		"policy with peers without pods": {
			[]change{{"network.yaml", "- podSelector: {matchLabels: {app: web}}", "- podSelector: {matchLabels: {app: wob}}"},
				{"network.yaml", "    - to:\n        - podSelector: {matchLabels: {app: web}}", "    - to:\n        - podSelector: {matchLabels: {app: wub}}"}},
			[]string{
				onDB + "egress[0].to[0].podSelector: selects no pod of the chart: app=wub",
				onDB + "ingress[0].from[0].podSelector: selects no pod of the chart: app=wob"}},
		"budget without pods": {
			[]change{{"network.yaml", "  selector:\n    matchLabels: {app: web}", "  selector:\n    matchLabels: {app: wob}"}},
			[]string{"PodDisruptionBudget todo-web: spec.selector: selects no pod of the chart: app=wob"}},
	},
	"port": {
		"unknown port of a Service": {
			[]change{{"services.yaml", "targetPort: http", "targetPort: https"}},
			[]string{`Service todo-web: spec.ports[0].targetPort: Deployment todo-web has no port "https"`}},
		"unknown port of a probe": {
			[]change{{"deployment.yaml", "path: /readyz, port: http", "path: /readyz, port: https"}},
			[]string{webC + `readinessProbe.httpGet.port: there is no port "https"`}},
		"probe of another container's port": {
			[]change{{"deployment.yaml", "        - name: migrate\n          image: todo/web:1.0", "        - name: migrate\n          image: todo/web:1.0\n          ports: [{name: admin, containerPort: 9000}]"},
				{"deployment.yaml", "path: /readyz, port: http", "path: /readyz, port: admin"}},
			[]string{webC + `readinessProbe.httpGet.port: there is no port "admin"`}},
		"unknown ports of a policy": {
			[]change{{"network.yaml", "{port: db}", "{port: postgres}"}, {"network.yaml", "ports: [{port: http}]", "ports: [{port: https}]"}},
			[]string{
				onDB + `egress[0].ports[0].port: Deployment todo-web has no port "https"`,
				onDB + `ingress[0].ports[0].port: StatefulSet todo-db has no port "postgres"`}},
		"missing Service of a StatefulSet": {
			[]change{{"statefulset.yaml", "serviceName: todo-db", "serviceName: db"}},
			[]string{`StatefulSet todo-db: spec.serviceName: there is no Service "db"`}},
	},
	"route": {
		"Ingress to a missing Service": {
			[]change{{"network.yaml", "service: {name: todo-web, port: {number: 80}}", "service: {name: web, port: {number: 80}}"}},
			[]string{`Ingress todo-web: spec.defaultBackend.service.name: there is no Service "web"`}},
		"Ingress to missing ports": {
			[]change{{"network.yaml", "port: {number: 80}", "port: {number: 81}"}, {"network.yaml", "port: {name: http}", "port: {name: https}"}},
			[]string{
				`Ingress todo-web: spec.defaultBackend.service.port: Service "todo-web" has no port 81`,
				`Ingress todo-web: spec.rules[0].http.paths[0].backend.service.port: Service "todo-web" has no port "https"`}},
		"HTTPRoute to a missing Service": {
			[]change{{"network.yaml", "backendRefs: [{name: todo-web, port: 80}]", "backendRefs: [{name: web, port: 80}]"}},
			[]string{`HTTPRoute todo-web: spec.rules[0].backendRefs[0].name: there is no Service "web"`}},
		"HTTPRoute to a missing port": {
			[]change{{"network.yaml", "backendRefs: [{name: todo-web, port: 80}]", "backendRefs: [{name: todo-web, port: 8080}]"}},
			[]string{`HTTPRoute todo-web: spec.rules[0].backendRefs[0].port: Service "todo-web" has no port 8080`}},
	},
	"hook": {
		"hook that runs before its resources exist": {
			[]change{{"hooks.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: false\n      serviceAccountName: todo-web\n      volumes: [{name: b, persistentVolumeClaim: {claimName: todo-backups}}]"},
				{"hooks.yaml", "helm.sh/hook: pre-install, helm.sh/hook-weight", "helm.sh/hook: post-install, helm.sh/hook-weight"}},
			[]string{
				`Job todo-before: spec.template.spec.containers[0].envFrom[0].configMapRef.name: ConfigMap "todo-before" does not exist yet when a pre-install hook runs; make it a pre-install hook with a lower weight, or run the hook later`,
				`Job todo-before: spec.template.spec.serviceAccountName: ServiceAccount "todo-web" does not exist yet when a pre-install hook runs; make it a pre-install hook with a lower weight, or run the hook later`,
				`Job todo-before: spec.template.spec.volumes[0].persistentVolumeClaim.claimName: PersistentVolumeClaim "todo-backups" does not exist yet when a pre-install hook runs; make it a pre-install hook with a lower weight, or run the hook later`}},
	},
}

// unreliable holds manifests that do not run reliably.
var unreliable = mistakes{
	"probes": {
		"no probes": {
			[]change{{"statefulset.yaml", "          startupProbe: {exec: {command: [ready]}}\n          readinessProbe: {exec: {command: [ready]}}\n          livenessProbe: {exec: {command: [alive]}}\n", ""}},
			[]string{
				"StatefulSet todo-db: spec.template.spec.containers[0].livenessProbe: is missing",
				"StatefulSet todo-db: spec.template.spec.containers[0].readinessProbe: is missing",
				"StatefulSet todo-db: spec.template.spec.containers[0].startupProbe: is missing"}},
		"Pod that is not a hook": {
			[]change{{"hooks.yaml", "  annotations: {helm.sh/hook: test}\n", ""}},
			[]string{
				"Pod todo-test: spec.containers[0].livenessProbe: is missing",
				"Pod todo-test: spec.containers[0].readinessProbe: is missing",
				"Pod todo-test: spec.containers[0].startupProbe: is missing"}},
	},
	"resources": {
		"missing requests": {
			[]change{{"deployment.yaml", "            requests: {cpu: 100m, memory: 64Mi}\n", ""}},
			[]string{webC + "resources: needs requests for cpu and memory, and a memory limit"}},
		"hook without a memory limit": {
			[]change{{"hooks.yaml", "            limits: {memory: 32Mi}\n", ""}},
			[]string{"Job todo-before: spec.template.spec.containers[0].resources: needs requests for cpu and memory, and a memory limit"}},
		"request above the limit": {
			[]change{{"deployment.yaml", "limits: {cpu: 500m, memory: 128Mi}", "limits: {cpu: 50m, memory: 32Mi}"}},
			[]string{
				webC + "resources.requests.cpu: 100m is above the limit 50m",
				webC + "resources.requests.memory: 64Mi is above the limit 32Mi"}},
	},
	"capacity": {
		"too many replicas": {
			[]change{{"deployment.yaml", "replicas: 2", "replicas: 31"}},
			[]string{
				"Deployment todo-web: spec.replicas: the CPU requests of the release are 9360m, and 300m more during an update; the sum must be below 2: todo-web 31 × 300m, todo-db 1 × 50m, todo-backup 1 × 10m; lower them, or use fewer replicas",
				"Deployment todo-web: spec.replicas: the memory limits of the release are 4256Mi, and 128Mi more during an update; the sum must be below 4Gi: todo-web 31 × 128Mi, todo-db 1 × 256Mi, todo-backup 1 × 32Mi; lower them, or use fewer replicas"}},
		"container that is too large": {
			[]change{{"statefulset.yaml", "limits: {memory: 256Mi}", "limits: {memory: 4Gi}"}},
			[]string{"StatefulSet todo-db: spec.template.spec.containers[0].resources.limits.memory: the memory limits of the release are 4384Mi, and 128Mi more during an update; the sum must be below 4Gi: todo-db 1 × 4Gi, todo-web 2 × 128Mi, todo-backup 1 × 32Mi; lower them, or use fewer replicas"}},
		"no capacity for an update": {
			[]change{{"deployment.yaml", "maxSurge: 1", "maxSurge: 300%"}},
			[]string{"Deployment todo-web: spec.replicas: the CPU requests of the release are 660m, and 1800m more during an update; the sum must be below 2: todo-web 2 × 300m, todo-db 1 × 50m, todo-backup 1 × 10m; lower them, or use fewer replicas"}},
		"no capacity for a hook": {
			[]change{{"hooks.yaml", "requests: {cpu: 10m, memory: 16Mi}", "requests: {cpu: 1500m, memory: 16Mi}"}},
			[]string{"Deployment todo-web: spec.replicas: the CPU requests of the release are 660m, and 1500m more during an update; the sum must be below 2: todo-web 2 × 300m, todo-db 1 × 50m, todo-backup 1 × 10m; lower them, or use fewer replicas"}},
	},
	"disruption": {
		"minAvailable that allows no eviction": {
			[]change{{"network.yaml", "minAvailable: 50%", "minAvailable: 2"}},
			[]string{"PodDisruptionBudget todo-web: spec.minAvailable: allows no eviction of 2 pods; allow at least one"}},
		"maxUnavailable that allows no eviction": {
			[]change{{"network.yaml", "minAvailable: 50%", "maxUnavailable: 0%"}},
			[]string{"PodDisruptionBudget todo-web: spec.maxUnavailable: allows no eviction of 2 pods; allow at least one"}},
		"neither minAvailable nor maxUnavailable": {
			[]change{{"network.yaml", "  minAvailable: 50%\n", ""}},
			[]string{"PodDisruptionBudget todo-web: spec: has neither minAvailable nor maxUnavailable"}},
		"both minAvailable and maxUnavailable": {
			[]change{{"network.yaml", "minAvailable: 50%", "minAvailable: 1\n  maxUnavailable: 1"}},
			[]string{"PodDisruptionBudget todo-web: spec: has both minAvailable and maxUnavailable; remove one of them"}},
		"budget for the pods of a CronJob": {
			[]change{{"network.yaml", "  selector:\n    matchLabels: {app: web}", "  selector:\n    matchLabels: {app: backup}"}},
			[]string{"PodDisruptionBudget todo-web: spec.selector: selects the pods of CronJob todo-backup, which end by themselves; give them other labels"}},
	},
	"spread": {
		"replicas without spread": {
			[]change{{"deployment.yaml", spreadWeb, ""}},
			[]string{"Deployment todo-web: spec.replicas: 2 replicas may all be on one node; spread them over kubernetes.io/hostname"}},
		"spread by labels of other pods": {
			[]change{{"deployment.yaml", "          labelSelector:\n            matchLabels: {app: web}", "          labelSelector:\n            matchLabels: {app: wob}"}},
			[]string{web + "topologySpreadConstraints[0].labelSelector: does not select the pods of the template"}},
		"anti-affinity to other pods": {
			[]change{{"deployment.yaml", spreadWeb, antiAffinity("db")}},
			[]string{"Deployment todo-web: spec.replicas: 2 replicas may all be on one node; spread them over kubernetes.io/hostname"}},
	},
}

const spreadWeb = `      topologySpreadConstraints:
        - topologyKey: kubernetes.io/hostname
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {app: web}
`

func antiAffinity(app string) string {
	return `      affinity:
        podAntiAffinity:
          preferredDuringSchedulingIgnoredDuringExecution:
            - weight: 1
              podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: ` + app + `}}}
`
}
