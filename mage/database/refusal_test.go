package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"todo-chatbot/mage/database"
	"todo-chatbot/mage/database/podtest"
	"todo-chatbot/mage/kube"
)

func TestForbiddenListEndsTheWaitForPodsAtOnce(t *testing.T) {
	client := podtest.Cluster()
	client.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))
	})
	d := database.New(&kube.Clients{Clientset: client}, podtest.Namespace, "todo", database.Options{Shell: podtest.New("secret")})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := d.Replaced(ctx)
	require.Error(t, err)
	assert.True(t, apierrors.IsForbidden(err), "%v", err)
	assert.NoError(t, ctx.Err())
}
