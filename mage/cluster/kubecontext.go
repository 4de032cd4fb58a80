package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/kubernetes"

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
	Bound    time.Duration // on each wait; 0 means three minutes
	Progress *progress.Reporter
}

// KubeContext is a Provider of a cluster that someone else keeps: it is neither
// made, nor changed, nor removed.
type KubeContext struct{ opts ContextOptions }

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
	if opts.Bound <= 0 {
		opts.Bound = defaultBound
	}
	return &KubeContext{opts: opts}, errors.Join(problems...)
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
	cfg, err := loadContext(k.opts.Kubeconfig, k.opts.Context)
	if err != nil {
		return nil, err
	}
	return &Cluster{Provider: "context", Name: k.opts.Context, Context: k.opts.Context, Kubeconfig: k.opts.Kubeconfig, REST: cfg}, nil
}

func (k *KubeContext) prove(ctx context.Context, c *Cluster, step *progress.Step) error {
	client, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		return err
	}
	if err := waitReady(ctx, client, time.Time{}, k.opts.Bound, whole, step.Update); err != nil {
		return err
	}
	if c.Registry, err = k.registry(ctx, client); err != nil {
		return err
	}
	if c.Registry.Push == "" {
		return fmt.Errorf("the cluster announces no image registry (ConfigMap %q in kube-public): name one in the settings", hostingName)
	}
	return poll(ctx, k.opts.Bound, func(ctx context.Context) error { return answers(ctx, c.Registry.Push) })
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

// Find returns the cluster if its API server answers.
func (k *KubeContext) Find(ctx context.Context) (*Cluster, error) {
	c, err := k.open()
	if err != nil {
		return nil, fmt.Errorf("use kubeconfig context %q: %w", k.opts.Context, err)
	}
	if alive(ctx, c.REST) != nil {
		return nil, nil
	}
	client, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		return nil, fmt.Errorf("use kubeconfig context %q: %w", k.opts.Context, err)
	}
	if found, err := k.registry(ctx, client); err == nil && found.Push != "" && answers(ctx, found.Push) == nil {
		c.Registry = found
	}
	return c, nil
}

// Delete removes nothing: the cluster is not this pipeline's.
func (k *KubeContext) Delete(context.Context) ([]string, error) { return nil, nil }

// Status asks the API server.
func (k *KubeContext) Status(ctx context.Context) (Status, error) {
	s := Status{Provider: "context", Name: k.opts.Context}
	c, err := k.open()
	if err != nil {
		return s, fmt.Errorf("use kubeconfig context %q: %w", k.opts.Context, err)
	}
	client, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		return s, fmt.Errorf("use kubeconfig context %q: %w", k.opts.Context, err)
	}
	found, _ := k.registry(ctx, client) // what cannot be asked is reported by observe
	return observe(ctx, s, c.REST, found, time.Time{}), nil
}
