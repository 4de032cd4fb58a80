package render_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// gatewayOf returns the gateway's container.
func gatewayOf(t *testing.T, r rendering) corev1.Container {
	t.Helper()
	spec := get[appsv1.Deployment](t, r, "Deployment", "todo-frontend").Spec.Template.Spec
	require.Len(t, spec.Containers, 2)
	require.Equal(t, "gateway", spec.Containers[1].Name)
	return spec.Containers[1]
}

func TestGatewayIsOnlyEntryAndHasNoSecret(t *testing.T) {
	for _, name := range environments(t) {
		r := deployed(t, name)
		c := gatewayOf(t, r)
		assert.Equal(t, []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "probes", ContainerPort: 8081}}, c.Ports)
		assert.Empty(t, c.VolumeMounts)
		assert.Empty(t, c.EnvFrom)
		for _, env := range c.Env {
			assert.Nil(t, env.ValueFrom, env.Name)
		}
		assert.Equal(t, "127.0.0.1", get[corev1.ConfigMap](t, r, "ConfigMap", "todo-frontend").Data["HOSTNAME"], "Next.js must listen on loopback only")
		assert.Empty(t, get[appsv1.Deployment](t, r, "Deployment", "todo-frontend").Spec.Template.Spec.Containers[0].Ports)
		assert.Equal(t, "http", get[corev1.Service](t, r, "Service", "todo-frontend").Spec.Ports[0].TargetPort.StrVal)
		assert.Equal(t, "/livez", c.LivenessProbe.HTTPGet.Path)
		assert.Equal(t, "/readyz", c.ReadinessProbe.HTTPGet.Path)
		assert.Equal(t, "probes", c.ReadinessProbe.HTTPGet.Port.StrVal, "a Service exposes the probes")
	}
}

func TestContainersKnowTheirImageDigest(t *testing.T) {
	r := deployed(t, "dev")
	for name, spec := range both(t, r) {
		assert.Equal(t, "sha256:"+strings.Repeat(name[:1], 64), variable(spec.Containers[0], "IMAGE_DIGEST"), name)
	}
	assert.Equal(t, "sha256:"+strings.Repeat("e", 64), variable(gatewayOf(t, r), "IMAGE_DIGEST"))
	tagged := render(t, "frontend: {gateway: {image: {digest: '', tag: v3}}}")
	assert.Equal(t, "v3", variable(gatewayOf(t, tagged), "IMAGE_DIGEST"), "without a digest, the tag")
}

func TestGatewayTrustsOnlyNamedProxies(t *testing.T) {
	assert.Empty(t, variable(gatewayOf(t, deployed(t, "dev")), "GATEWAY_TRUSTED_PROXIES"))
	named := render(t, "frontend: {gateway: {trustedProxies: [10.1.0.0/16, 'fd00::/8']}}")
	assert.Equal(t, "10.1.0.0/16,fd00::/8", variable(gatewayOf(t, named), "GATEWAY_TRUSTED_PROXIES"))
}

func TestIngressWithTLSSetsPublicURL(t *testing.T) {
	for values, want := range map[string]string{
		"frontend: {ingress: {enabled: true, host: todo.example.test, tlsSecretName: tls}}":                                                  "https://todo.example.test",
		"frontend: {ingress: {enabled: true, host: todo.example.test}}":                                                                      "",
		"frontend: {ingress: {enabled: true, host: '*.example.test', tlsSecretName: tls}}":                                                   "",
		"frontend: {ingress: {enabled: true, host: a.example.test, tlsSecretName: tls}, config: {publicUrl: 'https://b.example.test:8443'}}": "https://b.example.test:8443",
	} {
		assert.Equal(t, want, variable(gatewayOf(t, render(t, values)), "PUBLIC_URL"), values)
	}
}

func variable(c corev1.Container, name string) string {
	for _, env := range c.Env {
		if env.Name == name {
			return env.Value
		}
	}
	return ""
}
