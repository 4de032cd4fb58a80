package pipeline

import (
	"context"
	"errors"
	"fmt"

	"todo-chatbot/mage/release"
)

// checkOwner refuses a release that the pipeline did not make.
func (p *Pipeline) checkOwner(ctx context.Context, releases ReleaseOwner) error {
	err := releases.Own(ctx, p.env.Release, chartName)
	if _, foreign := errors.AsType[*release.Foreign](err); foreign {
		return usageError(fmt.Errorf("%w; nothing was changed: choose another namespace with TODO_NAMESPACE, or another pipeline.release in values/%s.yaml; "+
			"`mage deploy:to %s -adopt` takes the release over and removes its objects that this application does not have", err, p.env.Name, p.env.Name))
	}
	return err
}

// prepareNamespace makes the namespace, after it checked that the release in it is
// the pipeline's. With Adopt it takes the release and its Secret over.
func (p *Pipeline) prepareNamespace(ctx context.Context, t target, opts DeployOptions) error {
	if !opts.Adopt {
		if err := p.checkOwner(ctx, t.releases); err != nil {
			return err
		}
	}
	found, err := release.EnsureNamespace(ctx, t.kubernetes, p.env.Namespace, namespaceLabels())
	if err != nil {
		return err
	}
	switch {
	case len(found.Missing) > 0:
		p.opts.Progress.Note("namespace %q was there before, so its labels are not changed and Pod Security \"restricted\" is not enforced in it: "+
			"`%s` enforces it, if all pods in the namespace comply", found.Name, found.LabelCommand())
	case found.Unseen != nil:
		p.opts.Progress.Note("namespace %q cannot be read (%v): the deploy assumes that it exists with suitable labels", found.Name, found.Unseen)
	}
	if !opts.Adopt {
		return nil
	}
	return release.AdoptCredentials(ctx, t.kubernetes, p.env.Namespace, p.credentialsSecret())
}

func namespaceLabels() map[string]string {
	return map[string]string{"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"}
}
