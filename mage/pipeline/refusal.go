package pipeline

import (
	"context"
	"fmt"
	"strings"

	quantity "k8s.io/apimachinery/pkg/api/resource"

	"todo-chatbot/mage/release"
)

// refused ends a deploy before it changes anything, where the API server would
// not take the upgrade.
func (p *Pipeline) refused(ctx context.Context, manager *release.Manager, spec release.Spec) error {
	found, err := manager.Refusals(ctx, spec)
	if err != nil {
		return err
	}
	return p.refusal(found)
}

// refusal is one error for all changes that the API server would not take, each
// with what to do; nil without any.
func (p *Pipeline) refusal(found []release.Refusal) error {
	if len(found) == 0 {
		return nil
	}
	var lines []string
	for _, r := range found {
		lines = append(lines, fmt.Sprintf("%v: %s", r, p.cure(r)))
	}
	return usage(fmt.Errorf("the cluster would not take this upgrade of release %s/%s, and nothing was changed:\n  %s",
		p.env.Namespace, p.env.Release, strings.Join(lines, "\n  ")))
}

// cure is what to do about a refusal without losing data.
func (p *Pipeline) cure(r release.Refusal) string {
	object := strings.ToLower(r.Kind) + " " + r.Name
	switch r.Kind {
	case "StatefulSet":
		for _, c := range r.Fields {
			if strings.HasPrefix(c.Field, "spec.volumeClaimTemplates[") {
				return p.cureOfVolume(c)
			}
		}
		return fmt.Sprintf("set it back, or call `kubectl -n %s delete %s --cascade=orphan`, which keeps its pods and volumes, and deploy again", p.env.Namespace, object)
	case "PersistentVolumeClaim":
		return "set it back: a volume grows only where its storage class allows it, and never becomes smaller; docs/data.md says how to move to another volume"
	case "Deployment", "Service":
		return fmt.Sprintf("set it back, or call `kubectl -n %s delete %s` and deploy again: it holds no data, and nobody is served meanwhile", p.env.Namespace, object)
	}
	return "set it back"
}

func (p *Pipeline) cureOfVolume(c release.Change) string {
	from, fromErr := quantity.ParseQuantity(c.From)
	to, toErr := quantity.ParseQuantity(c.To)
	switch {
	case !strings.HasSuffix(c.Field, ".resources.requests.storage"), fromErr != nil, toErr != nil:
		return "set it back: a volume keeps what it was made with; docs/data.md says how to move to another volume"
	case to.Cmp(from) < 0:
		return fmt.Sprintf("set postgresql.persistence.size back to %s: a volume cannot become smaller", c.From)
	}
	return fmt.Sprintf("`mage db:resize -env=%s` enlarges the volume without loss; then deploy again", p.env.Name)
}
