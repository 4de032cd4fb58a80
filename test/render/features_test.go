package render_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"

	"todo-chatbot/mage/chart"
)

var rendered sync.Map //nolint:gochecknoglobals // file of features/ → rendering; a rendering takes a second, so tests share it

// feature runs the gate with a file of features/ and returns the manifests.
func feature(t *testing.T, file string) rendering {
	t.Helper()
	if r, ok := rendered.Load(file); ok {
		return r.(rendering)
	}
	data, err := os.ReadFile(filepath.Join("features", file))
	require.NoError(t, err)
	layer, err := chart.ParseLayer("features/"+file, data)
	require.NoError(t, err)
	checked, err := chart.Check(chartDir, chart.Compose(layer), testRelease)
	require.NoError(t, err, file)
	rendered.Store(file, rendering(checked.Manifests))
	return checked.Manifests
}

// features has the assertions for each file of features/.
var features = map[string]func(*testing.T, rendering){
	"backups.yaml":               backups,
	"database-roles.yaml":        databaseRoles,
	"existing-secrets.yaml":      existingSecrets,
	"external-database.yaml":     externalDatabase,
	"external-database-tls.yaml": externalDatabaseTLS,
	"extras.yaml":                extras,
	"gateway.yaml":               gateway,
	"hooks.yaml":                 around,
	"ingress-tls.yaml":           ingressTLS,
	"load-balancer.yaml":         loadBalancer,
	"model.yaml":                 model,
	"network-policies.yaml":      networkPolicies,
	"placement.yaml":             placement,
	"ports.yaml":                 ports,
	"registry.yaml":              registry,
	"sizes.yaml":                 sizes,
}

func TestFeatures(t *testing.T) {
	files, err := filepath.Glob("features/*.yaml")
	require.NoError(t, err)
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(strings.TrimSuffix(file, ".yaml"), func(t *testing.T) {
			require.Contains(t, features, file, "a fixture needs an assertion")
			features[file](t, feature(t, file))
		})
	}
	assert.Len(t, files, len(features), "an assertion needs a fixture")
}

// both returns the pods of frontend and backend without the gateway's container.
func both(t *testing.T, r rendering) map[string]corev1.PodSpec {
	t.Helper()
	specs := map[string]corev1.PodSpec{}
	for _, name := range []string{"frontend", "backend"} {
		spec := get[appsv1.Deployment](t, r, "Deployment", "todo-"+name).Spec.Template.Spec
		require.Equal(t, name, spec.Containers[0].Name)
		spec.Containers = spec.Containers[:1]
		specs[name] = spec
	}
	return specs
}

// from returns the source of a container's variable as SECRET/KEY.
func from(c corev1.Container, name string) string {
	for _, env := range c.Env {
		if env.Name == name && env.ValueFrom != nil && env.ValueFrom.SecretKeyRef != nil {
			return env.ValueFrom.SecretKeyRef.Name + "/" + env.ValueFrom.SecretKeyRef.Key
		}
	}
	return ""
}

func externalDatabase(t *testing.T, r rendering) {
	assert.False(t, r.has("StatefulSet", "todo-postgresql"))
	assert.False(t, r.has("Service", "todo-postgresql"))
	assert.NotContains(t, r.text(), "todo-postgresql")
	for name, spec := range both(t, r) {
		config := get[corev1.ConfigMap](t, r, "ConfigMap", "todo-"+name).Data
		assert.Equal(t, "db.example.test 6432 todos app", strings.Join([]string{
			config["DATABASE_HOST"], config["DATABASE_PORT"], config["DATABASE_NAME"], config["DATABASE_USER"],
		}, " "), name)
		for _, c := range append(spec.InitContainers, spec.Containers...) {
			assert.Equal(t, "todo-db-app/password", from(c, "DATABASE_PASSWORD"), "%s of %s", c.Name, name)
			assert.Equal(t, "todo-credentials/auth-secret", from(c, "BETTER_AUTH_SECRET"))
		}
		policy := get[networkingv1.NetworkPolicy](t, r, "NetworkPolicy", "todo-"+name)
		way := policy.Spec.Egress[len(policy.Spec.Egress)-1]
		assert.Equal(t, 6432, way.Ports[0].Port.IntValue())
		assert.Equal(t, "10.20.0.7/32", way.To[0].IPBlock.CIDR)
	}
}

func externalDatabaseTLS(t *testing.T, r rendering) {
	authority := map[string]string{"frontend": "NODE_EXTRA_CA_CERTS", "backend": "PGSSLROOTCERT"}
	for name, spec := range both(t, r) {
		config := get[corev1.ConfigMap](t, r, "ConfigMap", "todo-"+name).Data
		assert.Equal(t, "verify-full", config["PGSSLMODE"], name)
		file := config[authority[name]]
		require.NotEmpty(t, file, name)
		for _, c := range append(spec.InitContainers, spec.Containers...) {
			mount := mountOf(t, c, "database-ca")
			assert.True(t, mount.ReadOnly)
			assert.Equal(t, file, mount.MountPath+"/ca.crt", "%s of %s reads another file", c.Name, name)
		}
		secret := volumeOf(t, spec, "database-ca").Secret
		assert.Equal(t, "company-ca", secret.SecretName)
		assert.Equal(t, []corev1.KeyToPath{{Key: "root.pem", Path: "ca.crt"}}, secret.Items)
	}
}

func mountOf(t *testing.T, c corev1.Container, name string) corev1.VolumeMount {
	t.Helper()
	for _, mount := range c.VolumeMounts {
		if mount.Name == name {
			return mount
		}
	}
	require.Fail(t, "not mounted", "%s in %s", name, c.Name)
	return corev1.VolumeMount{}
}

func volumeOf(t *testing.T, spec corev1.PodSpec, name string) corev1.Volume {
	t.Helper()
	for _, volume := range spec.Volumes {
		if volume.Name == name {
			return volume
		}
	}
	require.Fail(t, "no volume", name)
	return corev1.Volume{}
}

func gateway(t *testing.T, r rendering) {
	route := get[map[string]any](t, r, "HTTPRoute", "todo-frontend")
	assert.Equal(t, "gateway.networking.k8s.io/v1", route["apiVersion"])
	assert.Equal(t, map[string]any{"example.test/team": "todo"}, route["metadata"].(map[string]any)["annotations"])
	assert.Equal(t, map[string]any{
		"parentRefs": []any{map[string]any{"name": "public", "namespace": "gateways", "sectionName": "https"}},
		"hostnames":  []any{"todo.example.test"},
		"rules": []any{map[string]any{
			"matches":     []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}},
			"backendRefs": []any{map[string]any{"name": "todo-frontend", "port": float64(80)}},
		}},
	}, route["spec"])
	assert.EqualValues(t, 80, get[corev1.Service](t, r, "Service", "todo-frontend").Spec.Ports[0].Port)
	assert.False(t, r.has("Ingress", "todo-frontend"))
	assert.NotContains(t, render(t, "").text(), "HTTPRoute", "off by default")
}

func ingressTLS(t *testing.T, r rendering) {
	ingress := get[networkingv1.Ingress](t, r, "Ingress", "todo-frontend")
	assert.Equal(t, "traefik", *ingress.Spec.IngressClassName)
	assert.Equal(t, []networkingv1.IngressTLS{{Hosts: []string{"todo.example.test"}, SecretName: "todo-tls"}}, ingress.Spec.TLS)
	assert.Equal(t, "todo.example.test", ingress.Spec.Rules[0].Host)
	assert.Equal(t, "company", ingress.Annotations["cert-manager.io/cluster-issuer"])
	assert.Equal(t, "https://todo.example.test", get[corev1.ConfigMap](t, r, "ConfigMap", "todo-frontend").Data["PUBLIC_URL"])

	plain := get[networkingv1.Ingress](t, render(t, "frontend: {ingress: {enabled: true}}"), "Ingress", "todo-frontend")
	assert.Equal(t, "nginx", *plain.Spec.IngressClassName, "by default")
	assert.Empty(t, plain.Spec.TLS)
	assert.Equal(t, "75", plain.Annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"], "shorter than an answer of the chat")
	any := get[networkingv1.Ingress](t, render(t, "frontend: {ingress: {enabled: true, className: ''}}"), "Ingress", "todo-frontend")
	assert.Nil(t, any.Spec.IngressClassName, "the cluster's default")
}

func loadBalancer(t *testing.T, r rendering) {
	service := get[corev1.Service](t, r, "Service", "todo-frontend")
	assert.Equal(t, corev1.ServiceTypeLoadBalancer, service.Spec.Type)
	assert.EqualValues(t, 8080, service.Spec.Ports[0].Port)
	assert.Equal(t, "true", service.Annotations["example.test/internal"])
	assert.Equal(t, corev1.ServiceExternalTrafficPolicyLocal, service.Spec.ExternalTrafficPolicy)
	assert.Equal(t, "example.test/nlb", *service.Spec.LoadBalancerClass)
	assert.Equal(t, []string{"10.0.0.0/8"}, service.Spec.LoadBalancerSourceRanges)
	backend := get[corev1.Service](t, r, "Service", "todo-backend")
	assert.Equal(t, corev1.ServiceTypeNodePort, backend.Spec.Type)
	assert.EqualValues(t, 30900, backend.Spec.Ports[0].NodePort)
	way := get[networkingv1.NetworkPolicy](t, r, "NetworkPolicy", "todo-backend").Spec.Ingress[0]
	require.Len(t, way.From, 2)
	assert.Equal(t, "10.0.0.0/8", way.From[1].IPBlock.CIDR)
	test := get[corev1.Pod](t, r, "Pod", "todo-test")
	assert.Equal(t, "http://todo-frontend:8080", test.Spec.Containers[0].Env[0].Value, "the test does not use the gateway")
}

func registry(t *testing.T, r rendering) {
	want := map[string]string{
		"todo-frontend":          "registry.example.test/apps/todo-chatbot/frontend:v2",
		"todo-test":              "registry.example.test/apps/todo-chatbot/frontend:v2",
		"todo-preflight":         "registry.example.test/apps/todo-chatbot/frontend:v2",
		"todo-backend":           "mirror.example.test/todo/api@sha256:" + strings.Repeat("a", 64),
		"todo-postgresql":        "registry.example.test/apps/todo-chatbot/postgresql:0.3.0",
		"todo-postgresql-backup": "registry.example.test/apps/todo-chatbot/postgresql:0.3.0",
	}
	for _, p := range r.pods(t) {
		name := p.Manifest.Name
		assert.Equal(t, []corev1.LocalObjectReference{{Name: "registry-login"}}, p.Spec.ImagePullSecrets, name)
		for _, c := range p.containers() {
			if c.Name == "gateway" {
				assert.Equal(t, "registry.example.test/apps/todo-chatbot/gateway:0.3.0", c.Image)
				continue
			}
			assert.Equal(t, want[name], c.Image, name)
			assert.Equal(t, name == "todo-backend", c.ImagePullPolicy == corev1.PullAlways, name)
		}
		delete(want, name)
	}
	assert.Empty(t, want)
}

func existingSecrets(t *testing.T, r rendering) {
	for name, spec := range both(t, r) {
		for _, c := range append(spec.InitContainers, spec.Containers...) {
			assert.Equal(t, "pg-todo/password", from(c, "DATABASE_PASSWORD"), name)
			assert.Equal(t, "signing/secret", from(c, "BETTER_AUTH_SECRET"), name)
		}
	}
	key := func(r rendering) corev1.SecretKeySelector {
		for _, env := range both(t, r)["backend"].Containers[0].Env {
			if env.Name == "OPENAI_API_KEY" {
				return *env.ValueFrom.SecretKeyRef
			}
		}
		return corev1.SecretKeySelector{}
	}
	named, byDefault := key(r), key(render(t, "global: {credentialsSecret: mine}"))
	assert.Equal(t, "llm/token", named.Name+"/"+named.Key)
	assert.Nil(t, named.Optional, "a named key is required")
	assert.Equal(t, "mine/openai-api-key", byDefault.Name+"/"+byDefault.Key)
	assert.True(t, *byDefault.Optional, "the default key is optional")

	password := volumeOf(t, get[appsv1.StatefulSet](t, r, "StatefulSet", "todo-postgresql").Spec.Template.Spec, "password").Secret
	assert.Equal(t, "pg-todo", password.SecretName)
	assert.Equal(t, []corev1.KeyToPath{{Key: "password", Path: "database-password"}}, password.Items)
	assert.NotContains(t, r.text(), "todo-credentials")
	assert.NotContains(t, r.text(), "from-vault", "a component has another Secret")
}

func extras(t *testing.T, r rendering) {
	d := get[appsv1.Deployment](t, r, "Deployment", "todo-frontend")
	spec := both(t, r)["frontend"]
	for _, c := range append(spec.InitContainers, spec.Containers...) {
		assert.Contains(t, c.Env, corev1.EnvVar{Name: "HTTPS_PROXY", Value: "http://proxy.example.test:3128"})
		assert.Equal(t, "sentry/token", from(c, "SENTRY_TOKEN"))
		assert.Equal(t, "/etc/certificates", mountOf(t, c, "certificates").MountPath)
		assert.Equal(t, "/tmp", mountOf(t, c, "tmp").MountPath)
	}
	assert.Equal(t, "certificates", volumeOf(t, spec, "certificates").Secret.SecretName)
	assert.Equal(t, "false", d.Spec.Template.Annotations["example.test/scrape"])
	for _, p := range r.pods(t) {
		if p.Hook == "" {
			assert.Equal(t, "todo", p.Labels["team"], p.Manifest.Name)
			assert.NotContains(t, p.Labels, "helm.sh/chart", "a new chart version would restart the pods")
		}
	}
	assert.NotContains(t, d.Spec.Selector.MatchLabels, "team", "a selector cannot change")
	server := get[appsv1.StatefulSet](t, r, "StatefulSet", "todo-postgresql").Spec.Template.Spec.Containers[0]
	assert.Equal(t, []string{"-c", "max_connections=100", "-c", "work_mem=8MB"}, server.Args)
}

func placement(t *testing.T, r rendering) {
	d := get[appsv1.Deployment](t, r, "Deployment", "todo-backend")
	spec := d.Spec.Template.Spec
	require.Len(t, spec.TopologySpreadConstraints, 2)
	for i, key := range []string{"topology.kubernetes.io/zone", "kubernetes.io/hostname"} {
		c := spec.TopologySpreadConstraints[i]
		assert.Equal(t, key, c.TopologyKey)
		assert.EqualValues(t, 2, c.MaxSkew)
		assert.Equal(t, corev1.DoNotSchedule, c.WhenUnsatisfiable)
		assert.Equal(t, []string{"pod-template-hash"}, c.MatchLabelKeys, "old pods would keep new ones from a node")
	}
	assert.Equal(t, "25%", get[policyv1.PodDisruptionBudget](t, r, "PodDisruptionBudget", "todo-backend").Spec.MaxUnavailable.String())
	assert.Equal(t, map[string]string{"pool": "apps"}, spec.NodeSelector)
	assert.Equal(t, []corev1.Toleration{{Key: "pool", Operator: "Equal", Value: "apps", Effect: "NoSchedule"}}, spec.Tolerations)
	assert.NotNil(t, spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution)
	assert.Equal(t, "business", spec.PriorityClassName)

	server := get[appsv1.StatefulSet](t, r, "StatefulSet", "todo-postgresql").Spec.Template.Spec
	assert.NotNil(t, server.Affinity.PodAntiAffinity)
	backup := get[batchv1.Job](t, r, "Job", "todo-postgresql-backup").Spec.Template.Spec
	assert.Equal(t, server.NodeSelector, backup.NodeSelector, "the backup needs the server's node")
	assert.Equal(t, server.Tolerations, backup.Tolerations)
	assert.Equal(t, server.PriorityClassName, backup.PriorityClassName)
	assert.Nil(t, backup.Affinity.PodAntiAffinity)
}

func sizes(t *testing.T, r rendering) {
	d := get[appsv1.Deployment](t, r, "Deployment", "todo-frontend")
	c := d.Spec.Template.Spec.Containers[0]
	assert.Equal(t, "250m 300Mi 2 1Gi", strings.Join([]string{
		c.Resources.Requests.Cpu().String(), c.Resources.Requests.Memory().String(),
		c.Resources.Limits.Cpu().String(), c.Resources.Limits.Memory().String(),
	}, " "))
	s := c.StartupProbe
	assert.Equal(t, []int32{2, 3, 4, 5}, []int32{s.InitialDelaySeconds, s.PeriodSeconds, s.TimeoutSeconds, s.FailureThreshold})
	assert.Equal(t, []int32{7, 2}, []int32{c.ReadinessProbe.PeriodSeconds, c.ReadinessProbe.FailureThreshold}, "the rest is the default")
	assert.Equal(t, "50% 1", d.Spec.Strategy.RollingUpdate.MaxSurge.String()+" "+d.Spec.Strategy.RollingUpdate.MaxUnavailable.String())
	assert.EqualValues(t, 900, *d.Spec.ProgressDeadlineSeconds)
	assert.EqualValues(t, 1, *d.Spec.RevisionHistoryLimit)
	assert.Equal(t, []string{"timeout", "600", "node", "migrate.mjs"}, d.Spec.Template.Spec.InitContainers[0].Command)
	assert.Equal(t, []string{"sleep", "1"}, c.Lifecycle.PreStop.Exec.Command, "only until the gateway forwards no more")
	assert.Equal(t, "0", variable(gatewayOf(t, r), "GATEWAY_DRAIN_SECONDS"), "no wait before stop")
	assert.EqualValues(t, 95, *d.Spec.Template.Spec.TerminationGracePeriodSeconds)
	config := get[corev1.ConfigMap](t, r, "ConfigMap", "todo-backend").Data
	assert.Equal(t, "4 90 warning", config["WEB_CONCURRENCY"]+" "+config["CHAT_TIMEOUT_SECONDS"]+" "+config["LOG_LEVEL"])

	set := get[appsv1.StatefulSet](t, r, "StatefulSet", "todo-postgresql")
	claim := set.Spec.VolumeClaimTemplates[0].Spec
	assert.Equal(t, "fast 20Gi", *claim.StorageClassName+" "+claim.Resources.Requests.Storage().String())
	assert.EqualValues(t, 300, *set.Spec.Template.Spec.TerminationGracePeriodSeconds)
}

func ports(t *testing.T, r rendering) {
	backend := get[corev1.Service](t, r, "Service", "todo-backend").Spec.Ports[0]
	assert.EqualValues(t, 9000, backend.Port)
	assert.Equal(t, "http", backend.TargetPort.StrVal)
	assert.Equal(t, "http://todo-backend:9000", variable(gatewayOf(t, r), "BACKEND_URL"))
	assert.EqualValues(t, 5433, get[corev1.Service](t, r, "Service", "todo-postgresql").Spec.Ports[0].Port)
	server := get[appsv1.StatefulSet](t, r, "StatefulSet", "todo-postgresql").Spec.Template.Spec.Containers[0]
	assert.EqualValues(t, 5433, server.Ports[0].ContainerPort)
	config := get[corev1.ConfigMap](t, r, "ConfigMap", "todo-postgresql").Data
	assert.Equal(t, "5433 todos app", config["PGPORT"]+" "+config["POSTGRES_DB"]+" "+config["POSTGRES_USER"])
	assert.Equal(t, 5433, get[networkingv1.NetworkPolicy](t, r, "NetworkPolicy", "todo-postgresql").Spec.Ingress[0].Ports[0].Port.IntValue())
}
