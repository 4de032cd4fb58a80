package chart

// unsafe holds manifests that break rules about security.
var unsafe = mistakes{
	"pod-security": {
		"privileged": {
			[]change{{"statefulset.yaml", "allowPrivilegeEscalation: false", "privileged: true"}},
			[]string{
				`StatefulSet todo-db: spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: Pod Security "restricted" forbids allowPrivilegeEscalation != false: container "db" must set securityContext.allowPrivilegeEscalation=false`,
				`StatefulSet todo-db: spec.template.spec.containers[0].securityContext.privileged: Pod Security "restricted" forbids privileged: container "db" must not set securityContext.privileged=true`}},
		"root user": {
			[]change{{"statefulset.yaml", "runAsNonRoot: true", "runAsUser: 0"}},
			[]string{
				`StatefulSet todo-db: spec.template.spec.containers[0].securityContext.runAsNonRoot: Pod Security "restricted" forbids runAsNonRoot != true: pod or container "db" must set securityContext.runAsNonRoot=true`,
				`StatefulSet todo-db: spec.template.spec.securityContext.runAsUser: Pod Security "restricted" forbids runAsUser=0: pod must not set runAsUser=0`}},
		"no seccomp": {
			[]change{{"statefulset.yaml", "        seccompProfile: {type: RuntimeDefault}\n", ""}},
			[]string{`StatefulSet todo-db: spec.template.spec.containers[0].securityContext.seccompProfile.type: Pod Security "restricted" forbids seccompProfile: pod or container "db" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`}},
		"capabilities": {
			[]change{{"statefulset.yaml", "            capabilities: {drop: [ALL]}\n", ""}},
			[]string{`StatefulSet todo-db: spec.template.spec.containers[0].securityContext.capabilities.drop: Pod Security "restricted" forbids unrestricted capabilities: container "db" must set securityContext.capabilities.drop=["ALL"]`}},
		"folder of the node": {
			[]change{{"deployment.yaml", "emptyDir: {}", "hostPath: {path: /}"}},
			[]string{
				web + `volumes[0]: Pod Security "restricted" forbids restricted volume types: volume "tmp" uses restricted volume type "hostPath"`}},
		"network of the node": {
			[]change{{"deployment.yaml", "serviceAccountName: todo-web", "hostNetwork: true\n      serviceAccountName: todo-web"}},
			[]string{web + `hostNetwork: Pod Security "restricted" forbids host namespaces: hostNetwork=true`}},
		"port of the node": {
			[]change{{"deployment.yaml", "containerPort: 8080}", "containerPort: 8080, hostPort: 80}"}},
			[]string{webC + `ports: Pod Security "restricted" forbids hostPort: container "web" uses hostPort 80`}},
	},
	"read-only": {
		"writable root file system": {
			[]change{{"statefulset.yaml", "            readOnlyRootFilesystem: true\n", ""}},
			[]string{"StatefulSet todo-db: spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem: must be true; mount an emptyDir where the container writes"}},
		"writable root file system of an init container": {
			[]change{{"deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"}},
			[]string{
				webC + "securityContext.readOnlyRootFilesystem: must be true; mount an emptyDir where the container writes",
				web + "initContainers[0].securityContext.readOnlyRootFilesystem: must be true; mount an emptyDir where the container writes"}},
	},
	"token": {
		"token not disabled": {
			[]change{{"statefulset.yaml", "      automountServiceAccountToken: false\n", ""}},
			[]string{"StatefulSet todo-db: spec.template.spec.automountServiceAccountToken: must be false, because no RoleBinding names the account"}},
		"token enabled by the pod": {
			[]change{{"deployment.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true"}},
			[]string{web + "automountServiceAccountToken: must be false, because no RoleBinding names the account"}},
		"account without a RoleBinding": {
			[]change{{"accounts.yaml", "{kind: ServiceAccount, name: todo-backup}", "{kind: ServiceAccount, name: todo-web}"}},
			[]string{"CronJob todo-backup: spec.jobTemplate.spec.template.spec.automountServiceAccountToken: must be false, because no RoleBinding names the account"}},
	},
	"rights": {
		"wildcards": {
			[]change{{"accounts.yaml", "resources: [configmaps]\n    verbs: [get]", "resources: [configmaps, '*']\n    verbs: ['*']"}},
			[]string{
				`Role todo-backup: rules[0].resources: contains "*"; list what is needed`,
				`Role todo-backup: rules[0].verbs: contains "*"; list what is needed`}},
	},
	"image": {
		"no tag": {
			[]change{{"statefulset.yaml", "todo/db:17.2", "todo/db"}},
			[]string{`StatefulSet todo-db: spec.template.spec.containers[0].image: "todo/db" is not fixed to one version; use a digest or the tag of a version`}},
		"tag latest of an init container": {
			[]change{{"deployment.yaml", "todo/web:1.0", "localhost:5000/todo/web:latest"}},
			[]string{web + `initContainers[0].image: "localhost:5000/todo/web:latest" is not fixed to one version; use a digest or the tag of a version`}},
		"invalid reference": {
			[]change{{"statefulset.yaml", "todo/db:17.2", "todo/DB:17.2"}},
			[]string{`StatefulSet todo-db: spec.template.spec.containers[0].image: "todo/DB:17.2": invalid reference format: repository name (todo/DB) must be lowercase; use a digest or the tag of a version`}},
	},
	"plain-http": {
		"NodePort and LoadBalancer": {
			[]change{{"services.yaml", "  selector: {app: web}", "  type: NodePort\n  selector: {app: web}"},
				{"services.yaml", "  clusterIP: None\n", "  type: LoadBalancer\n"}},
			[]string{
				"Service todo-db: spec.type: LoadBalancer publishes the application without TLS; use ClusterIP with an Ingress or an HTTPRoute, or set pipeline.allowPlainHttp: true if the network is private or a load balancer adds TLS",
				"Service todo-web: spec.type: NodePort publishes the application without TLS; use ClusterIP with an Ingress or an HTTPRoute, or set pipeline.allowPlainHttp: true if the network is private or a load balancer adds TLS"}},
		"Ingress with the certificate of another host": {
			[]change{{"network.yaml", "hosts: [todo.test], secretName", "hosts: [other.test], secretName"}},
			[]string{"Ingress todo-web: spec.rules[0].host: is published without TLS; name a TLS Secret for the host, or set pipeline.allowPlainHttp: true if the network is private or a load balancer adds TLS"}},
	},
	"secret": {
		"Secret": {
			[]change{{"secret.yaml", "", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a.b: aHVudGVyMg==}\nstringData: {c: hunter2}\n"}},
			[]string{
				"Secret s: data[a.b]: is in the manifest; read it from a Secret that is created outside the chart",
				"Secret s: stringData.c: is in the manifest; read it from a Secret that is created outside the chart"}},
		"variable": {
			[]change{{"deployment.yaml", "{name: COLOUR, value: red}", "{name: OPENAI_API_KEY, value: hunter2}"}},
			[]string{webC + "env[0]: OPENAI_API_KEY is in the manifest; read it from a Secret that is created outside the chart"}},
		"ConfigMap": {
			[]change{{"configmap.yaml", "PASSWORD_FILE: /run/secrets/password", "admin_password: hunter2"}},
			[]string{"ConfigMap todo-web: data.admin_password: admin_password is in the manifest; read it from a Secret that is created outside the chart"}},
		"URLs with passwords": {
			[]change{{"configmap.yaml", "http://model.test:8080/v1", "postgresql://todo:hunter2@db:5432/todo"},
				{"deployment.yaml", "command: [serve, --verbose]", "command: [serve, 'http://a:hunter2@b/']"}, {"deployment.yaml", "--listen=0.0.0.0", "--db=http://a:hunter2@b/"}},
			[]string{
				"ConfigMap todo-web: data.MODEL_URL: MODEL_URL: a URL with a password is in the manifest; read it from a Secret that is created outside the chart",
				webC + "args[0]: a URL with a password is in the manifest; read it from a Secret that is created outside the chart",
				webC + "command[1]: a URL with a password is in the manifest; read it from a Secret that is created outside the chart"}},
	},
}
