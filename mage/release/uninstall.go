package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"helm.sh/helm/v3/pkg/action"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

// Uninstall removes a release in any state, with its records, and waits until its
// pods are gone, for at most Options.Timeout. removed is false when there was
// nothing to remove. Volumes and credentials stay: the data in the volumes cannot
// be read without the credentials.
func (m *Manager) Uninstall(ctx context.Context, name string) (removed bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout, timeLimit(m.timeout))
	defer cancel()
	step := m.progress.Start("release", m.namespace+"/"+name)
	wanted, err := m.installed(ctx, name)
	if err != nil {
		return false, step.Fail(err)
	}
	if wanted == nil {
		step.Done("absent", "nothing to remove")
		return false, nil
	}
	if err := m.uninstall(ctx, name, m.timeout, step); err != nil {
		return false, step.Fail(err)
	}
	if err := m.waitPodsGone(ctx, wanted, step); err != nil {
		return true, step.Fail(fmt.Errorf("wait for the pods of release %q to end: %w", name, err))
	}
	step.Done("removed", "")
	return true, nil
}

// installed is the manifest of a release, nil for a release without records.
func (m *Manager) installed(ctx context.Context, name string) (*manifest, error) {
	last, err := m.last(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseManifest(last.Manifest)
}

func (m *Manager) uninstall(ctx context.Context, name string, timeout time.Duration, step *progress.Step) error {
	return m.runHelm(ctx, "uninstall", name, step, func(cfg *action.Configuration) error {
		a := action.NewUninstall(cfg)
		a.IgnoreNotFound = true
		a.Timeout = timeout // of hooks
		_, err := a.Run(name)
		return err
	})
}

// waitPodsGone waits until the workloads of the manifest select no pod.
func (m *Manager) waitPodsGone(ctx context.Context, wanted *manifest, step *progress.Step) error {
	var selectors []labels.Selector
	for _, d := range wanted.deployments {
		selectors = append(selectors, selector(d.Spec.Selector))
	}
	for _, s := range wanted.statefulSets {
		selectors = append(selectors, selector(s.Spec.Selector))
	}
	return kube.Poll{}.Until(ctx, func(ctx context.Context) error {
		pods, err := m.clients.Clientset.CoreV1().Pods(m.namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		var left []string
		for _, p := range pods.Items {
			if matches(selectors, p.Labels) {
				left = append(left, kube.Ref("Pod", p.Name))
			}
		}
		if len(left) == 0 {
			return nil
		}
		step.Update("%d pods are ending", len(left))
		return errors.New(listed("not ended: ", left))
	})
}

func selector(s *metav1.LabelSelector) labels.Selector {
	out, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return labels.Nothing() // the API server would have refused it
	}
	return out
}

func matches(selectors []labels.Selector, set map[string]string) bool {
	for _, s := range selectors {
		if s.Matches(labels.Set(set)) {
			return true
		}
	}
	return false
}
