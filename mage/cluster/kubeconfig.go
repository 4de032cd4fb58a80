package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "k8s.io/client-go/plugin/pkg/client/auth" // the logins "auth-provider" of older kubeconfigs
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"todo-chatbot/mage/host"
	"todo-chatbot/mage/kube"
)

// userAgent is the user agent of every client of this package. Minikube's registry
// proxy answers 404 to Go's default agent.
const userAgent = "todo-chatbot-pipeline"

// kubeconfigFor converts a node's admin.conf into a kubeconfig for this machine,
// with one context of the given name and the API server at the given URL.
func kubeconfigFor(adminConf []byte, context, server string) (*api.Config, error) {
	in, err := clientcmd.Load(adminConf)
	if err != nil {
		return nil, fmt.Errorf("read the node's admin.conf: %w", err)
	}
	current := in.Contexts[in.CurrentContext]
	if current == nil || in.Clusters[current.Cluster] == nil || in.AuthInfos[current.AuthInfo] == nil {
		return nil, fmt.Errorf("read the node's admin.conf: context %q is missing or incomplete", in.CurrentContext)
	}
	out := api.NewConfig()
	out.Clusters[context] = in.Clusters[current.Cluster].DeepCopy()
	out.Clusters[context].Server = server
	out.AuthInfos[context] = in.AuthInfos[current.AuthInfo].DeepCopy()
	out.Contexts[context] = &api.Context{Cluster: context, AuthInfo: context}
	out.CurrentContext = context
	return out, nil
}

// connect makes the clients of one context. It sends no request.
func connect(kubeconfig *api.Config, context string) (*kube.Clients, error) {
	cfg, err := clientcmd.NewNonInteractiveClientConfig(*kubeconfig, context, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig context %q: %w", context, err)
	}
	cfg.UserAgent = userAgent
	return kube.Connect(cfg)
}

// loadContext makes the clients of one context of a kubeconfig.
func loadContext(paths, context string) (*kube.Clients, error) {
	kubeconfig, err := readContext(paths, context)
	if err != nil {
		return nil, err
	}
	return connect(kubeconfig, context)
}

// readContext reads a kubeconfig of one file, or of several files separated as in
// PATH, as kubectl reads KUBECONFIG: it ignores missing files of several, the first
// file with a name has priority, and the paths in a file are relative to its folder.
func readContext(paths, context string) (*api.Config, error) {
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: filepath.SplitList(paths)}
	if len(rules.Precedence) == 1 {
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: paths}
	}
	kubeconfig, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %q: %w", paths, err)
	}
	chosen := kubeconfig.Contexts[context]
	if chosen == nil {
		return nil, fmt.Errorf("kubeconfig %q has no context %q (its contexts: %s): log in to the cluster, or choose another kubeconfig",
			paths, context, strings.Join(slices.Sorted(maps.Keys(kubeconfig.Contexts)), ", "))
	}
	if kubeconfig.Clusters[chosen.Cluster] == nil {
		return nil, fmt.Errorf("kubeconfig %q: context %q names cluster %q, which is missing: add a file that defines it", paths, context, chosen.Cluster)
	}
	return kubeconfig, nil
}

// writeKubeconfig replaces the file with this kubeconfig, readable by its owner
// only. A rename replaces it, so that no reader sees a half-written file. It does
// not write an equal file.
func writeKubeconfig(path string, kubeconfig *api.Config) (err error) {
	defer func() { err = host.Disk{Of: "this machine", Path: filepath.Dir(path), Here: true}.Explain(err) }()
	data, err := clientcmd.Write(*kubeconfig)
	if err != nil {
		return fmt.Errorf("write kubeconfig %q: %w", path, err)
	}
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	defer os.Remove(f.Name()) // fails after the rename, which is intended
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("write kubeconfig: %w", err)
	}
	return nil
}

// removeFile removes a file and tells whether the file existed.
func removeFile(path string) (bool, error) {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
