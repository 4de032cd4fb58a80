package pipeline

import (
	"context"
	"fmt"
	"strings"

	quantity "k8s.io/apimachinery/pkg/api/resource"

	"todo-chatbot/mage/release"
)

// checkRefusals asks the API server, before anything is changed, whether it would
// refuse a change of the upgrade.
func (p *Pipeline) checkRefusals(ctx context.Context, releases Planner, spec release.Spec) error {
	found, err := releases.Refusals(ctx, spec)
	if err != nil {
		return err
	}
	return p.refusalError(found)
}

// refusalError returns one error with all refused changes and the fix for each, or
// nil.
func (p *Pipeline) refusalError(found []release.Refusal) error {
	if len(found) == 0 {
		return nil
	}
	var lines []string
	for _, r := range found {
		lines = append(lines, fmt.Sprintf("%v: %s", r, p.fix(r)))
	}
	return usageError(fmt.Errorf("the cluster would refuse this upgrade of release %s, and nothing was changed:\n  %s",
		p.releaseName(), strings.Join(lines, "\n  ")))
}

// fix returns a next step for a refusal that loses no data.
func (p *Pipeline) fix(r release.Refusal) string {
	object := strings.ToLower(r.Kind) + " " + r.Name
	switch r.Kind {
	case "StatefulSet":
		for _, c := range r.Fields {
			if strings.HasPrefix(c.Field, "spec.volumeClaimTemplates[") {
				return p.fixVolume(c)
			}
		}
		return fmt.Sprintf("set it back, or call `kubectl -n %s delete %s --cascade=orphan`, which keeps its pods and volumes, and deploy again", p.env.Namespace, object)
	case "PersistentVolumeClaim":
		return "set it back: a volume grows only if its storage class allows it, and it never becomes smaller; docs/data.md says how to move to another volume"
	case "Deployment", "Service":
		return fmt.Sprintf("set it back, or call `kubectl -n %s delete %s` and deploy again: it holds no data, and the application is down until then", p.env.Namespace, object)
	}
	return "set it back"
}

func (p *Pipeline) fixVolume(c release.Change) string {
	from, fromErr := quantity.ParseQuantity(c.From)
	to, toErr := quantity.ParseQuantity(c.To)
	switch {
	case !strings.HasSuffix(c.Field, ".resources.requests.storage"), fromErr != nil, toErr != nil:
		return "set it back: this field of a volume cannot change; docs/data.md says how to move to another volume"
	case to.Cmp(from) < 0:
		return fmt.Sprintf("set postgresql.persistence.size back to %s: a volume cannot become smaller", c.From)
	}
	return fmt.Sprintf("`mage db:resize -env=%s` enlarges the volume without loss; then deploy again", p.env.Name)
}
