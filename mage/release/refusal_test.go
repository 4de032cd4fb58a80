package release

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	clienttesting "k8s.io/client-go/testing"
)

// sized has a volume of a size and an image of the database.
func sized(size, image string) Spec {
	spec := testSpec()
	sub := spec.Chart.Dependencies()[0].Templates[0]
	text := strings.Replace(string(sub.Data), "volumeClaimTemplates: [{metadata: {name: data}}]",
		"volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: "+size+"}}}}]", 1)
	sub.Data = []byte(strings.Replace(text, "postgresql@sha256:bbb", "postgresql@sha256:"+image, 1))
	return spec
}

// live gives the dynamic client the objects of the last revision, and answers patches
// with the error for their resource.
func (c *cluster) live(answers map[string]error) (patches map[string]string) {
	c.t.Helper()
	last, err := c.manager.last(context.Background(), testRelease)
	require.NoError(c.t, err)
	parsed, err := parseManifest(last.Manifest)
	require.NoError(c.t, err)
	for _, object := range parsed.objects {
		mapping, err := c.mapper.RESTMapping(object.GroupVersionKind().GroupKind(), object.GroupVersionKind().Version)
		require.NoError(c.t, err)
		object.SetNamespace(testNamespace)
		require.NoError(c.t, c.dynamic.Tracker().Create(mapping.Resource, object, testNamespace))
	}
	patches = map[string]string{}
	c.dynamic.PrependReactor("patch", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		patch := action.(clienttesting.PatchActionImpl)
		assert.Equal(c.t, []string{metav1.DryRunAll}, patch.PatchOptions.DryRun, "patches are dry runs")
		patches[patch.GetResource().Resource] = string(patch.Patch)
		return true, &unstructured.Unstructured{}, answers[patch.GetResource().Resource]
	})
	return patches
}

// fixedSpec is the error of a real API server.
func fixedSpec() error {
	const says = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
	return apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "StatefulSet"}, "todo-postgresql", field.ErrorList{field.Forbidden(field.NewPath("spec"), says)})
}

func TestRefusalNamesTheImmutableField(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(sized("1Gi", "bbb"))
	patches := c.live(map[string]error{"statefulsets": fixedSpec()})
	found, err := c.manager.Refusals(t.Context(), sized("2Gi", "ccc"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, []Change{{"spec.volumeClaimTemplates[0].spec.resources.requests.storage", "1Gi", "2Gi"}}, found[0].Fields, "the image may change")
	assert.EqualError(t, found[0], "statefulset/todo-postgresql: spec.volumeClaimTemplates[0].spec.resources.requests.storage cannot change from 1Gi to 2Gi")
	assert.Contains(t, patches["statefulsets"], `"storage":"2Gi"`)
	assert.NotContains(t, patches, "deployments", "unchanged objects are not patched")
	assert.Equal(t, []string{"deployed"}, c.statuses(), "no revision is made")

	plan, err := c.manager.Plan(t.Context(), sized("2Gi", "ccc"))
	require.NoError(t, err)
	assert.Equal(t, found, plan.Refused)
	assert.Contains(t, plan.Diff, "storage: 2Gi")
}

func TestAcceptedChangesAreNotRefusals(t *testing.T) {
	c := newCluster(t)
	found, err := c.manager.Refusals(t.Context(), sized("1Gi", "bbb"))
	require.NoError(t, err)
	assert.Empty(t, found, "an installation changes nothing")

	c.mustDeploy(sized("1Gi", "bbb"))
	patches := c.live(nil)
	found, err = c.manager.Refusals(t.Context(), sized("1Gi", "ccc"))
	require.NoError(t, err)
	assert.Empty(t, found)
	assert.Contains(t, patches["statefulsets"], "sha256:ccc")
}

func TestRefusalWithoutAFieldHasTheMessageOfTheAPIServer(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(sized("1Gi", "bbb"))
	c.live(map[string]error{"statefulsets": apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "statefulsets"}, "todo-postgresql", errors.New("exceeded quota"))})
	found, err := c.manager.Refusals(t.Context(), sized("1Gi", "ccc"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.ErrorContains(t, found[0], "exceeded quota")
}

func TestUnsupportedDryRunIsNotARefusal(t *testing.T) {
	c := newCluster(t)
	c.mustDeploy(sized("1Gi", "bbb"))
	answers := map[string]error{"statefulsets": apierrors.NewBadRequest("admission webhook does not support dry run")}
	c.live(answers)
	found, err := c.manager.Refusals(t.Context(), sized("1Gi", "ccc"))
	require.NoError(t, err)
	assert.Empty(t, found, "the upgrade itself shows it")

	answers["statefulsets"] = apierrors.NewServiceUnavailable("later")
	_, err = c.manager.Refusals(t.Context(), sized("1Gi", "ccc"))
	assert.ErrorContains(t, err, "ask the cluster whether statefulset/todo-postgresql can be changed: later")
}
