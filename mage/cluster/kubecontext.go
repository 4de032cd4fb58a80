package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// ContextOptions name an existing cluster.
type ContextOptions struct {
	// Kubeconfig is the path of a file, or of several files separated as in PATH,
	// which are read only. Required.
	Kubeconfig string
	// Context is a context in that file. Required: the file's current context can
	// change at any time.
	Context string
	// Server is the address of the API server. If it is not empty, Check refuses a
	// context of another server.
	Server string
	// Registry is the registry from which the cluster pulls. Empty means the one
	// that the cluster announces in the ConfigMap of KEP-1755.
	Registry Registry
	Progress *progress.Reporter
}

const contextProvider = "context"

// KubeContext is a Provider of a cluster that somebody else operates. It neither
// creates, changes nor removes the cluster.
type KubeContext struct {
	opts  ContextOptions
	bound time.Duration // of each wait
}

var _ Provider = (*KubeContext)(nil)

// NewKubeContext validates the options and reports all their problems.
func NewKubeContext(opts ContextOptions) (*KubeContext, error) {
	var problems []error
	if opts.Kubeconfig == "" {
		problems = append(problems, errors.New("the path of the kubeconfig is missing"))
	}
	if opts.Context == "" {
		problems = append(problems, errors.New("the name of the kubeconfig context is missing"))
	}
	if (opts.Registry.Push == "") != (opts.Registry.Pull == "") {
		problems = append(problems, errors.New("an image registry needs both addresses: the one for pushes from this machine, and the one for pulls of pods"))
	}
	return &KubeContext{opts: opts, bound: defaultBound}, errors.Join(problems...)
}

// Check reads the kubeconfig and refuses a context that is missing or that belongs to
// another API server than the options name. It sends no request.
func (k *KubeContext) Check() error {
	kubeconfig, err := readContext(k.opts.Kubeconfig, k.opts.Context)
	if err != nil {
		return err
	}
	server := kubeconfig.Clusters[kubeconfig.Contexts[k.opts.Context].Cluster].Server
	if want := k.opts.Server; want != "" && strings.TrimSuffix(server, "/") != strings.TrimSuffix(want, "/") {
		return fmt.Errorf("context %q of kubeconfig %q is the cluster %s, but this environment is for %s: choose the kubeconfig of that cluster, or change pipeline.cluster.kubecontext.server",
			k.opts.Context, k.opts.Kubeconfig, server, want)
	}
	return nil
}

// Ensure waits until the cluster is ready and its registry answers.
func (k *KubeContext) Ensure(ctx context.Context) (*Cluster, error) {
	step := k.opts.Progress.Start("cluster", "context/"+k.opts.Context)
	c, err := k.open()
	if err == nil {
		err = k.prove(ctx, c, step)
	}
	if err != nil {
		return nil, step.Fail(fmt.Errorf("use kubeconfig context %q: %w", k.opts.Context, err))
	}
	step.Done("ready", "registry "+c.Registry.Push)
	return c, nil
}

func (k *KubeContext) open() (*Cluster, error) {
	clients, err := loadContext(k.opts.Kubeconfig, k.opts.Context)
	if err != nil {
		return nil, err
	}
	return &Cluster{Provider: contextProvider, Name: k.opts.Context, Context: k.opts.Context, Kubeconfig: k.opts.Kubeconfig, Clients: clients}, nil
}

func (k *KubeContext) prove(ctx context.Context, c *Cluster, step *progress.Step) error {
	client := c.Clients.Clientset
	err := kube.Poll{Within: k.bound}.Until(ctx, func(ctx context.Context) error { return signIn(ctx, client) })
	if err != nil {
		return &Unreachable{Cluster: k.opts.Context, Cause: err}
	}
	if err := waitReady(ctx, client, time.Time{}, k.bound, existing(), step.Update); err != nil {
		return err
	}
	if c.Registry, err = k.registry(ctx, client); err != nil {
		if apierrors.IsForbidden(err) {
			err = fmt.Errorf("%w: set push and pull of pipeline.cluster.kubecontext.registry", err)
		}
		return err
	}
	if c.Registry.Push == "" {
		return fmt.Errorf("the cluster announces no image registry (ConfigMap %q in kube-public): set pipeline.cluster.kubecontext.registry", hostingName)
	}
	return poll(k.bound).Until(ctx, func(ctx context.Context) error { return answers(ctx, c.Registry.Push) })
}

func (k *KubeContext) registry(ctx context.Context, client kubernetes.Interface) (Registry, error) {
	if k.opts.Registry.Push != "" {
		return k.opts.Registry, nil
	}
	found, err := announcedRegistry(ctx, client)
	if err != nil || found.Push == "" {
		return found, err
	}
	// If this pipeline created the registry, with another provider, it also created
	// the login. A user who may not read it uses docker's login.
	if login, err := findLogin(ctx, client); err == nil {
		found.Login = login
	}
	return found, nil
}

// signInBound is the bound of the first request to an API server, during which the
// kubeconfig's login program may ask the user for a token.
const signInBound = 30 * time.Second

// signIn asks an API server for its version, which every authenticated user may.
func signIn(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeoutCause(ctx, signInBound, fmt.Errorf("no answer within %s", signInBound))
	defer cancel()
	_, err := serverVersion(ctx, client)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// Find returns the cluster. It returns the error *Unreachable, and never a nil
// cluster, if the API server does not answer: the pipeline cannot start it.
func (k *KubeContext) Find(ctx context.Context) (*Cluster, error) {
	c, err := k.open()
	if err != nil {
		return nil, fmt.Errorf("use kubeconfig context %q: %w", k.opts.Context, err)
	}
	client := c.Clients.Clientset
	if err := signIn(ctx, client); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &Unreachable{Cluster: k.opts.Context, Cause: err}
	}
	if found, err := k.registry(ctx, client); err == nil && found.Push != "" && answers(ctx, found.Push) == nil {
		c.Registry = found
	}
	return c, nil
}

// Delete removes nothing, because the pipeline did not create the cluster.
func (k *KubeContext) Delete(context.Context) ([]string, error) { return nil, nil }

// Ours is false, because the pipeline did not create the cluster.
func (k *KubeContext) Ours(context.Context) (bool, error) { return false, nil }

// Status asks the API server and the registry.
func (k *KubeContext) Status(ctx context.Context) (Status, error) {
	s := Status{Provider: contextProvider, Name: k.opts.Context}
	c, err := k.open()
	if err != nil {
		return s, fmt.Errorf("use kubeconfig context %q: %w", k.opts.Context, err)
	}
	if err := signIn(ctx, c.Clients.Clientset); err != nil { // the later requests, which have less time, use this login
		s.State, s.Detail = Broken, err.Error()
		return s, nil
	}
	c.Registry, _ = k.registry(ctx, c.Clients.Clientset) // observe reports errors of the API server
	return observe(ctx, s, c, time.Time{}), nil
}
