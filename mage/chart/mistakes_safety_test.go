package chart

// mayTooMuch are manifests that are less safe than they could be.
var mayTooMuch = mistakes{
	"pod-security": {
		"privileged": {
			[]change{{"statefulset.yaml", "allowPrivilegeEscalation: false", "privileged: true"}},
			[]string{
				`StatefulSet todo-db: spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: Pod Security "restricted" forbids allowPrivilegeEscalation != false: container "db" must set securityContext.allowPrivilegeEscalation=false`,
				`StatefulSet todo-db: spec.template.spec.containers[0].securityContext.privileged: Pod Security "restricted" forbids privileged: container "db" must not set securityContext.privileged=true`}},
		"root": {
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
		"the node's folders": {
			[]change{{"deployment.yaml", "emptyDir: {}", "hostPath: {path: /}"}},
			[]string{
				web + `volumes[0]: Pod Security "restricted" forbids restricted volume types: volume "tmp" uses restricted volume type "hostPath"`}},
		"the node's network": {
			[]change{{"deployment.yaml", "serviceAccountName: todo-web", "hostNetwork: true\n      serviceAccountName: todo-web"}},
			[]string{web + `hostNetwork: Pod Security "restricted" forbids host namespaces: hostNetwork=true`}},
		"the node's ports": {
			[]change{{"deployment.yaml", "containerPort: 8080}", "containerPort: 8080, hostPort: 80}"}},
			[]string{webC + `ports: Pod Security "restricted" forbids hostPort: container "web" uses hostPort 80`}},
	},
	"read-only": {
		"a writable root": {
			[]change{{"statefulset.yaml", "            readOnlyRootFilesystem: true\n", ""}},
			[]string{"StatefulSet todo-db: spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem: is not true; mount an emptyDir where it must write"}},
		"a writable root, said so, of an init container": {
			[]change{{"deployment.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"}},
			[]string{
				webC + "securityContext.readOnlyRootFilesystem: is not true; mount an emptyDir where it must write",
				web + "initContainers[0].securityContext.readOnlyRootFilesystem: is not true; mount an emptyDir where it must write"}},
	},
	"token": {
		"nobody has said no": {
			[]change{{"statefulset.yaml", "      automountServiceAccountToken: false\n", ""}},
			[]string{"StatefulSet todo-db: spec.template.spec.automountServiceAccountToken: is not false, and no RoleBinding gives its account a right"}},
		"the pod says yes where its account says no": {
			[]change{{"deployment.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true"}},
			[]string{web + "automountServiceAccountToken: is not false, and no RoleBinding gives its account a right"}},
		"a right that went": {
			[]change{{"accounts.yaml", "{kind: ServiceAccount, name: todo-backup}", "{kind: ServiceAccount, name: todo-web}"}},
			[]string{"CronJob todo-backup: spec.jobTemplate.spec.template.spec.automountServiceAccountToken: is not false, and no RoleBinding gives its account a right"}},
	},
	"rights": {
		"wildcards": {
			[]change{{"accounts.yaml", "resources: [configmaps]\n    verbs: [get]", "resources: [configmaps, '*']\n    verbs: ['*']"}},
			[]string{
				`Role todo-backup: rules[0].resources: is "*"; name what is needed`,
				`Role todo-backup: rules[0].verbs: is "*"; name what is needed`}},
	},
	"image": {
		"no tag": {
			[]change{{"statefulset.yaml", "todo/db:17.2", "todo/db"}},
			[]string{`StatefulSet todo-db: spec.template.spec.containers[0].image: "todo/db" does not say which content runs; give a digest, or the tag of a version`}},
		"latest, of an init container": {
			[]change{{"deployment.yaml", "todo/web:1.0", "localhost:5000/todo/web:latest"}},
			[]string{web + `initContainers[0].image: "localhost:5000/todo/web:latest" does not say which content runs; give a digest, or the tag of a version`}},
		"no reference": {
			[]change{{"statefulset.yaml", "todo/db:17.2", "todo/DB:17.2"}},
			[]string{`StatefulSet todo-db: spec.template.spec.containers[0].image: "todo/DB:17.2": invalid reference format: repository name (todo/DB) must be lowercase; give a digest, or the tag of a version`}},
	},
	"plain-http": {
		"ports of nodes and of a load balancer": {
			[]change{{"services.yaml", "  selector: {app: web}", "  type: NodePort\n  selector: {app: web}"},
				{"services.yaml", "  clusterIP: None\n", "  type: LoadBalancer\n"}},
			[]string{
				"Service todo-db: spec.type: LoadBalancer lets people in without TLS; use ClusterIP with an Ingress or an HTTPRoute, or set pipeline.allowPlainHttp: true if the network is private or a load balancer adds TLS",
				"Service todo-web: spec.type: NodePort lets people in without TLS; use ClusterIP with an Ingress or an HTTPRoute, or set pipeline.allowPlainHttp: true if the network is private or a load balancer adds TLS"}},
		"an Ingress with another host's certificate": {
			[]change{{"network.yaml", "hosts: [todo.test], secretName", "hosts: [other.test], secretName"}},
			[]string{"Ingress todo-web: spec.rules[0].host: people reach it without TLS; name a TLS Secret for the host, or set pipeline.allowPlainHttp: true if the network is private or a load balancer adds TLS"}},
	},
	"secret": {
		"a Secret": {
			[]change{{"secret.yaml", "", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a.b: aHVudGVyMg==}\nstringData: {c: hunter2}\n"}},
			[]string{
				"Secret s: data[a.b]: stands in the manifest; take it from a Secret that is made outside of the chart",
				"Secret s: stringData.c: stands in the manifest; take it from a Secret that is made outside of the chart"}},
		"a variable": {
			[]change{{"deployment.yaml", "{name: COLOUR, value: red}", "{name: OPENAI_API_KEY, value: hunter2}"}},
			[]string{webC + "env[0]: OPENAI_API_KEY stands in the manifest; take it from a Secret that is made outside of the chart"}},
		"a ConfigMap": {
			[]change{{"configmap.yaml", "PASSWORD_FILE: /run/secrets/password", "admin_password: hunter2"}},
			[]string{"ConfigMap todo-web: data.admin_password: admin_password stands in the manifest; take it from a Secret that is made outside of the chart"}},
		"URLs with passwords": {
			[]change{{"configmap.yaml", "http://model.test:8080/v1", "postgresql://todo:hunter2@db:5432/todo"},
				{"deployment.yaml", "command: [serve, --verbose]", "command: [serve, 'http://a:hunter2@b/']"}, {"deployment.yaml", "--listen=0.0.0.0", "--db=http://a:hunter2@b/"}},
			[]string{
				"ConfigMap todo-web: data.MODEL_URL: MODEL_URL: a URL with a password stands in the manifest; take it from a Secret that is made outside of the chart",
				webC + "args[0]: a URL with a password stands in the manifest; take it from a Secret that is made outside of the chart",
				webC + "command[1]: a URL with a password stands in the manifest; take it from a Secret that is made outside of the chart"}},
	},
}
