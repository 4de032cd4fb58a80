package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// ContextOptions names a cluster that exists already.
type ContextOptions struct {
	// Kubeconfig is the path of a file; it is only read. Required.
	Kubeconfig string
	// Context in that file. Required: the current one may change at any time.
	Context string
	// Registry that the cluster pulls from; empty means the one that the
	// cluster announces by KEP-1755's ConfigMap.
	Registry Registry
	Progress *progress.Reporter
}

const contextProvider = "context"

// KubeContext is a Provider of a cluster that someone else keeps: it is neither
// made, nor changed, nor removed.
type KubeContext struct {
	opts  ContextOptions
	bound time.Duration // of each wait
}

var _ Provider = (*KubeContext)(nil)

// NewKubeContext checks the options and reports every problem in them.
func NewKubeContext(opts ContextOptions) (*KubeContext, error) {
	var problems []error
	if opts.Kubeconfig == "" {
		problems = append(problems, errors.New("the path of the kubeconfig is missing"))
	}
	if opts.Context == "" {
		problems = append(problems, errors.New("the name of the kubeconfig context is missing"))
	}
	if (opts.Registry.Push == "") != (opts.Registry.Pull == "") {
		problems = append(problems, errors.New("an image registry needs both names: where this machine pushes, and where pods pull"))
	}
	return &KubeContext{opts: opts, bound: defaultBound}, errors.Join(problems...)
}

// Ensure proves that the cluster and its registry answer.
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
	if err := waitReady(ctx, client, time.Time{}, k.bound, permitted(whole), step.Update); err != nil {
		return err
	}
	if c.Registry, err = k.registry(ctx, client); err != nil {
		if apierrors.IsForbidden(err) {
			err = fmt.Errorf("%w: name the registry in pipeline.cluster.kubecontext.registry, push and pull", err)
		}
		return err
	}
	if c.Registry.Push == "" {
		return fmt.Errorf("the cluster announces no image registry (ConfigMap %q in kube-public): name one in the settings", hostingName)
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
	// Where this pipeline made the registry, under another setting, it also made
	// the login; who may not see that uses docker's.
	if login, err := findLogin(ctx, client); err == nil {
		found.Login = login
	}
	return found, nil
}

// signInBound is for an API server's first answer, before which the kubeconfig's
// login program may ask somebody for a token.
const signInBound = 30 * time.Second

// signIn asks an API server for its version, which whoever is known to it may.
func signIn(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeoutCause(ctx, signInBound, fmt.Errorf("no answer within %s", signInBound))
	defer cancel()
	_, err := serverVersion(ctx, client)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// Find returns the cluster. It is somebody else's to start, so one whose API
// server does not answer is not nil but *Unreachable.
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

// Delete removes nothing: the cluster is not this pipeline's.
func (k *KubeContext) Delete(context.Context) ([]string, error) { return nil, nil }

// Ours is false: the cluster was there before.
func (k *KubeContext) Ours(context.Context) (bool, error) { return false, nil }

// Status asks the API server.
func (k *KubeContext) Status(ctx context.Context) (Status, error) {
	s := Status{Provider: contextProvider, Name: k.opts.Context}
	c, err := k.open()
	if err != nil {
		return s, fmt.Errorf("use kubeconfig context %q: %w", k.opts.Context, err)
	}
	c.Registry, _ = k.registry(ctx, c.Clients.Clientset) // observe reports a cluster that cannot be asked
	return observe(ctx, s, c, time.Time{}), nil
}
