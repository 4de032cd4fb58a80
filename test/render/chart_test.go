package render_test

import (
	"cmp"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v3/pkg/chartutil"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"todo-chatbot/mage/chart"
)

func TestDigestOverridesTagAndTagOverridesVersion(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for values, want := range map[string]string{
		"":                            "todo-chatbot/backend:0.3.0",
		"backend: {image: {tag: v2}}": "todo-chatbot/backend:v2",
		"global: {imageRegistry: 'localhost:5000'}":                                  "localhost:5000/todo-chatbot/backend:0.3.0",
		"global: {imageRegistry: a}\nbackend: {image: {registry: b, repository: c}}": "b/c:0.3.0",
		"backend: {image: {tag: v2, digest: '" + digest + "'}}":                      "todo-chatbot/backend@" + digest,
	} {
		spec := get[appsv1.Deployment](t, render(t, values), "Deployment", "todo-backend").Spec.Template.Spec
		assert.Equal(t, want, spec.Containers[0].Image, values)
		assert.Equal(t, want, spec.InitContainers[0].Image, "the migration has another version")
	}
}

func TestConfigurationChangeRestartsOnlyItsPods(t *testing.T) {
	checksums := func(values string) map[string]string {
		sums := map[string]string{}
		for _, p := range render(t, values).pods(t) {
			if sum, ok := p.Annotations["checksum/config"]; ok {
				sums[p.Manifest.Name] = sum
			}
		}
		require.Len(t, sums, 3)
		return sums
	}
	before, after := checksums(""), checksums("backend: {config: {logLevel: debug}}")
	assert.NotEqual(t, before["todo-backend"], after["todo-backend"])
	assert.Equal(t, before["todo-frontend"], after["todo-frontend"])
	assert.Equal(t, before["todo-postgresql"], after["todo-postgresql"])
}

func TestDefaultsMatchSpecification(t *testing.T) {
	r := render(t, "")
	for name, want := range map[string][4]string{
		"todo-backend":  {"200m", "256Mi", "500m", "512Mi"},
		"todo-frontend": {"100m", "128Mi", "300m", "256Mi"},
	} {
		got := get[appsv1.Deployment](t, r, "Deployment", name).Spec.Template.Spec.Containers[0].Resources
		assert.Equal(t, want, [4]string{got.Requests.Cpu().String(), got.Requests.Memory().String(), got.Limits.Cpu().String(), got.Limits.Memory().String()}, name)
		assert.Equal(t, corev1.ServiceTypeClusterIP, get[corev1.Service](t, r, "Service", name).Spec.Type)
	}
	set := get[appsv1.StatefulSet](t, r, "StatefulSet", "todo-postgresql")
	volume := set.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests[corev1.ResourceStorage]
	assert.Equal(t, "1Gi", volume.String())
	assert.Equal(t, corev1.ClusterIPNone, get[corev1.Service](t, r, "Service", set.Spec.ServiceName).Spec.ClusterIP, "the StatefulSet's Service")
}

// A StatefulSet cannot change these fields: with other values, no installed release
// could be upgraded.
func TestImmutableFieldsOfDatabaseStay(t *testing.T) {
	for _, name := range environments(t) {
		set := get[appsv1.StatefulSet](t, deployed(t, name), "StatefulSet", "todo-postgresql")
		labels := map[string]string{"app.kubernetes.io/name": "postgresql", "app.kubernetes.io/instance": "todo"}
		assert.Equal(t, "todo-postgresql", set.Spec.ServiceName)
		assert.Equal(t, labels, set.Spec.Selector.MatchLabels)
		require.Len(t, set.Spec.VolumeClaimTemplates, 1)
		claim := set.Spec.VolumeClaimTemplates[0]
		assert.Equal(t, "data", claim.Name)
		assert.Equal(t, labels, claim.Labels)
		assert.Equal(t, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, claim.Spec.AccessModes)
		assert.Nil(t, claim.Spec.StorageClassName)
		assert.Equal(t, cmp.Or(map[string]string{"remote": "10Gi"}[name], "1Gi"), claim.Spec.Resources.Requests.Storage().String())
	}
}

func TestNamesAreValidAndUniqueForEveryRelease(t *testing.T) {
	everything := "global: {networkPolicy: {enabled: true}}\npostgresql: {backup: {enabled: true}}\nfrontend: {replicas: 2, ingress: {enabled: true}}\nbackend: {replicas: 2}\n"
	for release, prefix := range map[string]string{
		"todo":                  "todo-",
		strings.Repeat("r", 53): strings.Repeat("r", 40) + "-",
		"a" + strings.Repeat("-", 38) + "-" + strings.Repeat("b", 13): "a" + strings.Repeat("-", 38) + "-",
		"todo.of.a.team": "todo-of-a-team-",
	} {
		layer, err := chart.ParseLayer("values/test.yaml", []byte(everything))
		require.NoError(t, err)
		rendered, err := chart.Check(chartDir, chart.Compose(layer), chart.Options{Release: release, Namespace: "x", KubeVersion: kubeVersion})
		require.NoError(t, err, release)
		for _, m := range rendered.Manifests {
			assert.Truef(t, strings.HasPrefix(m.Name, prefix), "%s %s", m.Kind, m.Name)
			assert.Empty(t, validation.IsDNS1035Label(m.Name), "%s %s", m.Kind, m.Name)
			if m.Kind == "StatefulSet" {
				assert.LessOrEqual(t, len(m.Name)+len("-0123456789"), validation.LabelValueMaxLength, "the label with name and revision is too long")
			}
		}
		backend := get[appsv1.Deployment](t, rendered.Manifests, "Deployment", prefix+"backend")
		assert.Equal(t, release, backend.Spec.Selector.MatchLabels["app.kubernetes.io/instance"], "a selector matches another release")
		assert.Equal(t, release+"-credentials", backend.Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name, "the pipeline uses this name of the Secret")
	}
	_, err := chart.Check(chartDir, chart.Values{}, chart.Options{Release: "2do", Namespace: "x", KubeVersion: kubeVersion})
	assert.ErrorContains(t, err, `release "2do": choose a name that begins with a letter`)
}

func TestSubchartsHaveVersionOfParent(t *testing.T) {
	c, err := chart.Load(chartDir)
	require.NoError(t, err)
	require.Len(t, c.Dependencies(), 3)
	for _, sub := range c.Dependencies() {
		assert.Equal(t, c.Metadata.Version, sub.Metadata.Version, sub.Name())
		assert.Equal(t, c.Metadata.AppVersion, sub.Metadata.AppVersion, sub.Name())
		assert.Equal(t, c.Metadata.KubeVersion, sub.Metadata.KubeVersion, sub.Name())
	}
}

func TestEnvironmentsOnlyContainDifferences(t *testing.T) {
	c, err := chart.Load(chartDir)
	require.NoError(t, err)
	defaults := maps.Clone(c.Values)
	for _, sub := range c.Dependencies() {
		own, _ := defaults[sub.Name()].(map[string]any)
		defaults[sub.Name()] = chartutil.CoalesceTables(maps.Clone(own), maps.Clone(sub.Values))
	}
	for _, name := range environments(t) {
		layer, _ := environment(t, name)
		values := maps.Clone(layer.Values)
		delete(values, chart.PipelineKey)
		assert.Empty(t, same(values, defaults, ""), name)
	}
}

// same returns the keys whose scalars are equal in both.
func same(values, defaults map[string]any, prefix string) []string {
	var keys []string
	for key, value := range values {
		table, isTable := value.(map[string]any)
		below, _ := defaults[key].(map[string]any)
		switch {
		case isTable:
			keys = append(keys, same(table, below, prefix+key+".")...)
		case assert.ObjectsAreEqualValues(value, defaults[key]):
			keys = append(keys, prefix+key)
		}
	}
	return keys
}
