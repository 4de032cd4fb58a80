package pipeline

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"

	"todo-chatbot/mage/cluster"
)

func TestMinikubeInstalledLaterDoesNotReplaceKindCluster(t *testing.T) {
	w := newWorld(t)
	w.env.Cluster.Provider = "auto"
	installed := func(string) (string, error) { return "/usr/bin/minikube", nil }
	missing := func(string) (string, error) { return "", exec.ErrNotFound }
	assert.Equal(t, "kind", w.chooseProvider(missing).Provider)
	assert.Equal(t, "minikube", w.chooseProvider(installed).Provider)

	write(t, w.kubeconfig("kind"), "") // a deploy with kind writes it
	assert.Equal(t, cluster.Choice{Provider: "kind", Reason: "existing cluster"}, w.chooseProvider(installed))

	w.env.Cluster.Provider = "minikube"
	assert.Equal(t, cluster.Choice{Provider: "minikube"}, w.chooseProvider(missing), "a setting has priority")
}
