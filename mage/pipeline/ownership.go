package pipeline

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/client-go/kubernetes"

	"todo-chatbot/mage/release"
)

// chartName is the application's chart, by which its releases are known.
const chartName = "todo-chatbot"

// own refuses a release of the environment's name that somebody else made.
func (p *Pipeline) own(ctx context.Context, manager *release.Manager) error {
	err := manager.Own(ctx, p.env.Release, chartName)
	if _, foreign := errors.AsType[*release.Foreign](err); foreign {
		return usage(fmt.Errorf("%w; nothing was changed: choose another namespace with TODO_NAMESPACE, or another pipeline.release in values/%s.yaml; "+
			"`mage deploy:to %s -adopt` takes it over, and removes what it has and this application does not", err, p.env.Name, p.env.Name))
	}
	return err
}

// claim makes sure, before a deploy changes anything, that what it is about to
// change is the pipeline's, or with adopt makes it so.
func (p *Pipeline) claim(ctx context.Context, manager *release.Manager, clients kubernetes.Interface, adopt bool) error {
	if !adopt {
		if err := p.own(ctx, manager); err != nil {
			return err
		}
	}
	found, err := release.EnsureNamespace(ctx, clients, p.env.Namespace, namespaceLabels())
	if err != nil {
		return err
	}
	switch {
	case len(found.Missing) > 0:
		p.opts.Progress.Note("namespace %q was there before, so its labels are not changed, and it does not hold pods to Pod Security \"restricted\": "+
			"`%s` does, where whatever else runs there keeps to it too", found.Name, found.LabelCommand())
	case found.Unseen != nil:
		p.opts.Progress.Note("namespace %q may not be looked at (%v): it is taken to be there, with labels that suit its keeper", found.Name, found.Unseen)
	}
	if !adopt {
		return nil
	}
	return release.AdoptCredentials(ctx, clients, p.env.Namespace, p.credentialsSecret())
}
