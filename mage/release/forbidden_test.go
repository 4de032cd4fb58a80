package release

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"
)

// forbid refuses a verb on a resource.
func (c *cluster) forbid(verb, resource string) {
	c.client.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no"))
	})
}

// The time of the synctest bubble advances only while all goroutines wait.
func TestRefusalEndsEveryWaitAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		verb, resource string
		wait           func(*cluster) error
	}{
		"pods to become ready": {"list", "pods", func(c *cluster) error {
			return c.manager.Settle(context.Background(), testRelease)
		}},
		"pods to end": {"list", "pods", func(c *cluster) error {
			_, err := c.manager.Uninstall(context.Background(), testRelease)
			return err
		}},
		"a hook's Job": {"get", "jobs", func(c *cluster) error {
			ctx, cancel := context.WithTimeout(context.Background(), minute)
			defer cancel()
			return c.manager.hookEnds(ctx, kindJob, "backup")
		}},
		"a hook's Pod": {"get", "pods", func(c *cluster) error {
			ctx, cancel := context.WithTimeout(context.Background(), minute)
			defer cancel()
			return c.manager.hookEnds(ctx, "Pod", "backup")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := newCluster(t)
				cluster.mustDeploy(testSpec())
				cluster.put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "one", Labels: map[string]string{"app": "backend"}}})
				cluster.forbid(c.verb, c.resource)
				began := time.Now()
				err := c.wait(cluster)
				require.Error(t, err)
				assert.True(t, apierrors.IsForbidden(err), "%v", err)
				assert.Less(t, time.Since(began), 5*time.Second)
			})
		})
	}
}
