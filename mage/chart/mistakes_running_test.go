package chart

// doNotRun are manifests of which something never works.
var doNotRun = mistakes{
	"reference": {
		"a lost account": {
			[]change{{"deployment.yaml", "serviceAccountName: todo-web", "serviceAccountName: web"}},
			[]string{web + `serviceAccountName: there is no ServiceAccount "web"`}},
		"a lost ConfigMap, wherever it is named": {
			[]change{{"configmap.yaml", "name: todo-web", "name: todo-wob"}},
			[]string{
				webC + `envFrom[0].configMapRef.name: there is no ConfigMap "todo-web"`,
				webC + `env[1].valueFrom.configMapKeyRef.key: there is no ConfigMap "todo-web"`,
				web + `volumes[1].projected.sources[0].configMap.items[0].key: there is no ConfigMap "todo-web"`,
				web + `volumes[1].projected.sources[0].configMap.name: there is no ConfigMap "todo-web"`}},
		"a lost key, wherever it is named": {
			[]change{{"configmap.yaml", "TITLE:", "TITEL:"}},
			[]string{
				webC + `env[1].valueFrom.configMapKeyRef.key: ConfigMap "todo-web" has no key "TITLE"`,
				web + `volumes[1].projected.sources[0].configMap.items[0].key: ConfigMap "todo-web" has no key "TITLE"`}},
		"a lost volume": {
			[]change{{"deployment.yaml", "{name: tmp, mountPath", "{name: temp, mountPath"}},
			[]string{webC + `volumeMounts[0].name: there is no volume "temp"`}},
		"a lost claim": {
			[]change{{"jobs.yaml", "claimName: todo-backups", "claimName: todo-backup"}},
			[]string{`CronJob todo-backup: spec.jobTemplate.spec.template.spec.volumes[1].persistentVolumeClaim.claimName: there is no PersistentVolumeClaim "todo-backup"`}},
		"a claim of no StatefulSet": {
			[]change{{"jobs.yaml", "claimName: data-todo-db-0", "claimName: data-todo-dbs-0"}},
			[]string{`CronJob todo-backup: spec.jobTemplate.spec.template.spec.volumes[0].persistentVolumeClaim.claimName: there is no PersistentVolumeClaim "data-todo-dbs-0"`}},
		"a lost role and a lost subject": {
			[]change{{"accounts.yaml", "kind: Role, name: todo-backup}", "kind: Role, name: backup}"}, {"accounts.yaml", "{kind: ServiceAccount, name: todo-backup}", "{kind: ServiceAccount, name: todo}"}},
			[]string{
				`RoleBinding todo-backup: roleRef.name: there is no Role "backup"`,
				`RoleBinding todo-backup: subjects[0].name: there is no ServiceAccount "todo"`}},
	},
	"selector": {
		"a Deployment that does not find its pods": {
			[]change{{"deployment.yaml", "matchLabels: {app: web}", "matchLabels: {app: wob}"}},
			[]string{"Deployment todo-web: spec.selector: does not select the pods of the template"}},
		"no selector": {
			[]change{{"deployment.yaml", "  selector:\n    matchLabels: {app: web}\n", ""}},
			[]string{"Deployment todo-web: spec.selector: does not select the pods of the template"}},
		"two workloads with the same pods": {
			[]change{{"statefulset.yaml", "matchLabels: {app: db}", "matchExpressions: [{key: app, operator: Exists}]"}},
			[]string{
				"StatefulSet todo-db: spec.selector: selects the pods of CronJob todo-backup too; give them other labels",
				"StatefulSet todo-db: spec.selector: selects the pods of Deployment todo-web too; give them other labels",
				"StatefulSet todo-db: spec.selector: selects the pods of Job todo-before too; give them other labels",
				"StatefulSet todo-db: spec.selector: selects the pods of Pod todo-test too; give them other labels"}},
		"a Service without pods": {
			[]change{{"services.yaml", "selector: {app: web}", "selector: {app: wob}"}},
			[]string{"Service todo-web: spec.selector: selects no pod of the chart: app=wob"}},
		"a Service that leads to a Job": {
			[]change{{"jobs.yaml", "labels: {app: backup}", "labels: {app: backup, role: db}"}, {"services.yaml", "selector: {app: db}", "selector: {role: db}"}},
			[]string{"Service todo-db: spec.selector: sends people to the pods of CronJob todo-backup, which end by themselves; give them other labels"}},
		"a policy without pods": {
			[]change{{"network.yaml", "  podSelector:\n    matchLabels: {app: db}", "  podSelector:\n    matchLabels: {app: bd}"}},
			[]string{onDB + "podSelector: selects no pod of the chart: app=bd"}},
		"peers that are not there": {
			[]change{{"network.yaml", "- podSelector: {matchLabels: {app: web}}", "- podSelector: {matchLabels: {app: wob}}"},
				{"network.yaml", "    - to:\n        - podSelector: {matchLabels: {app: web}}", "    - to:\n        - podSelector: {matchLabels: {app: wub}}"}},
			[]string{
				onDB + "egress[0].to[0].podSelector: selects no pod of the chart: app=wub",
				onDB + "ingress[0].from[0].podSelector: selects no pod of the chart: app=wob"}},
		"a budget without pods": {
			[]change{{"network.yaml", "  selector:\n    matchLabels: {app: web}", "  selector:\n    matchLabels: {app: wob}"}},
			[]string{"PodDisruptionBudget todo-web: spec.selector: selects no pod of the chart: app=wob"}},
	},
	"port": {
		"a Service's": {
			[]change{{"services.yaml", "targetPort: http", "targetPort: https"}},
			[]string{`Service todo-web: spec.ports[0].targetPort: "https" is no port of Deployment todo-web`}},
		"a probe's": {
			[]change{{"deployment.yaml", "path: /readyz, port: http", "path: /readyz, port: https"}},
			[]string{webC + `readinessProbe.httpGet.port: there is no port "https"`}},
		"a probe's, which another container opens": {
			[]change{{"deployment.yaml", "        - name: migrate\n          image: todo/web:1.0", "        - name: migrate\n          image: todo/web:1.0\n          ports: [{name: admin, containerPort: 9000}]"},
				{"deployment.yaml", "path: /readyz, port: http", "path: /readyz, port: admin"}},
			[]string{webC + `readinessProbe.httpGet.port: there is no port "admin"`}},
		"a policy's, inward and outward": {
			[]change{{"network.yaml", "{port: db}", "{port: postgres}"}, {"network.yaml", "ports: [{port: http}]", "ports: [{port: https}]"}},
			[]string{
				onDB + `egress[0].ports[0].port: "https" is no port of Deployment todo-web`,
				onDB + `ingress[0].ports[0].port: "postgres" is no port of StatefulSet todo-db`}},
		"a StatefulSet's Service": {
			[]change{{"statefulset.yaml", "serviceName: todo-db", "serviceName: db"}},
			[]string{`StatefulSet todo-db: spec.serviceName: there is no Service "db"`}},
	},
	"route": {
		"an Ingress to nowhere": {
			[]change{{"network.yaml", "service: {name: todo-web, port: {number: 80}}", "service: {name: web, port: {number: 80}}"}},
			[]string{`Ingress todo-web: spec.defaultBackend.service.name: there is no Service "web"`}},
		"an Ingress to ports that are not there": {
			[]change{{"network.yaml", "port: {number: 80}", "port: {number: 81}"}, {"network.yaml", "port: {name: http}", "port: {name: https}"}},
			[]string{
				`Ingress todo-web: spec.defaultBackend.service.port: Service "todo-web" has no port 81`,
				`Ingress todo-web: spec.rules[0].http.paths[0].backend.service.port: Service "todo-web" has no port "https"`}},
		"an HTTPRoute to nowhere": {
			[]change{{"network.yaml", "backendRefs: [{name: todo-web, port: 80}]", "backendRefs: [{name: web, port: 80}]"}},
			[]string{`HTTPRoute todo-web: spec.rules[0].backendRefs[0].name: there is no Service "web"`}},
		"an HTTPRoute to a port that is not there": {
			[]change{{"network.yaml", "backendRefs: [{name: todo-web, port: 80}]", "backendRefs: [{name: todo-web, port: 8080}]"}},
			[]string{`HTTPRoute todo-web: spec.rules[0].backendRefs[0].port: Service "todo-web" has no port 8080`}},
	},
	"hook": {
		"before what it needs": {
			[]change{{"hooks.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: false\n      serviceAccountName: todo-web\n      volumes: [{name: b, persistentVolumeClaim: {claimName: todo-backups}}]"},
				{"hooks.yaml", "helm.sh/hook: pre-install, helm.sh/hook-weight", "helm.sh/hook: post-install, helm.sh/hook-weight"}},
			[]string{
				`Job todo-before: spec.template.spec.containers[0].envFrom[0].configMapRef.name: ConfigMap "todo-before" is not there yet when a pre-install hook runs; make it a pre-install hook of a lower weight, or run the hook later`,
				`Job todo-before: spec.template.spec.serviceAccountName: ServiceAccount "todo-web" is not there yet when a pre-install hook runs; make it a pre-install hook of a lower weight, or run the hook later`,
				`Job todo-before: spec.template.spec.volumes[0].persistentVolumeClaim.claimName: PersistentVolumeClaim "todo-backups" is not there yet when a pre-install hook runs; make it a pre-install hook of a lower weight, or run the hook later`}},
	},
}

// runBadly are manifests that do not keep running, or not everywhere.
var runBadly = mistakes{
	"probes": {
		"none at all": {
			[]change{{"statefulset.yaml", "          startupProbe: {exec: {command: [ready]}}\n          readinessProbe: {exec: {command: [ready]}}\n          livenessProbe: {exec: {command: [alive]}}\n", ""}},
			[]string{
				"StatefulSet todo-db: spec.template.spec.containers[0].livenessProbe: is missing",
				"StatefulSet todo-db: spec.template.spec.containers[0].readinessProbe: is missing",
				"StatefulSet todo-db: spec.template.spec.containers[0].startupProbe: is missing"}},
		"a Pod that is no hook": {
			[]change{{"hooks.yaml", "  annotations: {helm.sh/hook: test}\n", ""}},
			[]string{
				"Pod todo-test: spec.containers[0].livenessProbe: is missing",
				"Pod todo-test: spec.containers[0].readinessProbe: is missing",
				"Pod todo-test: spec.containers[0].startupProbe: is missing"}},
	},
	"resources": {
		"no requests": {
			[]change{{"deployment.yaml", "            requests: {cpu: 100m, memory: 64Mi}\n", ""}},
			[]string{webC + "resources: needs requests of cpu and memory and a limit of memory"}},
		"no limit of memory, in a hook": {
			[]change{{"hooks.yaml", "            limits: {memory: 32Mi}\n", ""}},
			[]string{"Job todo-before: spec.template.spec.containers[0].resources: needs requests of cpu and memory and a limit of memory"}},
		"a request above the limit": {
			[]change{{"deployment.yaml", "limits: {cpu: 500m, memory: 128Mi}", "limits: {cpu: 50m, memory: 32Mi}"}},
			[]string{
				webC + "resources.requests.cpu: 100m is above the limit, 50m",
				webC + "resources.requests.memory: 64Mi is above the limit, 32Mi"}},
	},
	"capacity": {
		"too many replicas": {
			[]change{{"deployment.yaml", "replicas: 2", "replicas: 31"}},
			[]string{
				"Deployment todo-web: spec.replicas: limits of memory of the release are 4256Mi, and 128Mi more while it is updated; they must stay under 4Gi: todo-web 31 × 128Mi, todo-db 1 × 256Mi, todo-backup 1 × 32Mi; lower them, or the replicas",
				"Deployment todo-web: spec.replicas: requests of cpu of the release are 9360m, and 300m more while it is updated; they must stay under 2: todo-web 31 × 300m, todo-db 1 × 50m, todo-backup 1 × 10m; lower them, or the replicas"}},
		"one that is too large": {
			[]change{{"statefulset.yaml", "limits: {memory: 256Mi}", "limits: {memory: 4Gi}"}},
			[]string{"StatefulSet todo-db: spec.template.spec.containers[0].resources.limits.memory: limits of memory of the release are 4384Mi, and 128Mi more while it is updated; they must stay under 4Gi: todo-db 1 × 4Gi, todo-web 2 × 128Mi, todo-backup 1 × 32Mi; lower them, or the replicas"}},
		"room for what is, none for an update": {
			[]change{{"deployment.yaml", "maxSurge: 1", "maxSurge: 300%"}},
			[]string{"Deployment todo-web: spec.replicas: requests of cpu of the release are 660m, and 1800m more while it is updated; they must stay under 2: todo-web 2 × 300m, todo-db 1 × 50m, todo-backup 1 × 10m; lower them, or the replicas"}},
		"a hook that finds no room": {
			[]change{{"hooks.yaml", "requests: {cpu: 10m, memory: 16Mi}", "requests: {cpu: 1500m, memory: 16Mi}"}},
			[]string{"Deployment todo-web: spec.replicas: requests of cpu of the release are 660m, and 1500m more while it is updated; they must stay under 2: todo-web 2 × 300m, todo-db 1 × 50m, todo-backup 1 × 10m; lower them, or the replicas"}},
	},
	"disruption": {
		"no disruption is allowed": {
			[]change{{"network.yaml", "minAvailable: 50%", "minAvailable: 2"}},
			[]string{"PodDisruptionBudget todo-web: spec.minAvailable: lets none of 2 pods go; allow one at least"}},
		"none, in other words": {
			[]change{{"network.yaml", "minAvailable: 50%", "maxUnavailable: 0%"}},
			[]string{"PodDisruptionBudget todo-web: spec.maxUnavailable: lets none of 2 pods go; allow one at least"}},
		"nothing is said": {
			[]change{{"network.yaml", "  minAvailable: 50%\n", ""}},
			[]string{"PodDisruptionBudget todo-web: spec: has neither minAvailable nor maxUnavailable"}},
		"both": {
			[]change{{"network.yaml", "minAvailable: 50%", "minAvailable: 1\n  maxUnavailable: 1"}},
			[]string{"PodDisruptionBudget todo-web: spec: has both minAvailable and maxUnavailable; leave one out"}},
		"a Job's pods": {
			[]change{{"network.yaml", "  selector:\n    matchLabels: {app: web}", "  selector:\n    matchLabels: {app: backup}"}},
			[]string{"PodDisruptionBudget todo-web: spec.selector: counts the pods of CronJob todo-backup, which end by themselves; give them other labels"}},
	},
	"spread": {
		"replicas anywhere": {
			[]change{{"deployment.yaml", spreadWeb, ""}},
			[]string{"Deployment todo-web: spec.replicas: 2 replicas may all be on one node; spread them over kubernetes.io/hostname"}},
		"by the labels of others": {
			[]change{{"deployment.yaml", "          labelSelector:\n            matchLabels: {app: web}", "          labelSelector:\n            matchLabels: {app: wob}"}},
			[]string{web + "topologySpreadConstraints[0].labelSelector: does not count the pods themselves"}},
		"apart from others": {
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
