package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// split returns the kubeconfig of a reachable cluster as two files, of which one names
// the certificate by a relative path, and one path that does not exist.
func split(t *testing.T) (paths, server string) {
	t.Helper()
	fake, folder := newKubeAPI(t), t.TempDir()
	cfg, err := clientcmd.Load(fake.kubeconfig(t, "theirs"))
	require.NoError(t, err)
	cluster := cfg.Clusters["theirs"]
	require.NotEmpty(t, cluster.CertificateAuthorityData)
	require.NoError(t, writeFile(filepath.Join(folder, "clusters", "ca.pem"), cluster.CertificateAuthorityData))
	cluster.CertificateAuthorityData, cluster.CertificateAuthority = nil, "ca.pem"

	clusters, users := api.NewConfig(), api.NewConfig()
	clusters.Clusters = cfg.Clusters
	users.AuthInfos, users.Contexts = cfg.AuthInfos, cfg.Contexts
	users.Clusters["other"] = &api.Cluster{Server: "https://127.0.0.1:1"}
	users.Contexts["other"] = &api.Context{Cluster: "other", AuthInfo: "theirs"}
	users.CurrentContext = "other" // another program selected it
	files := []string{filepath.Join(folder, "missing"), filepath.Join(folder, "clusters", "config"), filepath.Join(folder, "users", "config")}
	require.NoError(t, clientcmd.WriteToFile(*clusters, files[1]))
	require.NoError(t, clientcmd.WriteToFile(*users, files[2]))
	return strings.Join(files, string(os.PathListSeparator)), cluster.Server
}

func TestKubeconfigOfSeveralFilesWithRelativePaths(t *testing.T) {
	paths, _ := split(t)
	t.Chdir(t.TempDir())
	p, err := NewKubeContext(ContextOptions{Kubeconfig: paths, Context: "theirs"})
	require.NoError(t, err)
	c, err := p.Find(t.Context())
	require.NoError(t, err)
	assert.NotNil(t, c)
}

func TestContextOfAnotherServerIsRefused(t *testing.T) {
	paths, server := split(t)
	check := func(context, server string) error {
		p, err := NewKubeContext(ContextOptions{Kubeconfig: paths, Context: context, Server: server})
		require.NoError(t, err)
		return p.Check()
	}
	require.NoError(t, check("theirs", ""))
	require.NoError(t, check("theirs", server+"/"))
	require.ErrorContains(t, check("other", server), `context "other" of kubeconfig`)
	require.ErrorContains(t, check("other", server), "is the cluster https://127.0.0.1:1, but this environment is for "+server)
	require.ErrorContains(t, check("gone", ""), `has no context "gone" (its contexts: other, theirs)`)
}

func TestRemovedLoginPluginNamesReplacement(t *testing.T) {
	_, p := theirs(t, func(c *api.Config) {
		c.AuthInfos["theirs"] = &api.AuthInfo{AuthProvider: &api.AuthProviderConfig{Name: "gcp"}}
	})
	_, err := p.Find(t.Context())
	require.ErrorContains(t, err, "gke-gcloud-auth-plugin")
}
