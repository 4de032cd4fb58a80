package release

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/action"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"todo-chatbot/mage/kube"
	"todo-chatbot/mage/progress"
)

const instanceLabel = "app.kubernetes.io/instance"

// UninstallOptions says what goes beyond the release's own objects.
type UninstallOptions struct {
	DeleteVolumes bool // also the claims of its StatefulSets, with their data
}

// Uninstall removes a release in whatever state it is, its records included, and
// waits until its pods are gone, for at most Options.Timeout. removed is false
// when there was nothing to remove. Volumes stay unless asked for; so do the
// credentials, without which the data in the volumes is of no use.
func (m *Manager) Uninstall(ctx context.Context, name string, opts UninstallOptions) (removed bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, m.timeout, timeLimit(m.timeout))
	defer cancel()
	step := m.progress.Start("release", m.namespace+"/"+name)
	claims := 0
	wanted, err := m.installed(ctx, name)
	switch {
	case err != nil:
		return false, step.Fail(err)
	case wanted != nil:
		if err := m.uninstall(ctx, name, m.timeout, step); err != nil {
			return false, step.Fail(err)
		}
		if err := m.podsGone(ctx, wanted, step); err != nil {
			return true, step.Fail(fmt.Errorf("wait for the pods of release %q to end: %w", name, err))
		}
	}
	if opts.DeleteVolumes {
		if claims, err = m.deleteClaims(ctx, name, wanted); err != nil {
			return wanted != nil, step.Fail(err)
		}
	}
	detail := ""
	if claims > 0 {
		detail = fmt.Sprintf("with %d volume claims", claims)
	}
	if removed = wanted != nil || claims > 0; removed {
		step.Done("removed", detail)
	} else {
		step.Done("absent", "nothing to remove")
	}
	return removed, nil
}

// installed is the manifest of a release that has records, nil without.
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

// podsGone waits until no pod that a workload of the manifest selects is left.
func (m *Manager) podsGone(ctx context.Context, wanted *manifest, step *progress.Step) error {
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

// deleteClaims deletes the claims that the release's StatefulSets made: those
// with its instance label and those named after its claim templates.
func (m *Manager) deleteClaims(ctx context.Context, name string, wanted *manifest) (int, error) {
	api := m.clients.Clientset.CoreV1().PersistentVolumeClaims(m.namespace)
	claims, err := api.List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list the volume claims of namespace %q: %w", m.namespace, err)
	}
	named := claimNames(wanted)
	deleted := 0
	for _, c := range claims.Items {
		if c.Labels[instanceLabel] != name && !named.MatchString(c.Name) {
			continue
		}
		if err := api.Delete(ctx, c.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return deleted, fmt.Errorf("delete volume claim %q of release %q: %w", c.Name, name, err)
		}
		deleted++
	}
	return deleted, nil
}

// claimNames matches template-statefulset-ordinal, and nothing without a manifest.
func claimNames(wanted *manifest) *regexp.Regexp {
	var stems []string
	if wanted != nil {
		for _, s := range wanted.statefulSets {
			for _, t := range s.Spec.VolumeClaimTemplates {
				stems = append(stems, regexp.QuoteMeta(claimStem(t, s.Name)))
			}
		}
	}
	if len(stems) == 0 {
		return regexp.MustCompile(`^$`)
	}
	return regexp.MustCompile(`^(` + strings.Join(stems, "|") + `)-[0-9]+$`)
}

func claimStem(template corev1.PersistentVolumeClaim, set string) string {
	return template.Name + "-" + set
}
