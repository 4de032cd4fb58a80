package release

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	helmrelease "helm.sh/helm/v3/pkg/release"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	"todo-chatbot/mage/diagnose"
	"todo-chatbot/mage/diagnose/diagnosetest"
)

// endpointState is the state of a pod behind a Service.
type endpointState string

const (
	ready  endpointState = "ready"
	ending endpointState = "ending, and still serving"
	ended  endpointState = "ending, and no longer serving"
)

// endpoint is one pod behind the backend's Service.
func endpoint(podName string, uid types.UID, state endpointState) discoveryv1.Endpoint {
	ready, serving := state == ready, state != ended
	terminating := !ready
	return discoveryv1.Endpoint{
		Addresses:  []string{"10.244.0.7"},
		Conditions: discoveryv1.EndpointConditions{Ready: &ready, Serving: &serving, Terminating: &terminating},
		TargetRef:  &corev1.ObjectReference{Kind: "Pod", Name: podName, UID: uid},
	}
}

func (c *cluster) lead(endpoints ...discoveryv1.Endpoint) {
	c.put(&discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Name: "todo-backend-a", Labels: map[string]string{discoveryv1.LabelServiceName: "todo-backend"}},
		Endpoints:  endpoints,
	})
}

// twoRevisions gives the backend a new pod that is ready and an old one that
// ends, of an older ReplicaSet.
func (c *cluster) twoRevisions() {
	d := c.deployment()
	d.Annotations = map[string]string{"deployment.kubernetes.io/revision": "2"}
	c.put(d)
	controller := true
	for revision, name := range map[string]string{"1": "todo-backend-1", "2": "todo-backend-2"} {
		set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID(name), Annotations: map[string]string{"deployment.kubernetes.io/revision": revision},
			OwnerReferences: []metav1.OwnerReference{{UID: d.UID, Controller: &controller}},
		}}
		c.put(set)
		p := diagnosetest.Pod(name+"-x", set, diagnosetest.Running())
		p.UID, p.Labels = types.UID(name+"-x"), map[string]string{"app": "backend"}
		p.OwnerReferences[0].Kind = "ReplicaSet"
		if revision == "1" {
			now := metav1.Now()
			p.DeletionTimestamp, p.Finalizers = &now, []string{"test"}
		}
		c.put(p)
	}
}

const (
	oldPod = "todo-backend-1-x"
	newPod = "todo-backend-2-x"
)

func TestRolloutIsCompleteWhenNoServiceUsesAnOldPod(t *testing.T) {
	for name, c := range map[string]struct {
		endpoint discoveryv1.Endpoint
		spoil    func(*cluster)
		waits    bool
	}{
		"old pod, ready":                         {endpoint: endpoint(oldPod, oldPod, ready), waits: true},
		"old pod, ending and serving":            {endpoint: endpoint(oldPod, oldPod, ending), waits: true},
		"old pod, ending and not serving":        {endpoint: endpoint(oldPod, oldPod, ended)},
		"deleted pod":                            {endpoint: endpoint("todo-backend-0-x", "gone", ready), waits: true},
		"deleted pod with the name of a new one": {endpoint: endpoint(newPod, "before", ready), waits: true},
		"new pod":                                {endpoint: endpoint(newPod, newPod, ready)},
		"new pod, ending":                        {endpoint: endpoint(newPod, newPod, ending)},
		"old pod of a deleted ReplicaSet": {
			endpoint: endpoint(oldPod, oldPod, ending), waits: true,
			spoil: func(c *cluster) { c.remove(&appsv1.ReplicaSet{}, "todo-backend-1") },
		},
		"address without a pod": {endpoint: discoveryv1.Endpoint{Addresses: []string{"192.0.2.1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cl := newCluster(t)
				cl.mustDeploy(testSpec())
				cl.twoRevisions()
				if c.spoil != nil {
					c.spoil(cl)
				}
				cl.lead(endpoint(newPod, newPod, ready), c.endpoint)
				began := time.Now()
				time.AfterFunc(7*time.Second, func() { cl.lead(endpoint(newPod, newPod, ready)) })
				require.NoError(t, cl.manager.Settle(context.Background(), testRelease))
				if c.waits {
					assert.GreaterOrEqual(t, time.Since(began), 7*time.Second)
				} else {
					assert.Less(t, time.Since(began), time.Second)
				}
				synctest.Wait()
			})
		})
	}
}

func TestUpgradeAndRollbackReportOldPodsAtTheTimeBound(t *testing.T) {
	for name, act := range map[string]func(*cluster) error{
		"upgrade": func(c *cluster) error {
			spec := testSpec()
			spec.Values["image"] = "localhost:5000/backend@sha256:ccc"
			_, _, err := c.deploy(context.Background(), spec)
			return err
		},
		"rollback": func(c *cluster) error {
			_, err := c.manager.Rollback(context.Background(), testRelease, 1)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				c.mustDeploy(testSpec())
				spec := testSpec()
				spec.Values["image"] = "localhost:5000/backend@sha256:bbb"
				c.mustDeploy(spec)
				c.controllers = func() {
					c.ready()
					c.twoRevisions()
					c.lead(endpoint(oldPod, oldPod, ending), endpoint(newPod, newPod, ready))
				}
				began := time.Now()
				err := act(c)
				failure, failed := errors.AsType[*diagnose.Failure](err)
				require.True(t, failed, "%v", err)
				assert.Equal(t, 2*minute, failure.TimedOut)
				assert.EqualError(t, failure, "service/todo-backend: still sends requests to pod todo-backend-1-x of an older revision (not ready within 2m0s)")
				assert.GreaterOrEqual(t, time.Since(began), 2*minute)
			})
		})
	}
}

func TestDeployNeedsNoRightToListEndpointSlices(t *testing.T) {
	c := newCluster(t)
	c.client.PrependReactor("list", "endpointslices", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(discoveryv1.Resource("endpointslices"), "", errors.New("no"))
	})
	c.mustDeploy(testSpec())
}

func TestIdentitiesComeFromTheManifest(t *testing.T) {
	const template = `apiVersion: apps/v1
kind: Deployment
metadata: {name: todo-frontend}
spec:
  template:
    spec:
      initContainers: [{name: migrate, image: "r/f@sha256:aaa", env: [{name: IMAGE_DIGEST, value: "sha256:aaa"}]}]
      containers:
        - {name: frontend, image: "r/f@sha256:aaa", env: [{name: IMAGE_DIGEST, value: "sha256:aaa"}]}
        - {name: gateway, image: "r/g:v1", env: [{name: IMAGE_DIGEST, value: "v1"}]}
        - {name: exporter, image: "r/e@sha256:eee"}
        - {name: forged, image: "r/x@sha256:fff", env: [{name: IMAGE_DIGEST, value: "sha256:000"}]}
`
	c := newCluster(t)
	_, err := c.manager.Identities(context.Background(), testRelease)
	require.ErrorIs(t, err, ErrNotFound)
	c.record(1, helmrelease.StatusDeployed, &helmrelease.Release{Manifest: template})
	got, err := c.manager.Identities(context.Background(), testRelease)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"frontend": "sha256:aaa", "gateway": "v1", "forged": "sha256:fff"}, got)
}

func TestIdentitiesAfterARollbackComeFromTheNewRevision(t *testing.T) {
	c := newCluster(t)
	spec := testSpec()
	spec.Chart.Templates[0].Data = []byte(strings.Replace(string(spec.Chart.Templates[0].Data), "name: backend,", `name: backend, env: [{name: IMAGE_DIGEST, value: "told"}],`, 1))
	for _, image := range []string{"r/b@sha256:aaa", "r/b@sha256:bbb"} {
		spec.Values = map[string]any{"image": image}
		c.mustDeploy(spec)
	}
	identities := func() string {
		got, err := c.manager.Identities(context.Background(), testRelease)
		require.NoError(t, err)
		return got["backend"]
	}
	assert.Equal(t, "sha256:bbb", identities())
	_, err := c.manager.Rollback(context.Background(), testRelease, 0)
	require.NoError(t, err)
	assert.Equal(t, "sha256:aaa", identities())
}
